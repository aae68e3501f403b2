//! A pull request as GitHub showed it in one reading.

use foreign_text::cut;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::unreadable::in_one_line;
use super::words::{MergeState, Mergeable, Permission, State};
use crate::outcome::{Checks, Review};

/// The longest title that is taken whole, in bytes, and the longest body.
const TITLE: usize = 4 * 1024;
const BODY: usize = 256 * 1024;

/// The facts of one reading.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PullRequest {
    /// GitHub's node id; it survives a renaming of the repository.
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) url: String,
    #[serde(deserialize_with = "title")]
    pub(crate) title: String,
    pub(crate) state: State,
    pub(crate) is_draft: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) merged_at: Option<Timestamp>,
    pub(crate) closed_at: Option<Timestamp>,
    /// None for an account that is gone.
    pub(crate) author: Option<Account>,
    pub(crate) merged_by: Option<Account>,
    #[serde(rename = "baseRefName")]
    pub(crate) base: String,
    #[serde(rename = "headRefName")]
    pub(crate) branch: String,
    /// The commit that it would merge.
    #[serde(rename = "headRefOid")]
    pub(crate) head: String,
    /// Whether its branch is in a fork.
    pub(crate) is_cross_repository: bool,
    pub(crate) mergeable: Mergeable,
    #[serde(rename = "mergeStateStatus")]
    pub(crate) merge_state: MergeState,
    /// None where no rule asks for a review.
    #[serde(rename = "reviewDecision")]
    pub(crate) review: Fact<Review>,
    /// None where there is no check, or none yet.
    #[serde(rename = "statusCheckRollup", deserialize_with = "rollup")]
    pub(crate) checks: Fact<Checks>,
    pub(crate) is_in_merge_queue: bool,
    pub(crate) is_merge_queue_enabled: bool,
    /// Whether it merges by itself once it can.
    #[serde(rename = "autoMergeRequest")]
    pub(crate) auto_merge: Fact<AutoMerge>,
    pub(crate) changed_files: u64,
    pub(crate) additions: u64,
    pub(crate) deletions: u64,
    pub(crate) repository: Repository,
    /// Read at first contact alone.
    #[serde(default, deserialize_with = "body")]
    pub(crate) body: Option<String>,
}

impl PullRequest {
    /// Takes back what the answer said of a field that it could not tell: such a null does not mean "none".
    pub(super) fn leave_open(&mut self, field: &str, why: &str) {
        let why = in_one_line(why);
        match field {
            "reviewDecision" => self.review = Fact::Unread(why),
            "statusCheckRollup" => self.checks = Fact::Unread(why),
            "autoMergeRequest" => self.auto_merge = Fact::Unread(why),
            // Nothing is decided by the others that may be null.
            _ => {}
        }
    }
}

/// Something that may be none, or may not be told: the two are never the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact<T> {
    /// There is none.
    None,
    Some(T),
    /// It was not told, and why.
    Unread(String),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::None, Self::Some))
    }
}

/// That it is to merge by itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AutoMerge {
    pub(crate) enabled_at: Option<Timestamp>,
}

/// A user or a bot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Account {
    /// A bot's is without `[bot]` in GraphQL.
    pub(crate) login: String,
    /// `User`, `Bot`, …; none where it was not asked for.
    #[serde(rename = "__typename", alias = "type")]
    pub(crate) kind: Option<String>,
}

/// What is told of a pull request's repository with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repository {
    /// `owner/repo`, as it is called now.
    pub(crate) name_with_owner: String,
    pub(crate) is_archived: bool,
    /// None where the token may not do anything, or where it was not told.
    pub(crate) viewer_permission: Option<Permission>,
    pub(crate) squash_merge_allowed: bool,
    pub(crate) merge_commit_allowed: bool,
    pub(crate) rebase_merge_allowed: bool,
    pub(crate) delete_branch_on_merge: bool,
}

fn title<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| cut(text, TITLE).into_owned())
}

/// The footer is at the end, which is kept.
fn body<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| cut(text, BODY).into_owned()))
}

fn rollup<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fact<Checks>, D::Error> {
    #[derive(Deserialize)]
    struct Rollup {
        state: Checks,
    }
    let rollup = Option::<Rollup>::deserialize(deserializer)?;
    Ok(rollup.map_or(Fact::None, |rollup| Fact::Some(rollup.state)))
}
