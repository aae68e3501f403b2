//! What a method allows, learnt from its answers 429: plain decisions, no waiting.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Over how long the pace of requests is measured.
const WINDOW: Duration = Duration::from_secs(60);
/// More requests than this are not remembered: a pace per minute is measured over less than a minute.
const REMEMBERED: usize = 240;
/// No refusal makes the pace slower than one request in so long.
const SLOWEST: Duration = Duration::from_secs(30);
/// How long the pace takes to double again without a further refusal.
const DOUBLES_IN: Duration = Duration::from_secs(120);
/// After this many doublings nothing is left of what was learnt.
const FORGOTTEN_AFTER: f64 = 4.0;

/// The pace of one method. Unlimited until the service refuses it.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    sent: VecDeque<Instant>,
    limit: Option<Limit>,
}

/// The distance that requests are to keep.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Right after the refusal; it shrinks with time.
    distance: Duration,
    since: Instant,
    /// In which hold it was learnt: many refusals of one hold are one event.
    epoch: u64,
}

impl Learnt {
    /// When the next request may leave.
    pub(super) fn ready_at(&mut self, now: Instant) -> Instant {
        let Some(limit) = self.limit else { return now };
        let doublings = now.saturating_duration_since(limit.since).as_secs_f64() / DOUBLES_IN.as_secs_f64();
        if doublings >= FORGOTTEN_AFTER {
            self.limit = None;
            return now;
        }
        let distance = limit.distance.div_f64(doublings.exp2());
        self.sent.back().map_or(now, |last| (*last + distance).max(now))
    }

    /// A request leaves.
    pub(super) fn sent(&mut self, now: Instant) {
        while self.sent.len() >= REMEMBERED || self.sent.front().is_some_and(|at| *at + WINDOW <= now) {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// A request that was sent in `epoch` was answered 429: half of the pace so far is what the method allows.
    pub(super) fn throttled(&mut self, now: Instant, epoch: u64) {
        if self.limit.is_some_and(|limit| limit.epoch >= epoch) {
            return;
        }
        // A single request has no pace: the hold alone answers its refusal.
        let (Some(first), requests @ 2..) = (self.sent.front(), self.sent.len()) else { return };
        let pace = now.saturating_duration_since(*first) / requests as u32;
        let distance = (pace * 2).min(SLOWEST);
        self.limit = Some(Limit { distance, since: now, epoch });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A method refused after 60 requests in 30 seconds.
    fn refused() -> (Learnt, Instant) {
        let (mut learnt, mut now) = (Learnt::default(), Instant::now());
        for _ in 0..60 {
            assert_eq!(learnt.ready_at(now), now, "unlimited until refused");
            learnt.sent(now);
            now += SECOND / 2;
        }
        learnt.throttled(now, 1);
        learnt.sent(now);
        (learnt, now)
    }

    fn distance(learnt: &mut Learnt, now: Instant) -> Duration {
        learnt.sent(now);
        learnt.ready_at(now) - now
    }

    #[test]
    fn a_refusal_halves_the_pace() {
        let (mut learnt, now) = refused();
        assert_eq!(learnt.ready_at(now), now + SECOND);
    }

    #[test]
    fn refusals_of_one_hold_are_one_event_and_a_later_one_halves_again() {
        let (mut learnt, mut now) = refused();
        learnt.throttled(now, 1);
        assert_eq!(learnt.ready_at(now), now + SECOND);
        for _ in 0..60 {
            now += SECOND;
            learnt.sent(now);
        }
        learnt.throttled(now, 2);
        let distance = learnt.ready_at(now) - now;
        assert!((SECOND * 19 / 10..SECOND * 21 / 10).contains(&distance), "{distance:?}");
    }

    #[test]
    fn the_pace_creeps_up_until_nothing_is_left_of_the_limit() {
        let (mut learnt, now) = refused();
        let later = now + DOUBLES_IN;
        assert_eq!(distance(&mut learnt, later), SECOND / 2);
        let forgotten = now + DOUBLES_IN * 4;
        assert_eq!(distance(&mut learnt, forgotten), Duration::ZERO);
    }

    #[test]
    fn the_pace_has_a_floor() {
        let (mut learnt, mut now) = (Learnt::default(), Instant::now());
        for epoch in 1..20 {
            now += 25 * SECOND;
            learnt.sent(now);
            learnt.throttled(now, epoch);
        }
        assert!(distance(&mut learnt, now) <= SLOWEST);
    }
}
