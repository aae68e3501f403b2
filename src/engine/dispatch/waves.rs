//! Waves: which tasks wait for the one before theirs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::tasks::State;
use super::{Dispatch, Stage};
use crate::engine::action::TaskIx;
use crate::engine::input::Now;
use crate::engine::patience::patience;
use crate::outcome::{EventKind, Outcome, RunRecord, Verdict, Wave, is_decided_within, verdicts};
use crate::plan::TaskId;

impl Dispatch {
    /// Holds back the tasks of all waves until those are judged.
    pub(super) fn hold_waves(&mut self, record: &RunRecord) {
        let of = record.waves.by_repository();
        if of.is_empty() {
            return;
        }
        for (ix, task) in self.tasks.all().zip(&self.plan.tasks) {
            let wave = task.source.as_ref().and_then(|source| of.get(&source.github.to_ascii_lowercase()));
            self.tasks.later.held.extend(wave.map(|wave| (ix, *wave)));
        }
    }

    /// Whether tasks are held back for their wave.
    pub(in crate::engine) fn has_later_waves(&self) -> bool {
        !self.tasks.later.held.is_empty() && self.stage != Stage::Done
    }

    /// Lets those begin that may by the record, and puts the others off when nothing is left to wait for.
    pub(in crate::engine) fn judge_waves(&mut self, record: &RunRecord, now: Now, at: Timestamp) {
        if !self.has_later_waves() {
            return;
        }
        let waves = verdicts(record, at);
        let begun = |wave: &usize| waves.get(*wave).is_none_or(|wave| wave.began_at.is_some());
        let freed: BTreeMap<TaskIx, usize> =
            self.tasks.later.held.extract_if(|_, wave| begun(wave)).collect();
        for ix in freed.into_keys() {
            self.tasks.queue_if_free(ix);
        }
        for (number, wave) in (1..).zip(&waves).skip(1) {
            if wave.began_at.is_some() && record.waves.released_at(number).is_none() {
                self.turn.events.push(EventKind::WaveReleased { wave: number, by: None });
            }
        }
        self.tasks.later.why = why_not(&waves);
        self.advance(now);
        let is_at_work = self.stage != Stage::Working || self.stop.reason.is_some();
        if is_at_work || self.tasks.later.held.is_empty() || !self.tasks.is_all_held() {
            return;
        }
        if self.options.wait && is_decided_within(patience(&self.plan.settings), record, &waves, at) {
            return self.tell_what_is_waited_for(&waves);
        }
        self.put_waves_off(now);
        self.conclude(now);
    }

    /// Nothing else is at work.
    fn tell_what_is_waited_for(&mut self, waves: &[Wave]) {
        let note = format!("nothing else is at work: waiting, {}", why_not(waves));
        if self.tasks.later.told.as_ref() != Some(&note) {
            self.tasks.later.told = Some(note.clone());
            self.turn.events.push(EventKind::Noted { task: None, note });
        }
    }

    /// Tasks whose wave does not begin in this invocation.
    fn put_waves_off(&mut self, now: Now) {
        let held: BTreeMap<TaskIx, usize> =
            self.tasks.later.held.iter().map(|(ix, wave)| (*ix, *wave)).collect();
        for ix in held.into_keys() {
            if matches!(self.tasks.state(ix), State::Waiting) {
                let why = self.held_for(ix);
                self.end_task(ix, Outcome::Deferred, why, now);
            }
        }
    }

    /// Why a task that is held back for its wave does not start; none for another.
    pub(super) fn held_for(&self, ix: TaskIx) -> Option<String> {
        self.tasks.later.held.get(&ix).map(|wave| not_started(*wave, &self.tasks.later.why))
    }

    /// The tasks that wait for their wave, and why.
    pub(in crate::engine) fn held(&self) -> Vec<(TaskId, String)> {
        let is_waiting = |ix: &TaskIx| matches!(self.tasks.state(*ix), State::Waiting);
        let held = self.tasks.all().filter(is_waiting);
        held.filter_map(|ix| Some((self.plan[ix].id.clone(), self.held_for(ix)?))).collect()
    }
}

fn not_started(wave: usize, why: &str) -> String {
    format!("not started: it is in wave {}, and {why}", wave + 1)
}

/// Why the first wave that has not begun may not.
fn why_not(waves: &[Wave]) -> String {
    let next = waves.iter().position(|wave| wave.began_at.is_none()).unwrap_or(waves.len());
    let Some((last, before)) = next.checked_sub(1).and_then(|at| Some((at, waves.get(at)?))) else {
        return "no wave has begun".to_owned();
    };
    let reason = before.reason(last + 1);
    match before.verdict {
        Verdict::Failed { .. } => format!("{reason}; `run --next-wave` lets the next one begin all the same"),
        Verdict::Passed { .. } => format!("{reason}; a person has to let the next begin: `run --next-wave`"),
        Verdict::Waiting | Verdict::Open { .. } | Verdict::Soaking { .. } => reason,
    }
}
