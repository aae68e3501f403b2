//! The service's time of day, by what its answers say: ours may be another one.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};
use tokio::time::Instant;

/// Answers tell whole seconds. A clock of ours that is as near as this agrees, and knows the fractions.
const AGREEING: SignedDuration = SignedDuration::from_secs(2);

/// The time that the last answer was of, and when it came.
#[derive(Default)]
pub(super) struct Clock(Mutex<Option<(Timestamp, Instant)>>);

impl Clock {
    /// Takes the time of an answer that comes now.
    pub(super) fn set(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
        if let Some(date) = date.and_then(|date| Timestamp::try_from(date).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, Instant::now()));
        }
    }

    /// The time now: ours as long as no answer has told another, else within a second.
    pub(super) fn now(&self) -> Timestamp {
        let told = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = Timestamp::now();
        let theirs = told.map(|(date, at)| {
            let passed = SignedDuration::try_from(at.elapsed()).unwrap_or_default();
            date.checked_add(passed).unwrap_or(date)
        });
        theirs.filter(|theirs| ours.duration_since(*theirs).abs() > AGREEING).unwrap_or(ours)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::HeaderValue;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_answer_counts_and_time_goes_on() {
        let clock = Clock::default();
        assert!(Timestamp::now().duration_since(clock.now()) < SignedDuration::from_mins(1));
        let set = |text| clock.set(&HeaderMap::from_iter([(DATE, HeaderValue::from_static(text))]));
        set("Sun, 22 Nov 2026 02:00:00 GMT");
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), "2026-11-22T02:01:30Z".parse().unwrap());
        set("soon");
        clock.set(&HeaderMap::new());
        assert_eq!(clock.now(), "2026-11-22T02:01:30Z".parse().unwrap());
        set("Sun, 22 Nov 2026 01:00:00 GMT");
        assert_eq!(clock.now(), "2026-11-22T01:00:00Z".parse().unwrap());
    }

    #[test]
    fn a_clock_of_ours_that_agrees_is_the_more_exact_one() {
        let clock = Clock::default();
        let before = Timestamp::now();
        // As a server writes it: the second that has begun.
        let date = httpdate::fmt_http_date(std::time::SystemTime::now());
        clock.set(&HeaderMap::from_iter([(DATE, HeaderValue::from_str(&date).unwrap())]));
        let told = clock.now();
        assert!((before..=Timestamp::now()).contains(&told), "{told}");
    }
}
