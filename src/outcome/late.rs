//! Sessions of which a process heard when the run was another's already.

use std::pin::Pin;
use std::sync::Arc;

use super::Marker;
use crate::plan::TaskId;
use jules::SessionId;

/// A session that a process created for a task, and whose answer came after it had lost the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateSession {
    /// The task.
    pub task: TaskId,
    /// The session.
    pub session: SessionId,
    /// What its title bears; none where that process did not know any more.
    pub marker: Option<Marker>,
}

/// Asks for those that nobody has seen to. Where there is no answer there are none for now.
pub(crate) type LateReader =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<LateSession>> + Send>> + Send + Sync>;
