//! Good ends of tasks that are to be done once more: they count until there is another session.

use crate::engine::action::TaskIx;
use crate::outcome::{EventKind, Outcome};

/// How a task had ended before it was to be done once more.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    /// What takes that end back, once there is an intent.
    pub(super) reopens: Option<EventKind>,
    /// Its prompt was edited since: once there is an intent it is another task.
    pub(super) is_edited: bool,
}

/// A task that was not done once more.
#[derive(Clone, Debug)]
pub(super) struct NotAgain {
    pub(super) task: TaskIx,
    /// What it would have ended as otherwise.
    pub(super) outcome: Outcome,
    pub(super) why: String,
}
