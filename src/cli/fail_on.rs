//! `--fail-on`: what makes a run fail.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::outcome::{Outcome, RunRecord, Stage, TaskRecord};

/// What a pull request may fail a run by.
const STAGES: [Stage; 4] = [Stage::ChecksFailed, Stage::Conflict, Stage::Closed, Stage::Unchecked];
/// What stands before a stage.
const PULL: &str = "pr:";

/// Which outcomes end a run with exit code 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailOn {
    /// Whatever counts as failed, whether it is named or not.
    any: bool,
    outcomes: BTreeSet<Outcome>,
    /// At which of these a pull request makes a run fail, as it was last read.
    stages: BTreeSet<Stage>,
    /// Whether "no task was selected" is a failure for the GitHub Action.
    pub(crate) empty: bool,
    /// Whether "work is left" is a failure for the GitHub Action.
    pub(crate) incomplete: bool,
}

impl Default for FailOn {
    fn default() -> Self {
        Self { any: true, ..Self::nothing() }
    }
}

impl FailOn {
    fn nothing() -> Self {
        let (outcomes, stages) = Default::default();
        Self { any: false, outcomes, stages, empty: false, incomplete: false }
    }

    /// Whether a pull request that stands there makes a run fail.
    pub(crate) fn names_stage(&self, stage: Stage) -> bool {
        self.stages.contains(&stage)
    }

    /// Whether this outcome makes a run fail. `failed`: it counts as failed for its task.
    pub(crate) fn names(&self, outcome: Outcome, failed: bool) -> bool {
        (self.any && failed) || self.outcomes.contains(&outcome)
    }

    /// Whether any task makes the run fail.
    pub(crate) fn meets(&self, record: &RunRecord) -> bool {
        let pulls = |task: &TaskRecord| {
            let mut read = task.pull_requests().filter_map(|pull| task.pulls.of(&pull.url));
            read.any(|pull| self.names_stage(pull.status.stage))
        };
        let mut tasks = record.tasks.values();
        tasks.any(|task| {
            task.outcome.is_some_and(|outcome| self.names(outcome, task.has_failed())) || pulls(task)
        })
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut fail_on = Self::nothing();
        for name in list.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "any" => fail_on.any = true,
                "none" => {}
                "empty" => fail_on.empty = true,
                "incomplete" => fail_on.incomplete = true,
                _ if name.starts_with(PULL) => {
                    fail_on.stages.insert(stage(name).ok_or_else(|| unknown_stage(name))?);
                }
                _ => {
                    fail_on.outcomes.insert(Outcome::from_name(name).ok_or_else(|| unknown(name))?);
                }
            }
        }
        Ok(fail_on)
    }
}

fn stage(name: &str) -> Option<Stage> {
    Stage::from_name(name.strip_prefix(PULL)?).filter(|stage| STAGES.contains(stage))
}

fn unknown_stage(name: &str) -> String {
    format!("`{name}` is no stage to fail on; known are {}", stages())
}

fn stages() -> String {
    STAGES.map(|stage| format!("{PULL}{stage}")).join(", ")
}

fn unknown(name: &str) -> String {
    let outcomes = Outcome::ALL.map(Outcome::as_str).join(", ");
    format!("`{name}` is no outcome; known are {outcomes}, and any, none, empty, incomplete, {}", stages())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::OnNoChange;

    fn names(list: &str, outcome: Outcome, strict: bool) -> bool {
        let rule = if strict { OnNoChange::Fail } else { OnNoChange::Pass };
        list.parse::<FailOn>().unwrap().names(outcome, outcome.counts_as_failed(rule))
    }

    #[test]
    fn any_is_what_counts_as_failed() {
        for outcome in Outcome::ALL {
            assert_eq!(names("any", outcome, false), outcome.is_failure(), "{outcome}");
        }
        assert!(names("any", Outcome::NoChange, true));
    }

    #[test]
    fn a_list_names_outcomes() {
        assert!(names("timed-out, stalled", Outcome::TimedOut, false));
        assert!(!names("timed-out, stalled", Outcome::Failed, false));
        assert!(names("no_change", Outcome::NoChange, false));
        assert!(!names("none", Outcome::Error, false));
        assert!("incomplete,empty".parse::<FailOn>().unwrap().incomplete);
    }

    #[test]
    fn a_list_names_stages_of_pull_requests() {
        let fail_on: FailOn = "any, pr:checks-failed,pr:closed".parse().unwrap();
        let named = Stage::ALL.into_iter().filter(|stage| fail_on.names_stage(*stage));
        assert_eq!(named.collect::<Vec<_>>(), [Stage::Closed, Stage::ChecksFailed]);
        assert!(fail_on.names(Outcome::Failed, true));
        assert!(Stage::ALL.into_iter().all(|stage| !FailOn::default().names_stage(stage)), "none by default");
        let error = "pr:merged".parse::<FailOn>().unwrap_err();
        assert!(error.ends_with("pr:checks_failed, pr:conflict, pr:closed, pr:unchecked"), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "broken".parse::<FailOn>().unwrap_err();
        assert!(error.contains("`broken`") && error.contains("timed_out"), "{error}");
    }
}
