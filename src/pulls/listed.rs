//! How pull requests without checks are listed and recorded.

use crate::outcome::{PullStatus, Stage};

/// Where what has no checks may stand when they are not asked for.
pub(super) const fn is_of_unchecked(stage: Stage) -> bool {
    matches!(
        stage,
        Stage::Unchecked
            | Stage::ReviewRequired
            | Stage::Behind
            | Stage::Blocked
            | Stage::Checking
            | Stage::Ready
    )
}

/// The same as everybody else sees it: [`Terms::takes_unchecked`](super::Terms::takes_unchecked) is the word of one command.
pub(crate) fn as_listed(status: &PullStatus) -> PullStatus {
    let is_told = status.checks.is_some() || status.stage == Stage::Unchecked;
    if is_told || !is_of_unchecked(status.stage) {
        return status.clone();
    }
    PullStatus { stage: Stage::Unchecked, reason: None, ..status.clone() }
}
