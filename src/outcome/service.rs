//! What keeps requests from being sent or answered, as a run sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What keeps requests from being sent or answered at the moment; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceStatus {
    /// The service does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// Requests that wait because the service has answered 429.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<RequestPause>,
    /// No task is started for the time being.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_pause: Option<StartPause>,
    /// How many creates are decided and wait for their turn: their sessions cannot exist yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub queued_creates: usize,
    /// How many more sessions `limits.sessions-per-day` allows now; none without such a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_left: Option<usize>,
    /// When it allows the next one, where it allows none now and tasks wait for that, or were left for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_free_at: Option<Timestamp>,
    /// Slots are free, and what could start waits for a place in its repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
}

/// Tasks whose repositories have as many live sessions as `strategy.max-parallel-per-repository` allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// How many.
    pub tasks: usize,
    /// Some of the repositories, those with the most tasks first.
    pub repositories: Vec<String>,
    /// How many more repositories there are.
    pub more: usize,
    /// The bound.
    pub bound: usize,
}

/// The service does not answer, or with nothing worth having.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outage {
    /// The kinds of requests that fail, in the plural: `reads`, `activity listings`, `session listings`.
    pub requests: Vec<String>,
    /// Since when.
    pub since: Timestamp,
    /// When the last request failed; it may be over since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Timestamp>,
    /// What the last failure said, in one line.
    pub error: String,
    /// When the next request is due, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
}

/// Requests of one kind wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestPause {
    /// Which, in the plural: `creates`.
    pub requests: String,
    /// Until when.
    pub until: Timestamp,
    /// Whether the service has asked for so long (`Retry-After`); otherwise the length is ours.
    pub asked: bool,
}

/// No task is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartPause {
    /// Until when, unless a session of ours ends before.
    pub until: Timestamp,
    /// Why: `sessions-per-day`, `capacity-wait` or `account`.
    pub reason: String,
}

impl ServiceStatus {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Until when requests of this kind wait, if they do.
    #[must_use]
    pub fn paused_until(&self, requests: &str) -> Option<Timestamp> {
        self.pauses.iter().find(|pause| pause.requests == requests).map(|pause| pause.until)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
