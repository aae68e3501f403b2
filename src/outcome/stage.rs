//! The words of the second axis, and who has to do something at each of its stages.

use std::fmt;

use super::{Checks, PullState, Review, Stage};

/// Who has to act before a pull request gets any further. Ordered by how much it needs people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitsFor {
    /// A person: to look, to repair, or to send a message to the session.
    Person,
    /// A reviewer.
    Reviewer,
    /// A token that can read it.
    Token,
    /// Us, when somebody says so: `jules-batch pulls`.
    Us,
    /// Jules, who is at work on it.
    Jules,
    /// Its checks.
    Checks,
    /// GitHub: its merge queue, or an answer that it has not found yet.
    Github,
    /// Nobody: it is merged or closed.
    Nobody,
}

impl WaitsFor {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Person,
        Self::Reviewer,
        Self::Token,
        Self::Us,
        Self::Jules,
        Self::Checks,
        Self::Github,
        Self::Nobody,
    ];

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Reviewer => "reviewer",
            Self::Token => "token",
            Self::Us => "us",
            Self::Jules => "jules",
            Self::Checks => "checks",
            Self::Github => "github",
            Self::Nobody => "nobody",
        }
    }

    /// What stands above a group of pull requests that wait for it.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Person => "Waiting for you",
            Self::Reviewer => "Waiting for a reviewer",
            Self::Token => "Not readable",
            Self::Us => "Ready for jules-batch pulls",
            Self::Jules => "Waiting for Jules",
            Self::Checks => "Waiting for checks",
            Self::Github => "Waiting for GitHub",
            Self::Nobody => "Merged or closed",
        }
    }
}

impl Stage {
    /// All of them, in the order of their rules.
    pub const ALL: [Self; 18] = [
        Self::Merged,
        Self::Closed,
        Self::Unknown,
        Self::Foreign,
        Self::Working,
        Self::Touched,
        Self::Draft,
        Self::Conflict,
        Self::ChangesRequested,
        Self::Queued,
        Self::ChecksFailed,
        Self::ChecksPending,
        Self::Unchecked,
        Self::ReviewRequired,
        Self::Behind,
        Self::Blocked,
        Self::Checking,
        Self::Ready,
    ];

    /// Its name in reports, predicates and `--fail-on`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
            Self::Foreign => "foreign",
            Self::Working => "working",
            Self::Touched => "touched",
            Self::Draft => "draft",
            Self::Conflict => "conflict",
            Self::ChangesRequested => "changes_requested",
            Self::Queued => "queued",
            Self::ChecksFailed => "checks_failed",
            Self::ChecksPending => "checks_pending",
            Self::Unchecked => "unchecked",
            Self::ReviewRequired => "review_required",
            Self::Behind => "behind",
            Self::Blocked => "blocked",
            Self::Checking => "checking",
            Self::Ready => "ready",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
            Self::Foreign => "foreign",
            Self::Working => "working",
            Self::Touched => "touched",
            Self::Draft => "draft",
            Self::Conflict => "conflict",
            Self::ChangesRequested => "changes requested",
            Self::Queued => "queued",
            Self::ChecksFailed => "checks failed",
            Self::ChecksPending => "checks pending",
            Self::Unchecked => "unchecked",
            Self::ReviewRequired => "review required",
            Self::Behind => "behind",
            Self::Blocked => "blocked",
            Self::Checking => "checking",
            Self::Ready => "ready",
        }
    }

    /// The stage of that name, `-` and `_` alike.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().replace('-', "_");
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// Who has to act.
    #[must_use]
    pub const fn waits_for(self) -> WaitsFor {
        match self {
            Self::Merged | Self::Closed => WaitsFor::Nobody,
            Self::Unknown => WaitsFor::Token,
            Self::Foreign
            | Self::Touched
            | Self::Draft
            | Self::Conflict
            | Self::ChangesRequested
            | Self::ChecksFailed
            | Self::Unchecked
            | Self::Blocked => WaitsFor::Person,
            Self::Working => WaitsFor::Jules,
            Self::Queued | Self::Checking => WaitsFor::Github,
            Self::ChecksPending => WaitsFor::Checks,
            Self::ReviewRequired => WaitsFor::Reviewer,
            Self::Behind | Self::Ready => WaitsFor::Us,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl PullState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Merged, Self::Closed, Self::Unknown];

    /// Its name in reports and predicates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more becomes of it, as far as anybody knows: it can be reopened.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::Merged | Self::Closed => true,
            Self::Open | Self::Unknown => false,
        }
    }
}

impl Checks {
    /// GitHub's own word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Error => "ERROR",
            Self::Pending => "PENDING",
            Self::Expected => "EXPECTED",
            Self::Other(word) => word,
        }
    }
}

impl Review {
    /// GitHub's own word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::ReviewRequired => "REVIEW_REQUIRED",
            Self::Other(word) => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_serde_s_and_is_found_again() {
        for stage in Stage::ALL {
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
            assert_eq!(Stage::from_name(&stage.as_str().replace('_', "-")), Some(stage));
        }
        for state in PullState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(PullState::from_name(state.as_str()), Some(state));
        }
        assert!(Stage::ALL.is_sorted() && WaitsFor::ALL.is_sorted());
        assert_eq!(Stage::from_name("fine"), None);
    }

    #[test]
    fn githubs_words_are_serde_s_and_strange_ones_are_kept() {
        for word in ["SUCCESS", "FAILURE", "ERROR", "PENDING", "EXPECTED", "SPLENDID"] {
            let checks: Checks = serde_json::from_value(word.into()).unwrap();
            assert_eq!((checks.as_str(), serde_json::to_value(&checks).unwrap()), (word, word.into()));
            assert_eq!(matches!(checks, Checks::Other(_)), word == "SPLENDID");
        }
        for word in ["APPROVED", "CHANGES_REQUESTED", "REVIEW_REQUIRED", "PONDERED"] {
            let review: Review = serde_json::from_value(word.into()).unwrap();
            assert_eq!((review.as_str(), serde_json::to_value(&review).unwrap()), (word, word.into()));
        }
    }

    #[test]
    fn only_what_is_over_waits_for_nobody() {
        for stage in Stage::ALL {
            let over = matches!(stage, Stage::Merged | Stage::Closed);
            assert_eq!(stage.waits_for() == WaitsFor::Nobody, over, "{stage}");
        }
    }
}
