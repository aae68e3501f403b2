//! The schema and its versions.
//!
//! [`STEPS`] is only ever appended to: step `n` turns version `n` into version `n + 1`, and
//! `PRAGMA user_version` says how many have been taken. All steps of an opening are one transaction.

use rusqlite::{Connection, TransactionBehavior};

/// "JBLG": tells our files from those of other programs (`PRAGMA application_id`).
pub(super) const APPLICATION_ID: i32 = 0x4a42_4c47;

/// The steps from an empty file to the newest version.
pub(super) const STEPS: &[&str] =
    &[VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7, VERSION_8];

/// Times are milliseconds since 1970; the exact ones stand in the events. How far a run has come is the `seq` and
/// `ts` of its last row in `events`: a column of `runs` would be a second page to write for every call.
const VERSION_1: &str = "
    CREATE TABLE meta (
        key   TEXT PRIMARY KEY,
        value ANY
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE runs (
        n           INTEGER PRIMARY KEY,
        id          TEXT    NOT NULL UNIQUE,
        identity    TEXT    NOT NULL,
        manifest    TEXT    NOT NULL,
        name        TEXT    NOT NULL,
        simulated   INTEGER NOT NULL,
        started_at  INTEGER NOT NULL,
        ended_at    INTEGER,
        invocations INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE events (
        run  INTEGER NOT NULL,
        seq  INTEGER NOT NULL,
        ts   INTEGER NOT NULL,
        task TEXT,
        body TEXT    NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tasks (
        run     INTEGER NOT NULL,
        id      TEXT    NOT NULL,
        key     TEXT    NOT NULL,
        outcome TEXT,
        PRIMARY KEY (run, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE creations (
        session   TEXT    NOT NULL PRIMARY KEY,
        ts        INTEGER NOT NULL,
        run       INTEGER NOT NULL,
        task_key  TEXT,
        simulated INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX creations_by_time ON creations (ts);
";

/// What a run begins from is asked without a fold. `last` says what is left of a task's last attempt: `none` (there is
/// none), `intent` (in doubt), `live`, `ended` (its session, before it was judged), `left` (given up, perhaps at work), `over`; NULL where only the
/// events tell. `mark` is a person's word.
const VERSION_2: &str = "
    ALTER TABLE tasks ADD COLUMN ended_at INTEGER;
    ALTER TABLE tasks ADD COLUMN last TEXT;
    ALTER TABLE tasks ADD COLUMN mark TEXT;
    UPDATE tasks SET last = 'over' WHERE outcome IN ('succeeded', 'no_change');
    CREATE INDEX tasks_by_id ON tasks (id, run);
    CREATE INDEX tasks_loose ON tasks (id, run)
        WHERE last IS NULL OR last IN ('intent', 'live', 'ended', 'left');
";

/// The pull requests that sessions have made, from the events that tell of them.
macro_rules! pulls_of_events {
    () => {
        "WITH told AS (
            SELECT run, task, ts, iif(json_valid(body), body, NULL) AS body FROM events
            WHERE instr(body, '\"event\":\"session_created\"') OR instr(body, '\"event\":\"attempt_ended\"')
        ),
        made AS (
            SELECT run, task, body ->> '$.attempt' AS attempt, max(body ->> '$.session.id') AS session
            FROM told WHERE body ->> '$.event' = 'session_created' GROUP BY 1, 2, 3
        ),
        ended AS (
            SELECT run, task, ts, body ->> '$.attempt' AS attempt, body -> '$.work' AS work
            FROM told WHERE body ->> '$.event' = 'attempt_ended'
        ),
        found AS (
            SELECT run, task, ts, attempt, work ->> '$.pullRequest.url' AS url FROM ended
            UNION ALL
            SELECT run, task, ts, attempt, value ->> '$.url' FROM ended, json_each(work, '$.earlierPullRequests')
        )
        SELECT found.run AS run, found.task AS task, url, NULL AS node, coalesce(tasks.key, '') AS key,
               max(made.session) AS session, NULL AS state, NULL AS stage, min(found.ts) AS made_at,
               NULL AS checked_at, NULL AS closed_at, runs.simulated AS simulated
        FROM found JOIN runs ON n = found.run
            LEFT JOIN tasks ON tasks.run = found.run AND tasks.id = found.task
            LEFT JOIN made ON made.run = found.run AND made.task = found.task AND made.attempt = found.attempt
        WHERE url IS NOT NULL GROUP BY found.run, found.task, url"
    };
}

/// Pull requests are asked for over all runs: the open ones, those of a task's key, those of a session. `state` is NULL
/// until one was read. They stay for some time after their run.
const VERSION_3: &str = concat!(
    "
    ALTER TABLE tasks ADD COLUMN session TEXT;

    CREATE TABLE pulls (
        run        INTEGER NOT NULL,
        task       TEXT    NOT NULL,
        url        TEXT    NOT NULL,
        node       TEXT,
        key        TEXT    NOT NULL,
        session    TEXT,
        state      TEXT,
        stage      TEXT,
        made_at    INTEGER NOT NULL,
        checked_at INTEGER,
        closed_at  INTEGER,
        simulated  INTEGER NOT NULL,
        PRIMARY KEY (run, task, url)
    ) STRICT, WITHOUT ROWID;

    INSERT INTO pulls (run, task, url, node, key, session, state, stage, made_at, checked_at, closed_at, simulated) ",
    pulls_of_events!(),
    ";

    CREATE INDEX pulls_by_key ON pulls (key, run);
    CREATE INDEX pulls_by_session ON pulls (session);
    CREATE INDEX pulls_open ON pulls (run) WHERE state IS NULL OR state IN ('open', 'unknown');
"
);

/// What a database has more than a file from this version on is the account that machines share.
const VERSION_4: &str = "";
/// And what is kept of sessions that came late.
const VERSION_5: &str = "";
/// And schemas that have their account in another.
const VERSION_6: &str = "";
/// And when the server has counted a session.
const VERSION_7: &str = "";
/// And who works on which task.
const VERSION_8: &str = "";

/// An older file that is only read, with what it lacks: names of the temporary schema come first.
pub(super) fn read_older(steps: u32) -> Option<&'static str> {
    match steps {
        1 => Some(READ_VERSION_1),
        2 => Some(READ_VERSION_2),
        // It lacks nothing.
        3..=7 => Some(""),
        _ => None,
    }
}

const READ_VERSION_1: &str = concat!(
    "
    CREATE TEMP VIEW tasks AS
        SELECT run, id, key, outcome, NULL AS ended_at, NULL AS last, NULL AS mark, NULL AS session FROM main.tasks;
    CREATE TEMP VIEW pulls AS ",
    pulls_of_events!(),
    ";"
);

const READ_VERSION_2: &str = concat!(
    "
    CREATE TEMP VIEW tasks AS SELECT *, NULL AS session FROM main.tasks;
    CREATE TEMP VIEW pulls AS ",
    pulls_of_events!(),
    ";"
);

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Nothing yet.
    Empty,
    /// How many steps were taken.
    Steps(u32),
    /// It is not a ledger.
    Foreign,
}

/// Reads the version; the first read of a connection, so a damaged file shows itself here.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<Version> {
    let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let steps: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: u32 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, steps, objects) {
        (0, 0, 0) => Version::Empty,
        (APPLICATION_ID, 1.., _) => Version::Steps(steps),
        _ => Version::Foreign,
    })
}

/// Takes the steps that are missing, in one transaction.
pub(super) fn migrate(conn: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mut version = taken;
    for step in steps.iter().skip(taken as usize) {
        tx.execute_batch(step)?;
        version += 1;
    }
    if version != taken {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", version)?;
    }
    tx.commit()
}

/// Fails if a table or column that we use is missing.
pub(super) fn verify(conn: &Connection) -> rusqlite::Result<()> {
    for sql in [
        "SELECT key, value FROM meta",
        "SELECT n, id, identity, manifest, name, simulated, started_at, ended_at, invocations FROM runs",
        "SELECT run, seq, ts, task, body FROM events",
        "SELECT run, id, key, outcome, ended_at, last, mark FROM tasks",
        "SELECT session, ts, run, task_key, simulated FROM creations",
        "SELECT run, task, url, node, key, session, state, stage, made_at, checked_at, closed_at, simulated FROM pulls",
    ] {
        conn.prepare(sql)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_takes_every_step_and_a_migrated_one_none() {
        let mut conn = Connection::open_in_memory().unwrap();
        assert_eq!(version(&conn).unwrap(), Version::Empty);
        for _ in 0..2 {
            migrate(&mut conn, STEPS).unwrap();
            assert_eq!(version(&conn).unwrap(), Version::Steps(STEPS.len() as u32));
            verify(&conn).unwrap();
        }
    }

    #[test]
    fn an_older_file_takes_the_missing_steps_and_keeps_its_rows() {
        let steps = ["CREATE TABLE a (x); INSERT INTO a VALUES (7)", "ALTER TABLE a ADD COLUMN y DEFAULT 8"];
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &steps[..1]).unwrap();
        migrate(&mut conn, &steps).unwrap();
        let row = conn.query_row("SELECT x, y FROM a", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        assert_eq!(row, (7, 8));
        assert_eq!(version(&conn).unwrap(), Version::Steps(2));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x)", "CREATE TABLE a (x)"];
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &steps[..1]).unwrap();
        assert!(migrate(&mut conn, &steps).is_err());
        assert_eq!(version(&conn).unwrap(), Version::Steps(1));
        let tables: u32 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn another_programs_database_is_told_apart() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert_eq!(version(&conn).unwrap(), Version::Foreign);
        let conn = Connection::open_in_memory().unwrap();
        conn.pragma_update(None, "application_id", 1).unwrap();
        assert_eq!(version(&conn).unwrap(), Version::Foreign);
    }
}
