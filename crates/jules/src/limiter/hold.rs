//! The hold that a 429 sets for requests of its kind: plain decisions, no waiting.

use std::time::Duration;

use tokio::time::Instant;

use crate::Method;

/// The longest hold after the first 429; doubles with each further one in a row.
const BASE: Duration = Duration::from_secs(1);

/// No hold of our own making is longer.
const CAP: Duration = Duration::from_secs(60);

/// A `Retry-After` is obeyed up to here; beyond it is more likely a mistake than a wish.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Which answer set a hold, and what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) method: Method,
    pub(super) retry_after: Option<Duration>,
}

/// Until when nobody may send, and how many 429s came in a row.
#[derive(Debug, Default)]
pub(super) struct Hold {
    until: Option<(Instant, Cause)>,
    streak: u32,
    epoch: u64,
}

impl Hold {
    /// Until when, and why.
    pub(super) fn until(&self) -> Option<(Instant, Cause)> {
        self.until
    }

    /// Counts the holds: what was sent under an older one says nothing about the present one.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A request sent in `epoch` was answered with something else than 429.
    pub(super) fn answered(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.streak = 0;
        }
    }

    /// Another process was asked for a pause.
    pub(super) fn keep(&mut self, until: Instant, cause: Cause) {
        if self.until.is_none_or(|(known, _)| known < until) {
            self.until = Some((until, cause));
        }
    }

    /// A request sent in `epoch` was answered 429. `dice` is in 0..1.
    ///
    /// Ten requests in flight that are all refused are one event, not ten: only those sent under the present hold
    /// make the streak longer.
    pub(super) fn throttled(&mut self, now: Instant, epoch: u64, cause: Cause, dice: f64) {
        let is_news = epoch == self.epoch;
        if is_news {
            self.epoch += 1;
            self.streak = self.streak.saturating_add(1);
        }
        let wait = match cause.retry_after {
            Some(wait) => wait.min(LONGEST),
            None if is_news => {
                let doublings = (self.streak - 1).min(16);
                (BASE * 2_u32.pow(doublings)).min(CAP).mul_f64(dice.clamp(0.0, 1.0))
            }
            None => return,
        };
        if self.until.is_none_or(|(until, _)| until < now + wait) {
            self.until = Some((now + wait, cause));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn asking(retry_after: Option<Duration>) -> Cause {
        Cause { method: Method::GetSession, retry_after }
    }

    fn end(hold: &Hold) -> Option<Instant> {
        hold.until().map(|(until, _)| until)
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_in_a_row_double_the_hold_up_to_the_cap() {
        let (mut hold, now) = (Hold::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..8 {
            let epoch = hold.epoch();
            hold.throttled(now, epoch, asking(None), 1.0);
            waits.push((end(&hold).unwrap() - now).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_in_flight_together_are_one_event() {
        let (mut hold, now) = (Hold::default(), Instant::now());
        for _ in 0..10 {
            hold.throttled(now, 0, asking(None), 1.0);
        }
        assert_eq!(end(&hold), Some(now + SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_the_streak_unless_it_is_old() {
        let (mut hold, now) = (Hold::default(), Instant::now());
        hold.throttled(now, 0, asking(None), 1.0);
        hold.answered(0);
        hold.throttled(now, 1, asking(None), 1.0);
        assert_eq!(end(&hold), Some(now + 2 * SECOND), "the old answer must not have ended the streak");
        hold.answered(2);
        hold.throttled(now + 10 * SECOND, 2, asking(None), 1.0);
        assert_eq!(end(&hold), Some(now + 11 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_wins_over_the_dice_and_is_bounded() {
        let (mut hold, now) = (Hold::default(), Instant::now());
        hold.throttled(now, 0, asking(Some(90 * SECOND)), 0.0);
        assert_eq!(end(&hold), Some(now + 90 * SECOND));
        hold.throttled(now, 0, asking(Some(Duration::MAX)), 0.0);
        assert_eq!(end(&hold), Some(now + LONGEST));
    }

    proptest! {
        #[test]
        fn the_hold_only_moves_forward(events in prop::collection::vec((any::<bool>(), 0_u64..4, prop::option::of(0_u64..9_999), 0.0..1.0), 1..50)) {
            let (mut hold, mut now) = (Hold::default(), Instant::now());
            for (refused, age, retry_after, dice) in events {
                let before = end(&hold);
                let epoch = hold.epoch().saturating_sub(age);
                if refused {
                    hold.throttled(now, epoch, asking(retry_after.map(Duration::from_secs)), dice);
                } else {
                    hold.answered(epoch);
                }
                prop_assert!(end(&hold) >= before);
                now += SECOND;
            }
        }
    }
}
