//! What is known of a run and its tasks before anything happens to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RunId;
use crate::plan::{JobId, OnNoChange, Place, TaskId, TaskKey, TaskSource};

/// A run's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunInfo {
    /// Its id.
    pub id: RunId,
    /// The manifest's name.
    pub name: String,
    /// The manifest's path as the user gave it.
    pub manifest: String,
    /// Where reports say that the tasks stand: the manifest's path in the repository, or as the user gave it; none when
    /// there is no such file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether the service was the simulator.
    pub simulated: bool,
}

/// What reports need to know of a task before anything happens to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedTask {
    /// Its id.
    #[serde(rename = "task")]
    pub id: TaskId,
    /// Its key.
    pub key: TaskKey,
    /// Its job.
    pub job: JobId,
    /// Where it works.
    pub source: Option<TaskSource>,
    /// Its matrix values. Shared: the plan, the events and every record have the same ones.
    #[serde(default)]
    pub matrix: Arc<BTreeMap<String, Value>>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where its job stands in the manifest.
    pub place: Place,
    /// How "no change" is reported.
    #[serde(default)]
    pub on_no_change: OnNoChange,
}
