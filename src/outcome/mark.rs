//! What a person says of a task.

use serde::{Deserialize, Serialize};

use super::Outcome;

/// What a person says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It is done: it counts as succeeded.
    Done,
    /// It is not to be done: skipped until it is marked otherwise.
    Skip,
    /// It is to be done, whatever became of it.
    Open,
}

impl Mark {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skip => "skip",
            Self::Open => "open",
        }
    }

    /// The mark of that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Done, Self::Skip, Self::Open].into_iter().find(|mark| mark.as_str() == name)
    }

    /// The outcome that the task has by it.
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Done => Some(Outcome::Succeeded),
            Self::Skip => Some(Outcome::Skipped),
            Self::Open => None,
        }
    }
}
