//! Events about pull requests on their way into the ledger, whichever run they are of.

use jiff::Timestamp;

use crate::ledger::Ledger;
use crate::outcome::{EventKind, EventLog as _, PullAction, RunId};
use crate::runner::redact::clean;
use crate::runner::{Redactor, RunError};

/// The ledger of a state folder that no run is at work in.
pub(crate) struct PullLog {
    /// None after it could not be written.
    ledger: Option<Ledger>,
    redactor: Redactor,
}

impl PullLog {
    pub(crate) fn new(ledger: Ledger, redactor: Redactor) -> Self {
        Self { ledger: Some(ledger), redactor }
    }

    /// When this state folder's processes have written to GitHub since then. What is merged or closed may have had its branch
    /// deleted as well.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn written_since(&self, since: Timestamp) -> Result<Vec<Timestamp>, RunError> {
        let Some(ledger) = &self.ledger else { return Ok(Vec::new()) };
        let writes = ledger.reader().pulls_written_since(since)?;
        let times = writes.iter().flat_map(|write| {
            let count = if matches!(write.action, PullAction::Merge | PullAction::Close) { 2 } else { 1 };
            std::iter::repeat_n(write.at, count)
        });
        Ok(times.collect())
    }

    /// These have happened to pull requests of this run: they are kept when this returns.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written: then nothing more may be done.
    pub(crate) fn append(
        &mut self,
        run: &RunId,
        kinds: impl IntoIterator<Item = EventKind>,
    ) -> Result<(), RunError> {
        let kinds: Vec<EventKind> = kinds.into_iter().collect();
        if kinds.is_empty() {
            return Ok(());
        }
        let ledger = self.ledger.take().expect("who is told that nothing was kept goes no further");
        let mut recorder = ledger.resume(run)?;
        let events = recorder.next_events(kinds, Timestamp::now());
        let events: Vec<_> = events.into_iter().map(|event| clean(&self.redactor, event)).collect();
        recorder.append(&events)?;
        recorder.flush()?;
        self.ledger = Some(recorder.into_ledger());
        Ok(())
    }
}
