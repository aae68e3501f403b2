//! What is let go of, when the ledger is opened.
//!
//! A resumed run needs the last run of its manifest, and people look back some nights. A state folder is often a
//! CI cache that is uploaded after every run, and a thousand tasks are some megabytes. So of each manifest
//! the last run stays for ever, as does one that says last what became of a task (done is done), and the [`KEPT_RUNS`] newest
//! stay for [`KEPT_DAYS`] days. One that left a task open, or was killed, stays until a later run has begun that task anew or
//! taken it up: a night with a daily limit leaves some every time. One with a pull request that was seen open stays as well.
//! Other pull requests stay as long as their run, and [`KEPT_DAYS`] days at least; sessions as long as their run, and eight
//! days at least.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

/// How many runs of a manifest are kept.
pub(super) const KEPT_RUNS: u32 = 20;
/// How many days a run is kept that is not its manifest's last.
pub(super) const KEPT_DAYS: i64 = 90;
/// How many runs go at once, so that no opening takes long: a night brings one.
const AT_ONCE: u32 = 8;
/// How long sessions are kept, in days: a day more than a run looks back for sessions that its ledger may lack. The
/// daily budget needs the last day's.
pub(super) const KEPT_SESSION_DAYS: i64 = 8;

/// `auto_vacuum`: free pages are given back when that is asked for.
pub(super) const INCREMENTAL: u32 = 2;

/// How far ahead a time may be before it counts as wrong: clocks differ.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// Sessions that came into being later than now did so while a clock was wrong. They count as created now: otherwise they
/// would take the place of others in the daily budget until that day has come. How many there are.
pub(super) fn redate(conn: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let (latest, now) = (now.saturating_add(AHEAD).unwrap_or(now), now.as_millisecond());
    conn.execute("UPDATE creations SET ts = ?2 WHERE ts > ?1", params![latest.as_millisecond(), now])
}

/// Deletes what is past its time, in one transaction; how many runs.
pub(super) fn prune(conn: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let before = |days| now.as_millisecond() - SignedDuration::from_hours(24 * days).as_millis() as i64;
    let old: Vec<i64> = conn
        .prepare(
            "WITH ranked AS (
                SELECT n, coalesce(ended_at, started_at) AS over_at, name, simulated,
                       row_number() OVER (PARTITION BY identity, name, simulated ORDER BY n DESC) AS place
                FROM runs
             )
             SELECT n FROM ranked
             WHERE place > 1 AND (place > ?1 OR over_at < ?2)
               AND NOT EXISTS (SELECT 1 FROM pulls WHERE run = n AND state = 'open')
               AND NOT EXISTS (
                   SELECT 1 FROM tasks WHERE run = n AND NOT EXISTS (
                       SELECT 1 FROM tasks AS newer JOIN runs AS its ON its.n = newer.run
                       WHERE newer.id = tasks.id AND newer.run > ranked.n
                         AND its.name = ranked.name AND its.simulated = ranked.simulated
                         AND (newer.last <> 'none' OR tasks.last IN ('none', 'over')
                              OR tasks.outcome NOT IN ('deferred', 'detached'))
                   )
               )
             ORDER BY n LIMIT ?3",
        )?
        .query_map(params![KEPT_RUNS, before(KEPT_DAYS), AT_ONCE], |row| row.get(0))?
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
    tx.execute(
        "DELETE FROM pulls WHERE max(made_at, coalesce(closed_at, 0)) < ?1 \
         AND NOT EXISTS (SELECT 1 FROM runs WHERE n = pulls.run)",
        [before(KEPT_DAYS)],
    )?;
    tx.commit()?;
    Ok(old.len())
}

/// So many free pages are kept: the next run writes to them (a page has four kibibytes).
const KEPT_PAGES: u32 = 1_024;
/// So many are given back at once, so that no opening takes long.
const PAGES_AT_ONCE: u32 = 8 * 1_024;
/// A file of an older program is written anew once, if so little of it is in use.
const REWRITTEN_PAGES: u32 = 16 * 1_024;

/// Gives the room of what was deleted back to the disk, when it is more than a quarter of the file. A file that cannot be
/// made smaller (a full disk, a reader) stays as it is.
pub(super) fn shrink(conn: &Connection) -> rusqlite::Result<()> {
    let count = |pragma| conn.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
    let (free, all) = (count("freelist_count")?, count("page_count")?);
    if free <= 2 * KEPT_PAGES || free < all / 4 {
        return Ok(());
    }
    let shrunk = if count("auto_vacuum")? == INCREMENTAL {
        let pages = (free - KEPT_PAGES).min(PAGES_AT_ONCE);
        let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        // Each step frees a page.
        let mut freed = vacuum.query([])?;
        std::iter::from_fn(|| freed.next().map(|row| row.map(|_| ())).transpose()).collect()
    } else if all - free <= REWRITTEN_PAGES {
        conn.pragma_update(None, "auto_vacuum", INCREMENTAL).and_then(|()| conn.execute_batch("VACUUM"))
    } else {
        Ok(())
    };
    shrunk.or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::schema;

    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn ledger() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate(&mut conn, schema::STEPS).unwrap();
        conn
    }

    fn now() -> Timestamp {
        "2026-11-22T02:00:05Z".parse().unwrap()
    }

    /// A run of one task that was last touched this many days ago, with a session of that day.
    fn run(conn: &Connection, name: &str, days: i64, outcome: Option<&str>, ended: bool) -> i64 {
        let ts = now().as_millisecond() - days * DAY;
        conn.execute(
            "INSERT INTO runs (id, identity, manifest, name, simulated, started_at, ended_at)
             VALUES (hex(randomblob(8)), 'jobs.yaml', 'jobs.yaml', ?1, 0, ?2, iif(?3, ?2, NULL))",
            params![name, ts, ended],
        )
        .unwrap();
        let n = conn.last_insert_rowid();
        conn.execute("INSERT INTO events VALUES (?1, 1, ?2, NULL, '{}')", [n, ts]).unwrap();
        conn.execute(
            "INSERT INTO tasks (run, id, key, outcome) VALUES (?1, 'a', 'k', ?2)",
            params![n, outcome],
        )
        .unwrap();
        conn.execute("INSERT INTO creations VALUES (hex(randomblob(8)), ?2, ?1, 'k', 0)", [n, ts]).unwrap();
        n
    }

    fn left(conn: &Connection, table: &str, column: &str) -> Vec<i64> {
        let sql = format!("SELECT {column} FROM {table} ORDER BY {column}");
        conn.prepare(&sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn of_each_manifest_the_newest_runs_stay() {
        let conn = ledger();
        let other = run(&conn, "other", 5, Some("succeeded"), true);
        let runs: Vec<_> =
            (0..25).map(|n| run(&conn, "nightly", (25 - n) / 10, Some("failed"), true)).collect();
        assert_eq!(prune(&conn, now()).unwrap(), 5);
        let kept: Vec<_> = std::iter::once(other).chain(runs[5..].iter().copied()).collect();
        for (table, column) in [("runs", "n"), ("events", "run"), ("tasks", "run")] {
            assert_eq!(left(&conn, table, column), kept, "{table}");
        }
        assert_eq!(prune(&conn, now()).unwrap(), 0);
    }

    /// A ledger in a file with a night of this many megabytes, of a program that knew no smaller files or of this one.
    fn large(path: &std::path::Path, megabytes: u32, is_older: bool) -> Connection {
        let mut conn = Connection::open(path).unwrap();
        if !is_older {
            conn.pragma_update(None, "auto_vacuum", INCREMENTAL).unwrap();
        }
        conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
        schema::migrate(&mut conn, schema::STEPS).unwrap();
        let old = run(&conn, "nightly", 200, Some("succeeded"), true);
        for seq in 2..megabytes + 2 {
            let sql = "INSERT INTO events VALUES (?1, ?2, 0, NULL, printf('%.*c', 1000000, 'x'))";
            conn.execute(sql, params![old, seq]).unwrap();
        }
        run(&conn, "nightly", 0, Some("succeeded"), true);
        conn
    }

    #[test]
    fn the_file_shrinks_when_much_of_it_is_free_whichever_program_made_it() {
        for is_older in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.db");
            let conn = large(&path, 20, is_older);
            let size = || {
                conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
                std::fs::metadata(&path).unwrap().len()
            };
            let before = size();
            assert_eq!(prune(&conn, now()).unwrap(), 1);
            shrink(&conn).unwrap();
            let after = size();
            assert!(before > 20_000_000 && after < 6_000_000, "{is_older}: {before} {after}");
            shrink(&conn).unwrap();
            assert_eq!(size(), after, "{is_older}: what is left is kept");
            assert_eq!(left(&conn, "runs", "n"), [2]);
        }
    }

    #[test]
    fn many_old_runs_go_a_few_at_a_time() {
        let conn = ledger();
        let all: Vec<_> = (0..100).map(|_| run(&conn, "nightly", 1, Some("succeeded"), true)).collect();
        let openings = std::iter::repeat_with(|| prune(&conn, now()).unwrap()).take_while(|gone| *gone > 0);
        assert_eq!(openings.collect::<Vec<_>>(), [8; 10]);
        assert_eq!(left(&conn, "runs", "n"), all[80..]);
    }

    #[test]
    fn old_runs_go_but_never_the_last_of_a_manifest() {
        let conn = ledger();
        run(&conn, "nightly", 200, Some("succeeded"), true);
        let last = run(&conn, "nightly", 100, Some("succeeded"), true);
        let only = run(&conn, "yearly", 300, Some("succeeded"), true);
        assert_eq!(prune(&conn, now()).unwrap(), 1);
        assert_eq!(left(&conn, "runs", "n"), [last, only]);
    }

    /// What is left of the last attempt at the run's task.
    fn leaves(conn: &Connection, run: i64, last: Option<&str>) -> i64 {
        conn.execute("UPDATE tasks SET last = ?2 WHERE run = ?1", params![run, last]).unwrap();
        run
    }

    #[test]
    fn runs_with_work_left_stay() {
        // As an older program has left them: only the events tell whether something is at work.
        let conn = ledger();
        let mut kept: Vec<_> = [None, Some("deferred"), Some("detached")]
            .into_iter()
            .map(|outcome| run(&conn, "nightly", 200, outcome, true))
            .collect();
        run(&conn, "nightly", 200, Some("succeeded"), true);
        kept.push(run(&conn, "nightly", 0, Some("succeeded"), true));
        assert_eq!(prune(&conn, now()).unwrap(), 1);
        assert_eq!(left(&conn, "runs", "n"), kept);
    }

    #[test]
    fn what_may_be_at_work_stays_until_a_later_run_has_an_attempt_at_it() {
        let conn = ledger();
        let live = leaves(&conn, run(&conn, "nightly", 200, Some("detached"), true), Some("live"));
        let next = leaves(&conn, run(&conn, "nightly", 199, Some("deferred"), true), Some("none"));
        let last = leaves(&conn, run(&conn, "nightly", 0, Some("deferred"), true), Some("none"));
        assert_eq!(prune(&conn, now()).unwrap(), 1, "the one between left nothing at work");
        assert_eq!(left(&conn, "runs", "n"), [live, last]);
        assert!(next < last);
        leaves(&conn, last, Some("over"));
        assert_eq!(prune(&conn, now()).unwrap(), 1);
    }

    #[test]
    fn nights_that_left_something_open_or_were_killed_do_not_pile_up() {
        let conn = ledger();
        for night in 0..365 {
            let outcome = if night % 2 == 0 { None } else { Some("deferred") };
            leaves(&conn, run(&conn, "nightly", 365 - night, outcome, night % 3 > 0), Some("none"));
            prune(&conn, now()).unwrap();
        }
        assert_eq!(left(&conn, "runs", "n").len(), KEPT_RUNS as usize);
    }

    #[test]
    fn a_run_with_an_open_pull_request_stays_and_what_pull_requests_became_of_outlives_it() {
        let conn = ledger();
        let pull = |run: i64, days: i64, state: Option<&str>| {
            let made = now().as_millisecond() - days * DAY;
            conn.execute(
                "INSERT INTO pulls (run, task, url, key, state, made_at, simulated) VALUES (?1, 'a', 'u', 'k', ?2, ?3, 0)",
                params![run, state, made],
            )
            .unwrap();
        };
        let open = run(&conn, "nightly", 200, Some("succeeded"), true);
        pull(open, 200, Some("open"));
        for (days, state) in [(200, Some("merged")), (95, Some("closed")), (91, None)] {
            pull(run(&conn, "nightly", days, Some("succeeded"), true), days, state);
        }
        let late = run(&conn, "nightly", 100, Some("succeeded"), true);
        pull(late, 10, Some("merged"));
        let last = run(&conn, "nightly", 0, Some("succeeded"), true);
        assert_eq!(prune(&conn, now()).unwrap(), 4);
        assert_eq!(left(&conn, "runs", "n"), [open, last]);
        assert_eq!(left(&conn, "pulls", "run"), [open, late]);
    }

    #[test]
    fn sessions_of_the_last_eight_days_outlive_their_run() {
        let conn = ledger();
        let fresh = run(&conn, "nightly", 7, Some("succeeded"), true);
        let stale = run(&conn, "nightly", 9, Some("succeeded"), true);
        let newer: Vec<_> = (0..20).map(|_| run(&conn, "nightly", 0, Some("succeeded"), true)).collect();
        assert_eq!(prune(&conn, now()).unwrap(), 2);
        let left = left(&conn, "creations", "run");
        assert!(left.contains(&fresh) && !left.contains(&stale));
        assert_eq!(left.len(), newer.len() + 1);
    }
}
