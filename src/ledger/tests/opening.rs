//! Opening: the lock, versions, damage, modes.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::outcome::EventLog;

fn with_a_run(dir: &Path) -> Vec<RunEvent> {
    let events = short_run(&run_id(1));
    let mut recorder = Ledger::open(dir).unwrap().start(identity("nightly"));
    recorder.append(&events).unwrap();
    events
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn open_raw(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("ledger.db")).unwrap()
}

#[test]
fn a_second_one_is_told_who_holds_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = Ledger::open_at(dir.path(), second(0)).unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err();
    assert!(refused.is_in_use());
    let text = refused.to_string();
    let pid = format!(" pid {} on ", std::process::id());
    assert!(text.starts_with(&format!("state folder `{}` is in use by ", dir.path().display())), "{text}");
    assert!(text.contains(&pid) && text.contains(" since 2026-09-21T"), "{text}");
    LedgerReader::open(dir.path()).unwrap();

    assert_eq!(Ledger::holder(dir.path()).unwrap().pid(), std::process::id());

    drop(first);
    assert_eq!(Ledger::holder(dir.path()), None);
    Ledger::open(dir.path()).unwrap().reader().check().unwrap();
    assert_eq!(Ledger::holder(&dir.path().join("nowhere")), None);
}

#[test]
fn on_a_shared_disk_nobody_else_has_the_ledger_while_it_is_open_and_no_memory_is_shared() {
    let dir = tempfile::tempdir().unwrap();
    let nfs = |_: &Path| Some(SharedDisk { kind: "NFS" });
    let ledger = Ledger::open_on(dir.path(), nfs, second(0)).unwrap();
    assert_eq!(ledger.shared_disk().map(|disk| disk.kind), Some("NFS"));
    let events = short_run(&run_id(1));
    let mut recorder = ledger.start(identity("nightly"));
    recorder.append(&events).unwrap();
    assert!(!names(dir.path()).contains(&"ledger.db-shm".to_owned()), "{:?}", names(dir.path()));
    let other = open_raw(dir.path());
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    other.query_row("SELECT count(*) FROM runs", [], |_| Ok(())).unwrap_err();
    drop((recorder, other));
    let reader = LedgerReader::open(dir.path()).unwrap();
    assert_eq!(reader.events(&run_id(1), 0).unwrap().events, events);
    assert_eq!(Ledger::open(dir.path()).unwrap().shared_disk(), None, "its own settings are not the file's");
}

#[test]
fn a_holder_who_has_not_said_who_it_is_is_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Ledger::open(dir.path()).unwrap();
    fs::write(dir.path().join("ledger.lock"), "{").unwrap();
    let text = Ledger::open(dir.path()).unwrap_err().to_string();
    assert!(text.contains("is in use by another process; "), "{text}");
}

#[test]
#[cfg(unix)]
fn files_and_folder_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("new").join("state");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let recorder = Ledger::open(&dir).unwrap().start(identity("nightly"));
    let [ignored, ours @ ..] = &names(&dir)[..] else { panic!("the folder is empty") };
    assert_eq!(ignored, ".gitignore");
    assert_eq!(ours, ["ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.lock"]);
    assert_eq!(mode(&dir), 0o700);
    for name in ours {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    drop(recorder);

    // A file that came back from a cache with other rights.
    fs::set_permissions(dir.join("ledger.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let _again = Ledger::open(&dir).unwrap();
    assert_eq!(mode(&dir.join("ledger.db")), 0o600);
    assert_eq!(mode(&dir.join("ledger.db-wal")), 0o600);
}

#[test]
fn a_folder_that_is_there_keeps_its_mode_and_its_other_files() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    let before = fs::metadata(dir.path()).unwrap().permissions();
    drop(Ledger::open(dir.path()).unwrap());
    assert_eq!(fs::metadata(dir.path()).unwrap().permissions(), before);
    assert_eq!(names(dir.path()), ["ledger.db", "ledger.lock", "mine.txt"]);
}

#[test]
fn a_newer_ledger_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    with_a_run(dir.path());
    let db = open_raw(dir.path());
    db.pragma_update(None, "user_version", 99).unwrap();
    db.execute("UPDATE meta SET value = '7.8.9' WHERE key = 'writer'", []).unwrap();
    drop(db);
    let before = fs::read(dir.path().join("ledger.db")).unwrap();
    for refused in [Ledger::open(dir.path()).unwrap_err(), LedgerReader::open(dir.path()).unwrap_err()] {
        let text = refused.to_string();
        for part in ["schema version 99", "jules-batch 7.8.9", "no more than 8", "--state-dir"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert_eq!(fs::read(dir.path().join("ledger.db")).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    open_raw(dir.path()).execute_batch("CREATE TABLE theirs (x)").unwrap();
    for refused in [Ledger::open(dir.path()).unwrap_err(), LedgerReader::open(dir.path()).unwrap_err()] {
        assert!(matches!(refused, LedgerError::Foreign { .. }), "{refused}");
    }
    open_raw(dir.path()).prepare("SELECT x FROM theirs").unwrap();
}

#[test]
fn without_a_ledger_there_is_nothing_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let missing = |dir: &Path| LedgerReader::open(dir).unwrap_err().is_missing();
    assert!(missing(&dir.path().join("nowhere")));
    assert!(missing(dir.path()));
    fs::write(dir.path().join("ledger.db"), "").unwrap();
    assert!(missing(dir.path()));
    // Asking changes nothing.
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn many_at_once_make_one_ledger() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state");
    let opened: Vec<_> = std::thread::scope(|scope| {
        let open = || scope.spawn(|| Ledger::open(&dir));
        let threads: Vec<_> = (0..8).map(|_| open()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(opened.iter().filter(|ledger| ledger.is_ok()).count(), 1);
    assert!(opened.iter().flat_map(|ledger| ledger.as_ref().err()).all(LedgerError::is_in_use));
}

/// Damages the ledger, opens it, and gives back where the damaged file went.
fn damaged(damage: impl FnOnce(&Path, Vec<u8>)) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    with_a_run(dir.path());
    let path = dir.path().join("ledger.db");
    damage(&path, fs::read(&path).unwrap());
    let content = fs::read(&path).unwrap();
    let ledger = Ledger::open_at(dir.path(), second(0)).unwrap();
    let aside = ledger.set_aside().expect("it was damaged").to_owned();
    assert!(fs::read(&aside).unwrap() == content, "the damaged file was changed");
    assert_eq!(ledger.reader().runs().unwrap(), []);
    let mut recorder = ledger.start(identity("nightly"));
    recorder.append(&short_run(&run_id(2))).unwrap();
    drop(recorder);
    assert_eq!(Ledger::open(dir.path()).unwrap().set_aside(), None);
    (dir, aside)
}

#[test]
fn a_damaged_ledger_is_set_aside() {
    let (_dir, aside) =
        damaged(|path, _| fs::write(path, b"this is no database, and long enough to see it").unwrap());
    assert_eq!(aside.file_name().unwrap(), "ledger.db.corrupt-20260921T141320Z");
    // Cut off, as by a full disk or a copy that was interrupted.
    damaged(|path, bytes| fs::write(path, &bytes[..bytes.len() / 2]).unwrap());
    // A page in the middle overwritten.
    damaged(|path, mut bytes| {
        bytes[4096..3 * 4096].fill(0xa5);
        fs::write(path, bytes).unwrap();
    });
    // Sound pages, but a table is gone.
    damaged(|path, _| {
        rusqlite::Connection::open(path).unwrap().execute_batch("DROP TABLE tasks").unwrap();
    });
}

#[test]
fn damaged_ledgers_are_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for n in 0..3 {
        let text = format!("this is no database, and long enough to see it: {n}");
        fs::write(dir.path().join("ledger.db"), &text).unwrap();
        let ledger = Ledger::open_at(dir.path(), second(0)).unwrap();
        seen.push((ledger.set_aside().unwrap().to_owned(), text));
    }
    for (path, text) in &seen {
        assert_eq!(&fs::read_to_string(path).unwrap(), text);
    }
}

#[test]
fn a_reader_says_that_the_ledger_is_damaged_and_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ledger.db"), "this is no database, and long enough to see it").unwrap();
    assert!(LedgerReader::open(dir.path()).unwrap_err().is_corrupt());
    assert_eq!(names(dir.path()), ["ledger.db"]);
}

#[test]
fn a_log_without_its_database_is_not_replayed_into_a_new_one() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut recorder = Ledger::open(other.path()).unwrap().start(identity("nightly"));
    recorder.append(&short_run(&run_id(1))).unwrap();
    fs::copy(other.path().join("ledger.db-wal"), dir.path().join("ledger.db-wal")).unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let aside = ledger.set_aside().unwrap();
    assert!(aside.with_file_name(format!("{}-wal", aside.file_name().unwrap().display())).exists());
    assert_eq!(ledger.reader().runs().unwrap(), []);
}
