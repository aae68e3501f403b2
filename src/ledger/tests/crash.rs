//! Killed at any instant: everything acknowledged is there.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;
use crate::outcome::{EventLog, RunRecord};

const STATE_DIR: &str = "JULES_BATCH_TEST_STATE_DIR";

/// Not a test: the process that the tests below start and kill. It records intents and other events for ever and prints the
/// number of each call's last event once the call has returned.
#[test]
#[ignore = "runs as a child of the tests of this file"]
fn child_that_records_until_it_is_killed() {
    let Ok(dir) = std::env::var(STATE_DIR) else { return };
    let dir = Path::new(&dir);
    let run = run_id(1);
    let ledger = Ledger::open(dir).unwrap();
    let known = ledger.reader().run(&run).unwrap().map_or(0, |stored| stored.record.last_seq);
    let mut recorder = match known {
        0 => ledger.start(identity("nightly")),
        _ => ledger.resume(&run).unwrap(),
    };
    let mut out = std::io::stdout().lock();
    let mut seq = known;
    loop {
        let call = endless(&run, seq + 1);
        recorder.append(&call).unwrap();
        seq = call.last().unwrap().seq;
        writeln!(out, "ack {seq}").unwrap();
        out.flush().unwrap();
    }
}

/// The call that begins with this event of an endless run: one or two events.
fn endless(run: &RunId, first: u64) -> Vec<RunEvent> {
    let task = format!("task-{}", first / 4);
    let kind = |seq| match seq {
        1 => started(run),
        _ => match seq % 4 {
            0 => planned(&task),
            1 => intent(run, &task, 1),
            2 => created(&task, 1, &seq.to_string()),
            _ => state(&task, 1, "IN_PROGRESS"),
        },
    };
    let len = if first % 4 == 2 { 2 } else { 1 };
    numbered(first, (first..first + len).map(kind))
}

struct Killed {
    acked: u64,
}

fn spawn(dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let child = concat!(module_path!(), "::child_that_records_until_it_is_killed");
    let child = child.split_once("::").unwrap().1;
    command.args(["--exact", child, "--ignored", "--nocapture", "--test-threads", "1"]);
    command.env(STATE_DIR, dir).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Kills the child this long after its first acknowledgement.
fn record_and_kill(dir: &Path, after: Duration) -> Killed {
    let mut child = spawn(dir);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ack = |line: String| line.rsplit_once("ack ").and_then(|(_, n)| n.parse::<u64>().ok());
    let mut acked = lines.by_ref().find_map(|line| ack(line.unwrap())).expect("the child acknowledges");
    let killer = std::thread::spawn(move || {
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    for line in lines {
        // The last line may be cut off: then it was not acknowledged to anybody.
        acked = acked.max(ack(line.unwrap_or_default()).unwrap_or(0));
    }
    killer.join().unwrap();
    Killed { acked }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_id(1);
    let mut before = 0;
    for round in 0..12 {
        let after = Duration::from_micros(fastrand::u64(0..30_000));
        let killed = record_and_kill(dir.path(), after);
        assert!(killed.acked > before, "round {round}: the child went on");

        let ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(ledger.set_aside(), None);
        let stored = ledger.reader().run(&run).unwrap().unwrap();
        assert!(stored.record.last_seq >= killed.acked, "round {round}, {after:?}");
        assert_eq!(stored.skipped, []);
        let mut events = Vec::new();
        while (events.len() as u64) < stored.record.last_seq {
            events.extend(endless(&run, events.len() as u64 + 1));
        }
        assert_eq!(events.len() as u64, stored.record.last_seq, "a call is there whole or not at all");
        assert_eq!(Some(stored.record), RunRecord::from_events(&events));
        before = events.len() as u64;
    }
}

#[test]
fn kill_9_while_opening_leaves_a_ledger_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..24 {
        // Each third one meets an empty folder.
        let state_dir = dir.path().join((round / 3).to_string());
        let mut child = spawn(&state_dir);
        std::thread::sleep(Duration::from_micros(fastrand::u64(0..40_000)));
        child.kill().unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        let acked =
            said.lines().rev().skip(1).find_map(|line| line.rsplit_once("ack ")?.1.parse::<u64>().ok());

        let ledger = Ledger::open(&state_dir).unwrap();
        assert_eq!(ledger.set_aside(), None, "round {round}");
        let known = ledger.reader().run(&run_id(1)).unwrap().map_or(0, |stored| stored.record.last_seq);
        assert!(known >= acked.unwrap_or(0), "round {round}");
    }
}

#[test]
fn another_process_holds_the_folder_and_is_read_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_id(1);
    let mut child = spawn(dir.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .by_ref()
        .find(|line| line.as_ref().unwrap().contains("ack "))
        .expect("the child acknowledges")
        .unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains(&format!(" pid {} on ", child.id())), "{refused}");

    assert_eq!(Ledger::holder(dir.path()).unwrap().pid(), child.id());

    let reader = LedgerReader::open(dir.path()).unwrap();
    let mut record = reader.run(&run).unwrap().unwrap().record;
    let mut seen = 0;
    // The child writes without end, and may be far ahead of this reader at first.
    while seen < 100 {
        let line = lines.next().expect("the child goes on");
        let acked: u64 = line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
        for event in reader.events(&run, record.last_seq).unwrap().events {
            assert_eq!(event.seq, record.last_seq + 1);
            record.apply(&event);
            seen += 1;
        }
        assert!(record.last_seq >= acked, "what is acknowledged is visible");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(Ledger::holder(dir.path()), None, "its name is still in the file");
    Ledger::open(dir.path()).unwrap();
}

/// SQLite goes over to its log with a change of the file, which a rollback journal protects.
#[test]
fn killed_while_the_file_was_made_it_can_still_be_read() {
    let (dying, left) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = |dir: &tempfile::TempDir, name: &str| dir.path().join(name);
    let conn = rusqlite::Connection::open(file(&dying, "ledger.db")).unwrap();
    // So much that the pages do not wait in memory for the commit.
    conn.execute_batch("PRAGMA cache_size = 1; CREATE TABLE t (x); INSERT INTO t VALUES (1); BEGIN").unwrap();
    conn.execute("INSERT INTO t SELECT randomblob(100) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n)", [])
        .unwrap();
    for name in ["ledger.db", "ledger.db-journal"] {
        std::fs::copy(file(&dying, name), file(&left, name)).unwrap();
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let reading = rusqlite::Connection::open_with_flags(file(&left, "ledger.db"), flags).unwrap();
    let refused = reading.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap_err();
    assert_eq!(refused.sqlite_error().unwrap().extended_code, rusqlite::ffi::SQLITE_READONLY_ROLLBACK);
    // It is read as what it was before: here, no ledger of ours.
    let error = LedgerReader::open(left.path()).unwrap_err();
    assert!(matches!(error, LedgerError::Foreign { .. }), "{error:?}");
    assert!(!file(&left, "ledger.db-journal").exists());
}
