//! What `report.json` says of pull requests.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{one_of_or_null, optional_time, time};
use crate::outcome::{PullState, Stage};

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestV1 {
    /// Its page.
    pub url: String,
    /// Its number.
    pub number: Option<u64>,
    /// Its title.
    pub title: Option<String>,
    /// The branch it goes to.
    pub base_ref: Option<String>,
    /// The branch it comes from.
    pub head_ref: Option<String>,
    /// GitHub's node id. It and all that follows is of the last reading; missing as long as there was none, and in `attempts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_state")]
    pub state: Option<PullState>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_stage")]
    pub stage: Option<Stage>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_time")]
    pub since: Option<Timestamp>,
    /// What a person has to know of the stage, such as why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The commit that it would merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// What all checks of that commit say together, in GitHub's words, such as `SUCCESS`; missing where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<String>,
    /// What its reviews say, in GitHub's words, such as `APPROVED`; missing where no rule asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
    /// When it was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_time")]
    pub merged_at: Option<Timestamp>,
    /// When it was closed, merged or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_time")]
    pub closed_at: Option<Timestamp>,
    /// Who closed or merged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// Who else than Jules and jules-batch has pushed to its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched_by: Option<String>,
    /// When it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_time")]
    pub checked_at: Option<Timestamp>,
    /// The stages that it went through, oldest first; the last is the one at which it stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PullChangeV1>,
}

/// A pull request came to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullChangeV1 {
    /// When.
    #[schemars(schema_with = "time")]
    pub at: Timestamp,
    /// Whether it was open then.
    #[schemars(schema_with = "state")]
    pub state: PullState,
    /// What it waited for from then on.
    #[schemars(schema_with = "stage")]
    pub stage: Stage,
}

/// What GitHub was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GithubApiV1 {
    /// Requests of any kind.
    pub requests: u64,
    /// Points of its GraphQL interface that they cost.
    pub points: u64,
    /// Those that were to change something.
    pub writes: u64,
}

fn state(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": PullState::ALL.map(PullState::as_str) })
}

fn optional_state(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(PullState::ALL.map(PullState::as_str))
}

fn stage(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Stage::ALL.map(Stage::as_str) })
}

pub(in crate::report) fn optional_stage(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(Stage::ALL.map(Stage::as_str))
}
