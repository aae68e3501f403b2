//! Events about pull requests on their way into the ledger, whichever run they are of.

use jiff::Timestamp;

use super::recording::{append, record};
use super::{FollowedPull, PullRead};
use crate::ledger::{Ledger, LedgerPull};
use crate::outcome::{AttemptRecord, EventKind, GithubUsage, PullWrite, RunId};
use crate::plan::TaskId;
use crate::runner::{Redactor, RunError};
use jules::SessionId;

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

    /// What this state folder's processes have done to pull requests, in whatever run, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn writes(&self) -> Result<Vec<PullWrite>, RunError> {
        self.ledger.as_ref().map_or_else(|| Ok(Vec::new()), |ledger| Ok(ledger.reader().pull_writes()?))
    }

    /// The attempt of this session, where it is the last one of its task and has ended, with its run.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn ended_attempt(
        &self,
        session: &SessionId,
    ) -> Result<Option<(RunId, TaskId, AttemptRecord)>, RunError> {
        let Some(ledger) = &self.ledger else { return Ok(None) };
        let reader = ledger.reader();
        for LedgerPull { run, task, .. } in reader.pulls_of_session(session)? {
            let Some(run) = run else { continue };
            let record = reader.task(&run, &task)?;
            let last = record.as_ref().and_then(|record| record.last_attempt());
            let is_its = |last: &&AttemptRecord| {
                last.session.as_ref().is_some_and(|it| it.id == *session) && !last.is_live()
            };
            if let Some(attempt) = last.filter(is_its) {
                return Ok(Some((run, task, attempt.clone())));
            }
        }
        Ok(None)
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

    /// This has happened to a pull request of this run: all of it or nothing is kept when this returns.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written: then nothing more may be done.
    pub(crate) fn append(
        &mut self,
        run: &RunId,
        kinds: impl IntoIterator<Item = EventKind>,
    ) -> Result<(), RunError> {
        let ledger = self.taken();
        self.ledger = Some(append(ledger, &self.redactor, run, kinds)?);
        Ok(())
    }

    fn taken(&mut self) -> Ledger {
        self.ledger.take().expect("who is told that nothing was kept goes no further")
    }
}
