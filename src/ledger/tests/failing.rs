//! Folders that cannot be written and disks that fill up. Also true for root, whom no mode keeps out.

use std::fs;

use super::*;
use crate::outcome::EventLog;

fn assert_not_writable(dir: &Path) {
    match Ledger::open(dir) {
        Err(LedgerError::Folder { .. }) => {}
        other => panic!("{}: {other:?}", dir.display()),
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_before_anything_starts() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert_not_writable(&file);
    assert_not_writable(&file.join("state"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    #[cfg(target_os = "linux")]
    assert_not_writable(Path::new("/proc/self/state"));

    for name in ["ledger.lock", "ledger.db"] {
        let dir = root.path().join(name).join("state");
        fs::create_dir_all(dir.join(name)).unwrap();
        assert_not_writable(&dir);
    }
}

/// Lets the database grow by no more than this many pages.
fn limit_growth(recorder: &Recorder, pages: u32) {
    let conn = recorder.reader().conn();
    let used: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let limit = used + pages;
    conn.pragma_update_and_check(None, "max_page_count", limit, |_| Ok(())).unwrap();
}

fn note(len: usize) -> EventKind {
    EventKind::Noted { task: None, note: "x".repeat(len) }
}

#[test]
fn what_a_full_disk_refused_is_kept_and_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_id(1);
    let mut recorder = Ledger::open(dir.path()).unwrap().start(identity("nightly"));
    recorder.append(&numbered(1, [started(&run), planned("a")])).unwrap();
    limit_growth(&recorder, 0);

    // The room that was claimed is there.
    recorder.append(&numbered(3, [note(500_000)])).unwrap();
    let refused = numbered(4, [note(2_000_000), intent(&run, "a", 1)]);
    recorder.append(&refused).unwrap_err();
    recorder.append(&numbered(6, [left()])).unwrap_err();
    recorder.flush().unwrap_err();
    assert_eq!(recorder.reader().run(&run).unwrap().unwrap().record.last_seq, 3);

    limit_growth(&recorder, 10_000);
    recorder.flush().unwrap();
    let stored = recorder.reader().run(&run).unwrap().unwrap();
    assert_eq!(stored.record.last_seq, 6);
    assert!(stored.record.tasks[&TaskId::new("a")].attempts[0].is_open_intent());
}
