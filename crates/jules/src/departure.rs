//! When a request left, after it has waited for its turn.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Tells how long ago the last request of a handle left ([`Options::tell_departure`](super::Options::tell_departure)): what
/// its answer shows was true since then, however long it had waited for its turn. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Departure(Arc<Mutex<Option<Instant>>>);

impl Departure {
    /// How long ago the last attempt at it left; none before the first.
    #[must_use]
    pub fn ago(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    pub(super) fn is_now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
