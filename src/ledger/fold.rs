//! A run's rows folded into its record.

use std::collections::HashSet;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::stored::decode;
use super::{SkippedEvent, StoredRun};
use crate::outcome::{EventKind, RunEvent, RunId, RunInfo, RunRecord};
use crate::plan::TaskId;
use jules::SessionId;

/// What a fold needs of a run besides its events.
pub(super) struct RunRow {
    pub(super) n: i64,
    pub(super) info: RunInfo,
    pub(super) started_at: Timestamp,
}

/// A run's record in the making.
pub(super) struct Fold {
    row: RunRow,
    record: Option<RunRecord>,
    skipped: Vec<SkippedEvent>,
}

impl Fold {
    pub(super) fn of(row: RunRow) -> Self {
        Self { row, record: None, skipped: Vec::new() }
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, event: Result<RunEvent, SkippedEvent>) {
        match (event, &mut self.record) {
            (Ok(event), Some(record)) => record.apply(&event),
            (Ok(event), None) => {
                self.record = RunRecord::begin(&event).or_else(|| self.row.begin(Some(&event)));
            }
            (Err(event), _) => self.skipped.push(event),
        }
    }

    /// The record, where that was the last event.
    pub(super) fn end(self, last_seq: u64) -> StoredRun {
        let record = self.record.or_else(|| self.row.begin(None));
        let mut record = record.expect("a record begins with the RunStarted that begin() makes");
        // The next event's number follows the last one's, understood or not.
        record.last_seq = last_seq;
        StoredRun { record, skipped: self.skipped }
    }
}

impl RunRow {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
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

    /// The row of the run of this id, if there is one.
    pub(super) fn of(conn: &Connection, id: &RunId) -> rusqlite::Result<Option<Self>> {
        let mut find = conn
            .prepare_cached("SELECT n, id, manifest, name, simulated, started_at FROM runs WHERE id = ?1")?;
        find.query_row([id.as_str()], Self::read).optional()
    }

    pub(super) fn fold(self, conn: &Connection) -> rusqlite::Result<StoredRun> {
        self.fold_of(conn, None)
    }

    /// The same of what tells of no task, or of one of these.
    pub(super) fn fold_of(
        self,
        conn: &Connection,
        tasks: Option<&HashSet<TaskId>>,
    ) -> rusqlite::Result<StoredRun> {
        let is_wanted = |task: Option<&str>| tasks.zip(task).is_none_or(|(tasks, task)| tasks.contains(task));
        let n = self.n;
        let mut fold = Fold::of(self);
        let last_seq = for_each_event(conn, n, (0, None), is_wanted, |event| fold.take(event))?;
        Ok(fold.end(last_seq))
    }

    /// Stands in for a first event that is damaged: its content is in the run's row as well.
    pub(super) fn begin(&self, next: Option<&RunEvent>) -> Option<RunRecord> {
        let kind = EventKind::RunStarted { run: self.info.clone() };
        let mut record = RunRecord::begin(&RunEvent { seq: 1, ts: self.started_at, kind })?;
        if let Some(event) = next {
            record.apply(event);
        }
        Some(record)
    }
}

/// Hands out a run's events behind the `after`th in order, or those of one task, whose tasks are wanted; the `seq` of the last
/// one, wanted or not.
pub(super) fn for_each_event(
    conn: &Connection,
    run: i64,
    (after, task): (u64, Option<&TaskId>),
    is_wanted: impl Fn(Option<&str>) -> bool,
    mut take: impl FnMut(Result<RunEvent, SkippedEvent>),
) -> rusqlite::Result<u64> {
    let mut last = after;
    let mut stmt = conn.prepare_cached(
        "SELECT seq, body, task FROM events WHERE run = ?1 AND seq > ?2 AND (?3 IS NULL OR task = ?3) ORDER BY seq",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut rows = stmt.query(params![run, after, task.map(TaskId::as_str)])?;
    while let Some(row) = rows.next()? {
        last = row.get::<_, i64>(0)?.unsigned_abs();
        if !is_wanted(row.get_ref(2)?.as_str_or_null()?) {
            continue;
        }
        take(decode(last, row.get_ref(1)?.as_bytes().unwrap_or_default()));
    }
    Ok(last)
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let ms = row.get(column)?;
    Timestamp::from_millisecond(ms).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, ms))
}

pub(super) fn session_id(row: &Row<'_>, column: usize) -> rusqlite::Result<SessionId> {
    parsed(row, column)
}

pub(super) fn run_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
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
