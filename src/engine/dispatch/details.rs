//! What is told to people of sessions that have ended. Nothing is decided by it, so it waits behind everything else, and a
//! run waits for it at its end only for a while.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::{Dispatch, Stage};
use crate::engine::action::{Action, Attempt};
use crate::engine::input::{Now, Told};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Outcome, Work};
use jules::SessionId;

/// How many sessions are read for it at once: other requests wait for their turn as well.
const AT_ONCE: usize = 4;

/// How long the end of a run waits for it when nothing else is left to do.
const AT_END: Duration = Duration::from_secs(30);

/// What is to be told, and what is being read for it.
#[derive(Debug, Default)]
pub(super) struct Telling {
    is_on: bool,
    /// What an attempt's activities told just now, while its driver decides.
    heard: Option<(Attempt, Box<Told>)>,
    queue: VecDeque<Action>,
    under_way: usize,
    /// Since when nothing else is left to do.
    alone_since: Option<Instant>,
}

impl Telling {
    pub(super) fn new(is_on: bool) -> Self {
        Self { is_on, ..Self::default() }
    }

    /// While its driver decides, this is what the attempt's activities have told.
    pub(super) fn hear(&mut self, attempt: Attempt, told: Option<Box<Told>>) {
        self.heard = told.filter(|_| self.is_on).map(|told| (attempt, told));
    }

    /// The next sessions to read.
    fn next(&mut self) -> Vec<Action> {
        let room = AT_ONCE.saturating_sub(self.under_way).min(self.queue.len());
        self.under_way += room;
        self.queue.drain(..room).collect()
    }

    /// When the wait at the end is over.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.alone_since.map(|since| since + AT_END)
    }

    /// Whether the end of the run, which has nothing else to do, waits for it.
    fn waits(&mut self, now: Instant) -> bool {
        if self.under_way == 0 && self.queue.is_empty() {
            self.alone_since = None;
            return false;
        }
        now < *self.alone_since.get_or_insert(now) + AT_END
    }
}

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
        let heard = self.telling.heard.take().filter(|(of, _)| *of == attempt).map(|(_, told)| told);
        let has_change = work.change.is_some_and(|change| change.files > 0 || change.unread);
        match heard {
            Some(told) if told.diff.is_some() || !has_change => self.record_details(attempt, *told),
            known if self.telling.is_on && is_last && !outcome.is_open() => {
                self.telling.queue.push_back(Action::Tell { attempt, session, known, has_change });
            }
            known => known.into_iter().for_each(|told| self.record_details(attempt, *told)),
        }
    }

    /// One was read, or could not be: then nothing is told of it.
    pub(super) fn on_told(&mut self, attempt: Attempt, told: Option<Box<Told>>) {
        self.telling.under_way = self.telling.under_way.saturating_sub(1);
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
            self.telling.queue.clear();
        }
        let next = self.telling.next();
        self.turn.actions.extend(next);
    }

    /// Whether the end of the run waits for what is still to be told.
    pub(super) fn waits_for_details(&mut self, now: Now) -> bool {
        !self.stop.reason.is_some_and(StopReason::leaves_live) && self.telling.waits(now.instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::action::TaskIx;

    fn action(number: u32) -> Action {
        let (attempt, session) = (Attempt { task: TaskIx(0), number }, "1".parse().unwrap());
        Action::Tell { attempt, session, known: None, has_change: false }
    }

    #[test]
    fn a_few_are_read_at_once_and_the_end_waits_half_a_minute() {
        let (t0, mut telling) = (Instant::now(), Telling::new(true));
        assert!(!telling.waits(t0) && telling.wake_at().is_none());
        telling.queue.extend((1..=6).map(action));
        assert_eq!((telling.next().len(), telling.next().len()), (4, 0));
        telling.under_way -= 1;
        assert_eq!(telling.next(), [action(5)]);
        assert!(telling.waits(t0) && telling.waits(t0 + AT_END - Duration::from_millis(1)));
        assert_eq!(telling.wake_at(), Some(t0 + AT_END));
        assert!(!telling.waits(t0 + AT_END));
    }
}
