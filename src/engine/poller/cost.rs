//! What a page of the session list costs on this account, told in single reads.

use std::time::Duration;

use tokio::time::Instant;

/// How much a new measurement weighs against the ones before.
const WEIGHT: f64 = 0.3;
/// A measurement older than this many intervals says nothing any more: the page is tried again.
const FORGOTTEN_AFTER: u32 = 60;
/// A page larger than this is asked for without what sessions have made.
const HEAVY: usize = 512 * 1024;

/// Measured times of answers, the limiter's waits included: what the quotas leave shows in them.
#[derive(Debug, Default)]
pub(super) struct Costs {
    page: Option<(Duration, Instant)>,
    get: Option<Duration>,
    heavy: bool,
}

impl Costs {
    /// A page was answered.
    pub(super) fn on_page(&mut self, took: Duration, bytes: usize, now: Instant) {
        self.page = Some((mix(self.page.map(|(page, _)| page), took), now));
        self.heavy |= bytes > HEAVY;
    }

    /// A page could not be read: it may have been too much.
    pub(super) fn on_failed_page(&mut self) {
        self.heavy = true;
    }

    /// A single read was answered; `together` were under way.
    pub(super) fn on_get(&mut self, took: Duration, together: usize) {
        let share = took / u32::try_from(together.max(1)).unwrap_or(u32::MAX);
        self.get = Some(mix(self.get, share));
    }

    /// How many single reads a page is worth. One request is one request, as long as it takes no longer than a tenth
    /// of the interval; beyond that, what could have been read singly meanwhile counts.
    pub(super) fn page_in_gets(&self, interval: Duration, now: Instant) -> f64 {
        let (Some((page, measured)), Some(get)) = (self.page, self.get) else { return 1.0 };
        if now.saturating_duration_since(measured) > interval * FORGOTTEN_AFTER {
            return 1.0;
        }
        let excess = page.saturating_sub(interval / 10);
        1.0 + excess.as_secs_f64() / get.max(Duration::from_millis(1)).as_secs_f64()
    }

    /// Whether pages are to be asked for without outputs, whose diffs can be megabytes.
    pub(super) fn are_pages_heavy(&self) -> bool {
        self.heavy
    }
}

fn mix(before: Option<Duration>, new: Duration) -> Duration {
    before.map_or(new, |before| before.mul_f64(1.0 - WEIGHT) + new.mul_f64(WEIGHT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn a_page_is_one_request_until_it_is_slow() {
        let (mut costs, now) = (Costs::default(), Instant::now());
        costs.on_get(Duration::from_millis(200), 2);
        costs.on_page(Duration::from_millis(900), 1000, now);
        assert!((costs.page_in_gets(INTERVAL, now) - 1.0).abs() < 1e-9);
        for _ in 0..20 {
            costs.on_page(Duration::from_secs(3), 1000, now);
        }
        assert!((20.0..22.0).contains(&costs.page_in_gets(INTERVAL, now)), "2 s over, 0.1 s a read");
    }

    #[test]
    fn an_old_measurement_is_forgotten() {
        let (mut costs, now) = (Costs::default(), Instant::now());
        costs.on_get(Duration::from_millis(10), 1);
        costs.on_page(Duration::from_secs(9), 1000, now);
        assert!(costs.page_in_gets(INTERVAL, now) > 100.0);
        assert!(costs.page_in_gets(INTERVAL, now + INTERVAL * 61) < 2.0);
    }

    #[test]
    fn large_pages_are_asked_for_without_outputs() {
        let mut costs = Costs::default();
        costs.on_page(Duration::ZERO, HEAVY, Instant::now());
        assert!(!costs.are_pages_heavy());
        costs.on_page(Duration::ZERO, HEAVY + 1, Instant::now());
        assert!(costs.are_pages_heavy());
    }
}
