//! The runs of a manifest before another one.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::fold::{run_id, time};
use super::{ManifestIdentity, overview};
use crate::outcome::{EarlierRun, Outcome, RunId, Totals};
use crate::plan::TaskId;

/// The manifest's runs before this one in which anything has ended, the newest first, so many at most; and the tasks that
/// have failed in the newest of them.
pub(super) fn before(
    conn: &Connection,
    manifest: &ManifestIdentity,
    run: &RunId,
    most: usize,
) -> rusqlite::Result<(Vec<EarlierRun>, Vec<TaskId>)> {
    let mut find = conn.prepare_cached(
        "SELECT n, id, started_at, identity, name FROM runs WHERE simulated = ?1 AND id <> ?2 \
         AND n < coalesce((SELECT n FROM runs WHERE id = ?2), n + 1) ORDER BY n DESC",
    )?;
    let mut rows = find.query(params![manifest.is_simulated(), run.as_str()])?;
    let (mut runs, mut failed) = (Vec::new(), Vec::new());
    while runs.len() < most
        && let Some(row) = rows.next()?
    {
        if !manifest.covers(&row.get::<_, String>(3)?, &row.get::<_, String>(4)?) {
            continue;
        }
        let n: i64 = row.get(0)?;
        let Some(earlier) = told(run_id(row, 1)?, time(row, 2)?, totals(conn, n)?) else { continue };
        if runs.is_empty() {
            failed = failed_in(conn, n)?;
        }
        runs.push(earlier);
    }
    Ok((runs, failed))
}

/// A run with these outcomes; none where nothing has ended well, badly or with a question. Who has asked has not failed.
pub(super) fn told(run: RunId, began: Timestamp, totals: Totals) -> Option<EarlierRun> {
    let done = (totals.of(Outcome::Succeeded) + totals.of(Outcome::NoChange)) as u64;
    let asked = totals.of(Outcome::NeedsInput) as u64;
    let failed = totals.failed() as u64 - asked;
    let others = totals.total() as u64 - done - failed;
    (done + failed + asked > 0).then_some(EarlierRun { run, began, done, failed, others })
}

/// Whether that is the name of an outcome that counts as failed, and is no question.
pub(super) fn has_failed(outcome: Option<&str>) -> bool {
    let outcome = outcome.and_then(Outcome::from_name);
    outcome.is_some_and(|outcome| outcome.is_failure() && outcome != Outcome::NeedsInput)
}

fn totals(conn: &Connection, run: i64) -> rusqlite::Result<Totals> {
    let mut count =
        conn.prepare_cached("SELECT outcome, count(*) FROM tasks WHERE run = ?1 GROUP BY outcome")?;
    let rows = count.query_map([run], |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))?;
    Ok(overview::totals(&rows.collect::<rusqlite::Result<Vec<_>>>()?))
}

fn failed_in(conn: &Connection, run: i64) -> rusqlite::Result<Vec<TaskId>> {
    let mut find = conn.prepare_cached("SELECT id, outcome FROM tasks WHERE run = ?1 ORDER BY id")?;
    let mut rows = find.query([run])?;
    let mut failed = Vec::new();
    while let Some(row) = rows.next()? {
        if has_failed(row.get::<_, Option<String>>(1)?.as_deref()) {
            failed.push(TaskId::new(row.get::<_, String>(0)?));
        }
    }
    Ok(failed)
}
