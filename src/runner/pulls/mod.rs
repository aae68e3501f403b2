//! The pull requests of tasks, read from GitHub: which, how they stand now, the events that tell of it, and what is done to them.

mod acting;
mod around;
mod followed;
mod known;
mod log;
mod lost;
mod reader;
mod recording;
mod records;
mod troubles;

pub(crate) use acting::{Acting, End, How, Job, What};
pub(crate) use around::{Following, PullsBefore, at_end, between};
pub(crate) use followed::FollowedPull;
pub(crate) use known::KnownPull;
pub(crate) use log::PullLog;
pub(crate) use reader::{PullRead, PullReader};
pub(crate) use recording::{news, record};
pub(crate) use records::Records;
pub(crate) use troubles::troubles;
