//! What became of the work: how a pull request stands, as GitHub was last seen to tell it.
//!
//! The second axis beside [`Outcome`](super::Outcome), which tells what became of a session. GitHub's words stay open: one
//! that this version does not know is kept and shown, and never means "go".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A pull request as it was last read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullStatus {
    /// Its page.
    pub url: String,
    /// GitHub's node id: it survives a renaming of the repository. None before the first reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The repository that it is in, as GitHub calls it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Whether it is open.
    pub state: PullState,
    /// What it waits for.
    pub stage: Stage,
    /// Since when it stands at this stage.
    pub since: Timestamp,
    /// In one line: what a person has to know of the stage, such as why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The commit that it would merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Since when that is its head, as far as we know: not after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_since: Option<Timestamp>,
    /// What the checks of its head say, all together; none where there is no check, or none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    /// What the reviews say; none where no rule asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// When it was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_at: Option<Timestamp>,
    /// When it was closed, merged or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Who closed or merged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// Who else than Jules and we has pushed to its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched_by: Option<String>,
    /// When all of this was read.
    pub checked_at: Timestamp,
}

impl PullStatus {
    /// Whether it is the same pull request: by GitHub's id, which survives a renamed repository, or by its page.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        self.url == other.url || (self.id.is_some() && self.id == other.id)
    }

    /// Whether two readings of a pull request tell the same, whenever they were made.
    #[must_use]
    pub fn tells_the_same(&self, other: &Self) -> bool {
        let told = |it: &Self| {
            let any = Timestamp::UNIX_EPOCH;
            Self { checked_at: any, since: any, head_since: None, ..it.clone() }
        };
        told(self) == told(other)
    }
}

/// Whether a pull request is open: GitHub's fact, or that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullState {
    /// It is.
    Open,
    /// Its work is in the base branch.
    Merged,
    /// Closed without that.
    Closed,
    /// It could not be read.
    Unknown,
}

/// What a pull request waits for, in one word: a pure function of one reading. The order is that of the rules: the first that
/// fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// For nothing: it is merged.
    Merged,
    /// For nothing: it was closed.
    Closed,
    /// For a token: it cannot be read.
    Unknown,
    /// For a person: nothing proves that it is the session's own. It is never written to.
    Foreign,
    /// For Jules: its session is live again, or its head moved a moment ago.
    Working,
    /// For a person: somebody else has pushed, or it is on hold.
    Touched,
    /// For a person: it is a draft.
    Draft,
    /// For a person, or a message to the session: it conflicts with its base.
    Conflict,
    /// For a person, or a message to the session: a reviewer asks for changes.
    ChangesRequested,
    /// For GitHub: it is in a merge queue, or merges by itself.
    Queued,
    /// For a message to the session, or Jules' own repair: checks have failed.
    ChecksFailed,
    /// For CI.
    ChecksPending,
    /// For a person: there is no check.
    Unchecked,
    /// For a reviewer.
    ReviewRequired,
    /// For us: its branch is behind its base, and a rule wants it up to date.
    Behind,
    /// For a person: a rule of the repository forbids the merge.
    Blocked,
    /// For GitHub: it has not told whether it can be merged.
    Checking,
    /// For us: it can be merged.
    Ready,
}

/// What the checks of a head say, all together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Checks {
    /// All have passed.
    Success,
    /// One has failed.
    Failure,
    /// One could not say.
    Error,
    /// One is at work.
    Pending,
    /// One is asked for and has not begun.
    Expected,
    /// A word that this version does not know.
    #[serde(untagged)]
    Other(String),
}

/// What the reviews of a pull request say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Review {
    /// Enough have approved.
    Approved,
    /// One asks for changes.
    ChangesRequested,
    /// One is needed.
    ReviewRequired,
    /// A word that this version does not know.
    #[serde(untagged)]
    Other(String),
}
