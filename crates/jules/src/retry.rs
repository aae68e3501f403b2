//! Whether a failed request is sent again, and when. Policy is data; the decision is a plain method.

use std::time::Duration;

use super::time::NEVER;
use super::{Error, ErrorKind, Method};

/// How often and how patiently failed requests are sent again.
///
/// Reads and deletes are repeated after 429, 5xx, network errors and broken answers. Other writes only when they surely
/// were not processed. `sessions.create` as a plain call is never repeated at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// Attempts in all, the first one included; 5. Answers 429 do not count.
    pub attempts: u32,
    /// The longest pause before the second attempt; 500 ms. Doubles with each further one.
    pub base: Duration,
    /// No pause is longer, unless the service asks for it; 30 s.
    pub cap: Duration,
    /// How long answers 429 are waited out, counted from the first attempt; 5 min.
    pub throttle_patience: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            throttle_patience: Duration::from_secs(5 * 60),
        }
    }
}

impl Retries {
    /// Every request is sent once.
    pub const NONE: Self =
        Self { attempts: 1, base: Duration::ZERO, cap: Duration::ZERO, throttle_patience: Duration::ZERO };

    /// Attempts in all, the first one included.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The longest pause before the second attempt.
    #[must_use]
    pub fn base(mut self, pause: Duration) -> Self {
        self.base = pause;
        self
    }

    /// The longest pause.
    #[must_use]
    pub fn cap(mut self, pause: Duration) -> Self {
        self.cap = pause;
        self
    }

    /// How long answers 429 are waited out.
    #[must_use]
    pub fn throttle_patience(mut self, patience: Duration) -> Self {
        self.throttle_patience = patience;
        self
    }

    /// Whether so long a wait, which the service asks for, is worth it.
    pub(super) fn wait_for(&self, asked: Duration) -> bool {
        asked <= self.throttle_patience.max(self.cap)
    }
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send it again after this pause.
    Again(Duration),
    /// The error stands.
    GiveUp,
}

/// The attempts at one request.
#[derive(Debug)]
pub(super) struct Attempts {
    policy: Retries,
    failed: u32,
}

impl Attempts {
    pub(super) fn new(policy: Retries) -> Self {
        Self { policy, failed: 0 }
    }

    /// Decides after a failure. `elapsed` counts from the first attempt, `held` is how long the limiter holds
    /// requests like it, `dice` is in 0..1.
    pub(super) fn failed(&mut self, error: &Error, elapsed: Duration, held: Duration, dice: f64) -> Next {
        // What was decided before a sleep is decided again, or not, by whoever asked.
        let bound_is_over = matches!(error.kind(), ErrorKind::NotSent(_) | ErrorKind::TooLate(_));
        if bound_is_over || !error.is_transient() || !may_repeat(error) {
            return Next::GiveUp;
        }
        if error.is_throttled() {
            // The limiter keeps the pause: the hold is for all requests like it.
            let patience = self.policy.throttle_patience;
            return if elapsed + held < patience { Next::Again(Duration::ZERO) } else { Next::GiveUp };
        }
        self.failed += 1;
        if self.failed >= self.policy.attempts {
            return Next::GiveUp;
        }
        let doublings = (self.failed - 1).min(16);
        let longest = self.policy.base.saturating_mul(2_u32.pow(doublings)).min(self.policy.cap).min(NEVER);
        let asked = error.retry_after().unwrap_or_default();
        if !self.policy.wait_for(asked) {
            return Next::GiveUp;
        }
        Next::Again(longest.mul_f64(dice.clamp(0.0, 1.0)).max(asked))
    }
}

/// Whether sending it again cannot do it twice.
fn may_repeat(error: &Error) -> bool {
    let operation: Method = error.operation();
    operation.is_repeatable() || error.surely_not_processed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, Refusal};

    fn refused(method: Method, code: u16) -> Error {
        Error::new(method, ErrorKind::Refused(Refusal { code, ..Refusal::default() }))
    }

    fn again(error: &Error) -> bool {
        let next = Attempts::new(Retries::default()).failed(error, Duration::ZERO, Duration::ZERO, 0.5);
        next != Next::GiveUp
    }

    #[test]
    fn reads_and_deletes_are_repeated_after_passing_trouble() {
        for method in [Method::GetSession, Method::ListActivities, Method::DeleteSession] {
            for code in [408, 429, 500, 502, 503, 504] {
                assert!(again(&refused(method, code)), "{method} {code}");
            }
            for kind in [
                ErrorKind::Connect,
                ErrorKind::Interrupted,
                ErrorKind::Malformed,
                ErrorKind::Timeout(Duration::ZERO),
            ] {
                assert!(again(&Error::new(method, kind)));
            }
            for code in [302, 400, 401, 403, 404] {
                assert!(!again(&refused(method, code)), "{method} {code}");
            }
        }
    }

    #[test]
    fn other_writes_are_repeated_only_when_surely_not_processed() {
        for method in [Method::SendMessage, Method::ApprovePlan, Method::ArchiveSession] {
            assert!(again(&refused(method, 429)));
            assert!(again(&Error::new(method, ErrorKind::Connect)));
            assert!(!again(&refused(method, 503)));
            assert!(!again(&Error::new(method, ErrorKind::Interrupted)));
            assert!(!again(&Error::new(method, ErrorKind::Timeout(Duration::ZERO))));
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_attempts_end() {
        let policy = Retries { attempts: 10, cap: Duration::from_secs(4), ..Retries::default() };
        let mut attempts = Attempts::new(policy);
        let error = refused(Method::GetSession, 503);
        let mut pauses = Vec::new();
        while let Next::Again(pause) = attempts.failed(&error, Duration::ZERO, Duration::ZERO, 1.0) {
            pauses.push(pause.as_millis());
        }
        assert_eq!(pauses, [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000]);
    }

    #[test]
    fn refusals_for_quota_are_waited_out_by_time_not_by_count() {
        let mut attempts = Attempts::new(Retries::default());
        let error = refused(Method::GetSession, 429);
        for _ in 0..50 {
            let next = attempts.failed(&error, Duration::from_secs(100), Duration::from_secs(60), 0.5);
            assert_eq!(next, Next::Again(Duration::ZERO));
        }
        let next = attempts.failed(&error, Duration::from_secs(250), Duration::from_secs(60), 0.5);
        assert_eq!(next, Next::GiveUp);
    }

    #[test]
    fn a_wish_to_wait_is_obeyed_within_reason() {
        let error = |wait| {
            let retry_after = Some(Duration::from_secs(wait));
            Error::new(
                Method::GetSession,
                ErrorKind::Refused(Refusal { code: 503, retry_after, ..Refusal::default() }),
            )
        };
        let next = |wait| {
            Attempts::new(Retries::default()).failed(&error(wait), Duration::ZERO, Duration::ZERO, 0.0)
        };
        assert_eq!(next(90), Next::Again(Duration::from_secs(90)));
        assert_eq!(next(7200), Next::GiveUp);
    }
}
