//! The ledger in a file of the state folder: events in, answers out.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::target::Target;
use super::{LedgerError, ManifestIdentity, database, entry};
use crate::outcome::{EventKind, RunEvent, RunId};

/// An open ledger file.
#[derive(Debug)]
pub(super) struct Sqlite {
    conn: Connection,
    path: PathBuf,
    durability: Durability,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// It survives a power cut.
    Disk,
    /// It survives the process; the next commit to the disk takes it along.
    Process,
}

impl Sqlite {
    pub(super) fn new(conn: Connection, path: PathBuf) -> Self {
        // A fresh connection is set to wait for the disk.
        Self { conn, path, durability: Durability::Disk }
    }

    #[cfg(test)]
    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Answers of one moment.
    pub(super) fn snapshot<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let read = || {
            let tx = self.conn.unchecked_transaction()?;
            let answer = read(&tx)?;
            tx.commit()?;
            Ok(answer)
        };
        read().map_err(|source| self.failed("read the ledger", source))
    }

    /// Reads every page of the database once.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        database::check(&self.conn, &self.path)
    }

    /// The runs of a file that was renamed are those of the file that it is now.
    pub(super) fn claim(&self, manifest: &ManifestIdentity) -> Result<(), LedgerError> {
        let claim = || {
            let mut find = self.conn.prepare("SELECT n, identity, name FROM runs WHERE simulated = ?1")?;
            let runs = find.query_map([manifest.is_simulated()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })?;
            let runs: Vec<_> = runs.collect::<rusqlite::Result<_>>()?;
            for (n, ..) in runs.iter().filter(|(_, path, name)| manifest.claims(path, name)) {
                let sql = "UPDATE runs SET identity = ?2 WHERE n = ?1";
                self.conn.execute(sql, rusqlite::params![n, manifest.path()])?;
            }
            Ok(())
        };
        claim().map_err(|source| self.failed("write to the ledger", source))
    }

    /// Where this ledger was copied to.
    #[cfg(feature = "postgres")]
    pub(super) fn copied_to(&self) -> Option<String> {
        let sql = "SELECT value FROM meta WHERE key = 'copied_to'";
        self.snapshot(|conn| conn.query_row(sql, [], |row| row.get(0)).optional()).ok().flatten()
    }

    /// The run of this id, to go on with.
    pub(super) fn target(&self, run: &RunId) -> Result<Option<Target>, LedgerError> {
        self.snapshot(|conn| {
            conn.query_row(
                "SELECT n, (SELECT coalesce(max(seq), 0) FROM events WHERE run = n) FROM runs WHERE id = ?1",
                [run.as_str()],
                |row| Ok(Target::Begun { row: row.get(0)?, last_seq: row.get::<_, i64>(1)?.unsigned_abs() }),
            )
            .optional()
        })
    }

    /// One transaction. When the disk is full the log is carried into the file, and tried again in its place: both
    /// have room of their own from the opening.
    pub(super) fn save(&mut self, target: &Target, events: &[RunEvent]) -> Result<Target, LedgerError> {
        let promise = events.iter().any(|event| event.kind.is_promise());
        self.set_durability(if promise { Durability::Disk } else { Durability::Process })?;
        self.write(target, events).or_else(|error| {
            if !error.is_full() || database::checkpoint(&self.conn).is_err() {
                return Err(error);
            }
            self.write(target, events)
        })
    }

    fn write(&mut self, target: &Target, events: &[RunEvent]) -> Result<Target, LedgerError> {
        let path = self.path.clone();
        let failed =
            |source| LedgerError::Storage { doing: "write to the ledger", path: path.clone(), source };
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut target = target.clone();
        for event in events {
            let next = target.after(event)?;
            target = match (&target, &event.kind) {
                (Target::New(manifest), EventKind::RunStarted { run }) => {
                    let row = entry::begin_run(&tx, manifest, run, event).map_err(failed)?;
                    Target::Begun { row, last_seq: next }
                }
                (Target::Begun { row, .. }, _) => {
                    entry::add(&tx, *row, event).map_err(failed)?;
                    Target::Begun { row: *row, last_seq: next }
                }
                (Target::New(_), _) => return Err(target.out_of_order(event)),
            };
        }
        tx.commit().map_err(failed)?;
        Ok(target)
    }

    /// A commit that waits for the disk takes along every commit before it.
    pub(super) fn sync(&mut self) -> Result<(), LedgerError> {
        if self.durability == Durability::Disk {
            return Ok(());
        }
        self.set_durability(Durability::Disk)?;
        let now = Timestamp::now().as_millisecond();
        let touched = self.conn.execute("INSERT OR REPLACE INTO meta VALUES ('synced', ?1)", [now]);
        touched.map(|_| ()).map_err(|source| self.failed("write to the ledger", source))
    }

    fn set_durability(&mut self, wanted: Durability) -> Result<(), LedgerError> {
        if self.durability == wanted {
            return Ok(());
        }
        let level = match wanted {
            Durability::Disk => "full",
            Durability::Process => "normal",
        };
        let set = self.conn.pragma_update(None, "synchronous", level);
        set.map_err(|source| self.failed("write to the ledger", source))?;
        self.durability = wanted;
        Ok(())
    }

    pub(super) fn failed(&self, doing: &'static str, source: rusqlite::Error) -> LedgerError {
        LedgerError::Storage { doing, path: self.path.clone(), source }
    }
}
