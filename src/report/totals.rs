//! The totals of `report.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PullRequestV1;
use crate::outcome::{Outcome, PullState, Stage};

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

/// How the tasks' pull requests stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullTotalsV1 {
    /// All of them.
    pub total: u64,
    /// Those that are open.
    pub open: u64,
    /// Those that are merged.
    pub merged: u64,
    /// Those that were closed without that.
    pub closed: u64,
    /// Those that could not be read.
    pub unknown: u64,
    /// Those that were not read so far.
    pub unread: u64,
    /// How many stand at which stage; stages without any are missing.
    pub stages: BTreeMap<String, u64>,
}

impl PullTotalsV1 {
    /// Counts them; none if not one was read.
    pub(super) fn of<'a>(pulls: impl Iterator<Item = &'a PullRequestV1>) -> Option<Self> {
        let mut totals = Self::default();
        for pull in pulls {
            totals.total += 1;
            match pull.state {
                Some(PullState::Open) => totals.open += 1,
                Some(PullState::Merged) => totals.merged += 1,
                Some(PullState::Closed) => totals.closed += 1,
                Some(PullState::Unknown) => totals.unknown += 1,
                None => totals.unread += 1,
            }
            if let Some(stage) = pull.stage {
                *totals.stages.entry(stage.as_str().to_owned()).or_default() += 1;
            }
        }
        (totals.unread < totals.total).then_some(totals)
    }

    /// How many stand at this stage.
    #[must_use]
    pub fn at(&self, stage: Stage) -> u64 {
        self.stages.get(stage.as_str()).copied().unwrap_or(0)
    }
}
