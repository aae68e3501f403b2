//! GitHub's words for how things stand. They stay open: one that this version does not know is kept, and never means "go".

use serde::Deserialize;

use crate::outcome::PullState;

/// Whether a pull request is open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum State {
    Open,
    Closed,
    Merged,
    #[serde(untagged)]
    Other(String),
}

impl From<&State> for PullState {
    fn from(state: &State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Closed => Self::Closed,
            State::Merged => Self::Merged,
            State::Other(_) => Self::Unknown,
        }
    }
}

/// Whether it conflicts with its base. GitHub computes it when somebody asks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(clippy::enum_variant_names, reason = "GitHub's words")]
pub(crate) enum Mergeable {
    Mergeable,
    Conflicting,
    /// Not yet computed.
    Unknown,
    #[serde(untagged)]
    Other(String),
}

/// What stands against its merge, if anything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MergeState {
    /// Its branch is behind its base, and a rule wants it up to date.
    Behind,
    /// A rule forbids the merge.
    Blocked,
    Clean,
    /// It conflicts.
    Dirty,
    Draft,
    /// As clean, in a repository with hooks before a merge.
    HasHooks,
    /// Not yet computed.
    Unknown,
    /// It can be merged, but checks that no rule asks for have not passed.
    Unstable,
    #[serde(untagged)]
    Other(String),
}

/// What the token may do in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Permission {
    Read,
    Triage,
    Write,
    Maintain,
    Admin,
    #[serde(untagged)]
    Other(String),
}

impl Permission {
    /// Whether it may merge.
    pub(crate) fn writes(&self) -> bool {
        matches!(self, Self::Write | Self::Maintain | Self::Admin)
    }
}
