//! What an earlier invocation gave up, and did not get to put away.

use jiff::{SignedDuration, Timestamp};

use super::input::Seen;
use crate::outcome::{AttemptRecord, is_waiting};
use crate::plan::TaskId;
use jules::SessionId;

/// How far clocks may differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// A session that was given up, and that nobody has seen archived or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOver {
    /// Whose it was.
    pub task: TaskId,
    /// Its attempt in this run; none where that stands in another one.
    pub attempt: Option<u32>,
    /// The session.
    pub session: SessionId,
    /// As what it was left.
    pub given_up: GivenUp,
}

/// How a session was left when it was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenUp {
    /// Its last known state, in the service's words.
    pub state: Option<String>,
    /// When it was given up.
    pub at: Timestamp,
}

impl GivenUp {
    /// That of this attempt; none if it was seen to end, or put away.
    pub(crate) fn of(attempt: &AttemptRecord) -> Option<Self> {
        let at = attempt.ended_at.filter(|_| attempt.is_left())?;
        Some(Self { state: attempt.state.clone(), at })
    }

    /// Whether it waited for a person, and goes on since or has changed: one that only waits does not.
    pub(super) fn is_answered(&self, seen: &Seen) -> bool {
        let has_changed = seen.updated.is_some_and(|updated| updated.duration_since(self.at) > CLOCKS);
        let goes_on = !is_waiting(seen.state.as_str()) || has_changed;
        self.state.as_deref().is_some_and(is_waiting) && goes_on
    }
}
