//! What a driver wants done, and how an attempt ended.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::engine::action::Purpose;
use crate::engine::input::Act;
use crate::outcome::{Outcome, Work};

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Step {
    /// The state changed; `lag` after the session's end, if it has ended while we followed it.
    State { state: String, lag: Option<Duration> },
    /// What the agent did last, so long ago.
    Active { activity: String, ago: Duration },
    /// Something a person should know.
    Note(String),
    /// Read the session soon, on its own.
    ReadAt(Instant),
    /// Look at it then, alone or among others.
    LookAt(Instant),
    /// Read its activities.
    Read { purpose: Purpose, since: Option<Timestamp> },
    /// Approve its plan.
    Approve,
    /// Our approval arrived.
    Approved,
    /// Send it a message. `again`: the last one surely did not arrive, this one does not count.
    Send { act: Act, text: String, again: bool },
    /// The attempt is over.
    End(End),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct End {
    pub(in crate::engine) outcome: Outcome,
    pub(in crate::engine) reason: Option<String>,
    pub(in crate::engine) work: Work,
    /// Another attempt would end the same way.
    pub(in crate::engine) lasting: bool,
    /// It may be at work, and nobody follows it any more: it keeps its slot.
    pub(in crate::engine) unseen: bool,
}

impl End {
    /// The end of an attempt that made nothing and may be followed by another.
    pub(in crate::engine) fn new(outcome: Outcome, reason: Option<String>) -> Self {
        Self { outcome, reason, work: Work::default(), lasting: false, unseen: false }
    }
}
