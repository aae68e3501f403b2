//! `needs: [{ job, until: merged }]`: whether what a task needs is merged when a run begins, by the record and what was read
//! just now. What changes after that is for the engine to judge.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::RunError;
use super::decision::Decision;
use super::pulls::{PullsBefore, Records};
use crate::ledger::{LedgerReader, ManifestIdentity};
use crate::outcome::{Merged, PullState, RunId, TaskRecord, merged};
use crate::plan::{JobId, Plan, Task, TaskId};

/// What is known of the tasks that others need merged.
pub(super) struct Merges<'a> {
    pub(super) identity: &'a ManifestIdentity,
    pub(super) pulls: &'a PullsBefore,
    /// What a selection has left out is not asked about.
    pub(super) ignores_outside: bool,
}

/// For each task that has to wait, what it needs that is not merged; tasks that wait for the same share one list.
pub(super) type UntilMerged = HashMap<TaskId, Arc<[TaskId]>>;

/// Tasks that need the same, by their places in the plan.
struct Group<'p> {
    /// One of them.
    task: &'p Task,
    members: Vec<usize>,
}

/// What becomes of such tasks.
enum Verdict {
    Free,
    Held(Vec<TaskId>),
    Unmet(String),
}

impl Merges<'_> {
    /// Tells those tasks that wait in vain that they do, and the others what they wait for.
    pub(super) fn judge(
        &self,
        reader: Option<&LedgerReader>,
        plan: &Plan,
        decisions: &mut [Decision],
    ) -> Result<UntilMerged, RunError> {
        let groups = groups(plan);
        let known = self.known(reader, plan, &groups, decisions)?;
        // What one of them comes to may decide another, wherever that stands.
        loop {
            let (mut until, mut is_settled) = (UntilMerged::new(), true);
            for Group { task, members } in &groups {
                let waits = |at: &&usize| matches!(decisions[**at], Decision::Start(_) | Decision::Needs);
                let waiting: Vec<usize> = members.iter().filter(waits).copied().collect();
                match self.of(task, plan, decisions, &known) {
                    Verdict::Free => {}
                    Verdict::Held(needs) => {
                        let needs: Arc<[TaskId]> = needs.into();
                        let of = |at: usize| (plan.tasks[at].id.clone(), Arc::clone(&needs));
                        until.extend(waiting.into_iter().map(of));
                    }
                    Verdict::Unmet(why) => {
                        is_settled &= waiting.is_empty();
                        waiting
                            .into_iter()
                            .for_each(|at| decisions[at] = Decision::Unmet { why: why.clone() });
                    }
                }
            }
            if is_settled {
                return Ok(until);
            }
        }
    }

    /// What becomes of the task because of its needs.
    fn of(&self, task: &Task, plan: &Plan, decisions: &[Decision], known: &KnownTasks) -> Verdict {
        let in_plan =
            task.needs.iter().filter(|need| is_wanted(task, &plan.tasks[**need].job)).map(|&need| {
                let id = &plan.tasks[need].id;
                (id, self.in_plan(id, &decisions[need], known))
            });
        let outside = task.needs_outside.iter().filter(|_| !self.ignores_outside).filter_map(|id| {
            let known = known.outside(id).filter(|known| is_wanted(task, &known.planned.job))?;
            Some((id, self.with_readings(known)))
        });
        let mut held = Vec::new();
        for (id, merged) in in_plan.chain(outside) {
            match merged {
                Merged::Met => {}
                Merged::NotYet => held.push(id.clone()),
                Merged::Never(why) => return Verdict::Unmet(format!("needs `{id}` merged: {why}")),
            }
        }
        if held.is_empty() { Verdict::Free } else { Verdict::Held(held) }
    }

    fn in_plan(&self, need: &TaskId, decision: &Decision, known: &KnownTasks) -> Merged {
        match decision {
            Decision::Done { run, .. } => {
                known.records.task(run, need).map_or(Merged::NotYet, |known| self.with_readings(known))
            }
            Decision::Adopt(pull) if pull.state == PullState::Merged => Merged::Met,
            Decision::SkipFor(pull) if pull.state == PullState::Merged => Merged::Met,
            Decision::SkipFor(pull) if pull.state == PullState::Closed => Merged::Never(pull.words()),
            Decision::Failed { outcome, .. } => Merged::Never(outcome.label().to_owned()),
            Decision::Skipped => Merged::Never("marked to be skipped".to_owned()),
            Decision::Unmet { why } => Merged::Never(why.clone()),
            Decision::Impossible => Merged::Never("it cannot be run".to_owned()),
            Decision::Start(_)
            | Decision::GoOn { .. }
            | Decision::Settle { .. }
            | Decision::Needs
            | Decision::LaterWave { .. }
            | Decision::Held { .. }
            | Decision::Adopt(_)
            | Decision::SkipFor(_)
            | Decision::NotAsked => Merged::NotYet,
        }
    }

    /// What was read just now may not be in the record yet.
    fn with_readings(&self, known: &TaskRecord) -> Merged {
        let now = known.pull_request().and_then(|pull| self.pulls.status(&pull.url));
        match (merged(known), now.map(|status| status.state)) {
            (Merged::NotYet, Some(PullState::Merged)) if !known.is_open() => Merged::Met,
            (Merged::NotYet, Some(PullState::Closed)) if !known.is_open() => {
                Merged::Never("its pull request was closed unmerged".to_owned())
            }
            (merged, _) => merged,
        }
    }

    /// What runs know of all that is needed: each run is read once.
    fn known(
        &self,
        reader: Option<&LedgerReader>,
        plan: &Plan,
        groups: &[Group<'_>],
        decisions: &[Decision],
    ) -> Result<KnownTasks, RunError> {
        let Some(reader) = reader.filter(|_| !groups.is_empty()) else { return Ok(KnownTasks::default()) };
        let needs = groups.iter().flat_map(|group| group.task.needs.iter().copied());
        let done = needs.filter_map(|need| match &decisions[need] {
            Decision::Done { run, .. } => Some((run, &plan.tasks[need].id)),
            _ => None,
        });
        let outside = groups.iter().flat_map(|group| group.task.needs_outside.iter());
        let outside: HashSet<&TaskId> = outside.filter(|_| !self.ignores_outside).collect();
        let latest = reader.latest(self.identity, outside.into_iter())?;
        let outside: HashMap<TaskId, RunId> =
            latest.into_iter().map(|(task, latest)| (task, latest.run)).collect();
        let wanted: HashSet<_> = done.chain(outside.iter().map(|(task, run)| (run, task))).collect();
        let records = Records::read(reader, wanted)?;
        Ok(KnownTasks { records, outside })
    }
}

/// What runs know of tasks that others need.
#[derive(Default)]
struct KnownTasks {
    records: Records,
    /// For each that is not in the plan, the run that had it last.
    outside: HashMap<TaskId, RunId>,
}

impl KnownTasks {
    fn outside(&self, need: &TaskId) -> Option<&TaskRecord> {
        self.records.task(self.outside.get(need)?, need)
    }
}

/// Those that need something merged. Lists are shared by many tasks.
fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places = HashMap::new();
    for (at, task) in plan.tasks.iter().enumerate().filter(|(_, task)| !task.needs_merged.is_empty()) {
        let lists = (task.needs.as_ptr(), task.needs_outside.as_ptr(), task.needs_merged.as_ptr());
        let place = *places.entry(lists).or_insert_with(|| {
            groups.push(Group { task, members: Vec::new() });
            groups.len() - 1
        });
        groups[place].members.push(at);
    }
    groups
}

fn is_wanted(task: &Task, job: &JobId) -> bool {
    task.needs_merged.contains(job)
}
