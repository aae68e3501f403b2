//! Which tasks wait for which.

use std::collections::HashMap;
use std::sync::Arc;

use crate::outcome::Outcome;
use crate::plan::Plan;

/// The open needs of a plan. Tasks that share one list of needs share one group, so that a hundred thousand
/// tasks that need a hundred thousand others cost their sum, not their product.
#[derive(Debug, Default)]
pub(super) struct Needs {
    groups: Vec<Group>,
    /// For each task, the groups that wait for it.
    waited_for_by: HashMap<usize, Vec<usize>>,
    /// For each task with needs, the group it waits for.
    waits_for: HashMap<usize, usize>,
}

#[derive(Debug)]
struct Group {
    left: usize,
    /// What became of the dependents, and the need that decided it.
    decided: Option<Decision>,
    dependents: Vec<usize>,
}

/// What a need's end means for those that waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// The need.
    pub(super) need: usize,
    /// How it ended.
    pub(super) outcome: Outcome,
}

/// What an ended need means for a task that waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All needs are met.
    Ready,
    /// A need failed or was skipped.
    Skip,
    /// A need stays open beyond this invocation.
    Defer,
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
                    needs.waited_for_by.entry(*need).or_default().push(group);
                }
                group
            });
            needs.groups[group].dependents.push(index);
            needs.waits_for.insert(index, group);
        }
        needs
    }

    /// Whether nothing keeps the task from starting.
    pub(super) fn are_met(&self, task: usize) -> bool {
        self.waits_for.get(&task).is_none_or(|group| self.groups[*group].left == 0)
    }

    /// What was decided for the task, if something was.
    pub(super) fn decided(&self, task: usize) -> Option<Decision> {
        self.waits_for.get(&task).and_then(|group| self.groups[*group].decided)
    }

    /// A task ended: what that means for those that waited for it.
    pub(super) fn on_end(&mut self, task: usize, outcome: Outcome) -> Vec<(usize, Decision)> {
        let verdict = match outcome {
            Outcome::Succeeded | Outcome::NoChange => Verdict::Ready,
            Outcome::Deferred | Outcome::Detached => Verdict::Defer,
            Outcome::Skipped
            | Outcome::NeedsInput
            | Outcome::Failed
            | Outcome::Stalled
            | Outcome::TimedOut
            | Outcome::Error => Verdict::Skip,
        };
        let mut decided = Vec::new();
        for group in self.waited_for_by.get(&task).into_iter().flatten() {
            let group = &mut self.groups[*group];
            if verdict == Verdict::Ready {
                group.left = group.left.saturating_sub(1);
            }
            let decides = verdict != Verdict::Ready || group.left == 0;
            if decides && group.decided.is_none() {
                let decision = Decision { verdict, need: task, outcome };
                group.decided = Some(decision);
                decided.extend(group.dependents.iter().map(|dependent| (*dependent, decision)));
            }
        }
        decided
    }
}
