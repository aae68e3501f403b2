//! Which tasks wait for which.

use std::collections::HashMap;

use super::action::TaskIx;
use crate::outcome::Outcome;
use crate::plan::{Plan, Task, TaskId};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) need: TaskId,
    /// How it ended; none for one outside the plan that was never run.
    pub(super) outcome: Option<Outcome>,
}

impl Decision {
    pub(super) fn is_met(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Succeeded | Outcome::NoChange))
    }
}

impl Needs {
    /// `outside`: how tasks that are not in the plan ended last.
    pub(super) fn new(plan: &Plan, outside: &HashMap<TaskId, Option<Outcome>>) -> Self {
        let mut needs = Self::default();
        let mut known: HashMap<(*const usize, *const TaskId), usize> = HashMap::new();
        let has_needs = |task: &Task| !task.needs.is_empty() || !task.needs_outside.is_empty();
        for (index, task) in plan.tasks.iter().enumerate().filter(|(_, task)| has_needs(task)) {
            let lists = (task.needs.as_ptr(), task.needs_outside.as_ptr());
            let group = *known.entry(lists).or_insert_with(|| {
                let group = needs.groups.len();
                let decided = decided_outside(&task.needs_outside, outside);
                let left = task.needs.len() + usize::from(decided.is_some());
                needs.groups.push(Group { left, decided, dependents: Vec::new() });
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
        self.waits_for.get(&task).and_then(|group| self.groups[*group].decided.clone())
    }

    /// A task ended: what that means for those that waited for it.
    pub(super) fn on_end(&mut self, task: TaskIx, id: &TaskId, outcome: Outcome) -> Vec<(TaskIx, Decision)> {
        let decision = Decision { need: id.clone(), outcome: Some(outcome) };
        let is_met = decision.is_met();
        let mut decided = Vec::new();
        for group in self.waited_for_by.get(&task).into_iter().flatten() {
            let group = &mut self.groups[*group];
            if is_met {
                group.left = group.left.saturating_sub(1);
            }
            if group.decided.is_none() && (!is_met || group.left == 0) {
                group.decided = Some(decision.clone());
                decided.extend(group.dependents.iter().map(|dependent| (*dependent, decision.clone())));
            }
        }
        decided
    }
}

/// The first of these needs outside the plan that is not met.
fn decided_outside(needs: &[TaskId], outside: &HashMap<TaskId, Option<Outcome>>) -> Option<Decision> {
    let decision = |need: &TaskId| {
        // One without an outcome was begun and is still open.
        let outcome = outside.get(need).map(|outcome| outcome.unwrap_or(Outcome::Deferred));
        Decision { need: need.clone(), outcome }
    };
    needs.iter().map(decision).find(|decision| !decision.is_met())
}
