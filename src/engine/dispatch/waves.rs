//! Waves: which tasks wait for the one before theirs.

use std::collections::BTreeMap;

use super::Dispatch;
use crate::engine::action::TaskIx;
use crate::outcome::{EventKind, RunRecord, Verdict, Wave};

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

    /// Lets those waves begin that may.
    pub(super) fn judge_waves(&mut self, record: &RunRecord, waves: &[Wave]) {
        if self.tasks.later.held.is_empty() {
            return;
        }
        let begun = |wave: &usize| waves.get(*wave).is_none_or(|wave| wave.began_at.is_some());
        let freed: BTreeMap<TaskIx, usize> =
            self.tasks.later.held.extract_if(|_, wave| begun(wave)).collect();
        for ix in freed.into_keys() {
            self.tasks.queue_if_free(ix);
        }
        for (number, wave) in (1..).zip(waves).skip(1) {
            if wave.began_at.is_some() && record.waves.released_at(number).is_none() {
                self.turn.events.push(EventKind::WaveReleased { wave: number, by: None });
            }
        }
        self.tasks.later.why = why_not(waves);
    }
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
