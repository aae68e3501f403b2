//! A run beside those of its manifest before it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time;

/// What has changed since the manifest's run before. Tasks are named by their ids, in the manifest's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviousV1 {
    /// The id of that run.
    pub run: String,
    /// When it began.
    #[schemars(schema_with = "time")]
    pub started_at: Timestamp,
    /// They fail now, and did not fail there.
    pub newly_failing: Vec<String>,
    /// They have failed there, and ended well now.
    pub fixed: Vec<String>,
    /// They fail now as they did there.
    pub still_failing: Vec<String>,
}

/// An earlier run in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendV1 {
    /// The run's id.
    pub run: String,
    /// When it began.
    #[schemars(schema_with = "time")]
    pub started_at: Timestamp,
    /// Tasks that ended well, those without a change among them.
    pub done: u64,
    /// Tasks that ended badly.
    pub failed: u64,
    /// Tasks that have asked, were skipped or are open.
    pub others: u64,
}
