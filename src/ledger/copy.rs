//! A ledger copied into another: row by row, so that what only a newer program understands is copied as well, and read again.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::postgres::{Copied, OfEvent, PullRow, TaskRow};
use super::reader::Store;
use super::{Ledger, LedgerError, LedgerReader, Location, has_ledger};

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Runs that the other ledger did not have.
    pub(crate) copied: usize,
    /// Runs that it had already, the same.
    pub(crate) there: usize,
}

/// Copies every run from one ledger to another, and reads both to see that they say the same. Nobody may be at work with
/// either. The first one keeps everything, and says where it went.
///
/// # Errors
///
/// When somebody is at work, when either cannot be read or written, and when the other has one of the runs in another shape.
pub(crate) fn copy(from: &Location, to: &Location) -> Result<Copies, LedgerError> {
    if let Location::Folder(folder) = from
        && !has_ledger(folder)
    {
        return Err(LedgerError::Missing { folder: folder.clone() });
    }
    let source = Ledger::open(from)?;
    idle(source.reader())?;
    let (mut copies, runs) = (Copies::default(), source.reader().runs()?);
    if runs.is_empty() {
        // Nothing is made for nothing.
        return Ok(copies);
    }
    let mut target = Ledger::open(to)?;
    idle(target.reader())?;
    for run in runs.into_iter().rev().map(|run| run.id) {
        if target.reader().run(&run)?.is_none() {
            let rows = match source.reader().store() {
                Store::Folder(file) => file.snapshot(|conn| of_file(conn, run.as_str()))?,
                Store::Database(database) => database.copied(&run)?,
            };
            let Some(rows) = rows else { continue };
            match target.store_mut() {
                Store::Folder(file) => {
                    file.snapshot(|conn| into_file(conn, &rows))?;
                }
                Store::Database(database) => database.take_in(&rows)?,
            }
            copies.copied += 1;
        } else {
            if let Store::Database(database) = target.reader().store() {
                database.is_of_project(&run)?;
            }
            copies.there += 1;
        }
        let is_same = source.reader().run(&run)? == target.reader().run(&run)?
            && source.reader().events(&run, 0)? == target.reader().events(&run, 0)?;
        if !is_same {
            return Err(LedgerError::Differs { run, from: from.to_string(), to: to.to_string() });
        }
    }
    if let Store::Folder(file) = source.reader().store() {
        let sql = "INSERT OR REPLACE INTO meta VALUES ('copied_to', ?1)";
        file.snapshot(|conn| conn.execute(sql, [to.to_string()]))?;
    }
    Ok(copies)
}

/// A folder is locked by who has opened it.
fn idle(reader: &LedgerReader) -> Result<(), LedgerError> {
    match reader.store() {
        Store::Folder(_) => Ok(()),
        Store::Database(database) => database.is_idle(),
    }
}

fn of_file(conn: &Connection, run: &str) -> rusqlite::Result<Option<Copied>> {
    let mut find = conn.prepare_cached(
        "SELECT n, identity, manifest, name, simulated, started_at, ended_at, invocations FROM runs WHERE id = ?1",
    )?;
    let found = find.query_row([run], |row| {
        let copied = Copied {
            id: run.to_owned(),
            identity: row.get(1)?,
            manifest: row.get(2)?,
            name: row.get(3)?,
            simulated: row.get(4)?,
            started_at: row.get(5)?,
            ended_at: row.get(6)?,
            invocations: row.get(7)?,
            ..Copied::default()
        };
        Ok((row.get::<_, i64>(0)?, copied))
    });
    let Some((n, mut copied)) = found.optional()? else { return Ok(None) };
    let mut events =
        conn.prepare_cached("SELECT seq, ts, task, body FROM events WHERE run = ?1 ORDER BY seq")?;
    let events = events.query_map([n], |row| {
        // What is damaged stays so, as text.
        let body = String::from_utf8_lossy(row.get_ref(3)?.as_bytes().unwrap_or_default()).into_owned();
        Ok(OfEvent { seq: row.get(0)?, ts: row.get(1)?, task: row.get(2)?, body })
    })?;
    copied.events = events.collect::<rusqlite::Result<_>>()?;
    let mut tasks = conn
        .prepare_cached("SELECT id, key, outcome, ended_at, last, mark, session FROM tasks WHERE run = ?1")?;
    let tasks = tasks.query_map([n], |row| {
        let task = TaskRow {
            key: row.get(1)?,
            outcome: row.get(2)?,
            ended_at: row.get(3)?,
            last: row.get(4)?,
            mark: row.get(5)?,
            session: row.get(6)?,
        };
        Ok((row.get(0)?, task))
    })?;
    copied.tasks = tasks.collect::<rusqlite::Result<_>>()?;
    let mut creations = conn.prepare_cached("SELECT session, ts, task_key FROM creations WHERE run = ?1")?;
    let creations = creations.query_map([n], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    copied.creations = creations.collect::<rusqlite::Result<_>>()?;
    let mut pulls = conn.prepare_cached(
        "SELECT task, url, node, key, session, state, stage, made_at, checked_at, closed_at FROM pulls WHERE run = ?1",
    )?;
    let pulls = pulls.query_map([n], |row| {
        let pull = PullRow {
            node: row.get(2)?,
            key: row.get(3)?,
            session: row.get(4)?,
            state: row.get(5)?,
            stage: row.get(6)?,
            made_at: row.get(7)?,
            checked_at: row.get(8)?,
            closed_at: row.get(9)?,
        };
        Ok(((row.get(0)?, row.get(1)?), pull))
    })?;
    copied.pulls = pulls.collect::<rusqlite::Result<_>>()?;
    Ok(Some(copied))
}

fn into_file(conn: &Connection, run: &Copied) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO runs (id, identity, manifest, name, simulated, started_at, ended_at, invocations) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        run.id,
        run.identity,
        run.manifest,
        run.name,
        run.simulated,
        run.started_at,
        run.ended_at,
        run.invocations
    ])?;
    let n = conn.last_insert_rowid();
    let mut insert = conn.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for event in &run.events {
        insert.execute(params![n, event.seq, event.ts, event.task, event.body])?;
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO tasks (run, id, key, outcome, ended_at, last, mark, session) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (id, task) in &run.tasks {
        let TaskRow { key, outcome, ended_at, last, mark, session } = task;
        insert.execute(params![n, id, key, outcome, ended_at, last, mark, session])?;
    }
    let mut insert = conn.prepare_cached(
        "INSERT OR IGNORE INTO creations (session, ts, run, task_key, simulated) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (session, ts, key) in &run.creations {
        insert.execute(params![session, ts, n, key, run.simulated])?;
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO pulls (run, task, url, node, key, session, state, stage, made_at, checked_at, closed_at, simulated) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for ((task, url), pull) in &run.pulls {
        let PullRow { node, key, session, state, stage, made_at, checked_at, closed_at } = pull;
        insert.execute(params![
            n,
            task,
            url,
            node,
            key,
            session,
            state,
            stage,
            made_at,
            checked_at,
            closed_at,
            run.simulated
        ])?;
    }
    Ok(())
}
