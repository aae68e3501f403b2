//! How long until a session is polled again: seldom before the first ones usually end and long after the last
//! ones did, at the interval's pace between.

use std::collections::VecDeque;
use std::time::Duration;

/// How many lifetimes are remembered; older ones give way.
const REMEMBERED: usize = 200;
/// Fewer say nothing.
const ENOUGH: usize = 10;
/// The longest distance, in intervals.
const LONGEST: u32 = 4;
/// While nothing is known of lifetimes, a session older than this many intervals is old (an hour at ten seconds).
const OLD: u32 = 360;

/// What the agent is doing, as far as it matters for the next poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) enum Liveness {
    /// It may end any time.
    #[default]
    Working,
    /// It waits, in the queue or for a human, and does not end by itself.
    Waiting,
}

/// Learns how long sessions live.
#[derive(Debug, Default)]
pub(super) struct Lifetimes {
    ended: VecDeque<Duration>,
    /// Before the first hardly any ends, and after the second hardly any is left.
    usual: Option<(Duration, Duration)>,
}

impl Lifetimes {
    /// A session ended after so long.
    pub(super) fn learn(&mut self, lifetime: Duration) {
        if self.ended.len() == REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(lifetime);
        if self.ended.len() < ENOUGH {
            return;
        }
        let mut sorted: Vec<Duration> = self.ended.iter().copied().collect();
        sorted.sort_unstable();
        // A margin on both sides: the next ones need not live as the last ones did.
        let (early, late) = (sorted[sorted.len() / 20], sorted[sorted.len() * 19 / 20]);
        self.usual = Some((early.mul_f64(0.7), late * 2));
    }

    /// The distance to the next poll of a session of this age.
    pub(super) fn distance(&self, age: Duration, liveness: Liveness, interval: Duration) -> Duration {
        let longest = interval * LONGEST;
        let by_age = match self.usual {
            Some((early, _)) if age < early => (early - age).clamp(interval, longest),
            Some((_, late)) if age > late => stretched(interval, age, late),
            Some(_) => interval,
            None => stretched(interval, age, interval * OLD),
        };
        match liveness {
            Liveness::Working => by_age,
            Liveness::Waiting => by_age.max(interval * 2),
        }
    }
}

/// The interval up to `limit`, then longer in proportion.
fn stretched(interval: Duration, age: Duration, limit: Duration) -> Duration {
    let times = age.as_secs_f64() / limit.as_secs_f64().max(1e-9);
    interval.mul_f64(times.clamp(1.0, f64::from(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    const fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    /// Sessions that lived 10 to 20 minutes.
    fn known() -> Lifetimes {
        let mut lifetimes = Lifetimes::default();
        for n in 0..40 {
            lifetimes.learn(minutes(10) + Duration::from_secs(15 * n));
        }
        lifetimes
    }

    #[test]
    fn unknown_lifetimes_are_the_plain_interval_for_an_hour() {
        let lifetimes = Lifetimes::default();
        let at = |age| lifetimes.distance(age, Liveness::Working, INTERVAL);
        assert_eq!([at(minutes(0)), at(minutes(60))], [INTERVAL; 2]);
        assert_eq!(at(minutes(120)), INTERVAL * 2);
        assert_eq!(at(minutes(6000)), INTERVAL * 4);
    }

    #[test]
    fn polls_are_rare_before_the_usual_end_and_after_it() {
        let lifetimes = known();
        let at = |age| lifetimes.distance(age, Liveness::Working, INTERVAL);
        assert_eq!(at(minutes(1)), INTERVAL * 4);
        for age in [8, 10, 15, 20, 30] {
            assert_eq!(at(minutes(age)), INTERVAL, "{age} minutes");
        }
        assert!(at(minutes(60)) > INTERVAL);
        assert_eq!(at(minutes(600)), INTERVAL * 4);
    }

    #[test]
    fn the_last_rare_poll_is_not_past_the_edge() {
        let lifetimes = known();
        let mut age = Duration::ZERO;
        while age < minutes(7) + INTERVAL * 2 {
            age += lifetimes.distance(age, Liveness::Working, INTERVAL);
        }
        assert!(age < minutes(8), "{age:?}");
    }

    #[test]
    fn a_waiting_session_does_not_end_by_itself() {
        let distance = Lifetimes::default().distance(minutes(1), Liveness::Waiting, INTERVAL);
        assert_eq!(distance, INTERVAL * 2);
    }
}
