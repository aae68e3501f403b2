//! What the ledger can be asked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::stored::decode;
use super::{
    LedgerError, ManifestIdentity, RunOverview, SkippedEvent, StoredEvents, StoredRun, database, overview,
};
use crate::outcome::{EventKind, Outcome, RunEvent, RunId, RunInfo, RunRecord};
use crate::plan::TaskId;
use jules::SessionId;

/// Answers questions about the runs of a state folder. Each answer is of one moment, also while another
/// process writes.
#[derive(Debug)]
pub(crate) struct LedgerReader {
    conn: Connection,
    path: PathBuf,
}

/// How a task ended last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    /// The run that had it last.
    pub run: RunId,
    /// Its outcome there; none if it has none, or one that only a newer program knows.
    pub outcome: Option<Outcome>,
}

impl LedgerReader {
    /// Opens the ledger in `state_dir` without the lock.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Missing`] if nothing was run there; when the file is damaged, of another version, or
    /// not to be read.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, LedgerError> {
        let conn = database::open_to_read(state_dir)?;
        Ok(Self::new(conn, state_dir.join("ledger.db")))
    }

    pub(super) fn new(conn: Connection, path: PathBuf) -> Self {
        Self { conn, path }
    }

    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    pub(super) fn conn_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }

    /// The database file.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The manifest's last run.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn last_run(&self, manifest: &ManifestIdentity) -> Result<Option<StoredRun>, LedgerError> {
        self.snapshot(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT n, id, manifest, name, simulated, started_at FROM runs \
                 WHERE identity = ?1 AND name = ?2 AND simulated = ?3 ORDER BY n DESC LIMIT 1",
            )?;
            let key = params![manifest.path(), manifest.name(), manifest.is_simulated()];
            find.query_row(key, RunRow::read).optional()?.map(|row| row.fold(conn)).transpose()
        })
    }

    /// How each of the manifest's tasks ended last, whichever the run.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn latest(&self, manifest: &ManifestIdentity) -> Result<HashMap<TaskId, Latest>, LedgerError> {
        self.snapshot(|conn| {
            // Of a group, SQLite takes the other columns from the row of the largest `run`.
            let mut find = conn.prepare_cached(
                "SELECT tasks.id, runs.id, outcome, max(run) FROM tasks JOIN runs ON n = run \
                 WHERE identity = ?1 AND name = ?2 AND simulated = ?3 GROUP BY tasks.id",
            )?;
            let key = params![manifest.path(), manifest.name(), manifest.is_simulated()];
            let rows = find.query_map(key, |row| {
                let outcome = row.get::<_, Option<String>>(2)?.and_then(|name| Outcome::from_name(&name));
                Ok((TaskId::new(row.get::<_, String>(0)?), Latest { run: run_id(row, 1)?, outcome }))
            })?;
            rows.collect()
        })
    }

    /// The run of this id.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn run(&self, id: &RunId) -> Result<Option<StoredRun>, LedgerError> {
        self.snapshot(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT n, id, manifest, name, simulated, started_at FROM runs WHERE id = ?1",
            )?;
            find.query_row([id.as_str()], RunRow::read).optional()?.map(|row| row.fold(conn)).transpose()
        })
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn runs(&self) -> Result<Vec<RunOverview>, LedgerError> {
        self.snapshot(|conn| {
            let mut counts: BTreeMap<i64, Vec<(Option<String>, usize)>> = BTreeMap::new();
            let mut stmt =
                conn.prepare_cached("SELECT run, outcome, count(*) FROM tasks GROUP BY run, outcome")?;
            let mut rows = stmt.query([])?;
            while let Some(row) = rows.next()? {
                let count = usize::try_from(row.get::<_, u32>(2)?).unwrap_or(usize::MAX);
                counts.entry(row.get(0)?).or_default().push((row.get(1)?, count));
            }
            let mut stmt = conn.prepare_cached(
                "SELECT n, id, name, manifest, simulated, started_at, \
                 coalesce((SELECT ts FROM events WHERE run = n ORDER BY seq DESC LIMIT 1), started_at), ended_at, invocations \
                 FROM runs ORDER BY n DESC",
            )?;
            let rows = stmt.query_map([], |row| {
                let tasks = counts.get(&row.get(0)?).map_or(&[][..], Vec::as_slice);
                Ok(RunOverview {
                    id: run_id(row, 1)?,
                    name: row.get(2)?,
                    manifest: row.get(3)?,
                    simulated: row.get(4)?,
                    started_at: time(row, 5)?,
                    updated_at: time(row, 6)?,
                    ended_at: row.get::<_, Option<i64>>(7)?.map(|_| time(row, 7)).transpose()?,
                    invocations: row.get(8)?,
                    tasks: tasks.iter().map(|(_, n)| n).sum(),
                    totals: overview::totals(tasks),
                })
            })?;
            rows.collect()
        })
    }

    /// A run's events behind the `after`th, in order; zero for all.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn events(&self, run: &RunId, after: u64) -> Result<StoredEvents, LedgerError> {
        self.snapshot(|conn| {
            let mut stored = StoredEvents::default();
            let find = "SELECT n FROM runs WHERE id = ?1";
            let Some(n) = conn.query_row(find, [run.as_str()], |row| row.get(0)).optional()? else {
                return Ok(stored);
            };
            for_each_event(conn, n, after, |event| match event {
                Ok(event) => stored.events.push(event),
                Err(skipped) => stored.skipped.push(skipped),
            })?;
            Ok(stored)
        })
    }

    /// When sessions came into being since then, whichever the run, oldest first: what the daily budget counts.
    /// Simulated ones and real ones are counted apart.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn created_since(
        &self,
        since: Timestamp,
        simulated: bool,
    ) -> Result<Vec<Timestamp>, LedgerError> {
        self.snapshot(|conn| {
            let mut stmt = conn
                .prepare_cached("SELECT ts FROM creations WHERE ts >= ?1 AND simulated = ?2 ORDER BY ts")?;
            let rows = stmt.query_map(params![since.as_millisecond(), simulated], |row| time(row, 0))?;
            rows.collect()
        })
    }

    /// The sessions that came into the ledger since then, whichever the run.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn sessions_since(&self, since: Timestamp) -> Result<HashSet<SessionId>, LedgerError> {
        self.snapshot(|conn| {
            let mut stmt = conn.prepare_cached("SELECT session FROM creations WHERE ts >= ?1")?;
            let rows = stmt.query_map([since.as_millisecond()], |row| session_id(row, 0))?;
            rows.collect()
        })
    }

    /// When the manifest's oldest run that is still in the ledger began.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn first_run_at(&self, manifest: &ManifestIdentity) -> Result<Option<Timestamp>, LedgerError> {
        self.snapshot(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT started_at FROM runs WHERE identity = ?1 AND name = ?2 AND simulated = ?3 ORDER BY n LIMIT 1",
            )?;
            let key = params![manifest.path(), manifest.name(), manifest.is_simulated()];
            find.query_row(key, |row| time(row, 0)).optional()
        })
    }

    /// Reads every page of the database once: a second for some hundred megabytes.
    ///
    /// # Errors
    ///
    /// When it is damaged or cannot be read; [`LedgerError::is_corrupt`] tells which.
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        database::check(&self.conn, &self.path)
    }

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
        read().map_err(|e| self.failed(e))
    }

    fn failed(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::Storage { doing: "read the ledger", path: self.path.clone(), source }
    }
}

/// What a fold needs of a run besides its events.
struct RunRow {
    n: i64,
    info: RunInfo,
    started_at: Timestamp,
}

impl RunRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            n: row.get(0)?,
            info: RunInfo {
                id: run_id(row, 1)?,
                manifest: row.get(2)?,
                file: None,
                name: row.get(3)?,
                simulated: row.get(4)?,
            },
            started_at: time(row, 5)?,
        })
    }

    fn fold(self, conn: &Connection) -> rusqlite::Result<StoredRun> {
        let mut skipped = Vec::new();
        let mut record: Option<RunRecord> = None;
        let last_seq = for_each_event(conn, self.n, 0, |event| match (event, &mut record) {
            (Ok(event), Some(record)) => record.apply(&event),
            (Ok(event), None) => record = RunRecord::begin(&event).or_else(|| self.begin(Some(&event))),
            (Err(event), _) => skipped.push(event),
        })?;
        let mut record = record
            .or_else(|| self.begin(None))
            .expect("a record begins with the RunStarted that begin() makes");
        // The next event's number follows the last one's, understood or not.
        record.last_seq = last_seq;
        Ok(StoredRun { record, skipped })
    }

    /// Stands in for a first event that is damaged: its content is in the run's row as well.
    fn begin(&self, next: Option<&RunEvent>) -> Option<RunRecord> {
        let kind = EventKind::RunStarted { run: self.info.clone() };
        let mut record = RunRecord::begin(&RunEvent { seq: 1, ts: self.started_at, kind })?;
        if let Some(event) = next {
            record.apply(event);
        }
        Some(record)
    }
}

/// Hands out a run's events in order; the `seq` of the last one.
fn for_each_event(
    conn: &Connection,
    run: i64,
    after: u64,
    mut take: impl FnMut(Result<RunEvent, SkippedEvent>),
) -> rusqlite::Result<u64> {
    let mut last = after;
    let mut stmt =
        conn.prepare_cached("SELECT seq, body FROM events WHERE run = ?1 AND seq > ?2 ORDER BY seq")?;
    let mut rows = stmt.query(params![run, i64::try_from(after).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        last = row.get::<_, i64>(0)?.unsigned_abs();
        take(decode(last, row.get_ref(1)?.as_bytes().unwrap_or_default()));
    }
    Ok(last)
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let ms = row.get(column)?;
    Timestamp::from_millisecond(ms).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, ms))
}

fn session_id(row: &Row<'_>, column: usize) -> rusqlite::Result<SessionId> {
    parsed(row, column)
}

fn run_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
    parsed(row, column)
}

fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    row.get::<_, String>(column)?.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    })
}
