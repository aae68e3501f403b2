//! Tasks that wait for a place in their repository or for a slot, and sessions of others that have one.

use std::collections::HashSet;
use std::time::Duration;

use super::Dispatch;
use super::repositories::Watch;
use crate::engine::input::Now;
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Outcome, RunRecord, TaskRecord};
use jules::SessionId;

impl Dispatch {
    /// Takes note of live sessions that no task of this invocation follows: those of this run that a selection leaves out or
    /// whose prompt was changed, and, for the bound on repositories, those of other runs.
    pub(super) fn note_others(&mut self, record: &RunRecord) {
        let planned: HashSet<_> = self.plan.tasks.iter().map(|task| &task.id).collect();
        let left = record.tasks.values().filter(|task| !planned.contains(&task.planned.id));
        let left: Vec<_> = left.chain(&record.superseded).filter(|task| task.live().is_some()).collect();
        // A task that reads its own again first holds the slot itself then.
        let own = self.tasks.all().filter_map(|ix| Some(self.tasks[ix].old.as_ref()?.id().clone()));
        let own: HashSet<_> = own.collect();
        let before = self.options.live_before.iter().cloned();
        for session in left.iter().filter_map(|task| task.live().cloned()).chain(before) {
            if self.tasks.of_session(&session).is_none() && !own.contains(&session) {
                self.others.add(session);
            }
        }
        if self.plan.settings.strategy.max_parallel_per_repository.is_none() {
            return;
        }
        let left = left.into_iter().filter_map(TaskRecord::live_session);
        for (github, session) in self.options.live_elsewhere.iter().cloned().chain(left) {
            if self.tasks.of_session(&session).is_none() {
                self.tasks.repositories.add_other(&github, session);
            }
        }
    }

    /// Whether `max-parallel` leaves a slot.
    pub(super) fn has_slot(&self) -> bool {
        self.admission.has_slot(self.tasks.slots(), self.others.count())
    }

    /// A task takes care of the session, which has the task's place from now on; or it has ended.
    pub(super) fn is_ours(&mut self, session: &SessionId) {
        let held_slot = self.others.remove(session);
        if self.tasks.repositories.drop_other(session) || held_slot {
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
        let watch = self.tasks.repositories.watch();
        self.watch(watch, now);
    }

    /// Polls the sessions whose slots a task waits for, and starts nothing more when they keep them.
    pub(super) fn see_to_others(&mut self, now: Now) {
        let slots = self.tasks.slots();
        let is_full = self.others.count() > 0 && !self.has_slot();
        let is_wanted = is_full && self.tasks.first_ready().is_some();
        let watch = self.others.watch(is_wanted);
        self.watch(watch, now);
        if is_wanted {
            let note = self.others.note(self.plan.settings.strategy.max_parallel);
            self.turn.events.extend(note.map(|note| EventKind::Noted { task: None, note }));
        }
        let (is_stuck, patience) = (is_wanted && slots.held == 0, self.plan.settings.limits.capacity_wait);
        if self.others.are_in_the_way(is_stuck, self.options.wait, patience, now.instant) {
            self.stop_for(StopReason::Occupied, now);
        }
    }

    /// Polls sessions of others, or does so no more.
    pub(super) fn watch(&mut self, Watch { begin, end }: Watch, now: Now) {
        for session in begin {
            if !self.poller.is_tracked(&session) {
                self.poller.track(session, false, Duration::ZERO, now.instant);
            }
        }
        for session in end {
            if !self.others.watches(&session) && !self.tasks.repositories.watches(&session) {
                self.poller.untrack(&session, false);
            }
        }
    }
}
