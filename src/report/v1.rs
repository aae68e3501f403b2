//! `report.json`, version 1: frozen. Fields are only ever added; every other report is rendered from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::progress::{EarlierV1, ProgressV1};
use super::totals::{PullTotalsV1, TotalsV1};
use crate::outcome::{OnNoChange, Outcome};

mod details;
mod pull;
mod times;
mod trend;
mod wave;

pub use details::{ActivitiesV1, DetailsV1, FileV1};
pub(super) use pull::optional_stage;
pub use pull::{GithubApiV1, PullChangeV1, PullRequestV1};
pub(super) use times::{optional_time, time};
pub use trend::{PreviousV1, TrendV1};
pub use wave::{WaveStateV1, WaveV1};

/// A run of jules-batch: what was asked, what became of it, what it cost.
///
/// Field names are camelCase, but for the totals, which stand under the outcomes' own names; ids are strings,
/// times are RFC 3339 in UTC. New fields may appear; known ones
/// keep their meaning as long as `schemaVersion` is 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "jules-batch report")]
pub struct ReportV1 {
    /// Always 1.
    #[schemars(schema_with = "version_one")]
    pub schema_version: u32,
    /// The run.
    pub run: RunV1,
    /// How many tasks ended how; tasks that have not ended count as if the run stopped here.
    pub totals: TotalsV1,
    /// How many tasks are left for the next `jules-batch run`: the deferred and the detached ones.
    pub remaining: u64,
    /// How the pull requests of the tasks stand; missing as long as none was read from GitHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulls: Option<PullTotalsV1>,
    /// Its waves of repositories, as they stood when the run was last heard of; missing where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<WaveV1>,
    /// The tasks in the manifest's order.
    pub tasks: Vec<TaskV1>,
    /// What the service was asked.
    pub api: ApiV1,
    /// Sessions that carry this run's marker and that the run does not know.
    pub strays: Vec<StrayV1>,
    /// Why there may be more strays than these: the last invocation could not tell. Missing when it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strays_unknown: Option<String>,
    /// Earlier results of tasks whose prompt was edited while the run had work left: no part of the totals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<TaskV1>,
    /// How far the manifest is, over all days and rounds; missing in reports of programs that did not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressV1>,
    /// What has changed since the manifest's run before; missing where there is none, or this report is of a shard or merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousV1>,
    /// The manifest's runs before this one in which something has ended, the oldest first: the last ten at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<TrendV1>,
    /// Tasks of the manifest that ended in earlier rounds and are not done again in this one: no part of the totals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierV1>,
}

/// A run: one execution of a manifest, in one or several invocations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunV1 {
    /// Its id, `20261122-020005-7c1f`.
    pub id: String,
    /// The manifest's name.
    pub name: String,
    /// The manifest's path as the user gave it.
    pub manifest: String,
    /// When its first invocation began.
    #[schemars(schema_with = "time")]
    pub started_at: Timestamp,
    /// When its last invocation ended; null while one is at work, or after one was killed.
    #[schemars(schema_with = "optional_time")]
    pub ended_at: Option<Timestamp>,
    /// How many invocations it has had.
    pub invocations: u32,
    /// Whether the service was the built-in simulator: no session was created at Jules.
    pub simulated: bool,
    /// Why the last invocation ended before its time, such as `deadline` or `interrupt`; else null.
    #[serde(default)]
    pub stopped: Option<String>,
    /// The ids of the runs that were merged into this report; empty if it is of one run.
    #[serde(default)]
    pub merged_from: Vec<String>,
    /// Which of several parts of the manifest its last invocation was for (`--shard`); null for all of it.
    #[serde(default)]
    pub shard: Option<ShardV1>,
    /// The parts that were merged into this report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_shards: Vec<ShardV1>,
}

/// One of several parts of a manifest's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShardV1 {
    /// Which, from 1.
    pub index: usize,
    /// Of how many.
    pub total: usize,
}

/// One prompt on one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskV1 {
    /// Its name, stable across runs: `upgrade/my-org/backend@develop[crate=serde]`.
    pub id: String,
    /// Hash of the manifest's name, the id and the prompt, in hex.
    pub key: String,
    /// The job that it comes from.
    pub job: String,
    /// Where it works; null for a session without a repository.
    pub source: Option<SourceV1>,
    /// Its matrix values.
    #[serde(default)]
    pub matrix: Arc<BTreeMap<String, Value>>,
    /// Its job's tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What became of it; while it has not ended (`endedAt` is null), what it would be if the run stopped here.
    #[schemars(schema_with = "outcome")]
    pub outcome: Outcome,
    /// Why, in the words of the service or the agent where there are any.
    pub reason: Option<String>,
    /// A person's word, if that is what the outcome goes by (`jules-batch mark`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<MarkedV1>,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptV1>,
    /// The pull request of its last attempt, the last one if there are several.
    pub pull_request: Option<Arc<PullRequestV1>>,
    /// All pull requests of its last attempt, oldest first; `pullRequest` is the last of them.
    #[serde(default)]
    pub pull_requests: Vec<Arc<PullRequestV1>>,
    /// Whether the pull request is an earlier run's, and the task ended with it instead of a session of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// The size of its last attempt's change.
    pub change: Option<ChangeV1>,
    /// What the session of its last attempt has said and done; missing where that was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<DetailsV1>>,
    /// When it was first about to be started; null if it never was.
    #[schemars(schema_with = "optional_time")]
    pub started_at: Option<Timestamp>,
    /// When its outcome was known; null before.
    #[schemars(schema_with = "optional_time")]
    pub ended_at: Option<Timestamp>,
    /// How often the agent's questions were answered.
    #[serde(default)]
    pub replies: u32,
    /// How often the silent agent was nudged.
    #[serde(default)]
    pub nudges: u32,
    /// The manifest that its job stands in, as the repository has it where that is known; empty when it is no file.
    #[serde(default)]
    pub file: String,
    /// The line of its job there, from 1; 0 when it is no file.
    #[serde(default)]
    pub line: u32,
    /// How the outcome `no_change` is reported in JUnit.
    #[serde(default)]
    pub on_no_change: OnNoChangeV1,
}

/// A person's word on a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkedV1 {
    /// As what: `done`, `skip` or `open`.
    #[serde(rename = "as")]
    pub mark: String,
    /// Who said so: the name of the user.
    pub by: String,
    /// When.
    #[schemars(schema_with = "time")]
    pub at: Timestamp,
    /// Why, in the person's words.
    pub reason: Option<String>,
}

/// A GitHub repository and branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceV1 {
    /// `owner/repo`.
    pub github: String,
    /// The starting branch.
    pub branch: String,
}

/// One attempt at a task: at most one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptV1 {
    /// From 1.
    pub number: u32,
    /// Its session, once known.
    pub session: Option<SessionV1>,
    /// When it was about to be started.
    #[schemars(schema_with = "time")]
    pub started_at: Timestamp,
    /// When it ended; null before.
    #[schemars(schema_with = "optional_time")]
    pub ended_at: Option<Timestamp>,
    /// How it ended; null before.
    #[schemars(schema_with = "optional_outcome")]
    pub outcome: Option<Outcome>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether the session was found by its marker instead of in the answer to the create request.
    pub adopted: bool,
    /// Whether its session had not ended when it was given up, and was put into the archive.
    #[serde(default)]
    pub archived: bool,
    /// Its pull request, the last one if there are several.
    #[serde(default)]
    pub pull_request: Option<Arc<PullRequestV1>>,
    /// All its pull requests, oldest first.
    #[serde(default)]
    pub pull_requests: Vec<Arc<PullRequestV1>>,
    /// The size of its change.
    #[serde(default)]
    pub change: Option<ChangeV1>,
}

/// A session at Jules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionV1 {
    /// Its id: decimal text that can exceed 64 bits.
    pub id: String,
    /// Its page, if the service told it.
    pub url: Option<String>,
    /// Its last known state in the service's words, such as `COMPLETED`.
    pub state: Option<String>,
}

/// The size of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeV1 {
    /// Files touched.
    pub files: u64,
    /// Lines added.
    pub additions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// Whether some of the change could not be read: there may be more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

/// What the service was asked, all invocations together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiV1 {
    /// Requests sent, by method, retries included.
    pub requests: BTreeMap<String, u64>,
    /// How many of them were retries.
    pub retries: u64,
    /// How many were answered 429.
    pub throttled: u64,
    /// Milliseconds that requests waited for the rate limiter, added up.
    pub waited_ms: u64,
    /// How often a connection had fallen silent, and a fresh one was made in its place.
    #[serde(default)]
    pub reconnects: u64,
    /// How often sessions were looked at; one page of the session list looks at many.
    #[serde(default)]
    pub polls: PollsV1,
    /// How long after a session's end it was seen; null when no session ended while it was followed.
    #[serde(default)]
    pub detection: Option<DetectionV1>,
    /// What GitHub was asked; missing if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GithubApiV1>,
}

/// Looks at live sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PollsV1 {
    /// All of them.
    pub looks: u64,
    /// Those that came more than an interval after they were due.
    pub late: u64,
}

/// From the end of sessions, by the service's clock, until we saw it. In a merged report, the slowest part's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetectionV1 {
    /// Half of the sessions were seen within this many milliseconds.
    pub p50_ms: u64,
    /// 99 of 100 were.
    pub p99_ms: u64,
}

/// A session with this run's marker that the run does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StrayV1 {
    /// Its id.
    pub id: String,
    /// Its page.
    pub url: Option<String>,
    /// Its title.
    pub title: String,
    /// The task that its marker names, if the manifest still has it.
    pub task: Option<String>,
}

/// How a completed session that changed nothing is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnNoChangeV1 {
    /// As a passing case with a note.
    #[default]
    Pass,
    /// As a skipped case.
    Skip,
    /// As a failure.
    Fail,
}

impl From<OnNoChange> for OnNoChangeV1 {
    fn from(rule: OnNoChange) -> Self {
        match rule {
            OnNoChange::Pass => Self::Pass,
            OnNoChange::Skip => Self::Skip,
            OnNoChange::Fail => Self::Fail,
        }
    }
}

impl From<OnNoChangeV1> for OnNoChange {
    fn from(rule: OnNoChangeV1) -> Self {
        match rule {
            OnNoChangeV1::Pass => Self::Pass,
            OnNoChangeV1::Skip => Self::Skip,
            OnNoChangeV1::Fail => Self::Fail,
        }
    }
}

impl ReportV1 {
    /// The version that these structs are.
    pub const VERSION: u32 = 1;
}

fn version_one(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": ReportV1::VERSION })
}

pub(super) fn outcome(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Outcome::ALL.map(Outcome::as_str) })
}

fn optional_outcome(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(Outcome::ALL.map(Outcome::as_str))
}

fn one_of_or_null<const N: usize>(names: [&str; N]) -> Schema {
    let names = names.into_iter().map(Value::from).chain([Value::Null]);
    json_schema!({ "enum": names.collect::<Vec<_>>() })
}
