//! How a session behaves: the `then` of a scenario's rules.

use std::time::Duration;

use serde::Deserialize;

use super::span::Span;

/// What a scenario says about a session's life. What it leaves out comes from the scenario's `defaults`, and then
/// from the request itself. Lengths of time are in service time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Behaviour {
    /// From creation to end, less the time spent waiting for people. Drawn from 2m..6m when absent.
    pub(super) duration: Option<Span>,
    /// How it ends, or does not.
    pub(super) outcome: Option<Ending>,
    /// How much of the work is done when the session stalls, pauses or turns busy; 0 to 1, default 0.5.
    pub(super) turn: Option<f64>,
    /// Whether a message brings a stalled or paused session back (default true).
    pub(super) revived_by_message: Option<bool>,
    /// The reason of a failure.
    pub(super) failure_reason: Option<String>,
    /// The state shown instead of IN_PROGRESS during the middle of the work.
    pub(super) unknown_state: Option<String>,
    /// Questions the agent asks before it goes on.
    pub(super) feedback: Option<Feedback>,
    /// How long after the end the outputs appear; `never` leaves them to the activities.
    pub(super) outputs_after: Option<OutputsAfter>,
    /// How long after the change set the pull request appears (default 0s).
    pub(super) pull_request_after: Option<Span>,
    /// What the agent reports while it works.
    pub(super) activities: Option<Activities>,
    /// How long the agent takes to answer a message (default 5s..20s).
    pub(super) reply_after: Option<Span>,
    /// What it answers.
    pub(super) reply: Option<String>,
    /// Title of the pull request, instead of one made from the session's title or prompt.
    pub(super) pull_request_title: Option<String>,
    /// The change as a unified diff, instead of one made up.
    pub(super) patch: Option<String>,
    /// Fields that the answer to create lacks.
    pub(super) create_lacks: Option<Vec<Lacking>>,
    /// How long a new session is missing from sessions.list.
    pub(super) list_lag: Option<Span>,
    /// How long a new session's own addresses answer 404.
    pub(super) not_found_for: Option<Span>,
    /// Digits after the second's point in activity times (0–9); by default as few as hold microseconds.
    pub(super) time_digits: Option<u8>,
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ending {
    /// COMPLETED with a pull request; with a change set alone when the request did not ask for one.
    PullRequest,
    /// COMPLETED with a change set and no pull request.
    Change,
    /// COMPLETED, nothing changed.
    NoChange,
    /// FAILED, the reason in the activities.
    Failure,
    /// FAILED without any reason.
    FailureWithoutReason,
    /// IN_PROGRESS for good, and the agent keeps reporting.
    Busy,
    /// IN_PROGRESS, and the agent falls silent.
    Stall,
    /// The agent says that it paused; PAUSED.
    Pause,
    /// PAUSED without a word.
    PauseSilently,
    /// The pull request is there, yet the session stays IN_PROGRESS.
    PullRequestInProgress,
}

/// Questions of the agent.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Feedback {
    /// How many times the session asks and waits for a message.
    pub(super) times: u16,
    /// The question's text.
    pub(super) question: Option<String>,
}

/// What a working agent reports.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Activities {
    /// Time between two reports. Absent: about twelve reports however long the work takes.
    pub(super) gap: Option<Span>,
    /// What is among the reports beside progress and messages; default bash output and change sets.
    pub(super) with: Option<Vec<Extra>>,
    /// Texts the agent says, in turn, instead of its own.
    pub(super) says: Vec<String>,
    /// Reports come in pairs that share a timestamp.
    pub(super) shared_timestamps: bool,
    /// Size of the image in a media artifact, in bytes before base64 (default 68, a real PNG).
    pub(super) media_bytes: Option<usize>,
    /// Size of a command's output in bytes.
    pub(super) output_bytes: Option<usize>,
}

/// Something extra among the activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Extra {
    BashOutput,
    ChangeSet,
    Media,
    /// An activity of a kind that no client knows.
    UnknownActivity,
    /// An artifact of a kind that no client knows.
    UnknownArtifact,
    /// An activity that has no kind at all, only a description.
    Bare,
}

/// A field missing in the answer to create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Lacking {
    State,
    Url,
    CreateTime,
}

/// When outputs appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum OutputsAfter {
    Delay(Span),
    Never,
}

impl TryFrom<String> for OutputsAfter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "never" { Ok(Self::Never) } else { Span::try_from(text).map(Self::Delay) }
    }
}

impl Behaviour {
    /// The time a session takes when nothing says otherwise.
    pub(super) const DURATION: Span = Span::range(Duration::from_secs(120), Duration::from_secs(360));
    /// The time the agent takes to answer a message when nothing says otherwise.
    pub(super) const REPLY: Span = Span::range(Duration::from_secs(5), Duration::from_secs(20));

    /// This behaviour, and `base` where it is silent.
    pub(super) fn over(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            duration: self.duration.or(base.duration),
            outcome: self.outcome.or(base.outcome),
            turn: self.turn.or(base.turn),
            revived_by_message: self.revived_by_message.or(base.revived_by_message),
            failure_reason: self.failure_reason.or(base.failure_reason),
            unknown_state: self.unknown_state.or(base.unknown_state),
            feedback: self.feedback.or(base.feedback),
            outputs_after: self.outputs_after.or(base.outputs_after),
            pull_request_after: self.pull_request_after.or(base.pull_request_after),
            activities: self.activities.or(base.activities),
            reply_after: self.reply_after.or(base.reply_after),
            reply: self.reply.or(base.reply),
            pull_request_title: self.pull_request_title.or(base.pull_request_title),
            patch: self.patch.or(base.patch),
            create_lacks: self.create_lacks.or(base.create_lacks),
            list_lag: self.list_lag.or(base.list_lag),
            not_found_for: self.not_found_for.or(base.not_found_for),
            time_digits: self.time_digits.or(base.time_digits),
        }
    }

    /// What is wrong with the numbers, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        if let Some(turn) = self.turn.filter(|turn| !(0.0..=1.0).contains(turn)) {
            return Some(format!("`turn: {turn}` is not between 0 and 1"));
        }
        self.time_digits
            .filter(|digits| *digits > 9)
            .map(|digits| format!("`time-digits: {digits}` is more than 9"))
    }
}
