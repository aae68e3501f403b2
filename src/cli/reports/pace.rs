//! How often reports are written again.

use std::time::{Duration, Instant};

/// The shortest time between two writes: readers look at seconds.
const SHORTEST: Duration = Duration::from_millis(500);
/// A write that takes long waits so many times as long before the next: at most a tenth of one core is spent
/// on reports, however large they get.
const SHARE: u32 = 10;

/// Says when the next write is due.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    not_before: Option<Instant>,
}

impl Pace {
    /// A write began and ended at these instants.
    pub(crate) fn wrote(&mut self, began: Instant, ended: Instant) {
        let took = ended.duration_since(began);
        self.not_before = Some(ended + SHORTEST.max(took * SHARE));
    }

    /// How long to wait for the next write; zero when it is due.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.not_before.map_or(Duration::ZERO, |not_before| not_before.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_write_is_due_at_once() {
        assert_eq!(Pace::default().wait(Instant::now()), Duration::ZERO);
    }

    #[test]
    fn a_long_write_earns_a_long_pause() {
        let began = Instant::now();
        let mut pace = Pace::default();
        let ended = began + Duration::from_millis(1);
        pace.wrote(began, ended);
        assert_eq!(pace.wait(ended), SHORTEST);
        let ended = began + Duration::from_secs(2);
        pace.wrote(began, ended);
        assert_eq!(pace.wait(ended), Duration::from_secs(20));
        assert_eq!(pace.wait(ended + Duration::from_secs(21)), Duration::ZERO);
    }
}
