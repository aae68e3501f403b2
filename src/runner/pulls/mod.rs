//! The pull requests of tasks, read from GitHub: which, how they stand now, and the events that tell of it.

mod followed;
mod reader;
mod recording;

pub(crate) use followed::FollowedPull;
pub(crate) use reader::{PullRead, PullReader};
pub(crate) use recording::record;
