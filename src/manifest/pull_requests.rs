//! `pull-requests`: what the pull requests of earlier runs mean for a task, and how many may be open.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::located::Located;
use super::setting::Limit::{AtLeast, NotZero};
use super::setting::{Setting, settings};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

settings! {
    /// `pull-requests`: what those of earlier runs mean for a task, and how many may be open.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PullRequests, written PullRequestKeys {
        /// What becomes of a task whose pull request of an earlier run is known; by default `{ open: adopt, closed: skip, merged:
        /// again }`.
        existing: Existing;
        /// How long ago such a pull request may have been made.
        look_back: Duration = 90 * DAY, NotZero;
        /// Pull requests of ours that may be open in one repository, a session at work counted as one; tasks beyond that wait,
        /// and what is left at the end is deferred; no bound by default.
        max_open_per_repository: Option<usize>, AtLeast(1);
        /// Pull requests of the whole manifest that may be open, a session at work counted as one; tasks beyond that wait, and
        /// what is left at the end is deferred; no bound by default.
        max_open: Option<usize>, AtLeast(1);
    }
}

impl PullRequests {
    /// Whether there is a bound on those that are open.
    #[must_use]
    pub fn bounds_open(&self) -> bool {
        self.max_open.is_some() || self.max_open_per_repository.is_some()
    }
}

settings! {
    /// `pull-requests.existing`: what becomes of a task whose pull request of an earlier run is known.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Existing, written ExistingKeys {
        /// Where it is open: `adopt` it (the task succeeds with it), `skip` the task, or begin `again`.
        open: IfExists = IfExists::Adopt;
        /// Where it was closed unmerged: `skip` or `again`.
        closed: IfClosed = IfClosed::Skip;
        /// Where it is merged: `again`, `skip`, or `adopt`.
        merged: IfExists = IfExists::Again;
    }
}

/// What becomes of a task whose pull request is open, or merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IfExists {
    /// It succeeds with that, and no session is created.
    Adopt,
    /// It is skipped.
    Skip,
    /// It has a session as if there were none.
    #[default]
    Again,
}

/// What becomes of a task whose pull request was closed unmerged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IfClosed {
    /// It is skipped: the default.
    #[default]
    Skip,
    /// It has a session as if there were none.
    Again,
}
