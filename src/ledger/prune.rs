//! What is let go of, when the ledger is opened.
//!
//! A resumed run needs the last run of its manifest, and people look back some nights. A state folder is often a
//! CI cache that is uploaded after every run, and a thousand tasks are some megabytes. So of each manifest
//! the last run stays for good and the [`KEPT_RUNS`] newest stay for [`KEPT_DAYS`] days. A run with open tasks,
//! or one that was killed, stays until it is closed. Sessions stay as long as their run, and two days at least.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

/// How many runs of a manifest are kept.
const KEPT_RUNS: u32 = 20;
/// How many days a run is kept that is not its manifest's last.
const KEPT_DAYS: i64 = 90;
/// How long sessions are kept for the daily budget, in days: twice what it looks back.
const KEPT_SESSION_DAYS: i64 = 2;

/// Deletes what is past its time, in one transaction; how many runs.
pub(super) fn prune(conn: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let before = |days| now.as_millisecond() - SignedDuration::from_hours(24 * days).as_millis() as i64;
    let old: Vec<i64> = conn
        .prepare(
            "WITH ranked AS (
                SELECT n, updated_at, ended_at,
                       row_number() OVER (PARTITION BY identity, name, simulated ORDER BY n DESC) AS place
                FROM runs
             )
             SELECT n FROM ranked
             WHERE place > 1 AND (place > ?1 OR updated_at < ?2) AND ended_at IS NOT NULL
               AND NOT EXISTS (
                   SELECT 1 FROM tasks WHERE run = n AND (outcome IS NULL OR outcome IN ('deferred', 'detached'))
               )",
        )?
        .query_map(params![KEPT_RUNS, before(KEPT_DAYS)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if old.is_empty() {
        return Ok(0);
    }
    let tx = conn.unchecked_transaction()?;
    for run in &old {
        tx.execute("DELETE FROM events WHERE run = ?1", [run])?;
        tx.execute("DELETE FROM tasks WHERE run = ?1", [run])?;
        tx.execute("DELETE FROM runs WHERE n = ?1", [run])?;
    }
    tx.execute(
        "DELETE FROM creations WHERE ts < ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE n = creations.run)",
        [before(KEPT_SESSION_DAYS)],
    )?;
    tx.commit()?;
    Ok(old.len())
}
