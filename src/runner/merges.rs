//! `needs: [{ job, until: merged }]`: whether what a task needs is merged, by the record alone.

use super::RunError;
use super::decision::Decision;
use super::pulls::PullsBefore;
use crate::ledger::{LedgerReader, ManifestIdentity};
use crate::outcome::{PullState, RunId, TaskRecord};
use crate::plan::{JobId, Plan, Task, TaskId};
use crate::pulls::{Merged, merged};

/// What is known of the tasks that others need merged.
pub(super) struct Merges<'a> {
    pub(super) reader: Option<&'a LedgerReader>,
    pub(super) identity: &'a ManifestIdentity,
    pub(super) pulls: &'a PullsBefore,
    /// What a selection has left out is not asked about.
    pub(super) ignores_outside: bool,
}

impl Merges<'_> {
    /// Holds back the tasks whose needs are not merged yet, and lets those go that wait in vain.
    pub(super) fn judge(&self, plan: &Plan, decisions: &mut [Decision]) -> Result<(), RunError> {
        let waits = |at: &usize| !plan.tasks[*at].needs_merged.is_empty();
        let waiting: Vec<usize> = (0..plan.tasks.len()).filter(waits).collect();
        // What one of them comes to may decide another, wherever that stands.
        loop {
            let mut is_settled = true;
            for &at in &waiting {
                if !matches!(decisions[at], Decision::Start(_) | Decision::Needs | Decision::Held { .. }) {
                    continue;
                }
                let judged = self.of(&plan.tasks[at], plan, decisions)?;
                if let Some(judged) = judged.filter(|judged| *judged != decisions[at]) {
                    decisions[at] = judged;
                    is_settled = false;
                }
            }
            if is_settled {
                return Ok(());
            }
        }
    }

    /// What becomes of the task because of its needs; none where all are merged.
    fn of(&self, task: &Task, plan: &Plan, decisions: &[Decision]) -> Result<Option<Decision>, RunError> {
        let mut held = None;
        let mut judge = |need: &TaskId, merged: Merged| match merged {
            Merged::Met => None,
            Merged::NotYet => {
                held.get_or_insert_with(|| format!("not started: it waits until `{need}` is merged"));
                None
            }
            Merged::Never(why) => Some(Decision::Unmet { why: format!("needs `{need}` merged: {why}") }),
        };
        for &need in task.needs.iter().filter(|need| is_wanted(task, &plan.tasks[**need].job)) {
            let id = &plan.tasks[need].id;
            if let Some(unmet) = judge(id, self.in_plan(id, &decisions[need])?) {
                return Ok(Some(unmet));
            }
        }
        for id in task.needs_outside.iter().filter(|_| !self.ignores_outside) {
            if let Some(merged) = self.outside(task, id)?
                && let Some(unmet) = judge(id, merged)
            {
                return Ok(Some(unmet));
            }
        }
        Ok(held.map(|why| Decision::Held { why }))
    }

    fn in_plan(&self, need: &TaskId, decision: &Decision) -> Result<Merged, RunError> {
        Ok(match decision {
            Decision::Done { run, .. } => self.recorded(run, need)?.map_or(Merged::NotYet, |known| known.1),
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
        })
    }

    /// None for one that need not be merged.
    fn outside(&self, task: &Task, need: &TaskId) -> Result<Option<Merged>, RunError> {
        let latest = match self.reader {
            Some(reader) => reader.latest(self.identity, std::iter::once(need))?.remove(need),
            None => None,
        };
        let known = match latest {
            Some(latest) => self.recorded(&latest.run, need)?,
            None => None,
        };
        Ok(known.filter(|(job, _)| is_wanted(task, job)).map(|(_, merged)| merged))
    }

    /// How the work of a task stands, and its job.
    fn recorded(&self, run: &RunId, need: &TaskId) -> Result<Option<(JobId, Merged)>, RunError> {
        let Some(reader) = self.reader else { return Ok(None) };
        let known = reader.task(run, need)?;
        Ok(known.map(|known| (known.planned.job.clone(), self.with_readings(&known))))
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
}

fn is_wanted(task: &Task, job: &JobId) -> bool {
    task.needs_merged.contains(job)
}
