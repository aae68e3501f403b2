//! `--fail-on`: what makes a run fail.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::outcome::{Outcome, RunRecord, TaskRecord};
use crate::plan::OnNoChange;

/// Which outcomes end a run with exit code 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailOn {
    /// Whatever counts as failed, whether it is named or not.
    any: bool,
    outcomes: BTreeSet<Outcome>,
    /// Whether "no task was selected" is a failure for the GitHub Action.
    pub(crate) empty: bool,
    /// Whether "work is left" is a failure for the GitHub Action.
    pub(crate) incomplete: bool,
}

impl Default for FailOn {
    fn default() -> Self {
        Self { any: true, outcomes: BTreeSet::new(), empty: false, incomplete: false }
    }
}

impl FailOn {
    /// Whether this task's outcome makes the run fail.
    #[must_use]
    pub(crate) fn names(&self, task: &TaskRecord) -> bool {
        let Some(outcome) = task.outcome else { return false };
        let counts = outcome.is_failure()
            || (outcome == Outcome::NoChange && task.planned.on_no_change == OnNoChange::Fail);
        (self.any && counts) || self.outcomes.contains(&outcome)
    }

    /// How many tasks make the run fail.
    #[must_use]
    pub(crate) fn count(&self, record: &RunRecord) -> usize {
        record.tasks.values().filter(|task| self.names(task)).count()
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut fail_on = Self { any: false, outcomes: BTreeSet::new(), empty: false, incomplete: false };
        for name in list.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "any" => fail_on.any = true,
                "none" => {}
                "empty" => fail_on.empty = true,
                "incomplete" => fail_on.incomplete = true,
                _ => {
                    fail_on.outcomes.insert(Outcome::from_name(name).ok_or_else(|| unknown(name))?);
                }
            }
        }
        Ok(fail_on)
    }
}

fn unknown(name: &str) -> String {
    let outcomes = Outcome::ALL.map(Outcome::as_str).join(", ");
    format!("`{name}` is no outcome; known are {outcomes}, and any, none, empty, incomplete")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::sample;

    fn names(list: &str, outcome: Outcome, on_no_change: OnNoChange) -> bool {
        let mut task = sample::task("a");
        task.outcome = Some(outcome);
        task.planned.on_no_change = on_no_change;
        list.parse::<FailOn>().unwrap().names(&task)
    }

    #[test]
    fn any_is_what_counts_as_failed() {
        for outcome in Outcome::ALL {
            assert_eq!(names("any", outcome, OnNoChange::Pass), outcome.is_failure(), "{outcome}");
        }
        assert!(names("any", Outcome::NoChange, OnNoChange::Fail));
    }

    #[test]
    fn a_list_names_outcomes() {
        assert!(names("timed-out, stalled", Outcome::TimedOut, OnNoChange::Pass));
        assert!(!names("timed-out, stalled", Outcome::Failed, OnNoChange::Pass));
        assert!(names("no_change", Outcome::NoChange, OnNoChange::Pass));
        assert!(!names("none", Outcome::Error, OnNoChange::Pass));
        assert!("incomplete,empty".parse::<FailOn>().unwrap().incomplete);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "broken".parse::<FailOn>().unwrap_err();
        assert!(error.contains("`broken`") && error.contains("timed_out"), "{error}");
    }
}
