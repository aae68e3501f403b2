//! How a run stands beside those of its manifest before it.

use std::collections::HashSet;

use super::attention::has_asked;
use super::record::millis;
use super::{PreviousV1, TaskV1, TrendV1};
use crate::outcome::{EarlierRun, Outcome, RunRecord};

impl PreviousV1 {
    /// None where there was no run before.
    pub(super) fn of(record: &RunRecord, tasks: &[TaskV1]) -> Option<Self> {
        let last = record.round.before.last()?;
        let failed: HashSet<String> = record.round.failed_before.iter().map(ToString::to_string).collect();
        let is_known = |task: &&TaskV1| failed.contains(task.id.as_str());
        let is_good = |task: &&TaskV1| matches!(task.outcome, Outcome::Succeeded | Outcome::NoChange);
        // Who has asked has not failed.
        let is_bad = |task: &&TaskV1| task.has_failed() && !has_asked(task);
        let ids = |which: &dyn Fn(&&TaskV1) -> bool| -> Vec<String> {
            tasks.iter().filter(which).map(|task| task.id.clone()).collect()
        };
        Some(Self {
            run: last.run.to_string(),
            started_at: millis(last.began),
            newly_failing: ids(&|task| is_bad(task) && !is_known(task)),
            fixed: ids(&|task| is_good(task) && !task.has_failed() && is_known(task)),
            still_failing: ids(&|task| is_bad(task) && is_known(task)),
        })
    }
}

impl TrendV1 {
    pub(super) fn of(earlier: &EarlierRun) -> Self {
        let EarlierRun { run, began, done, failed, others } = earlier;
        Self {
            run: run.to_string(),
            started_at: millis(*began),
            done: *done,
            failed: *failed,
            others: *others,
        }
    }
}
