//! What a session has said and done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::{ActivityTotals, AttemptRecord, FileTouched};

/// What a session has said and done, read once at its end. All texts are the agent's, and all of it has bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetailsV1 {
    /// The agent's last words, 4 KiB at most.
    #[serde(default)]
    pub last_words: Option<String>,
    /// The headlines of its last plan's steps, 30 at most.
    #[serde(default)]
    pub plan: Vec<String>,
    /// How many steps the plan has beside these.
    #[serde(default)]
    pub more_steps: u64,
    /// How many activities there were.
    #[serde(default)]
    pub activities: ActivitiesV1,
    /// Whether there were more activities than were read, from the beginning.
    #[serde(default)]
    pub partial: bool,
    /// The files of its change, 100 at most.
    #[serde(default)]
    pub files: Vec<FileV1>,
    /// How many files the change has beside these.
    #[serde(default)]
    pub more_files: u64,
    /// The number of the event that holds the change as a patch, 32 KiB at most, in the ledger; missing where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff_event: Option<u64>,
    /// Bytes of the patch that are not kept there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// How many activities of each kind a session has had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActivitiesV1 {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileV1 {
    /// Its path after the change, or before it where it was deleted.
    pub path: String,
    /// `added`, `modified`, `deleted`, `renamed` or `copied`.
    pub change: String,
    /// Lines added.
    pub additions: u64,
    /// Lines removed.
    pub deletions: u64,
}

impl DetailsV1 {
    /// What was read of the attempt's session, if it was.
    pub(in crate::report) fn of(attempt: &AttemptRecord) -> Option<Box<Self>> {
        let details = attempt.details.as_deref()?;
        Some(Box::new(Self {
            last_words: details.last_words.clone(),
            plan: details.plan.clone(),
            more_steps: details.more_steps,
            activities: ActivitiesV1::of(details.activities),
            partial: details.partial,
            files: details.files.iter().map(FileV1::of).collect(),
            more_files: details.more_files,
            diff_event: attempt.diff,
            left_out: details.left_out,
        }))
    }
}

impl ActivitiesV1 {
    const fn of(totals: ActivityTotals) -> Self {
        let ActivityTotals { agent_messages, user_messages, plans, progress, total } = totals;
        Self { agent_messages, user_messages, plans, progress, total }
    }
}

impl FileV1 {
    fn of(file: &FileTouched) -> Self {
        let FileTouched { path, change, additions, deletions } = file.clone();
        Self { path, change, additions, deletions }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
