//! How many tasks ended how.

use super::Outcome;

/// A count for each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    counts: [usize; Outcome::ALL.len()],
}

impl Totals {
    /// How many ended so.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> usize {
        self.counts[outcome as usize]
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// How many count as failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.sum(Outcome::is_failure)
    }

    /// How many are left for the next `run`.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.sum(Outcome::is_open)
    }

    /// The outcomes that occurred, with their counts, from best to worst.
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, usize)> + '_ {
        Outcome::ALL.into_iter().map(|o| (o, self.of(o))).filter(|(_, n)| *n > 0)
    }

    fn sum(&self, which: impl Fn(Outcome) -> bool) -> usize {
        Outcome::ALL.into_iter().filter(|o| which(*o)).map(|o| self.of(o)).sum()
    }
}

impl FromIterator<Outcome> for Totals {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        let mut totals = Self::default();
        for outcome in outcomes {
            totals.counts[outcome as usize] += 1;
        }
        totals
    }
}
