//! Tasks that have ended well are opened to be done once more, and keep their ends until there is another session.

use super::Dispatch;
use super::kept::{Kept, NotAgain};
use super::tasks::State;
use crate::engine::action::TaskIx;
use crate::outcome::{EventKind, Outcome, TaskRecord};

impl Dispatch {
    /// It is to be done once more, and a good end of it stays until then.
    pub(super) fn reopen(&mut self, ix: TaskIx, known: &TaskRecord, event: EventKind) {
        let good = known.outcome.filter(|it| matches!(it, Outcome::Succeeded | Outcome::NoChange));
        let is_settled = known.open_intent().is_none();
        match good.filter(|_| is_settled && self.options.again.contains(&known.planned.id)) {
            Some(outcome) => {
                let reason = known.reason.clone();
                let is_edited = matches!(event, EventKind::TaskPlanned { .. });
                self.tasks[ix].kept = Some(Kept { outcome, reason, reopens: Some(event), is_edited });
            }
            None => self.turn.events.push(event),
        }
    }

    /// There is to be another session: its events come after this.
    pub(super) fn reopen_kept(&mut self, ix: TaskIx) {
        let event = self.tasks[ix].kept.as_mut().and_then(|kept| kept.reopens.take());
        self.turn.events.extend(event);
    }

    /// The task would end so without another session: what it had come to before stays. That outcome, if it is so.
    pub(super) fn keep_end(&mut self, ix: TaskIx, outcome: Outcome, why: Option<&str>) -> Option<Outcome> {
        let is_unstarted = matches!(outcome, Outcome::Deferred | Outcome::Skipped);
        let is_there = |kept: &mut Kept| !kept.is_edited || kept.reopens.is_some();
        let kept = self.tasks[ix].kept.take_if(|kept| is_unstarted && is_there(kept))?;
        self.tasks.put(ix, State::Ended(kept.outcome));
        if kept.reopens.is_none() {
            let task = self.plan[ix].id.clone();
            self.turn.events.push(EventKind::TaskEnded { task, outcome: kept.outcome, reason: kept.reason });
        }
        self.not_again.push(NotAgain { task: ix, outcome, why: why.unwrap_or_default().to_owned() });
        Some(kept.outcome)
    }

    /// Says what was not done once more since the last time.
    pub(super) fn tell_not_again(&mut self) {
        let news = &self.not_again[self.told_not_again..];
        let Some(NotAgain { task, why, .. }) = news.first() else { return };
        let task = Some(self.plan[*task].id.clone());
        let note = match news.len() {
            1 => EventKind::Noted {
                task,
                note: format!("not done once more: {why}; its end before that stays"),
            },
            n => EventKind::Noted {
                task: None,
                note: format!("{n} tasks are not done once more: {why}; their ends before that stay"),
            },
        };
        self.told_not_again = self.not_again.len();
        self.turn.events.push(note);
    }

    /// How many tasks were to be done once more, and were not.
    pub(in crate::engine) fn not_again(&self) -> usize {
        self.not_again.len()
    }
}
