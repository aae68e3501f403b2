//! A run among the rounds of its manifest.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Outcome, RunId};
use crate::plan::TaskId;

/// What is known of the tasks that the manifest has beside those of the run; the default is that there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoundInfo {
    /// How many tasks of the manifest were never run, and are no part of the run yet.
    pub untouched: usize,
    /// Tasks of the manifest that have ended in earlier rounds, and are not done again in this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierEnd>,
    /// `limits.sessions-per-day`; none without such a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_per_day: Option<u32>,
    /// Where the manifest stands by now, if that is not where it stood when the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// The manifest's runs before this one in which something has ended, the oldest first; the last ten at most, and none where
    /// this run is of a shard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<EarlierRun>,
    /// The tasks that failed in the last of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_before: Vec<TaskId>,
    /// The scenario of a simulated run, as the user named it; none for the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
}

/// An earlier run of the manifest in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlierRun {
    /// Which.
    pub run: RunId,
    /// When it began.
    pub began: Timestamp,
    /// Tasks that ended well, those without a change among them.
    pub done: u64,
    /// Tasks that ended badly.
    pub failed: u64,
    /// Tasks that have asked, were skipped or are open.
    pub others: u64,
}

/// Where a manifest stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// Its path as the user gave it.
    pub manifest: String,
    /// Where reports say that the tasks stand; none when there is no such file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// How a task ended in an earlier round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlierEnd {
    /// Which task.
    pub task: TaskId,
    /// The run that knows more of it.
    pub run: RunId,
    /// How.
    pub outcome: Outcome,
    /// When; where the ledger does not say, when that run began.
    pub at: Timestamp,
}
