//! The choices that a manifest offers by name. A plan means the same by them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use super::diagnostic::{Diagnostic, quoted};
use super::located::Located;
use super::setting::{Limit, Setting, Wrong};

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

/// What becomes of a session that is given up and may still be at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GiveUp {
    /// It is archived, which pauses it: the default.
    #[default]
    Archive,
    /// It goes on, and the task has no further attempt beside it.
    Leave,
}

/// `strategy.max-failures`: a count, or a share of the run's tasks that have ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFailures {
    /// This number of tasks.
    Count(usize),
    /// More than this percentage of the tasks that have ended, 0–100.
    Percent(f64),
}

impl Setting for MaxFailures {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }

    fn check(written: &Located<Self>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        if written.value == Self::Count(0) {
            let finding = Diagnostic::new(format!("`{key}` of 0 would stop before the first failure"));
            wrong(finding.help("write `1`, or `fail-fast: true`"), written.span);
        }
    }
}

/// `retries.prompt` as written, and where; a template until a task is planned.
#[derive(Clone, Debug)]
pub struct RetryText(pub(crate) Located<String>);

impl PartialEq for RetryText {
    fn eq(&self, other: &Self) -> bool {
        self.0.value == other.0.value
    }
}

impl Eq for RetryText {}

impl Setting for RetryText {
    type Written = String;

    fn meant(written: Located<String>) -> Self {
        Self(written)
    }

    fn check(written: &Located<String>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        if written.trim().is_empty() {
            wrong(Diagnostic::new(format!("`{key}` is empty")).help("remove it"), written.span);
        }
    }
}

impl<'de> Deserialize<'de> for MaxFailures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            let text = quoted(&text);
            de::Error::custom(format_args!(
                "{text} is neither a count nor a share; help: write for example `5` or `25%`"
            ))
        };
        match text.strip_suffix('%') {
            Some(share) => {
                let share: f64 = share.trim().parse().map_err(|_| wrong())?;
                if (0.0..=100.0).contains(&share) { Ok(Self::Percent(share)) } else { Err(wrong()) }
            }
            None => text.parse::<u32>().map(|count| Self::Count(count as usize)).map_err(|_| wrong()),
        }
    }
}

impl JsonSchema for MaxFailures {
    fn schema_name() -> Cow<'static, str> {
        "MaxFailures".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^([0-9]+|(100|[0-9]{1,2})(\\.[0-9]+)?%)$" }],
        })
    }
}
