//! What a client has asked of the service so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Method;

/// A snapshot of a client's requests, shared by all handles derived from one builder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    requests: [u64; Method::ALL.len()],
    /// Requests sent again after a failed attempt; they are among the requests as well.
    pub retries: u64,
    /// Answers with 429.
    pub throttled: u64,
    /// How often a connection had fallen silent, and fresh ones were made in its place.
    pub reconnects: u64,
    /// Time spent before requests because of quotas, holds and back-off, summed over all of them.
    pub waited: Duration,
}

impl Usage {
    /// The requests sent to one method, repeated ones included.
    #[must_use]
    pub fn requests(&self, method: Method) -> u64 {
        self.requests[method as usize]
    }

    /// All requests sent.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.requests.iter().sum()
    }

    /// Every method with its requests, in the order of [`Method::ALL`].
    pub fn by_method(&self) -> impl Iterator<Item = (Method, u64)> + '_ {
        Method::ALL.iter().map(|&method| (method, self.requests(method)))
    }
}

/// The counters behind [`Usage`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: [AtomicU64; Method::ALL.len()],
    retries: AtomicU64,
    throttled: AtomicU64,
    waited_micros: AtomicU64,
}

impl Counters {
    pub(super) fn sent(&self, method: Method) {
        self.requests[method as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waited(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, reconnects: u64) -> Usage {
        Usage {
            requests: std::array::from_fn(|at| self.requests[at].load(Ordering::Relaxed)),
            retries: self.retries.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
            reconnects,
            waited: Duration::from_micros(self.waited_micros.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_holds_what_was_counted() {
        let counters = Counters::default();
        counters.sent(Method::GetSession);
        counters.sent(Method::GetSession);
        counters.sent(Method::GetActivity);
        counters.retried();
        counters.waited(Duration::from_millis(1500));
        let usage = counters.snapshot(1);
        assert_eq!(usage.requests(Method::GetSession), 2);
        assert_eq!(usage.total(), 3);
        assert_eq!((usage.retries, usage.throttled, usage.reconnects), (1, 0, 1));
        assert_eq!(usage.waited, Duration::from_millis(1500));
    }
}
