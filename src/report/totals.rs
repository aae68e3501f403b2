//! The totals of `report.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// How many tasks ended how, each outcome under its own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TotalsV1 {
    /// The session completed and what was expected is there.
    pub succeeded: u64,
    /// The session completed and changed nothing.
    pub no_change: u64,
    /// The session failed, or what was expected is missing.
    pub failed: u64,
    /// The session waits for a human.
    pub needs_input: u64,
    /// The task's time was over.
    pub timed_out: u64,
    /// The agent was silent.
    pub stalled: u64,
    /// The service or the network failed.
    pub error: u64,
    /// A needed task failed, or a rule said so.
    pub skipped: u64,
    /// Never started; left for the next run.
    pub deferred: u64,
    /// Started and still live; left for the next run.
    pub detached: u64,
    /// All of them.
    pub total: u64,
}

impl TotalsV1 {
    /// How many tasks ended so.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Succeeded => self.succeeded,
            Outcome::NoChange => self.no_change,
            Outcome::Failed => self.failed,
            Outcome::NeedsInput => self.needs_input,
            Outcome::TimedOut => self.timed_out,
            Outcome::Stalled => self.stalled,
            Outcome::Error => self.error,
            Outcome::Skipped => self.skipped,
            Outcome::Deferred => self.deferred,
            Outcome::Detached => self.detached,
        }
    }

    /// How many tasks are left for the next run.
    #[must_use]
    pub fn open(&self) -> u64 {
        Outcome::ALL.into_iter().filter(|o| o.is_open()).map(|o| self.of(o)).sum()
    }
}

impl FromIterator<Outcome> for TotalsV1 {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        let mut totals = Self::default();
        for outcome in outcomes {
            *totals.count_mut(outcome) += 1;
            totals.total += 1;
        }
        totals
    }
}

impl TotalsV1 {
    fn count_mut(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Succeeded => &mut self.succeeded,
            Outcome::NoChange => &mut self.no_change,
            Outcome::Failed => &mut self.failed,
            Outcome::NeedsInput => &mut self.needs_input,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::Stalled => &mut self.stalled,
            Outcome::Error => &mut self.error,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Deferred => &mut self.deferred,
            Outcome::Detached => &mut self.detached,
        }
    }
}
