//! How often reports are written again.

use std::time::{Duration, Instant};

/// After a write, wait this many times as long as it took: a quarter of a percent of one core is spent
/// on each kind of report, however large they get.
const SHARE: u32 = 400;

/// Who reads a report while its run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// CI systems and scripts: what they read is there a moment after each change.
    Programs,
    /// People, who look at a page now and then.
    People,
}

impl Readers {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Programs, Self::People];

    /// The shortest time between two writes.
    const fn shortest(self) -> Duration {
        match self {
            Self::Programs => Duration::from_millis(500),
            Self::People => Duration::from_secs(1),
        }
    }

    /// The longest, which only reports of many megabytes come to.
    const fn longest(self) -> Duration {
        match self {
            Self::Programs => Duration::from_secs(60),
            Self::People => Duration::from_secs(300),
        }
    }
}

/// Says when the next write is due.
#[derive(Debug)]
pub(crate) struct Pace {
    readers: Readers,
    not_before: Option<Instant>,
    /// How often it was written. The first report shows how a run begins: the next one, with what has happened, is not
    /// kept waiting for what that has cost.
    writes: u32,
}

impl Pace {
    /// A pace whose first write is due at once.
    pub(crate) const fn new(readers: Readers) -> Self {
        Self { readers, not_before: None, writes: 0 }
    }

    /// A write began and ended at these instants.
    pub(crate) fn wrote(&mut self, began: Instant, ended: Instant) {
        let took = ended.duration_since(began);
        self.writes = self.writes.saturating_add(1);
        let share = if self.writes == 1 { 0 } else { SHARE };
        let pause = took.saturating_mul(share).clamp(self.readers.shortest(), self.readers.longest());
        self.not_before = Some(ended + pause);
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
        for readers in Readers::ALL {
            assert_eq!(Pace::new(readers).wait(Instant::now()), Duration::ZERO);
        }
    }

    #[test]
    fn a_long_write_earns_a_long_pause_within_bounds() {
        let pause_after = |readers: Readers, took: Duration| {
            let (mut pace, began) = (Pace::new(readers), Instant::now());
            pace.wrote(began, began + took);
            assert_eq!(pace.wait(began + took), readers.shortest(), "the first change is told soon");
            pace.wrote(began, began + took);
            pace.wait(began + took)
        };
        let ms = Duration::from_millis;
        assert_eq!(pause_after(Readers::Programs, ms(1)), ms(500));
        assert_eq!(pause_after(Readers::People, ms(1)), ms(1_000), "a small page follows closely");
        assert_eq!(pause_after(Readers::People, ms(100)), ms(40_000));
        assert_eq!(pause_after(Readers::Programs, ms(10)), ms(4_000));
        assert_eq!(pause_after(Readers::Programs, ms(2_000)), ms(60_000));
        assert_eq!(pause_after(Readers::People, ms(2_000)), ms(300_000));
    }

    #[test]
    fn the_next_write_is_due_when_the_pause_is_over() {
        let (mut pace, began) = (Pace::new(Readers::Programs), Instant::now());
        pace.wrote(began, began);
        assert_eq!(pace.wait(began + Duration::from_millis(501)), Duration::ZERO);
    }
}
