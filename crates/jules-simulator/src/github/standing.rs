//! How a pull request stands: what follows from its heads, reviews and rules at a moment.

use jiff::Timestamp;

use super::{
    check::{self, Progress, Verdict},
    pull::{Mergeability, Pull},
    repository::Repository,
    words::{Decision, MergeState, Mergeable, ReviewState, Rollup},
};

/// A pull request in its repository at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) repository: &'a Repository,
    pub(super) pull: &'a Pull,
    pub(super) now: Timestamp,
}

impl Standing<'_> {
    pub(super) fn rollup(self) -> Option<Rollup> {
        self.rollup_of(self.pull.newest())
    }

    pub(super) fn rollup_of(self, head: usize) -> Option<Rollup> {
        let checks = &self.pull.heads.get(head)?.checks;
        check::rollup(checks, &self.repository.script.required_checks, self.now)
    }

    pub(super) fn mergeable(self) -> Mergeable {
        let known = matches!(self.pull.mergeability, Mergeability::KnownFrom(known) if known <= self.now);
        if !self.pull.is_open() || !known {
            Mergeable::Unknown
        } else if self.pull.has_conflict {
            Mergeable::Conflicting
        } else {
            Mergeable::Yes
        }
    }

    pub(super) fn merge_state(self) -> MergeState {
        let script = &self.repository.script;
        match self.mergeable() {
            Mergeable::Unknown => return MergeState::Unknown,
            Mergeable::Conflicting => return MergeState::Dirty,
            Mergeable::Yes => {}
        }
        if self.pull.is_draft {
            MergeState::Draft
        } else if script.up_to_date && self.pull.is_behind {
            MergeState::Behind
        } else if self.unmet().is_some() {
            MergeState::Blocked
        } else if self.rollup().is_some_and(|rollup| rollup != Rollup::Success) {
            MergeState::Unstable
        } else if script.hooks {
            MergeState::HasHooks
        } else {
            MergeState::Clean
        }
    }

    /// `None` where no rule asks for reviews and nobody objects.
    pub(super) fn decision(self) -> Option<Decision> {
        let wanted = self.repository.script.required_reviews;
        if wanted == 0 {
            return None;
        }
        let opinions = self.pull.opinions(true);
        let of = |state| opinions.iter().filter(|(_, review)| review.state == state).count();
        Some(if of(ReviewState::ChangesRequested) > 0 {
            Decision::ChangesRequested
        } else if of(ReviewState::Approved) >= wanted {
            Decision::Approved
        } else {
            Decision::ReviewRequired
        })
    }

    /// What a rule still asks for, as GitHub says it.
    pub(super) fn unmet(self) -> Option<String> {
        match self.decision() {
            Some(Decision::ChangesRequested) => {
                return Some("Changes have been requested.".to_owned());
            }
            Some(Decision::ReviewRequired) => {
                let wanted = self.repository.script.required_reviews;
                let review = if wanted == 1 { "review is" } else { "reviews are" };
                return Some(format!(
                    "At least {wanted} approving {review} required by reviewers with write access."
                ));
            }
            Some(Decision::Approved) | None => {}
        }
        self.repository.script.required_checks.iter().find_map(|name| self.unmet_check(name))
    }

    fn unmet_check(self, name: &str) -> Option<String> {
        let mut visible = check::visible(&self.pull.head().checks, self.now);
        let Some((_, check)) = visible.find(|(_, check)| check.name == name) else {
            return Some(format!("Required status check \"{name}\" is expected."));
        };
        match check.progress(self.now) {
            Some(Progress::Over(Verdict::Success | Verdict::Neutral | Verdict::Skipped)) => None,
            Some(Progress::Over(_)) => Some(format!("Required status check \"{name}\" is failing.")),
            Some(Progress::Running) => Some(format!("Required status check \"{name}\" is in progress.")),
            Some(Progress::Queued) => Some(format!("Required status check \"{name}\" is queued.")),
            None => Some(format!("Required status check \"{name}\" is expected.")),
        }
    }

    /// Why it cannot be merged, whatever its mergeability is known to be; `None` when it can.
    pub(super) fn obstacle(self, past_rules: bool) -> Option<String> {
        if self.pull.is_draft {
            return Some("Pull Request is still a draft".to_owned());
        }
        if !self.pull.is_open() || self.pull.has_conflict {
            return Some("Pull Request is not mergeable".to_owned());
        }
        if past_rules {
            return None;
        }
        if self.repository.script.up_to_date && self.pull.is_behind {
            return Some("Head branch is out of date. Review and try the merge again.".to_owned());
        }
        self.unmet()
    }
}
