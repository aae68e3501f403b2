//! Where a task stands.

use jiff::Timestamp;
use tokio::time::Instant;

use super::old::OldSession;
use crate::api::SessionId;
use crate::engine::create::Create;
use crate::engine::driver::Driver;
use crate::outcome::Outcome;

/// A task's state and the count of its attempts.
#[derive(Debug, Default)]
pub(super) struct TaskState {
    pub(super) state: State,
    /// The number of the last attempt that had an intent; 0 before the first.
    pub(super) attempt: u32,
    /// Attempts of earlier lives of the task, which its retries do not count.
    pub(super) attempts_before: u32,
    /// When the current attempt's intent was recorded.
    pub(super) intent: Option<(Instant, Timestamp)>,
    /// The current attempt's intent was admitted and counts.
    pub(super) reserved: bool,
    /// The session of an earlier invocation's attempt: it is read again before there is another attempt.
    pub(super) old: Option<OldSession>,
    /// The session of this invocation's last attempt, if it was not seen to end: another attempt puts it away first.
    pub(super) abandoned: Option<SessionId>,
    /// The end of an attempt that a retry was to follow.
    pub(super) last_end: Option<(Outcome, Option<String>)>,
}

impl TaskState {
    /// Whether an intent of an earlier invocation is being settled.
    pub(super) fn is_settling(&self) -> bool {
        matches!(&self.state, State::Creating(create) if create.is_settling())
    }
}

impl Clone for TaskState {
    /// Only a fresh state is ever cloned, to fill a run's list of tasks.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Where a task stands.
#[derive(Debug, Default)]
pub(super) enum State {
    /// It has no slot: it waits for its needs or for one.
    #[default]
    Waiting,
    /// Its next attempt waits for the end of a pause.
    Pausing,
    /// Its old session is being read again; it may still be at work.
    Rechecking(OldSession),
    /// Its session is being created.
    Creating(Box<Create>),
    /// Its session is followed.
    Live(Box<Driver>),
    /// It has its outcome.
    Ended(Outcome),
}

impl State {
    pub(super) fn holds_slot(&self) -> bool {
        matches!(self, Self::Rechecking(_) | Self::Creating(_) | Self::Live(_))
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }
}
