//! Instants to come, however far.

use std::time::Duration;

use tokio::time::Instant;

/// What is later than that is never: as far as the clocks of all systems go (that of FreeBSD ends before a hundred years).
pub(super) const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// That time later. A limit may be as long as [`Duration::MAX`], and an [`Instant`] may not.
pub(super) fn later(instant: Instant, by: Duration) -> Instant {
    instant.checked_add(by).unwrap_or(instant + NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_time_is_too_long() {
        let now = Instant::now();
        assert_eq!(later(now, Duration::from_secs(60)), now + Duration::from_secs(60));
        assert!(later(now, Duration::MAX) >= now + NEVER);
        assert!(later(now, Duration::from_secs(u64::MAX / 2)) >= now + NEVER);
    }
}
