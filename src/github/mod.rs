//! GitHub, as far as pull requests need it: what is read, and the few writes. It knows no task and decides nothing.

mod address;
mod pull_request;
mod push;
mod unreadable;
mod words;

pub(crate) use address::PullAddress;
pub(crate) use pull_request::{Account, AutoMerge, Fact, PullRequest, Repository};
pub(crate) use push::{Push, PushKind};
pub(crate) use unreadable::{Reading, Unreadable, UnreadableKind};
pub(crate) use words::{MergeState, Mergeable, Permission, State};
