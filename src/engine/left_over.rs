//! What an earlier invocation gave up, and did not get to put away.

use jiff::Timestamp;

use crate::plan::TaskId;
use jules::SessionId;

/// A session that was given up, and that nobody has seen archived or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOver {
    /// Whose it was.
    pub task: TaskId,
    /// Its attempt in this run; none where that stands in another one.
    pub attempt: Option<u32>,
    /// The session.
    pub session: SessionId,
    /// Its last known state, in the service's words.
    pub state: Option<String>,
    /// When it was given up.
    pub at: Timestamp,
}
