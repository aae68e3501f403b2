//! The pull requests of tasks, read from GitHub: which, how they stand now, and the events that tell of it.

mod around;
mod followed;
mod known;
mod reader;
mod recording;
mod troubles;

pub(crate) use around::{Following, PullsBefore, at_end};
pub(crate) use followed::FollowedPull;
pub(crate) use known::KnownPull;
pub(crate) use reader::{PullRead, PullReader};
pub(crate) use recording::{news, record};
pub(crate) use troubles::troubles;
