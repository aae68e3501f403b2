//! Refusals that may pass: one among good answers is not believed.

use std::time::Duration;

use tokio::time::Instant;

/// How many in a row are believed.
const ENOUGH: u32 = 3;

/// Refusals in a row, with no good answer between.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    since: Option<Instant>,
    count: u32,
}

impl Refusals {
    /// One more. Whether they are to be believed: there are enough of them, over this time.
    pub(super) fn add(&mut self, over: Duration, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        self.count = self.count.saturating_add(1);
        self.count >= ENOUGH && now.saturating_duration_since(since) >= over
    }

    /// How many there are.
    pub(super) fn count(self) -> u32 {
        self.count
    }
}
