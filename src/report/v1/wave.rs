//! What `report.json` says of waves.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::times::optional_time;

/// A wave of repositories: the next one begins when it has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaveV1 {
    /// Which, from 1.
    pub number: usize,
    /// Its repositories.
    pub repositories: Vec<String>,
    /// How it stands.
    pub state: WaveStateV1,
    /// The same in a line, with the figures.
    pub reason: String,
    /// When its tasks could begin; null if they cannot yet.
    #[schemars(schema_with = "optional_time")]
    pub began_at: Option<Timestamp>,
    /// When it is judged anew whatever happens, or when it has passed; missing where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_time")]
    pub until: Option<Timestamp>,
    /// Its tasks that are a success.
    pub good: usize,
    /// Its tasks that cannot be one any more.
    pub bad: usize,
    /// Its tasks of which nobody knows yet.
    pub open: usize,
    /// How many have to be a success.
    pub needed: usize,
}

/// How a wave stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WaveStateV1 {
    /// It has not begun.
    Waiting,
    /// It may still pass.
    Open,
    /// Enough are a success, and that has to last.
    Soaking,
    /// It has passed.
    Passed,
    /// It has not: too few are a success, or its time is over.
    Failed,
}
