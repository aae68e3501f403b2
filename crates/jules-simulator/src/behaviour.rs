//! How a session behaves: the `then` of a scenario's rules.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;

use super::{github::PullScript, span::Span, wake::Wake};

/// What a scenario says about a session's life. What it leaves out comes from the scenario's `defaults`, and then
/// from the request itself. Lengths of time are in service time.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// What the agent says last, right before it completes: an open question, say.
    pub(super) last_word: Option<String>,
    /// Where its questions and its last word stand.
    pub(super) asks_in: Option<AsksIn>,
    /// How long after the end the outputs appear; `never` leaves them to the activities.
    pub(super) outputs_after: Option<After>,
    /// How much of the work is done when the outputs appear, the session being live; 0 to 1, in place of
    /// `outputs-after`.
    pub(super) outputs_at: Option<f64>,
    /// How long after the change set the pull request appears, and each further one after the one before.
    pub(super) pull_request_after: Option<After>,
    /// How many pull requests it opens (default 1).
    pub(super) pull_requests: Option<u8>,
    /// The form of their head branches.
    pub(super) branch_form: Option<BranchForm>,
    /// What brings it back once it has completed. Absent: a message does; none listed: nothing does.
    pub(super) wakes: Option<Vec<Wake>>,
    /// What the service makes of the title it was sent.
    pub(super) title: Option<TitleChange>,
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
    /// Whether sendMessage answers 404 while it is QUEUED, as the service does (default false).
    pub(super) refuse_messages_while_queued: Option<bool>,
    /// What becomes of its pull requests on GitHub.
    pub(super) on_github: Option<Arc<PullScript>>,
    /// Digits after the second's point in activity times (0–9); by default as few as hold microseconds.
    pub(super) time_digits: Option<u8>,
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// IN_PROGRESS for ever, and the agent keeps reporting.
    Busy,
    /// IN_PROGRESS, and the agent falls silent.
    Stall,
    /// The agent says that it paused; PAUSED.
    Pause,
    /// PAUSED without a word.
    PauseSilently,
    /// COMPLETED right after its plan: no work, no word.
    PlanOnly,
    /// The pull request is there, yet the session stays IN_PROGRESS.
    PullRequestInProgress,
    /// The pull request is there, and the session is PAUSED for ever.
    PullRequestPaused,
    /// The pull request is there, and the agent asks something and waits for ever.
    PullRequestWaiting,
    /// The pull request is there, and then the session is FAILED.
    PullRequestFailed,
}

impl Ending {
    /// Whether the agent changes anything on the way there.
    pub(super) fn changes_something(self) -> bool {
        match self {
            Self::NoChange | Self::PlanOnly => false,
            Self::PullRequest
            | Self::Change
            | Self::Failure
            | Self::FailureWithoutReason
            | Self::Busy
            | Self::Stall
            | Self::Pause
            | Self::PauseSilently
            | Self::PullRequestInProgress
            | Self::PullRequestPaused
            | Self::PullRequestWaiting
            | Self::PullRequestFailed => true,
        }
    }
}

/// Where the agent's questions stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum AsksIn {
    /// `agentMessaged`.
    #[default]
    Message,
    /// The text of `progressUpdated`.
    Progress,
    /// The description of an activity that has no kind.
    Description,
}

/// Forms of head branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum BranchForm {
    /// `<slug>-<id>`; the slug may hold a slash.
    Slug,
    /// `jules-<id>-<8 hex>`.
    Jules,
    /// `<slug>`, as before November 2025.
    WithoutId,
}

/// What the service makes of a title.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TitleChange {
    /// Keeps this many characters.
    pub(super) cut: Option<usize>,
    /// A title of its own in place of the one sent.
    pub(super) becomes: Option<String>,
    /// How long after the creation (default at once).
    pub(super) after: Option<Span>,
}

/// Questions of the agent.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Feedback {
    /// How many times the session asks and waits for a message.
    pub(super) times: u16,
    /// The question's text.
    pub(super) question: Option<String>,
}

/// What a working agent reports.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Activities {
    /// Time between two reports. Absent: about twelve reports however long the work takes.
    pub(super) gap: Option<Span>,
    /// What is among the reports beside progress and messages; default change sets.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Lacking {
    State,
    Url,
    CreateTime,
}

/// How long after something else an output appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum After {
    Delay(Span),
    Never,
}

impl TryFrom<String> for After {
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
            last_word: self.last_word.or(base.last_word),
            asks_in: self.asks_in.or(base.asks_in),
            outputs_after: self.outputs_after.or(base.outputs_after),
            outputs_at: self.outputs_at.or(base.outputs_at),
            pull_request_after: self.pull_request_after.or(base.pull_request_after),
            pull_requests: self.pull_requests.or(base.pull_requests),
            branch_form: self.branch_form.or(base.branch_form),
            wakes: self.wakes.or(base.wakes),
            title: self.title.or(base.title),
            activities: self.activities.or(base.activities),
            reply_after: self.reply_after.or(base.reply_after),
            reply: self.reply.or(base.reply),
            pull_request_title: self.pull_request_title.or(base.pull_request_title),
            patch: self.patch.or(base.patch),
            create_lacks: self.create_lacks.or(base.create_lacks),
            list_lag: self.list_lag.or(base.list_lag),
            not_found_for: self.not_found_for.or(base.not_found_for),
            refuse_messages_while_queued: self
                .refuse_messages_while_queued
                .or(base.refuse_messages_while_queued),
            on_github: match (self.on_github, base.on_github) {
                (Some(own), Some(base)) => Some(Arc::new(PullScript::clone(&own).over(&base))),
                (own, base) => own.or(base),
            },
            time_digits: self.time_digits.or(base.time_digits),
        }
    }

    /// What is wrong with the numbers, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        for (key, share) in [("turn", self.turn), ("outputs-at", self.outputs_at)] {
            if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
                return Some(format!("`{key}: {share}` is not between 0 and 1"));
            }
        }
        if let Some(complaint) = self.on_github.as_ref().and_then(|script| script.complaint()) {
            return Some(complaint);
        }
        self.time_digits
            .filter(|digits| *digits > 9)
            .map(|digits| format!("`time-digits: {digits}` is more than 9"))
    }
}
