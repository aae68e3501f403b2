//! What the dispatcher wants done.

use std::ops::Index;

use jiff::Timestamp;

use super::input::{Act, Told};
use super::poller::PollRequest;
use crate::outcome::Marker;
use crate::plan::{Plan, Task};
use jules::SessionId;

/// A task's place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TaskIx(pub(super) usize);

impl Index<TaskIx> for Plan {
    type Output = Task;

    fn index(&self, TaskIx(place): TaskIx) -> &Task {
        &self.tasks[place]
    }
}

/// One attempt at a task. Requests are made for it, and answers that come after its end are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) task: TaskIx,
    /// From 1.
    pub(super) number: u32,
}

/// A request to make. The loop starts it after the turn's events are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// List newest first back to `since`, before anything is created.
    Survey { since: Option<Timestamp> },
    /// The same at the end, to find strays.
    Audit { since: Timestamp },
    /// Wait until quotas and pauses let a create through. `more`: how many more the run could begin; `lost`: its last POST was
    /// in doubt, and its session was not found.
    Turn { attempt: Attempt, more: usize, lost: bool },
    /// POST a session, in a turn that was had. Its intent is on disk.
    Create { attempt: Attempt, marker: Marker },
    /// Search for the session of an intent, newest first back to `since`; one with its marker is read by itself where the
    /// list does not tell what it was asked.
    Search { attempt: Attempt, marker: Marker, since: Timestamp },
    /// Read a page of the session list, or one session.
    Poll(PollRequest),
    /// Read a session's activities.
    Read { attempt: Attempt, session: SessionId, purpose: Purpose, since: Option<Timestamp> },
    /// Read what is told to people of a session that has ended, as far as it is not known.
    Tell { attempt: Attempt, session: SessionId, known: Option<Box<Told>>, has_change: bool },
    /// Approve a session's plan.
    Approve { attempt: Attempt, session: SessionId },
    /// Send a session a message: a reply or a nudge.
    Send { attempt: Attempt, session: SessionId, act: Act, text: String },
    /// Put the session of an attempt that was given up into the archive, which pauses it.
    Archive { session: SessionId },
    /// Read a session that an earlier invocation gave up and did not put away.
    Look { session: SessionId },
    /// Read the session of a task's last attempt before there is another.
    Recheck { task: TaskIx, session: SessionId },
}

impl Action {
    /// Whether it changes something, so that what it follows from is kept before it starts.
    pub(super) fn is_on_record_first(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Approve { .. } | Self::Send { .. } | Self::Archive { .. } => true,
            Self::Survey { .. }
            | Self::Audit { .. }
            | Self::Turn { .. }
            | Self::Search { .. }
            | Self::Poll(_)
            | Self::Read { .. }
            | Self::Tell { .. }
            | Self::Look { .. }
            | Self::Recheck { .. } => false,
        }
    }
}

/// What a session's activities are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// How long has the agent been silent?
    Silence,
    /// What does it ask?
    Question,
    /// Why did it fail?
    Reason,
    /// What did it make?
    Work,
    /// Has it been answered since it, or its attempt, has ended?
    Answer,
    /// What has it done last? Only to be shown: one small page, and nothing is decided by it.
    Show,
}
