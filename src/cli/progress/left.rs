//! How long the rest of a run may take: a guess, from what has ended and what holds up the rest.

use std::time::Duration;

use jiff::Timestamp;

use crate::outcome::ServiceStatus;
use crate::plan::Settings;
use crate::report::duration;

/// What one can say of the time left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Left {
    /// Nothing: nothing has ended yet, or nothing is left.
    Untold,
    /// That nobody knows: nothing moves as it should.
    Unknown,
    /// So many seconds, about.
    About(f64),
}

/// How fast tasks may be started at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    creates_per_minute: Option<u32>,
    sessions_per_day: Option<u32>,
    day: f64,
}

/// What the guess rests on.
pub(super) struct Facts<'a> {
    /// How many seconds an attempt took that has ended, on average; none before the first.
    pub(super) mean: Option<f64>,
    /// The ages of the live sessions in seconds, in a fixed order: the sum of floats depends on it.
    pub(super) ages: Vec<f64>,
    /// How many tasks have no session yet.
    pub(super) waiting: usize,
    pub(super) pace: Pace,
    pub(super) service: &'a ServiceStatus,
    pub(super) now: Timestamp,
}

impl Pace {
    /// Where nobody knows.
    pub(crate) const UNKNOWN: Self = Self { creates_per_minute: None, sessions_per_day: None, day: 86_400.0 };

    /// As the manifest sets it.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            creates_per_minute: Some(settings.limits.creates_per_minute),
            sessions_per_day: settings.limits.sessions_per_day,
            day: settings.day.as_secs_f64(),
        }
    }

    /// How long it takes at least until the last of so many tasks is started, from the moment when the first may be.
    fn starts(self, tasks: usize, first: f64, service: &ServiceStatus) -> f64 {
        let tasks = tasks as f64;
        let by_minute = self.creates_per_minute.map_or(0.0, |n| (tasks - 1.0) * 60.0 / f64::from(n.max(1)));
        // What is left of the day is not told at once, and that is no reason to wait for another.
        let by_day = self.sessions_per_day.zip(service.sessions_left).map_or(0.0, |(per_day, left)| {
            let (per_day, left) = (f64::from(per_day.max(1)), left as f64);
            // Spent: the first pause brings some of them back, each further day as many as a day has.
            if left == 0.0 && first > 0.0 {
                ((tasks - 1.0) / per_day).floor() * self.day
            } else {
                ((tasks - left) / per_day).ceil().max(0.0) * self.day
            }
        });
        first + by_minute.max(by_day)
    }
}

impl Facts<'_> {
    /// How long the rest takes if what is left is like what has ended.
    pub(super) fn left(&self) -> Left {
        if self.ages.is_empty() && self.waiting == 0 {
            return Left::Untold;
        }
        if self.service.outage.is_some() {
            return Left::Unknown;
        }
        let first = self
            .until(self.service.paused_until("creates"))
            .max(self.until(self.service.start_pause.as_ref().map(|pause| pause.until)));
        let Some(mean) = self.mean.filter(|_| !self.ages.is_empty() || first > 0.0) else {
            return Left::Untold;
        };
        let rests = || self.ages.iter().map(|age| (mean - age).max(0.0));
        let longest = rests().fold(0.0, f64::max);
        let work: f64 = rests().sum::<f64>() + mean * self.waiting as f64;
        let mut left = longest.max(work / self.ages.len().max(1) as f64);
        if self.ages.is_empty() {
            left = mean;
        }
        if self.waiting > 0 {
            left = left.max(self.pace.starts(self.waiting, first, self.service) + mean);
        }
        // No end is seen before that.
        left = left.max(self.until(self.service.paused_until("reads")));
        // All that is live has taken longer than usual: nobody knows how much longer.
        if left < 1.0 { Left::Unknown } else { Left::About(left) }
    }

    fn until(&self, time: Option<Timestamp>) -> f64 {
        time.map_or(0.0, |time| time.duration_since(self.now).as_secs_f64().max(0.0))
    }
}

impl Left {
    /// `, about 4m 10s left`, or nothing.
    pub(super) fn words(self) -> String {
        match self {
            Self::Untold => String::new(),
            Self::Unknown => ", time left unknown".to_owned(),
            Self::About(seconds) => {
                format!(", about {} left", duration(Duration::from_secs(seconds.round() as u64)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::outcome::{Outage, RequestPause, StartPause, sample};

    const NOW: i64 = 100;

    fn until(seconds: i64) -> Timestamp {
        sample::at(NOW) + SignedDuration::from_secs(seconds)
    }

    fn paused(requests: &str, seconds: i64) -> ServiceStatus {
        let pause = RequestPause { requests: requests.into(), until: until(seconds), asked: true };
        ServiceStatus { pauses: vec![pause], ..ServiceStatus::default() }
    }

    /// Attempts took a minute.
    fn left(ages: &[f64], waiting: usize, pace: Pace, service: &ServiceStatus) -> Left {
        let (ages, now) = (ages.to_vec(), sample::at(NOW));
        Facts { mean: Some(60.0), ages, waiting, pace, service, now }.left()
    }

    #[test]
    fn what_is_left_is_like_what_has_ended() {
        let (pace, well) = (Pace::UNKNOWN, ServiceStatus::default());
        assert_eq!(left(&[0.0], 1, pace, &well), Left::About(120.0));
        assert_eq!(left(&[30.0], 1, pace, &well), Left::About(90.0));
        assert_eq!(left(&[10.0, 20.0], 0, pace, &well), Left::About(50.0));
        assert_eq!(left(&[1_000.0], 1, pace, &well), Left::About(60.0));
        assert_eq!(left(&[], 3, pace, &well), Left::Untold, "nothing is live, and nobody says why");
        assert_eq!(left(&[], 0, pace, &paused("creates", 9)), Left::Untold, "nothing is left");
    }

    #[test]
    fn nobody_knows_when_nothing_moves() {
        let (pace, well) = (Pace::UNKNOWN, ServiceStatus::default());
        assert_eq!(left(&[61.0, 999.0], 0, pace, &well), Left::Unknown);
        let outage = Outage {
            requests: Vec::new(),
            since: sample::at(0),
            last_failure: None,
            error: String::new(),
            next_try: None,
        };
        let down = ServiceStatus { outage: Some(outage), ..well };
        assert_eq!(left(&[10.0], 3, pace, &down), Left::Unknown);
    }

    #[test]
    fn pauses_are_waited_for() {
        let pace = Pace::UNKNOWN;
        assert_eq!(left(&[30.0], 1, pace, &paused("creates", 600)), Left::About(660.0));
        assert_eq!(left(&[], 1, pace, &paused("creates", 600)), Left::About(660.0));
        assert_eq!(left(&[30.0], 0, pace, &paused("creates", 600)), Left::About(30.0), "none is needed");
        assert_eq!(left(&[30.0], 0, pace, &paused("reads", 600)), Left::About(600.0));
        assert_eq!(left(&[30.0], 0, pace, &paused("writes", 600)), Left::About(30.0));
    }

    #[test]
    fn quotas_are_kept() {
        let pace = Pace { creates_per_minute: Some(2), ..Pace::UNKNOWN };
        let well = ServiceStatus::default();
        assert_eq!(left(&[0.0; 90], 11, pace, &well), Left::About(10.0 * 30.0 + 60.0));
        let pace = Pace { sessions_per_day: Some(10), ..Pace::UNKNOWN };
        let today = |sessions_left| ServiceStatus { sessions_left: Some(sessions_left), ..well.clone() };
        assert_eq!(left(&[0.0; 9], 5, pace, &today(5)), Left::About((9.0 * 60.0 + 5.0 * 60.0) / 9.0));
        assert_eq!(left(&[0.0; 9], 6, pace, &today(5)), Left::About(86_400.0 + 60.0));
        assert_eq!(left(&[0.0; 9], 16, pace, &today(5)), Left::About(2.0 * 86_400.0 + 60.0));
        assert_eq!(
            left(&[0.0; 9], 5, pace, &well),
            Left::About((9.0 * 60.0 + 5.0 * 60.0) / 9.0),
            "not told yet"
        );
        let start_pause = Some(StartPause { until: until(3_600), reason: "sessions-per-day".into() });
        let spent = ServiceStatus { start_pause, ..today(0) };
        assert_eq!(left(&[], 10, pace, &spent), Left::About(3_660.0));
        assert_eq!(left(&[], 11, pace, &spent), Left::About(86_400.0 + 3_660.0));
    }

    #[test]
    fn what_is_said_is_never_zero() {
        let said = [Left::Untold, Left::Unknown, Left::About(250.4)].map(Left::words);
        assert_eq!(said, ["", ", time left unknown", ", about 4m 10s left"]);
    }
}
