//! GitHub's words for how things stand.

use serde::Deserialize;

/// How a pull request is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum MergeMethod {
    Merge,
    Squash,
    Rebase,
}

impl MergeMethod {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "merge" => Some(Self::Merge),
            "squash" => Some(Self::Squash),
            "rebase" => Some(Self::Rebase),
            _ => None,
        }
    }

    /// As REST writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }

    /// As GraphQL writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Merge => "MERGE",
            Self::Squash => "SQUASH",
            Self::Rebase => "REBASE",
        }
    }

    /// Why a repository that does not allow it refuses.
    pub(super) fn refusal(self) -> &'static str {
        match self {
            Self::Merge => "Merge commits are not allowed on this repository.",
            Self::Squash => "Squash merges are not allowed on this repository.",
            Self::Rebase => "Rebase merges are not allowed on this repository.",
        }
    }
}

/// What somebody may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Permission {
    /// Not even see it.
    None,
    Read,
    Write,
    Admin,
}

impl Permission {
    /// As GraphQL writes it; `None` is null.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Read => Some("READ"),
            Self::Write => Some("WRITE"),
            Self::Admin => Some("ADMIN"),
        }
    }
}

/// A review's verdict, or what a person does instead of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReviewState {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

impl ReviewState {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
        }
    }

    /// Whether it is an opinion that counts until another replaces it.
    pub(super) fn is_opinion(self) -> bool {
        matches!(self, Self::Approved | Self::ChangesRequested)
    }
}

/// `statusCheckRollup.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollup {
    Error,
    Expected,
    Failure,
    Pending,
    Success,
}

impl Rollup {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Expected => "EXPECTED",
            Self::Failure => "FAILURE",
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
        }
    }
}

/// `mergeable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mergeable {
    Yes,
    Conflicting,
    Unknown,
}

impl Mergeable {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Yes => "MERGEABLE",
            Self::Conflicting => "CONFLICTING",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// As REST writes it.
    pub(super) fn flag(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::Conflicting => Some(false),
            Self::Unknown => None,
        }
    }
}

/// `mergeStateStatus`; in small letters REST's `mergeable_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MergeState {
    Behind,
    Blocked,
    Clean,
    Dirty,
    Draft,
    HasHooks,
    Unknown,
    Unstable,
}

impl MergeState {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Behind => "BEHIND",
            Self::Blocked => "BLOCKED",
            Self::Clean => "CLEAN",
            Self::Dirty => "DIRTY",
            Self::Draft => "DRAFT",
            Self::HasHooks => "HAS_HOOKS",
            Self::Unknown => "UNKNOWN",
            Self::Unstable => "UNSTABLE",
        }
    }
}

/// `reviewDecision`; null where no rule asks for reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Approved,
    ChangesRequested,
    ReviewRequired,
}

impl Decision {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::ReviewRequired => "REVIEW_REQUIRED",
        }
    }
}
