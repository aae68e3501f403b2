//! When listings fail: sessions are read one by one.

use std::time::Duration;

use tokio::time::Instant;

/// After a listing that failed no other is tried for an interval, and for twice as long after each further one, up to this
/// many.
const MOST_INTERVALS: u32 = 32;

/// Since when listings fail, and until when none is tried.
#[derive(Debug)]
pub(super) struct Blind {
    pub(super) since: Instant,
    pub(super) until: Instant,
    /// When the last one failed.
    pub(super) last: Instant,
    failures: u32,
    pub(super) error: String,
}

impl Blind {
    /// A listing has failed, perhaps after others.
    pub(super) fn after(before: Option<Self>, error: &str, interval: Duration, now: Instant) -> Self {
        let failures = before.as_ref().map_or(0, |blind| blind.failures) + 1;
        let intervals = 2_u32.saturating_pow(failures - 1).min(MOST_INTERVALS);
        Self {
            since: before.map_or(now, |blind| blind.since),
            until: now + interval * intervals,
            last: now,
            failures,
            error: error.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_further_failure_doubles_the_wait_up_to_a_bound() {
        let (start, interval) = (Instant::now(), Duration::from_secs(10));
        let mut blind = Blind::after(None, "503", interval, start);
        for intervals in [1, 2, 4, 8, 16, 32, 32, 32] {
            assert_eq!((blind.since, blind.until), (start, start + interval * intervals));
            blind = Blind::after(Some(blind), "503", interval, start);
        }
    }
}
