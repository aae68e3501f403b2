//! Whether the next item may start: plain decisions, no waiting.

use std::time::Duration;

use tokio::time::Instant;

use crate::time::later;

/// What the next item does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It starts.
    Start,
    /// It waits, at most until then.
    Wait(Option<Instant>),
    /// It is not started, because an item before it had an error.
    Stopped,
    /// It is not started: for so long there was no slot.
    NoSlot(Duration),
}

/// The bound on sessions that were not seen to have ended.
#[derive(Debug)]
pub(super) struct Slots {
    concurrency: usize,
    stop_on_error: bool,
    delay: Duration,
    patience: Option<Duration>,
    /// Sessions that may live: those that are created now, that are waited for, and that were given up.
    held: usize,
    /// Those of them whose results are open.
    awaited: usize,
    stopped: bool,
    next_start: Option<Instant>,
    /// Since when all slots are held by sessions that were given up.
    full_since: Option<Instant>,
}

impl Slots {
    pub(super) fn new(
        concurrency: usize,
        stop_on_error: bool,
        delay: Duration,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            concurrency,
            stop_on_error,
            delay,
            patience,
            held: 0,
            awaited: 0,
            stopped: false,
            next_start: None,
            full_since: None,
        }
    }

    /// Whether a result is open.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    pub(super) fn next(&self, now: Instant) -> Next {
        if self.stopped {
            return Next::Stopped;
        }
        if self.held < self.concurrency {
            return match self.next_start {
                Some(at) if now < at => Next::Wait(Some(at)),
                _ => Next::Start,
            };
        }
        let (Some(since), Some(patience)) = (self.full_since, self.patience) else { return Next::Wait(None) };
        match later(since, patience) {
            until if now < until => Next::Wait(Some(until)),
            _ => Next::NoSlot(patience),
        }
    }

    /// An item starts.
    pub(super) fn start(&mut self, now: Instant) {
        self.held += 1;
        self.awaited += 1;
        self.next_start = (!self.delay.is_zero()).then(|| later(now, self.delay));
    }

    /// An item that was started has its result. Its slot is still held.
    pub(super) fn result(&mut self, is_error: bool, now: Instant) {
        self.awaited -= 1;
        self.stopped |= is_error && self.stop_on_error;
        self.look(now);
    }

    /// A session has ended, or there is none.
    pub(super) fn free(&mut self, now: Instant) {
        self.held -= 1;
        self.full_since = None;
        self.look(now);
    }

    fn look(&mut self, now: Instant) {
        if self.held >= self.concurrency && self.awaited == 0 {
            self.full_since.get_or_insert(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn slots(concurrency: usize, stop_on_error: bool) -> Slots {
        Slots::new(concurrency, stop_on_error, Duration::ZERO, Some(60 * SECOND))
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_held_after_a_result_until_the_session_has_ended() {
        let (mut slots, now) = (slots(2, false), Instant::now());
        slots.start(now);
        slots.start(now);
        assert_eq!(slots.next(now), Next::Wait(None));
        slots.result(true, now);
        assert_eq!(slots.next(now), Next::Wait(None), "its session may live on");
        slots.free(now);
        assert_eq!(slots.next(now), Next::Start);
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_that_were_given_up_keep_the_others_waiting_for_a_time() {
        let (mut slots, now) = (slots(2, false), Instant::now());
        slots.start(now);
        slots.start(now);
        slots.result(true, now);
        slots.result(true, now + SECOND);
        assert_eq!(slots.next(now + SECOND), Next::Wait(Some(now + 61 * SECOND)));
        assert_eq!(slots.next(now + 61 * SECOND), Next::NoSlot(60 * SECOND));
        // One ends in time, the next one starts and is given up as well: the time begins again.
        slots.free(now + 50 * SECOND);
        assert_eq!(slots.next(now + 61 * SECOND), Next::Start);
        slots.start(now + 61 * SECOND);
        assert_eq!(slots.next(now + 200 * SECOND), Next::Wait(None), "one is waited for");
        slots.result(true, now + 200 * SECOND);
        assert_eq!(slots.next(now + 201 * SECOND), Next::Wait(Some(now + 260 * SECOND)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_stops_what_has_not_started_where_that_is_wanted() {
        for stop in [true, false] {
            let (mut slots, now) = (slots(3, stop), Instant::now());
            slots.start(now);
            slots.result(true, now);
            slots.free(now);
            assert_eq!(slots.next(now), if stop { Next::Stopped } else { Next::Start });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn starts_keep_their_distance() {
        let (mut slots, now) = (Slots::new(3, true, 20 * SECOND, None), Instant::now());
        slots.start(now);
        assert_eq!(slots.next(now), Next::Wait(Some(now + 20 * SECOND)));
        assert_eq!(slots.next(now + 20 * SECOND), Next::Start);
    }
}
