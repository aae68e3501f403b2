//! The log that writes a run down.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior};

use super::{Ledger, LedgerError, LedgerReader, ManifestIdentity, database, entry};
use crate::outcome::{EventKind, EventLog, JournalError, RunEvent, RunId};

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
    durability: Durability,
}

/// The run that events go to.
#[derive(Clone, Debug)]
enum Target {
    /// One that has not begun.
    New(ManifestIdentity),
    /// One that is in the ledger, by its row.
    Begun { row: i64, last_seq: u64 },
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// It survives a power cut.
    Disk,
    /// It survives the process; the next commit to the disk takes it along.
    Process,
}

impl Recorder {
    pub(super) fn start(ledger: Ledger, manifest: ManifestIdentity) -> Self {
        Self::new(ledger, Target::New(manifest))
    }

    pub(super) fn resume(ledger: Ledger, run: &RunId) -> Result<Self, LedgerError> {
        let found = ledger
            .reader()
            .conn()
            .query_row(
                "SELECT n, (SELECT coalesce(max(seq), 0) FROM events WHERE run = n) FROM runs WHERE id = ?1",
                [run.as_str()],
                |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())),
            )
            .optional();
        let path = ledger.reader().path().to_owned();
        match found {
            Ok(Some((row, last_seq))) => Ok(Self::new(ledger, Target::Begun { row, last_seq })),
            Ok(None) => Err(LedgerError::UnknownRun { run: run.clone(), path }),
            Err(source) => Err(LedgerError::Storage { doing: "read the ledger", path, source }),
        }
    }

    fn new(ledger: Ledger, target: Target) -> Self {
        // A fresh connection is set to wait for the disk.
        Self { ledger, target, unsaved: Vec::new(), durability: Durability::Disk }
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

    /// What the ledger can be asked, also while it is written.
    #[must_use]
    pub(crate) fn reader(&self) -> &LedgerReader {
        self.ledger.reader()
    }

    /// One transaction. When the disk is full the log is carried into the file, and tried again in its place: both
    /// have room of their own from the opening.
    fn save(&mut self, events: &[RunEvent]) -> Result<(), LedgerError> {
        let promise = events.iter().any(|event| event.kind.is_promise());
        self.set_durability(if promise { Durability::Disk } else { Durability::Process })?;
        self.write(events).or_else(|error| {
            if !error.is_full() || database::checkpoint(self.reader().conn()).is_err() {
                return Err(error);
            }
            self.write(events)
        })
    }

    fn write(&mut self, events: &[RunEvent]) -> Result<(), LedgerError> {
        let path = self.reader().path().to_owned();
        let conn = self.ledger.reader_mut().conn_mut();
        let failed =
            |source| LedgerError::Storage { doing: "write to the ledger", path: path.clone(), source };
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut target = self.target.clone();
        for event in events {
            target = match (&target, &event.kind) {
                (Target::New(manifest), EventKind::RunStarted { run }) if event.seq == 1 => Target::Begun {
                    row: entry::begin_run(&tx, manifest, run, event).map_err(failed)?,
                    last_seq: 1,
                },
                (Target::Begun { row, last_seq }, kind)
                    if event.seq == last_seq + 1 && !matches!(kind, EventKind::RunStarted { .. }) =>
                {
                    entry::add(&tx, *row, event).map_err(failed)?;
                    Target::Begun { row: *row, last_seq: event.seq }
                }
                _ => return Err(target.out_of_order(event)),
            };
        }
        tx.commit().map_err(failed)?;
        self.target = target;
        Ok(())
    }

    fn save_all(&mut self, events: &[RunEvent]) -> Result<(), LedgerError> {
        if self.unsaved.is_empty() {
            return self.save(events).inspect_err(|_| self.unsaved.extend_from_slice(events));
        }
        let mut all = std::mem::take(&mut self.unsaved);
        all.extend_from_slice(events);
        self.save(&all).inspect_err(|_| self.unsaved = all)
    }

    fn set_durability(&mut self, wanted: Durability) -> Result<(), LedgerError> {
        if self.durability == wanted {
            return Ok(());
        }
        let level = match wanted {
            Durability::Disk => "full",
            Durability::Process => "normal",
        };
        let set = self.reader().conn().pragma_update(None, "synchronous", level);
        set.map_err(|source| self.failed(source))?;
        self.durability = wanted;
        Ok(())
    }

    /// A commit that waits for the disk takes along every commit before it.
    fn sync(&mut self) -> Result<(), LedgerError> {
        if self.durability == Durability::Disk {
            return Ok(());
        }
        self.set_durability(Durability::Disk)?;
        let now = Timestamp::now().as_millisecond();
        let touched =
            self.reader().conn().execute("INSERT OR REPLACE INTO meta VALUES ('synced', ?1)", [now]);
        touched.map(|_| ()).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::Storage { doing: "write to the ledger", path: self.reader().path().to_owned(), source }
    }
}

impl EventLog for Recorder {
    fn append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        if events.is_empty() && self.unsaved.is_empty() {
            return Ok(());
        }
        Ok(self.save_all(events)?)
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        if !self.unsaved.is_empty() {
            self.save_all(&[])?;
        }
        Ok(self.sync()?)
    }
}

impl Target {
    fn out_of_order(&self, event: &RunEvent) -> LedgerError {
        let wanted = match self {
            Self::New(_) => "1, the start of the run,".to_owned(),
            Self::Begun { last_seq, .. } => (last_seq + 1).to_string(),
        };
        LedgerError::OutOfOrder { wanted, found: event.seq }
    }
}
