//! What a session has said and done, as it is shown to a person: small enough to keep for every task.

use serde::{Deserialize, Serialize};

/// What was read of a session at its end (`report.details`). All texts are the agent's, and all of it has bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The agent's last words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_words: Option<String>,
    /// The headlines of its last plan's steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<String>,
    /// How many steps the plan has beside these.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_steps: u64,
    /// How many activities of each kind there were.
    pub activities: ActivityTotals,
    /// Whether there were more activities than were read, from the beginning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The files of its change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileTouched>,
    /// How many files the change has beside these.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_files: u64,
    /// Bytes of its patch that are not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// How many activities of each kind a session has had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivityTotals {
    /// Messages of the agent.
    pub agent_messages: u64,
    /// Messages of the user.
    pub user_messages: u64,
    /// Plans; each after the first one is a revision.
    pub plans: u64,
    /// Reports of progress.
    pub progress: u64,
    /// All of them, those of other kinds included.
    pub total: u64,
}

/// A file of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileTouched {
    /// Its path after the change, or before it where it was deleted.
    pub path: String,
    /// `added`, `modified`, `deleted`, `renamed` or `copied`.
    pub change: String,
    /// Lines added.
    pub additions: u64,
    /// Lines removed.
    pub deletions: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
