//! Tasks that wait for a place in their repository, and sessions of others that have one.

use std::collections::HashSet;

use super::Dispatch;
use super::repositories::Watch;
use crate::engine::input::Now;
use crate::outcome::{Outcome, RunRecord, TaskRecord};
use jules::SessionId;

impl Dispatch {
    /// Takes note of live sessions that no task of this invocation follows: those of other runs, and those of this run
    /// that a selection leaves out or whose prompt was changed.
    pub(super) fn note_others(&mut self, record: &RunRecord) {
        if self.plan.settings.strategy.max_parallel_per_repository.is_none() {
            return;
        }
        let planned: HashSet<_> = self.plan.tasks.iter().map(|task| &task.id).collect();
        let left = record.tasks.values().filter(|task| !planned.contains(&task.planned.id));
        let left = left.chain(&record.superseded).filter_map(TaskRecord::live_session);
        for (github, session) in self.options.live_elsewhere.iter().cloned().chain(left) {
            if self.tasks.of_session(&session).is_none() {
                self.tasks.repositories.add_other(&github, session);
            }
        }
    }

    /// A task takes care of the session, which has the task's place from now on.
    pub(super) fn is_ours(&mut self, session: &SessionId) {
        if self.tasks.repositories.drop_other(session) {
            self.poller.untrack(session, false);
        }
    }

    /// Polls the sessions of others that a task waits for, and ends the tasks that get no place.
    pub(super) fn see_to_held_back(&mut self, now: Now) {
        let patience = self.plan.settings.limits.capacity_wait;
        for (ix, reason) in self.tasks.repositories.given_up(self.options.wait, patience, now.instant) {
            let (outcome, reason) = self.tasks[ix].owed.take().unwrap_or((Outcome::Deferred, Some(reason)));
            self.end_task(ix, outcome, reason, now);
        }
        let Watch { begin, end } = self.tasks.repositories.watch();
        begin.into_iter().for_each(|it| self.poller.track(it, false, std::time::Duration::ZERO, now.instant));
        end.iter().for_each(|session| self.poller.untrack(session, false));
    }
}
