//! What is told to people of sessions that have ended. Nothing is decided by it, so it waits behind everything else.

use super::{Dispatch, Stage};
use crate::engine::action::{Action, Attempt};
use crate::engine::input::{Now, Told};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Outcome, Work};
use jules::SessionId;

impl Dispatch {
    /// The attempt has ended so. What its activities told is enough where they hold its change; else they are read, or its
    /// session is. `is_last`: there is none after it.
    pub(super) fn tell_details(
        &mut self,
        attempt: Attempt,
        session: SessionId,
        (outcome, work): (Outcome, &Work),
        is_last: bool,
    ) {
        let heard = self.telling.heard(attempt);
        let has_change = work.change.is_some_and(|change| change.files > 0 || change.unread);
        match heard {
            Some(told) if told.diff.is_some() || !has_change => self.record_details(attempt, *told),
            known if self.telling.is_on && is_last && !outcome.is_open() => {
                self.telling.ask(Action::Tell { attempt, session, known, has_change });
            }
            known => known.into_iter().for_each(|told| self.record_details(attempt, *told)),
        }
    }

    /// One was read, or could not be: then nothing is told of it.
    pub(super) fn on_told(&mut self, attempt: Attempt, told: Option<Box<Told>>) {
        self.telling.answered();
        if self.stage != Stage::Done {
            told.into_iter().for_each(|told| self.record_details(attempt, *told));
        }
    }

    fn record_details(&mut self, attempt: Attempt, told: Told) {
        let (task, attempt) = self.names(attempt);
        let Told { details, diff } = told;
        self.turn.events.push(EventKind::SessionDetails { task, attempt, details, diff });
    }

    /// Reads more, unless everybody leaves.
    pub(super) fn tell_more(&mut self) {
        if self.stop.reason.is_some_and(StopReason::leaves_live) {
            self.telling.leave();
        }
        let next = self.telling.next();
        self.turn.actions.extend(next);
    }

    /// Whether the end of the run waits for what is still to be told.
    pub(super) fn waits_for_details(&mut self, now: Now) -> bool {
        !self.stop.reason.is_some_and(StopReason::leaves_live) && self.telling.waits(now.instant)
    }
}
