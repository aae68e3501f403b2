//! Events about pull requests on their way into the ledger, whichever run they are of.

use jiff::Timestamp;

use super::recording::{append, record};
use super::{FollowedPull, PullRead};
use crate::ledger::Ledger;
use crate::outcome::{EventKind, GithubUsage, PullAction, RunId};
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

    /// What readings tell that is news since `began`: it is kept when this returns.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written: then nothing more may be done.
    pub(crate) fn record<'p>(
        &mut self,
        reads: impl IntoIterator<Item = (&'p FollowedPull, &'p PullRead)>,
        began: Timestamp,
    ) -> Result<(), RunError> {
        let ledger = self.taken();
        self.ledger = Some(record(ledger, &self.redactor, reads, GithubUsage::default(), began)?);
        Ok(())
    }

    /// This has happened to a pull request of this run: it is kept when this returns.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written: then nothing more may be done.
    pub(crate) fn append(&mut self, run: &RunId, kind: EventKind) -> Result<(), RunError> {
        let ledger = self.taken();
        self.ledger = Some(append(ledger, &self.redactor, run, [kind])?);
        Ok(())
    }

    fn taken(&mut self) -> Ledger {
        self.ledger.take().expect("who is told that nothing was kept goes no further")
    }
}
