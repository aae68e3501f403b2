//! One clock: tokio's, mapped to the time of day.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Reads the time of day off tokio's clock, so that paused and advanced test time moves it too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Instant,
    wall: Timestamp,
}

impl Clock {
    /// It shows another time than this machine's by `ahead`.
    pub(super) fn start(ahead: SignedDuration) -> Self {
        let now = Timestamp::now();
        Self { started: Instant::now(), wall: now.checked_add(ahead).unwrap_or(now) }
    }

    pub(super) fn now(&self) -> Timestamp {
        later(self.wall, self.started.elapsed())
    }
}

/// `at` plus `length`; stops at the end of time instead of failing.
pub(super) fn later(at: Timestamp, length: Duration) -> Timestamp {
    SignedDuration::try_from(length)
        .ok()
        .and_then(|length| at.checked_add(length).ok())
        .unwrap_or(Timestamp::MAX)
}

/// `at` less `length`; stops at the beginning of time instead of failing.
pub(super) fn earlier(at: Timestamp, length: Duration) -> Timestamp {
    SignedDuration::try_from(length)
        .ok()
        .and_then(|length| at.checked_sub(length).ok())
        .unwrap_or(Timestamp::MIN)
}

/// How long it is from `from` to `to`; zero when `to` comes first.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// `at` cut to `digits` digits after the second's point (9 changes nothing).
pub(super) fn cut(at: Timestamp, digits: u8) -> Timestamp {
    let unit = 10_i32.pow(9 - u32::from(digits.min(9)));
    let over = at.subsec_nanosecond().rem_euclid(unit);
    earlier(at, Duration::from_nanos(u64::from(over.unsigned_abs())))
}

/// A timestamp as the service prints it: with `digits` digits after the point, or more where the value needs them.
/// Without `digits` it has 0, 3, 6 or 9 of them, as few as hold the value; that is the JSON form of protobuf.
pub(super) fn print(at: Timestamp, digits: Option<u8>) -> String {
    let nanos = at.subsec_nanosecond();
    let needed = (0..9).find(|digits| nanos % 10_i32.pow(9 - digits) == 0).unwrap_or(9) as usize;
    let digits = digits.map_or_else(|| needed.next_multiple_of(3), |digits| needed.max(usize::from(digits)));
    format!("{at:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn cuts_to_the_digits_asked() {
        let full = at("2026-11-23T10:00:00.123456789Z");
        assert_eq!(cut(full, 9), full);
        assert_eq!(cut(full, 3), at("2026-11-23T10:00:00.123Z"));
        assert_eq!(cut(full, 0), at("2026-11-23T10:00:00Z"));
        assert_eq!(cut(full, 4), at("2026-11-23T10:00:00.1234Z"));
    }

    #[test]
    fn prints_as_few_digits_as_hold_the_value() {
        assert_eq!(print(at("2026-11-23T10:00:00Z"), None), "2026-11-23T10:00:00Z");
        assert_eq!(print(at("2026-11-23T10:00:00.5Z"), None), "2026-11-23T10:00:00.500Z");
        assert_eq!(print(at("2026-11-23T10:00:00.000001Z"), None), "2026-11-23T10:00:00.000001Z");
        assert_eq!(print(at("2026-11-23T10:00:00.5Z"), Some(1)), "2026-11-23T10:00:00.5Z");
        assert_eq!(print(at("2026-11-23T10:00:00.25Z"), Some(0)), "2026-11-23T10:00:00.25Z");
        assert_eq!(print(at("2026-11-23T10:00:00.5Z"), Some(9)), "2026-11-23T10:00:00.500000000Z");
    }

    #[tokio::test(start_paused = true)]
    async fn follows_the_clock_of_tokio() {
        let clock = Clock::start(SignedDuration::ZERO);
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(between(before, clock.now()), Duration::from_secs(90));
    }
}
