//! GitHub, as far as pull requests need it: what is read, and the few writes. It knows no task and decides nothing.
//!
//! Readings never fail as a whole: each thing that was asked for has its own, and what an answer does not tell is
//! [unreadable](Unreadable) or an unread [`Fact`], never "none". One request is under way at a time; limits are waited for
//! up to the deadline that the caller gives.

mod answer;
mod client;
mod config;
mod details;
mod limit;
mod pacing;
mod pull_request;
mod push;
mod query;
mod reader;
mod repository;
mod token_kind;
mod transport;
mod unreadable;
mod words;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use answer::RateLeft;
pub(crate) use client::GitHub;
pub(crate) use config::{Config, InvalidAddress};
pub(crate) use details::{Check, Details, Opinion, OpinionState};
pub(crate) use pull_request::{Account, AutoMerge, Fact, PullRequest, Repository};
pub(crate) use push::{Push, PushKind};
pub(crate) use repository::{FoundPull, Newest, RepositoryFacts};
pub(crate) use token_kind::TokenKind;
pub(crate) use unreadable::{Reading, Unreadable, UnreadableKind};
pub(crate) use words::{MergeState, Mergeable, Permission, State};
pub(crate) use write::{MergeMethod, Write, WriteError};
