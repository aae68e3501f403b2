//! The pull requests of all runs: entered with the events that tell of them, asked for without a fold.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, Rows, params};

use super::ManifestIdentity;
use super::fold::{run_id, time};
use crate::outcome::{
    PullRecords, PullState, PullStatus, PullWrite, RunEvent, RunId, SessionRef, Stage, Work,
};
use crate::plan::{TaskId, TaskKey};
use jules::SessionId;

/// A pull request that a run has made or taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedgerPull {
    /// The run that it stands in, while the ledger has that.
    pub run: Option<RunId>,
    /// Its task there.
    pub task: TaskId,
    /// That task's key then.
    pub key: TaskKey,
    /// Its page.
    pub url: String,
    /// The session that made it, where that is known.
    pub session: Option<SessionId>,
    /// As it was last read; none if it never was.
    pub state: Option<PullState>,
    /// What it waited for then.
    pub stage: Option<Stage>,
    /// When the run learnt of it.
    pub made_at: Timestamp,
    /// When it was last read, as far as events tell.
    pub checked_at: Option<Timestamp>,
    /// When it was closed, merged or not.
    pub closed_at: Option<Timestamp>,
}

/// Which of the pull requests are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WhichPulls {
    /// All.
    All,
    /// Those that may be open: those that were not over when they were last read, and those that were closed since then, which
    /// somebody may have opened again.
    MayBeOpen {
        /// Since when.
        closed_since: Timestamp,
    },
}

impl WhichPulls {
    /// In milliseconds; none for all.
    pub(super) fn closed_since(self) -> Option<i64> {
        match self {
            Self::All => None,
            Self::MayBeOpen { closed_since } => Some(closed_since.as_millisecond()),
        }
    }
}

impl LedgerPull {
    pub(super) const COLUMNS: &str =
        "runs.id, task, key, url, session, state, stage, made_at, checked_at, closed_at";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let named = |column| row.get::<_, Option<String>>(column);
        let moment = |column| row.get::<_, Option<i64>>(column)?.map(|_| time(row, column)).transpose();
        Ok(Self {
            run: named(0)?.map(|_| run_id(row, 0)).transpose()?,
            task: TaskId::new(row.get::<_, String>(1)?),
            key: TaskKey::new(row.get::<_, String>(2)?),
            url: row.get(3)?,
            session: named(4)?.and_then(|id| id.parse().ok()),
            state: named(5)?.and_then(|name| PullState::from_name(&name)),
            stage: named(6)?.and_then(|name| Stage::from_name(&name)),
            made_at: time(row, 7)?,
            checked_at: moment(8)?,
            closed_at: moment(9)?,
        })
    }
}

/// Those of the manifest's runs that were open when they were last read, or never were read, or were closed since then; the
/// newest run's first, each once.
pub(super) fn open(
    conn: &Connection,
    manifest: &ManifestIdentity,
    closed_since: Timestamp,
) -> rusqlite::Result<Vec<LedgerPull>> {
    let columns = LedgerPull::COLUMNS;
    // Where a newer run has read it, that counts.
    let mut find = conn.prepare_cached(&format!(
        "SELECT {columns}, runs.identity, runs.name FROM pulls AS it JOIN runs ON n = run \
         WHERE (state IS NULL OR state IN ('open', 'unknown') OR (state = 'closed' AND closed_at >= ?2)) \
           AND it.simulated = ?1 AND NOT EXISTS ( \
             SELECT 1 FROM pulls AS newer WHERE newer.key = it.key AND newer.run > it.run \
               AND newer.url = it.url AND newer.state IN ('merged', 'closed')) \
         ORDER BY run DESC, task, url",
    ))?;
    each_once(find.query(params![manifest.is_simulated(), closed_since.as_millisecond()])?, Some(manifest))
}

/// Those of this manifest's runs, or of all that are not simulated: all, or those that were not over when they were last
/// read, or were closed since a time. The newest run's first, each once.
pub(super) fn known(
    conn: &Connection,
    manifest: Option<&ManifestIdentity>,
    asked: WhichPulls,
) -> rusqlite::Result<Vec<LedgerPull>> {
    let columns = LedgerPull::COLUMNS;
    let mut find = conn.prepare_cached(&format!(
        "SELECT {columns}, runs.identity, runs.name FROM pulls JOIN runs ON n = run \
         WHERE pulls.simulated = ?1 AND (?2 IS NULL OR state IS NULL OR state IN ('open', 'unknown') \
                                         OR (state = 'closed' AND closed_at >= ?2)) \
         ORDER BY run DESC, task, url",
    ))?;
    let simulated = manifest.is_some_and(ManifestIdentity::is_simulated);
    each_once(find.query(params![simulated, asked.closed_since()])?, manifest)
}

/// Those of the manifest's runs, or of all: the first of each. Behind the columns stand identity and name of the run.
fn each_once(mut rows: Rows<'_>, manifest: Option<&ManifestIdentity>) -> rusqlite::Result<Vec<LedgerPull>> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    while let Some(row) = rows.next()? {
        let (path, name) = (row.get::<_, String>(10)?, row.get::<_, String>(11)?);
        if manifest.is_none_or(|manifest| manifest.covers(&path, &name)) {
            let pull = LedgerPull::read(row)?;
            if seen.insert(pull.url.clone()) {
                found.push(pull);
            }
        }
    }
    Ok(found)
}

/// How many of this manifest's pull requests, or of all, are merged and closed.
pub(super) fn over(
    conn: &Connection,
    manifest: Option<&ManifestIdentity>,
) -> rusqlite::Result<(usize, usize)> {
    let mut find = conn.prepare_cached(
        "SELECT state, runs.identity, runs.name, count(DISTINCT url) FROM pulls JOIN runs ON n = run \
         WHERE pulls.simulated = ?1 AND state IN ('merged', 'closed') GROUP BY state, runs.identity, runs.name",
    )?;
    let mut rows = find.query([manifest.is_some_and(ManifestIdentity::is_simulated)])?;
    let (mut merged, mut closed) = (0, 0);
    while let Some(row) = rows.next()? {
        let (path, name) = (row.get::<_, String>(1)?, row.get::<_, String>(2)?);
        if manifest.is_none_or(|manifest| manifest.covers(&path, &name)) {
            let count = row.get::<_, u32>(3)? as usize;
            *if row.get::<_, String>(0)? == "merged" { &mut merged } else { &mut closed } += count;
        }
    }
    Ok((merged, closed))
}

/// What was done to pull requests, in all runs, oldest first. They are few among many events.
pub(super) fn writes(conn: &Connection) -> rusqlite::Result<Vec<PullWrite>> {
    let mut find = conn.prepare_cached(
        "SELECT body FROM events WHERE instr(body, '\"event\":\"pull_request_act') ORDER BY ts, run, seq",
    )?;
    let mut rows = find.query([])?;
    let mut records = PullRecords::default();
    while let Some(row) = rows.next()? {
        // What a later version has written, or nobody can read, is told where its run is read.
        if let Ok(event) = serde_json::from_slice::<RunEvent>(row.get_ref(0)?.as_bytes().unwrap_or_default())
        {
            records.apply(&event.kind, event.ts);
        }
    }
    Ok(records.writes().to_vec())
}

/// Those that tasks of these keys have made; of each key the newest first.
pub(super) fn of_keys(
    conn: &Connection,
    keys: &[TaskKey],
    simulated: bool,
) -> rusqlite::Result<Vec<LedgerPull>> {
    let mut found = Vec::new();
    for key in keys {
        found.extend(all(conn, "key = ?1 AND pulls.simulated = ?2", params![key.as_str(), simulated])?);
    }
    Ok(found)
}

/// Those that a session has made, the newest first.
pub(super) fn of_session(conn: &Connection, session: &SessionId) -> rusqlite::Result<Vec<LedgerPull>> {
    all(conn, "session = ?1", params![session.as_str()])
}

fn all(conn: &Connection, which: &str, values: impl Params) -> rusqlite::Result<Vec<LedgerPull>> {
    let columns = LedgerPull::COLUMNS;
    let mut find = conn.prepare_cached(&format!(
        "SELECT {columns} FROM pulls LEFT JOIN runs ON n = run WHERE {which} ORDER BY run DESC, made_at DESC, url"
    ))?;
    find.query_map(values, LedgerPull::read)?.collect()
}

/// The session that the task's next pull requests are of.
pub(super) fn session(
    conn: &Connection,
    run: i64,
    task: &TaskId,
    session: &SessionRef,
) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE tasks SET session = ?3 WHERE run = ?1 AND id = ?2")?.execute(params![
        run,
        task.as_str(),
        session.id.as_str()
    ])?;
    Ok(())
}

/// An attempt has ended, and has made these.
pub(super) fn made(conn: &Connection, run: i64, task: &TaskId, work: &Work, ts: i64) -> rusqlite::Result<()> {
    work.pull_requests().try_for_each(|pull| enter(conn, run, task, &pull.url, None, ts))
}

/// The task has this one, made by that session if it is another than its own, unless the run has it already.
pub(super) fn enter(
    conn: &Connection,
    run: i64,
    task: &TaskId,
    url: &str,
    session: Option<&SessionRef>,
    ts: i64,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO pulls (run, task, url, key, session, made_at, simulated) \
         SELECT ?1, ?2, ?3, key, coalesce(?4, session), ?5, simulated FROM tasks JOIN runs ON n = run \
         WHERE run = ?1 AND tasks.id = ?2 ON CONFLICT DO NOTHING",
    )?
    .execute(params![run, task.as_str(), url, session.map(|session| session.id.as_str()), ts])?;
    Ok(())
}

/// One was read.
pub(super) fn read(conn: &Connection, run: i64, task: &TaskId, pull: &PullStatus) -> rusqlite::Result<()> {
    let checked = pull.checked_at.as_millisecond();
    let mut update = conn.prepare_cached(
        "UPDATE pulls SET node = coalesce(?4, node), state = ?5, stage = ?6, checked_at = ?7, closed_at = ?8 \
         WHERE run = ?1 AND task = ?2 AND (url = ?3 OR node = ?4)",
    )?;
    let mut update = || {
        update.execute(params![
            run,
            task.as_str(),
            pull.url,
            pull.id,
            pull.state.as_str(),
            pull.stage.as_str(),
            checked,
            pull.closed_at.or(pull.merged_at).map(Timestamp::as_millisecond),
        ])
    };
    if update()? == 0 {
        enter(conn, run, task, &pull.url, None, checked)?;
        update()?;
    }
    Ok(())
}
