//! How fast we write: one after the other, a second apart, and so many in a minute and in an hour. No clock here.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// GitHub asks for a second between two writes.
const APART: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// GitHub's own bounds are 80 and 500.
const A_MINUTE: usize = 60;
const AN_HOUR: usize = 400;

/// The writes of the last hour.
#[derive(Debug)]
pub(super) struct Pacing {
    /// When they began, oldest first.
    begun: VecDeque<Instant>,
    /// When the last one was over.
    over: Instant,
}

impl Pacing {
    /// The process before this one may have written a moment ago.
    pub(super) fn new(now: Instant) -> Self {
        Self { begun: VecDeque::new(), over: now }
    }

    /// Processes before this one have begun writes then, of the last hour, oldest first.
    pub(super) fn remember(&mut self, earlier: impl IntoIterator<Item = Instant>) {
        let mut begun: VecDeque<Instant> = earlier.into_iter().collect();
        begun.extend(self.begun.drain(..));
        let too_many = begun.len().saturating_sub(AN_HOUR);
        begun.drain(..too_many);
        self.begun = begun;
    }

    /// When the next write may be sent.
    pub(super) fn next(&self) -> Instant {
        let after = |most: usize, length: Duration| {
            let oldest = self.begun.len().checked_sub(most).and_then(|place| self.begun.get(place));
            oldest.map(|begun| *begun + length)
        };
        let bounds = [Some(self.over + APART), after(A_MINUTE, MINUTE), after(AN_HOUR, HOUR)];
        bounds.into_iter().flatten().max().unwrap_or(self.over)
    }

    /// A write begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.begun.push_back(now);
        if self.begun.len() > AN_HOUR {
            self.begun.pop_front();
        }
        self.over = now;
    }

    /// It is over, with or without an answer.
    pub(super) fn end(&mut self, now: Instant) {
        self.over = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When writes leave that each take so long and are wanted at once, since the start.
    fn times(writes: usize, took: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let mut pacing = Pacing::new(start);
        let write = |_| {
            let at = pacing.next();
            pacing.begin(at);
            pacing.end(at + took);
            at - start
        };
        (0..writes).map(write).collect()
    }

    #[test]
    fn writes_are_a_second_apart_counted_from_the_answer() {
        let seconds = |times: Vec<Duration>| times.iter().map(Duration::as_millis).collect::<Vec<_>>();
        assert_eq!(seconds(times(3, Duration::from_millis(500))), [1_000, 2_500, 4_000]);
    }

    #[test]
    fn what_others_wrote_within_the_hour_counts() {
        let start = Instant::now() + HOUR;
        let mut pacing = Pacing::new(start);
        pacing.remember((0..60).map(|n| start - Duration::from_secs(55) + Duration::from_millis(n * 900)));
        assert_eq!(
            pacing.next(),
            start + Duration::from_secs(5),
            "the first of sixty has to be a minute old"
        );
        let mut pacing = Pacing::new(start);
        pacing.remember((0..500).map(|n| start - HOUR / 2 + Duration::from_secs(n)));
        assert_eq!(pacing.next(), start + HOUR / 2 + Duration::from_secs(100));
    }

    /// As docs/campaigns.md tells: each branch that is deleted is a write as well, unless GitHub does that itself.
    #[test]
    fn three_hundred_merges_take_five_minutes_or_an_hour() {
        let minutes = |writes: usize| times(writes, Duration::ZERO)[writes - 1].as_secs() / 60;
        assert_eq!((minutes(300), minutes(600)), (5, 63));
    }

    #[test]
    fn no_minute_and_no_hour_has_too_many() {
        let times = times(1_300, Duration::ZERO);
        let most_within = |length: Duration| {
            let within =
                |from: &Duration| times.iter().filter(|at| **at >= *from && **at < *from + length).count();
            times.iter().map(within).max().unwrap()
        };
        assert_eq!((most_within(APART), most_within(MINUTE), most_within(HOUR)), (1, 60, 400));
        assert!(times[1_299] < HOUR * 4);
    }
}
