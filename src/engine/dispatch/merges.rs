//! `needs: [{ job, until: merged }]`: tasks that wait until others are merged.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::engine::action::TaskIx;
use crate::outcome::{Merged, Outcome, RunRecord, TaskRecord, is_merged_within, merged};
use crate::plan::{Plan, TaskId};

/// Tasks that need others merged which are not. Those that wait for the same share one group.
#[derive(Debug, Default)]
pub(super) struct UntilMerged {
    groups: Vec<Group>,
    /// For each task that waits, its group.
    of: HashMap<TaskIx, usize>,
}

#[derive(Debug)]
struct Group {
    left: Vec<Need>,
    tasks: BTreeSet<TaskIx>,
}

/// What is not merged yet.
#[derive(Debug)]
struct Need {
    id: TaskId,
    is_planned: bool,
}

impl Need {
    /// How it stands by the record.
    fn judge(&self, record: &RunRecord) -> Merged {
        // What is not in this plan and was skipped has a pull request of an earlier run: that was judged before.
        let counts = |known: &&TaskRecord| self.is_planned || known.outcome != Some(Outcome::Skipped);
        record.tasks.get(&self.id).filter(counts).map_or(Merged::NotYet, merged)
    }
}

impl UntilMerged {
    pub(super) fn new(plan: &Plan, wanted: &HashMap<TaskId, Arc<[TaskId]>>) -> Self {
        let mut all = Self::default();
        let mut known: HashMap<*const TaskId, usize> = HashMap::new();
        let planned: HashSet<&TaskId> = plan.tasks.iter().map(|task| &task.id).collect();
        let need = |id: &TaskId| Need { id: id.clone(), is_planned: planned.contains(id) };
        let waiting = (0..).map(TaskIx).zip(&plan.tasks).filter(|_| !wanted.is_empty());
        for (ix, left) in waiting.filter_map(|(ix, task)| Some((ix, wanted.get(&task.id)?))) {
            let group = *known.entry(left.as_ptr()).or_insert_with(|| {
                all.groups.push(Group { left: left.iter().map(need).collect(), tasks: BTreeSet::new() });
                all.groups.len() - 1
            });
            all.groups[group].tasks.insert(ix);
            all.of.insert(ix, group);
        }
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    pub(super) fn holds(&self, ix: TaskIx) -> bool {
        self.of.contains_key(&ix)
    }

    /// Why the task does not start; none for one that waits for no merge.
    pub(super) fn why(&self, ix: TaskIx) -> Option<String> {
        let need = self.groups[*self.of.get(&ix)?].left.first()?;
        Some(format!("not started: it waits until `{}` is merged", need.id))
    }

    /// The first of what is waited for that machines alone may merge within this time.
    pub(super) fn soon(&self, record: &RunRecord, time: SignedDuration, now: Timestamp) -> Option<&TaskId> {
        let waiting = self.groups.iter().filter(|group| !group.tasks.is_empty());
        let mut needs = waiting.flat_map(|group| &group.left).map(|need| &need.id);
        needs.find(|need| record.tasks.get(*need).is_some_and(|known| is_merged_within(time, known, now)))
    }

    /// What the record tells by now: the tasks that wait no more, with what will never be merged, and why.
    pub(super) fn judge(&mut self, record: &RunRecord) -> Vec<(TaskIx, Fate)> {
        let mut fates = Vec::new();
        for group in self.groups.iter_mut().filter(|group| !group.tasks.is_empty()) {
            let mut never = None;
            group.left.retain(|need| match need.judge(record) {
                Merged::Met => false,
                Merged::NotYet => true,
                Merged::Never(why) => {
                    never.get_or_insert_with(|| format!("needs `{}` merged: {why}", need.id));
                    true
                }
            });
            if never.is_some() || group.left.is_empty() {
                for ix in std::mem::take(&mut group.tasks) {
                    self.of.remove(&ix);
                    fates.push((ix, never.clone()));
                }
            }
        }
        fates
    }
}

/// Why a task is skipped; none for one that may start.
pub(super) type Fate = Option<String>;
