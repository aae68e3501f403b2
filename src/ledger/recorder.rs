//! The log that writes a run down.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::target::Target;
use super::{Ledger, LedgerError, LedgerReader, ManifestIdentity};
use crate::outcome::{EventKind, EventLog, JournalError, RunEvent, RunId, SharedAccount};
use crate::plan::AccountShare;

/// How long a ledger that does not answer is waited for where nothing else goes on meanwhile.
const WAIT: Duration = Duration::from_secs(60);

/// Writes the events of one run into the ledger, each call in one transaction.
///
/// When a call fails, its events are kept in memory and tried again with the next call and with `flush`: if there
/// is room again, nothing is missing in the end.
#[derive(Debug)]
pub(crate) struct Recorder {
    ledger: Ledger,
    target: Target,
    /// What could not be written yet.
    unsaved: Vec<RunEvent>,
}

impl Recorder {
    pub(super) fn start(ledger: Ledger, manifest: ManifestIdentity) -> Self {
        Self::new(ledger, Target::New(manifest))
    }

    pub(super) fn resume(mut ledger: Ledger, run: &RunId) -> Result<Self, LedgerError> {
        match ledger.target(run)? {
            Some(target) => Ok(Self::new(ledger, target)),
            None => Err(LedgerError::UnknownRun { run: run.clone(), ledger: ledger.reader().name() }),
        }
    }

    fn new(ledger: Ledger, target: Target) -> Self {
        Self { ledger, target, unsaved: Vec::new() }
    }

    /// The ledger, for another run.
    #[must_use]
    pub(crate) fn into_ledger(self) -> Ledger {
        self.ledger
    }

    /// These as the run's next events, all of this moment: for a run whose record nobody holds.
    pub(crate) fn next_events(
        &self,
        kinds: impl IntoIterator<Item = EventKind>,
        ts: Timestamp,
    ) -> impl Iterator<Item = RunEvent> {
        let kept = match self.target {
            Target::New(_) => 0,
            Target::Begun { last_seq, .. } => last_seq,
        };
        let next = kept + self.unsaved.len() as u64 + 1;
        kinds.into_iter().zip(next..).map(move |(kind, seq)| RunEvent { seq, ts, kind })
    }

    /// The account that the run shares with others, of whose live sessions it is to have this share; none where it shares
    /// none.
    ///
    /// # Errors
    ///
    /// When it cannot be reached.
    pub(crate) fn share_account(
        &self,
        share: Option<AccountShare>,
    ) -> Result<Option<Arc<dyn SharedAccount>>, LedgerError> {
        self.ledger.share_account(share)
    }

    /// What the ledger can be asked, also while it is written.
    #[must_use]
    pub(crate) fn reader(&self) -> &LedgerReader {
        self.ledger.reader()
    }

    /// What [`Ledger::late`] says.
    #[cfg(all(test, feature = "postgres"))]
    pub(super) fn late(&self) -> Result<Vec<crate::outcome::LateSession>, LedgerError> {
        self.ledger.late()
    }

    fn save(&mut self, events: &[RunEvent], wait: Duration) -> Result<(), LedgerError> {
        self.target = self.ledger.save(&self.target, events, wait)?;
        Ok(())
    }

    fn save_all(&mut self, events: &[RunEvent], wait: Duration) -> Result<(), LedgerError> {
        if events.is_empty() && self.unsaved.is_empty() {
            return Ok(());
        }
        if self.unsaved.is_empty() {
            return self.save(events, wait).inspect_err(|_| self.unsaved.extend_from_slice(events));
        }
        let mut all = std::mem::take(&mut self.unsaved);
        all.extend_from_slice(events);
        self.save(&all, wait).inspect_err(|_| self.unsaved = all)
    }
}

impl EventLog for Recorder {
    fn append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        Ok(self.save_all(events, WAIT)?)
    }

    fn try_append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        Ok(self.save_all(events, Duration::ZERO)?)
    }

    fn patience(&self) -> Duration {
        self.ledger.patience()
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        // Whoever gives the events has waited already.
        self.save_all(&[], Duration::ZERO)?;
        Ok(self.ledger.sync()?)
    }
}
