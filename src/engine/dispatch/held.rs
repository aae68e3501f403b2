//! Tasks that may not be started yet, whatever is free: what holds them, and what becomes of them when nothing else is left.

use jiff::Timestamp;

use super::tasks::{State, Tasks};
use super::{Dispatch, Stage};
use crate::engine::action::TaskIx;
use crate::engine::input::Now;
use crate::engine::patience::patience;
use crate::outcome::{EventKind, Outcome, RunRecord, is_decided_within, verdicts};
use crate::plan::TaskId;

/// Why a task is not started, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is in a wave that may not begin yet.
    ByWave(String),
    /// What it needs merged is not, or as many pull requests are open as may be.
    ByPulls(String),
}

impl Held {
    pub(super) fn why(self) -> String {
        match self {
            Self::ByWave(why) | Self::ByPulls(why) => why,
        }
    }
}

impl Dispatch {
    /// Whether tasks are held.
    pub(in crate::engine) fn holds_any(&self) -> bool {
        let Tasks { later, merges, open_pulls, .. } = &self.tasks;
        let holds = !later.held.is_empty() || !merges.is_empty() || open_pulls.is_waited_for();
        holds && self.stage != Stage::Done
    }

    /// What holds tasks when the run begins, by the record.
    pub(in crate::engine) fn foretell_held(&mut self, record: &RunRecord, now: Now, at: Timestamp) {
        self.judge_waves(record, &verdicts(record, at));
        self.judge_merges(record, now);
        self.give_places(record, true);
    }

    /// Lets those begin that may by the record, and puts the others off when nothing is left to wait for.
    pub(in crate::engine) fn judge_held(&mut self, record: &RunRecord, now: Now, at: Timestamp) {
        if !self.holds_any() {
            return;
        }
        let waves = verdicts(record, at);
        self.judge_waves(record, &waves);
        self.judge_merges(record, now);
        self.give_places(record, false);
        self.advance(now);
        let is_at_work = self.stage != Stage::Working || self.stop.reason.is_some();
        if is_at_work || !self.holds_any() || !self.tasks.is_all_held() {
            return;
        }
        let patience = patience(&self.plan.settings);
        if self.options.wait {
            if is_decided_within(patience, &waves, at) {
                return self.tell_what_is_waited_for(&self.tasks.later.why.clone());
            }
            if let Some(need) = self.tasks.merges.soon(record, patience, at) {
                return self.tell_what_is_waited_for(&format!("until `{need}` is merged"));
            }
        }
        self.put_off(now);
        self.conclude(now);
    }

    /// Lets those start whose needs are merged, and ends those that wait in vain.
    fn judge_merges(&mut self, record: &RunRecord, now: Now) {
        for (ix, fate) in self.tasks.merges.judge(record) {
            match fate {
                None => self.tasks.queue_if_free(ix),
                Some(why) if matches!(self.tasks.state(ix), State::Waiting) => {
                    self.end_task(ix, Outcome::Skipped, Some(why), now);
                }
                Some(_) => {}
            }
        }
    }

    /// Gives places to tasks as far as `pull-requests.max-open` allows: first to those that can start at once, then to those
    /// whose needs have one. `foretells`: what the first listing may show is not waited for.
    fn give_places(&mut self, record: &RunRecord, foretells: bool) {
        if !self.tasks.open_pulls.is_waited_for() {
            return;
        }
        let (plan, mut places) = (self.plan.clone(), std::mem::take(&mut self.tasks.open_pulls));
        let state = |ix| self.tasks.state(ix);
        let is_at_work = |ix| matches!(state(ix), State::Creating(_) | State::Live(_) | State::Rechecking(_));
        places.count(record, &plan, |ix| matches!(state(ix), State::Ended(_)), is_at_work);
        self.tasks.open_pulls = places;
        if !foretells && self.stage != Stage::Working {
            return;
        }
        let mut left = self.tasks.open_pulls.waiting();
        let is_free = |ix: &TaskIx| {
            let Tasks { later, merges, .. } = &self.tasks;
            matches!(self.tasks.state(*ix), State::Waiting)
                && !later.held.contains_key(ix)
                && !merges.holds(*ix)
        };
        left.retain(is_free);
        let (ready, mut left): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|ix| self.tasks.needs.are_met(*ix));
        for ix in ready {
            if self.tasks.open_pulls.place(ix) {
                self.tasks.queue_if_free(ix);
            }
        }
        loop {
            let before = left.len();
            left.retain(|ix| {
                let may_come = plan[*ix].needs.iter().all(|need| !self.tasks.is_held(TaskIx(*need)));
                !(may_come && self.tasks.open_pulls.place(*ix))
            });
            if left.len() == before {
                return;
            }
        }
    }

    /// Nothing else is at work.
    fn tell_what_is_waited_for(&mut self, what: &str) {
        let note = format!("nothing else is at work: waiting, {what}");
        if self.tasks.told.as_ref() != Some(&note) {
            self.tasks.told = Some(note.clone());
            self.turn.events.push(EventKind::Noted { task: None, note });
        }
    }

    /// Tasks that do not begin in this invocation.
    pub(super) fn put_off(&mut self, now: Now) {
        for ix in self.tasks.all() {
            if matches!(self.tasks.state(ix), State::Waiting)
                && let Some(held) = self.held_for(ix)
            {
                let end = self.tasks[ix].owed.take();
                let (outcome, reason) = end.unwrap_or((Outcome::Deferred, Some(held.why())));
                self.end_task(ix, outcome, reason, now);
            }
        }
    }

    /// Why a task that is held does not start; none for another.
    pub(super) fn held_for(&self, ix: TaskIx) -> Option<Held> {
        let Tasks { later, merges, open_pulls, .. } = &self.tasks;
        let by_wave = || later.why(ix).map(Held::ByWave);
        let by_bound = || open_pulls.why(ix).map(Held::ByPulls);
        merges.why(ix).map(Held::ByPulls).or_else(by_wave).or_else(by_bound)
    }

    /// The tasks that are held, and why.
    pub(in crate::engine) fn held(&self) -> Vec<(TaskId, Held)> {
        let is_waiting = |ix: &TaskIx| matches!(self.tasks.state(*ix), State::Waiting);
        let held = self.tasks.all().filter(is_waiting);
        held.filter_map(|ix| Some((self.plan[ix].id.clone(), self.held_for(ix)?))).collect()
    }
}
