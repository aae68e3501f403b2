//! Which sessions are to be read to be told of, and which are being read: a few at once, and a run waits for them at its end
//! only for a while.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::action::{Action, Attempt};
use crate::engine::input::Told;

/// How many sessions are read for it at once: other requests wait for their turn as well.
const AT_ONCE: usize = 4;

/// How long the end of a run waits for it when nothing else is left to do.
const AT_END: Duration = Duration::from_secs(30);

/// What is to be told, and what is being read for it.
#[derive(Debug, Default)]
pub(super) struct Telling {
    pub(super) is_on: bool,
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

    /// What was heard of this attempt.
    pub(super) fn heard(&mut self, attempt: Attempt) -> Option<Box<Told>> {
        self.heard.take().filter(|(of, _)| *of == attempt).map(|(_, told)| told)
    }

    /// This is to be read.
    pub(super) fn ask(&mut self, action: Action) {
        self.queue.push_back(action);
    }

    /// One was read, or could not be.
    pub(super) fn answered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// What is not being read yet is not read.
    pub(super) fn leave(&mut self) {
        self.queue.clear();
    }

    /// The next sessions to read.
    pub(super) fn next(&mut self) -> Vec<Action> {
        let room = AT_ONCE.saturating_sub(self.under_way).min(self.queue.len());
        self.under_way += room;
        self.queue.drain(..room).collect()
    }

    /// When the wait at the end is over.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.alone_since.map(|since| since + AT_END)
    }

    /// Whether the end of the run, which has nothing else to do, waits for it.
    pub(super) fn waits(&mut self, now: Instant) -> bool {
        if self.under_way == 0 && self.queue.is_empty() {
            self.alone_since = None;
            return false;
        }
        now < *self.alone_since.get_or_insert(now) + AT_END
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
        telling.answered();
        assert_eq!(telling.next(), [action(5)]);
        assert!(telling.waits(t0) && telling.waits(t0 + AT_END - Duration::from_millis(1)));
        assert_eq!(telling.wake_at(), Some(t0 + AT_END));
        assert!(!telling.waits(t0 + AT_END));
    }
}
