//! The choices that a manifest offers by name. A plan means the same by them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `poll.strategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PollStrategy {
    /// Whichever costs fewer requests: the default.
    #[default]
    Auto,
    /// Pages of `sessions.list`.
    List,
    /// One `sessions.get` for each session.
    Get,
}

/// `waiting.plan-approval`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanApproval {
    /// Approve it: the default.
    #[default]
    Approve,
    /// `needs_input`.
    Fail,
    /// `detached`: a human will see to it.
    Detach,
}

/// `retries.on`: an ended attempt that may be tried again, by the name of its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// The session failed, or `expect` was not met.
    Failed,
    /// It waits for a human and the policy is spent.
    NeedsInput,
    /// `timeouts.task` was over.
    TimedOut,
    /// The agent was silent and the nudges are spent.
    Stalled,
    /// The API or the infrastructure failed.
    Error,
    /// The session completed without any change.
    NoChange,
}

/// `retries.backoff`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Backoff {
    /// Twice as long each time: the default.
    #[default]
    Exponential,
    /// One more `delay` each time.
    Linear,
    /// The same each time.
    Constant,
}

/// What a completed session must have produced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// A pull request.
    PullRequest,
    /// A pull request or a change set.
    Change,
    /// Nothing in particular: the default.
    #[default]
    Any,
}

impl Expect {
    /// The word that a manifest uses for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PullRequest => "pull-request",
            Self::Change => "change",
            Self::Any => "any",
        }
    }
}

/// How a completed session that changed nothing is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnNoChange {
    /// As a passing case with a note: the default.
    #[default]
    Pass,
    /// As a skipped case.
    Skip,
    /// As a failure.
    Fail,
}
