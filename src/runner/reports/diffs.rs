//! The changes that a page shows: kept in the ledger, and read when it is written. Thousands of them are never in memory
//! together.

use std::cell::LazyCell;

use crate::ledger::{LedgerReader, Location};
use crate::outcome::{EventKind, RunId};

/// Where the page of a run takes changes from; by default from nowhere, and it shows their files alone.
#[derive(Clone, Debug, Default)]
pub struct Diffs(Option<(Location, RunId)>);

impl Diffs {
    /// The ledger that has this run.
    #[must_use]
    pub(crate) fn of(ledger: Location, run: RunId) -> Self {
        Self(Some((ledger, run)))
    }

    /// The patch that an event holds. The ledger is opened for the first one; what cannot be read is not shown.
    pub(super) fn reader(&self) -> impl FnMut(u64) -> Option<String> {
        let ledger = LazyCell::new(|| LedgerReader::open(self.0.as_ref()?.0.clone()).ok());
        move |event| {
            let (ledger, (_, run)) = (ledger.as_ref()?, self.0.as_ref()?);
            match ledger.event(run, event).ok()??.kind {
                EventKind::SessionDetails { diff, .. } => diff,
                _ => None,
            }
        }
    }
}
