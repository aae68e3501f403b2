//! What `limits.sessions-per-day` leaves now.

use jiff::{SignedDuration, Timestamp};

/// The day's sessions, as far as the ledger knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Day {
    /// How many more may be started now.
    pub left: usize,
    /// When the next one may be, where none is left.
    pub free_at: Option<Timestamp>,
}

impl Day {
    /// By these creations within the last day, which is so long, and this limit.
    pub(super) fn of(mut created: Vec<Timestamp>, limit: u32, day: SignedDuration) -> Self {
        let limit = limit as usize;
        let left = limit.saturating_sub(created.len());
        created.sort_unstable();
        // When so many are older than a day that one less than the limit is left.
        let next = created.len().checked_sub(limit).and_then(|at| created.get(at)).filter(|_| left == 0);
        Self { left, free_at: next.and_then(|at| at.checked_add(day).ok()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_session_is_free_when_enough_of_the_others_are_a_day_old() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let day = SignedDuration::from_hours(24);
        let of = |created: &[i64], limit| Day::of(created.iter().map(|s| at(*s)).collect(), limit, day);
        assert_eq!(of(&[], 2), Day { left: 2, free_at: None });
        assert_eq!(of(&[5], 2), Day { left: 1, free_at: None });
        assert_eq!(of(&[9, 5], 2), Day { left: 0, free_at: Some(at(5 + 86_400)) });
        assert_eq!(of(&[9, 5, 7], 2), Day { left: 0, free_at: Some(at(7 + 86_400)) });
    }
}
