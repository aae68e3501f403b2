//! Which tasks wait for which.

use std::collections::HashMap;
use std::sync::Arc;

use super::action::TaskIx;
use crate::outcome::Outcome;
use crate::plan::Plan;

/// The open needs of a plan. Tasks that share one list of needs share one group, so that a hundred thousand
/// tasks that need a hundred thousand others cost their sum, not their product.
#[derive(Debug, Default)]
pub(super) struct Needs {
    groups: Vec<Group>,
    /// For each task, the groups that wait for it.
    waited_for_by: HashMap<TaskIx, Vec<usize>>,
    /// For each task with needs, the group it waits for.
    waits_for: HashMap<TaskIx, usize>,
}

#[derive(Debug)]
struct Group {
    left: usize,
    decided: Option<Decision>,
    dependents: Vec<TaskIx>,
}

/// The need that decided what becomes of those that waited for it: the last one of all, or the first that was not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) need: TaskIx,
    /// How it ended.
    pub(super) outcome: Outcome,
}

impl Needs {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut needs = Self::default();
        let mut known: HashMap<*const usize, usize> = HashMap::new();
        for (index, task) in plan.tasks.iter().enumerate().filter(|(_, task)| !task.needs.is_empty()) {
            let group = *known.entry(Arc::as_ptr(&task.needs).cast()).or_insert_with(|| {
                let group = needs.groups.len();
                needs.groups.push(Group { left: task.needs.len(), decided: None, dependents: Vec::new() });
                for need in task.needs.iter() {
                    needs.waited_for_by.entry(TaskIx(*need)).or_default().push(group);
                }
                group
            });
            needs.groups[group].dependents.push(TaskIx(index));
            needs.waits_for.insert(TaskIx(index), group);
        }
        needs
    }

    /// Whether nothing keeps the task from starting.
    pub(super) fn are_met(&self, task: TaskIx) -> bool {
        self.waits_for.get(&task).is_none_or(|group| self.groups[*group].left == 0)
    }

    /// What was decided for the task, if something was.
    pub(super) fn decided(&self, task: TaskIx) -> Option<Decision> {
        self.waits_for.get(&task).and_then(|group| self.groups[*group].decided)
    }

    /// A task ended: what that means for those that waited for it.
    pub(super) fn on_end(&mut self, task: TaskIx, outcome: Outcome) -> Vec<(TaskIx, Decision)> {
        let is_met = matches!(outcome, Outcome::Succeeded | Outcome::NoChange);
        let mut decided = Vec::new();
        for group in self.waited_for_by.get(&task).into_iter().flatten() {
            let group = &mut self.groups[*group];
            if is_met {
                group.left = group.left.saturating_sub(1);
            }
            if group.decided.is_none() && (!is_met || group.left == 0) {
                let decision = Decision { need: task, outcome };
                group.decided = Some(decision);
                decided.extend(group.dependents.iter().map(|dependent| (*dependent, decision)));
            }
        }
        decided
    }
}
