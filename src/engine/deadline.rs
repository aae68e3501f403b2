//! When an attempt's own time is over.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than any run waits for its ledger.
const FAR: Duration = Duration::from_secs(365 * 86_400);

/// A time that stands still while the ledger is away: what can be neither created nor answered then is not late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline {
    at: Instant,
    away_since: Option<Instant>,
}

impl Deadline {
    pub(super) fn at(at: Instant) -> Self {
        Self { at, away_since: None }
    }

    /// When to look again; not while the ledger is away.
    pub(super) fn instant(self) -> Instant {
        if self.away_since.is_some() { self.at + FAR } else { self.at }
    }

    pub(super) fn is_over(self, now: Instant) -> bool {
        now >= self.instant()
    }

    /// The ledger does not answer, or does again.
    pub(super) fn on_ledger(&mut self, is_away: bool, now: Instant) {
        if is_away {
            self.away_since.get_or_insert(now);
        } else if let Some(since) = self.away_since.take() {
            self.at += now.duration_since(since);
        }
    }
}
