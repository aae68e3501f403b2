//! A session at one moment, with what its activities tell: as data, as JSON, as Markdown.

mod markdown;

use std::time::Duration;

use foreign_text::clip;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    Activity, ActivityCounts, Artifact, BashOutput, Error, FileChange, Originator, PullRequest, Session,
    SessionClient, SessionDigest, SessionId, SessionOutcome, SessionState,
};

/// The longest text of an entry of the timeline, and the longest output of a failed command, in characters.
const LINE: usize = 200;
const OUTPUT: usize = 4_000;
/// How many failed commands are kept, the last ones.
const COMMANDS: usize = 100;

/// A session at one moment ([`SessionClient::snapshot`]).
///
/// Texts are what agent, user and service wrote: [`to_json`](Self::to_json) and [`to_markdown`](Self::to_markdown) make them
/// harmless, the fields have them as they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionSnapshot {
    /// The session's id.
    pub id: SessionId,
    /// The title.
    pub title: Option<String>,
    /// The prompt.
    pub prompt: Option<String>,
    /// The state.
    pub state: SessionState,
    /// The session's page.
    pub url: Option<String>,
    /// When it was created.
    pub create_time: Option<Timestamp>,
    /// When it last changed.
    pub update_time: Option<Timestamp>,
    /// From its creation to its last activity, or to its last change where it has none. In whole seconds in JSON.
    #[serde(rename = "durationSeconds", serialize_with = "seconds")]
    pub duration: Option<Duration>,
    /// `owner/repo`, or the source's name; none without a repository.
    pub source: Option<String>,
    /// The branch that it started from.
    pub branch: Option<String>,
    /// The pull requests that it opened.
    pub pull_requests: Vec<PullRequest>,
    /// The files that its work changes.
    pub files: Vec<ChangedFile>,
    /// How many activities of each kind there are.
    pub counts: ActivityCounts,
    /// Commands that ended with another exit code than 0, the last hundred, oldest first.
    pub failed_commands: Vec<FailedCommand>,
    /// The agent's last words, wherever they stand.
    pub last_words: Option<String>,
    /// What it asks and nobody has answered.
    pub open_question: Option<String>,
    /// Why it failed, if it said so.
    pub failure_reason: Option<String>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// A file that a session's work changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChangedFile {
    /// Its path.
    pub path: String,
    /// What happens to it: `added`, `modified`, `deleted`, `renamed`, `copied` in JSON.
    #[serde(serialize_with = "word")]
    pub change: FileChange,
    /// How many lines are added.
    pub additions: u64,
    /// How many lines are taken out.
    pub deletions: u64,
}

/// A command of the agent's that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FailedCommand {
    /// When its activity was written.
    pub time: Option<Timestamp>,
    /// The command.
    pub command: String,
    /// Its exit code.
    pub exit_code: i64,
    /// The end of its output, up to 4,000 characters.
    pub output: String,
}

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TimelineEntry {
    /// When.
    pub time: Option<Timestamp>,
    /// Who: `agent`, `user`, `system`, or as the service wrote it.
    pub originator: String,
    /// The kind, by the service's name: [`ActivityKind::as_str`](super::ActivityKind::as_str).
    pub kind: &'static str,
    /// What it tells in one line ([`Activity::headline`]), up to 200 characters.
    pub text: Option<String>,
}

impl SessionSnapshot {
    /// Of a session and its activities, oldest first.
    #[must_use]
    pub fn new(session: Session, activities: impl IntoIterator<Item = Activity>) -> Self {
        let mut course = SessionCourse::default();
        activities.into_iter().for_each(|activity| course.take(activity));
        course.snapshot(session)
    }

    /// How often the agent has made its plan anew.
    #[must_use]
    pub fn plan_revisions(&self) -> usize {
        self.counts.plans.saturating_sub(1)
    }

    /// The lines that are added and taken out in all files.
    #[must_use]
    pub fn lines(&self) -> (u64, u64) {
        let sum = |(added, deleted), file: &ChangedFile| (added + file.additions, deleted + file.deletions);
        self.files.iter().fold((0, 0), sum)
    }

    /// JSON in several lines, in which nothing acts on a terminal or a CI system's console.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Nothing in it fails: its keys are texts.
        foreign_text::json(serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// Markdown with a heading, for a comment or a page. Nothing that others wrote is markup in it.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::markdown(self)
    }
}

impl SessionClient {
    /// Reads the session and all of its activities, and gives what they tell.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn snapshot(&self) -> Result<SessionSnapshot, Error> {
        let session = self.info().await?;
        Ok(self.activities().course(0).await?.snapshot(session))
    }
}

/// A session's course as its activities tell it, one after the other: for snapshots on the way, and of what could be read.
///
/// ```no_run
/// use futures::StreamExt;
/// # async fn example(client: jules::SessionClient) -> Result<(), jules::Error> {
///
/// let (mut course, mut activities) = (jules::SessionCourse::default(), client.stream());
/// while let Some(activity) = activities.next().await {
///     course.take(activity?);
/// }
/// println!("{}", course.snapshot(client.info().await?).to_markdown());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionCourse {
    digest: SessionDigest,
    last: Option<Timestamp>,
    failed_commands: Vec<FailedCommand>,
    timeline: Vec<TimelineEntry>,
}

impl SessionCourse {
    /// An empty one, whose digest will keep up to this many messages; without any it is the [`Default`].
    #[must_use]
    pub fn keeping(messages: usize) -> Self {
        Self { digest: SessionDigest::keeping(messages), ..Self::default() }
    }

    /// The activities so far, folded.
    #[must_use]
    pub fn digest(&self) -> &SessionDigest {
        &self.digest
    }

    /// Takes the next activity, oldest first.
    pub fn take(&mut self, activity: Activity) {
        self.last = self.last.max(activity.create_time);
        self.timeline.push(TimelineEntry {
            time: activity.create_time,
            originator: match &activity.originator {
                Originator::Unknown(_) if activity.is_from_agent() => "agent".to_owned(),
                known => known.as_str().to_owned(),
            },
            kind: activity.kind.as_str(),
            text: activity.headline().map(|text| clip(text, LINE).into_owned()),
        });
        for artifact in &activity.artifacts {
            if let Artifact::BashOutput(bash) = artifact {
                self.failed_commands.extend(FailedCommand::of(bash, activity.create_time));
            }
        }
        let too_many = self.failed_commands.len().saturating_sub(COMMANDS);
        self.failed_commands.drain(..too_many);
        self.digest.take(activity);
    }

    /// The session with what its activities so far tell.
    #[must_use]
    pub fn snapshot(&self, session: Session) -> SessionSnapshot {
        let Self { digest, last, failed_commands, timeline } = self;
        let files = digest.change_set_of(&session).map(|change_set| change_set.diff().files);
        let files = files.unwrap_or_default().into_iter().map(|file| ChangedFile {
            path: file.path,
            change: file.change,
            additions: file.additions,
            deletions: file.deletions,
        });
        let end = last.or(session.update_time);
        let duration =
            session.create_time.zip(end).and_then(|(begin, end)| end.duration_since(begin).try_into().ok());
        let open_question = match &session.state {
            Some(SessionState::AwaitingUserFeedback) if !digest.is_addressed() => digest.question(),
            Some(state) if state.is_terminal() => SessionOutcome::new(session.clone(), digest).open_question,
            _ => None,
        };
        let context = session.source_context.as_ref();
        let source = context.and_then(|context| {
            let name = context.source_name();
            name.as_ref().and_then(|name| name.github()).map(str::to_owned).or_else(|| context.source.clone())
        });
        SessionSnapshot {
            files: files.collect(),
            duration,
            source,
            branch: context.and_then(|context| context.starting_branch()).map(str::to_owned),
            pull_requests: session.pull_requests().cloned().collect(),
            counts: digest.counts,
            failed_commands: failed_commands.clone(),
            last_words: digest.last_words.clone(),
            open_question,
            failure_reason: digest.failure_reason.clone(),
            timeline: timeline.clone(),
            id: session.id,
            title: session.title,
            prompt: session.prompt,
            state: session.state.unwrap_or(SessionState::Unspecified),
            url: session.url,
            create_time: session.create_time,
            update_time: session.update_time,
        }
    }
}

impl FailedCommand {
    fn of(bash: &BashOutput, time: Option<Timestamp>) -> Option<Self> {
        let exit_code = bash.exit_code.filter(|code| *code != 0)?;
        let output = bash.output.as_deref().unwrap_or_default().trim_end();
        let from = output.char_indices().rev().nth(OUTPUT - 1).map_or(0, |(at, _)| at);
        let (command, output) = (bash.command.clone().unwrap_or_default(), output[from..].to_owned());
        Some(Self { time, command, exit_code, output })
    }
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs()).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn word<S: Serializer>(change: &FileChange, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(change.as_str())
}

#[cfg(test)]
mod tests;
