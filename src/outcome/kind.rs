//! The ten outcomes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::OnNoChange;

/// What became of a task. Ordered from best to worst for a reader of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The session completed and `expect` was met.
    Succeeded,
    /// The session worked, completed and changed nothing.
    NoChange,
    /// A need failed, or a rule said so.
    Skipped,
    /// Never started: quota, deadline, breaker, `max-tasks` or an interrupt.
    Deferred,
    /// Started and still live when we left.
    Detached,
    /// The session waits for a human, at work or completed with a question, and the policy is spent.
    NeedsInput,
    /// The session failed, or `expect` was not met.
    Failed,
    /// The agent was silent and the nudges are spent.
    Stalled,
    /// `timeouts.task` was over.
    TimedOut,
    /// The API or the infrastructure failed, retries spent; or the session completed without having worked.
    Error,
}

impl Outcome {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Succeeded,
        Self::NoChange,
        Self::Skipped,
        Self::Deferred,
        Self::Detached,
        Self::NeedsInput,
        Self::Failed,
        Self::Stalled,
        Self::TimedOut,
        Self::Error,
    ];

    /// Its name in reports, in `--fail-on` and in `retries.on`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::NoChange => "no_change",
            Self::Skipped => "skipped",
            Self::Deferred => "deferred",
            Self::Detached => "detached",
            Self::NeedsInput => "needs_input",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
            Self::TimedOut => "timed_out",
            Self::Error => "error",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::NoChange => "no change",
            Self::Skipped => "skipped",
            Self::Deferred => "deferred",
            Self::Detached => "detached",
            Self::NeedsInput => "needs input",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
            Self::TimedOut => "timed out",
            Self::Error => "error",
        }
    }

    /// The outcome of that name, `-` and `_` alike.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().replace('-', "_");
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// Whether it counts as failed: exit code 100 by default, and a failed need.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            Self::NeedsInput | Self::Failed | Self::Stalled | Self::TimedOut | Self::Error => true,
            Self::Succeeded | Self::NoChange | Self::Skipped | Self::Deferred | Self::Detached => false,
        }
    }

    /// The same where "no change" is reported in this way: it may count as failed too.
    #[must_use]
    pub fn counts_as_failed(self, on_no_change: OnNoChange) -> bool {
        self.is_failure() || (self == Self::NoChange && on_no_change == OnNoChange::Fail)
    }

    /// Whether work is left: the next `run` goes on with it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Deferred | Self::Detached => true,
            Self::Succeeded
            | Self::NoChange
            | Self::Skipped
            | Self::NeedsInput
            | Self::Failed
            | Self::Stalled
            | Self::TimedOut
            | Self::Error => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_name(outcome.as_str()), Some(outcome));
            assert_eq!(Outcome::from_name(&outcome.as_str().replace('_', "-")), Some(outcome));
        }
        assert_eq!(Outcome::from_name("fine"), None);
    }

    #[test]
    fn all_is_complete_and_in_order() {
        assert!(Outcome::ALL.is_sorted());
        assert!(Outcome::ALL.iter().all(|o| !(o.is_failure() && o.is_open())));
    }
}
