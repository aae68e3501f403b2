//! Whether the service takes the key: one refusal among good answers is not believed.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::refusals::Refusals;

/// How long a key that has worked must be refused before it counts as lost.
const REFUSED_FOR: Duration = Duration::from_secs(30);

/// What the service has said of the key.
#[derive(Debug, Default)]
pub(super) struct Key {
    /// The service has taken it, in this run or just before.
    has_worked: bool,
    refused: Refusals,
}

impl Key {
    pub(super) fn new(has_worked: bool) -> Self {
        Self { has_worked, refused: Refusals::default() }
    }

    pub(super) fn was_taken(&mut self) {
        *self = Self::new(true);
    }

    /// It was refused once more. Whether that is to be believed.
    pub(super) fn is_lost(&mut self, now: Instant) -> bool {
        let is_believed = self.refused.add(REFUSED_FOR, now);
        is_believed || !self.has_worked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_never_worked_is_lost_at_once() {
        assert!(Key::default().is_lost(Instant::now()));
    }

    #[test]
    fn a_key_that_worked_is_lost_when_it_is_refused_three_times_over_half_a_minute() {
        let (mut key, start) = (Key::new(true), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for seconds in [0, 1, 2, 3, 29] {
            assert!(!key.is_lost(at(seconds)), "{seconds}");
        }
        assert!(key.is_lost(at(30)));
        key.was_taken();
        assert!(!key.is_lost(at(31)) && !key.is_lost(at(90)), "two are not enough");
        assert!(key.is_lost(at(91)));
    }
}
