//! A ledger that an older program has left: today's goes on with it.

use jules_batch::outcome::Outcome;
use jules_batch::report::from_json;
use rusqlite::Connection;

use crate::support::{Signal, World, job};

/// The schema of version 1, as the programs of that time made it.
const VERSION_1: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
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
    PRAGMA application_id = 0x4a424c47;
    PRAGMA user_version = 1;
";

/// Puts in the ledger's place what a program of version 1 would have written of the same runs.
fn as_of_version_1(world: &World) {
    let (path, old) = (world.path(".jules-batch/ledger.db"), world.path(".jules-batch/old.db"));
    let conn = Connection::open(&old).unwrap();
    conn.execute_batch(VERSION_1).unwrap();
    conn.execute("ATTACH ?1 AS now", [path.to_str().unwrap()]).unwrap();
    conn.execute_batch(
        "INSERT INTO meta SELECT key, value FROM now.meta;
         INSERT INTO runs SELECT n, id, identity, manifest, name, simulated, started_at, ended_at, invocations FROM now.runs;
         INSERT INTO events SELECT run, seq, ts, task, body FROM now.events;
         INSERT INTO tasks SELECT run, id, key, outcome FROM now.tasks;
         INSERT INTO creations SELECT session, ts, run, task_key, simulated FROM now.creations;",
    )
    .unwrap();
    drop(conn);
    for beside in ["ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(world.path(".jules-batch").join(beside));
    }
    std::fs::rename(old, path).unwrap();
}

/// All rows of what version 1 had, as text.
fn rows(world: &World, table: &str, columns: &str) -> Vec<String> {
    let conn = Connection::open(world.path(".jules-batch/ledger.db")).unwrap();
    let sql = format!("SELECT concat_ws('|', {columns}) FROM {table} ORDER BY 1");
    conn.prepare(&sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn version(world: &World) -> u32 {
    let conn = Connection::open(world.path(".jules-batch/ledger.db")).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// `a` is done, `b` has failed, `c` is at work, `d` was not started.
fn left_by_an_older_program() -> World {
    let scenario = "{ rules: [{ when: { prompt: 'Do b.', nth: 1 }, then: { outcome: failure } }, \
        { when: { prompt: 'Do c.' }, then: { duration: 2500ms } }], defaults: { duration: 40ms, outcome: change } }";
    let jobs = ["a", "b", "c", "d"].map(|id| job(id, &format!("Do {id}."), &[]));
    let world = World::with(scenario, &crate::support::Manifest::of(jobs));
    let mut running = world.run().args("--max-tasks 3").start();
    running.until(|world| {
        let sessions = world.sessions();
        sessions.len() == 3 && sessions.iter().filter(|it| it.ended_at.is_some()).count() == 2
    });
    running.until_said("succeeded");
    running.until_said("failed");
    running.signal(Signal::Interrupt);
    running.wait();
    as_of_version_1(&world);
    world
}

#[test]
fn a_ledger_of_version_1_is_gone_on_with_and_nothing_is_done_twice() {
    let world = left_by_an_older_program();
    let events = || rows(&world, "events", "run, seq, ts, task, body");
    let creations = || rows(&world, "creations", "session, ts, run, task_key, simulated");
    let before = (events(), creations());
    let [status, plan] = ["status", "plan"].map(|command| world.command(command).exits(0));
    assert!(status.stdout.contains("1 done, 1 failed, 1 at work, 1 to start"), "{status}");
    assert!(plan.stderr.starts_with("1 done, 1 failed, 1 at work, 1 to start"), "{plan}");
    assert_eq!(version(&world), 1, "who only looks changes nothing");
    let report = from_json(&world.command("status").args("--format json").exits(0).stdout).unwrap();

    let ended = world.run().exits(100);
    assert_eq!((ended.count(Outcome::Succeeded), ended.count(Outcome::Failed)), (3, 1));
    assert_eq!(ended.report().run.id, report.run.id, "the run of then is gone on with");
    assert!(version(&world) > 1, "it is of today now");
    assert_eq!(world.statistics().created, 4);
    let kept = |before: &[String], now: &[String]| before.iter().all(|row| now.contains(row));
    assert!(kept(&before.0, &events()) && kept(&before.1, &creations()), "nothing of then is lost");

    let again = world.run().exits(100);
    assert!(again.stderr.contains("nothing to do: 3 done"), "{again}");
    assert_eq!(world.statistics().created, 4);
    assert_eq!(world.run().args("--failed").exits(0).count(Outcome::Succeeded), 4);
    assert_eq!(world.statistics().created, 5, "what had failed, once more");
}

#[test]
fn with_a_ledger_of_version_1_the_next_round_takes_up_what_is_at_work() {
    let world = left_by_an_older_program();
    let ended = world.run().args("--fresh").exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 4);
    let statistics = world.statistics();
    assert_eq!(statistics.created, 6, "three new ones, and the one that was at work");
    assert!(!statistics.second_sessions.iter().any(|second| second.while_live));
}
