//! What becomes at once of tasks because of what they need: the engine decides that, and what is printed says it.

use std::sync::Arc;

use super::decision::{Because, Decision};
use super::work::Work;
use crate::engine;
use crate::outcome::{Outcome, RunRecord};
use crate::plan::{Plan, Task};

impl Work {
    /// Corrects the decisions on tasks that need others: some do not start that would, and some that wait do.
    /// `blank`: the record of a new run.
    pub(super) fn judge_needs(&mut self, blank: impl FnOnce(&Plan) -> RunRecord) {
        let has_needs = |task: &Task| !task.needs.is_empty() || !task.needs_outside.is_empty();
        if self.outlook.is_idle || !self.plan.tasks.iter().any(has_needs) {
            return;
        }
        let plan = Arc::new(self.plan.clone());
        let fates = match self.last.as_ref().filter(|_| self.goes_on) {
            Some(last) => engine::needed(&plan, &last.record, self.engine.clone()),
            None => engine::needed(&plan, &blank(&plan), self.engine.clone()),
        };
        let mut fates = self.plan.tasks.iter().zip(fates).filter(|(task, _)| has_needs(task)).peekable();
        // The plan keeps the order of all tasks.
        for (task, decision) in &mut self.outlook.tasks {
            let Some((_, fate)) = fates.next_if(|(it, _)| it.id == *task) else { continue };
            match (&decision, fate) {
                (Decision::Needs, None) => *decision = Decision::Start(Because::Open),
                (Decision::Start(_), Some((Outcome::Skipped, Some(why)))) => {
                    *decision = Decision::Unmet { why }
                }
                (Decision::Start(_), Some(_)) => *decision = Decision::Needs,
                _ => {}
            }
        }
    }
}
