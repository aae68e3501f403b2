//! The pause before a task's next attempt.

use std::time::Duration;

use crate::plan::{Backoff, RetryPolicy};

/// The pause before the `retry`-th further attempt, from 1; `draw` is in `0.0..1.0`.
pub(super) fn pause(policy: &RetryPolicy, retry: u32, draw: f64) -> Duration {
    let times = match policy.backoff {
        Backoff::Exponential => 2_u32.saturating_pow(retry.saturating_sub(1)),
        Backoff::Linear => retry.max(1),
        Backoff::Constant => 1,
    };
    let full = policy.delay.saturating_mul(times).min(policy.max_delay);
    if policy.jitter { full.mul_f64(draw) } else { full }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_as_told_up_to_the_longest() {
        let seconds = |backoff, retry| {
            let policy = RetryPolicy { backoff, jitter: false, ..RetryPolicy::default() };
            pause(&policy, retry, 0.0).as_secs()
        };
        assert_eq!([1, 2, 3, 9].map(|n| seconds(Backoff::Exponential, n)), [30, 60, 120, 600]);
        assert_eq!([1, 2, 3, 99].map(|n| seconds(Backoff::Linear, n)), [30, 60, 90, 600]);
        assert_eq!([1, 2, 99].map(|n| seconds(Backoff::Constant, n)), [30, 30, 30]);
        assert_eq!(seconds(Backoff::Exponential, u32::MAX), 600);
    }

    #[test]
    fn jitter_draws_from_the_whole_pause() {
        let policy = RetryPolicy::default();
        assert_eq!(pause(&policy, 2, 0.0), Duration::ZERO);
        assert_eq!(pause(&policy, 2, 0.5), Duration::from_secs(30));
    }
}
