//! What the service's account allows, and how it stands.

use std::time::Duration;

/// What an account allows; none is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Live sessions at once.
    pub(crate) live: Option<u32>,
    /// Sessions created within a rolling 24 h.
    pub(crate) sessions_per_day: Option<u32>,
    /// All requests together, a minute.
    pub(crate) requests_per_minute: Option<u32>,
    /// Sessions created, a minute.
    pub(crate) creates_per_minute: Option<u32>,
    /// Listings of activities, a minute.
    pub(crate) activities_per_minute: Option<u32>,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    /// Slots in use: sessions that are live, and what is about to become one or may have.
    pub(crate) live: usize,
    /// What counts for the day.
    pub(crate) within_day: usize,
    /// The runs that are at work on it.
    pub(crate) members: Vec<Member>,
    /// Kinds of requests that wait because the service has asked for it, and how long yet.
    pub(crate) pauses: Vec<(String, Duration)>,
}

/// A run that is at work on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// None where it is in a schema of others.
    pub(crate) run: Option<MemberRun>,
    pub(crate) live: usize,
    /// How many sessions more it wants.
    pub(crate) waiting: usize,
}

/// Which run that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberRun {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) name: String,
}
