//! The runs of a ledger at a glance.

use jiff::Timestamp;

use crate::outcome::{Outcome, RunId, Totals};

/// One run in a line, without folding its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunOverview {
    /// Which.
    pub id: RunId,
    /// The manifest's name.
    pub name: String,
    /// The manifest's path as the user gave it.
    pub manifest: String,
    /// Whether the service was the simulator.
    pub simulated: bool,
    /// When its first invocation began.
    pub started_at: Timestamp,
    /// Its last event.
    pub updated_at: Timestamp,
    /// When its last invocation ended; none while one is at work, or after one was killed.
    pub ended_at: Option<Timestamp>,
    /// How many invocations it has had.
    pub invocations: u32,
    /// How many tasks it has.
    pub tasks: usize,
    /// The outcomes of those that have one.
    pub totals: Totals,
    /// How many of the open ones a later run has taken up, or begun anew: they are open there, if anywhere.
    pub taken_up: usize,
}

impl RunOverview {
    /// How many tasks the next `run` would go on with: those without an outcome, deferred and detached ones.
    #[must_use]
    pub(crate) fn open_tasks(&self) -> usize {
        let open = self.tasks - self.totals.total() + self.totals.remaining();
        open.saturating_sub(self.taken_up)
    }
}

/// Adds up rows of (outcome, count); a task without an outcome, or with one of a newer program, has none.
pub(super) fn totals(rows: &[(Option<String>, usize)]) -> Totals {
    let outcome = |name: &Option<String>| name.as_deref().and_then(Outcome::from_name);
    rows.iter()
        .filter_map(|(name, n)| Some((outcome(name)?, *n)))
        .flat_map(|(o, n)| std::iter::repeat_n(o, n))
        .collect()
}
