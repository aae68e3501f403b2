//! A ledger is copied between a folder and a database.

use super::*;
use crate::ledger::copy;

#[test]
fn a_ledger_copied_there_and_back_says_the_same() {
    let Some(database) = TestDatabase::new() else { return };
    let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for n in 1..4 {
        let mut recorder = Ledger::open(here.path()).unwrap().start(identity("nightly"));
        recorder.append(&short_run(&run_id(n))).unwrap();
    }
    let damaged = rusqlite::Connection::open(here.path().join("ledger.db")).unwrap();
    damaged.execute("UPDATE events SET body = '{' WHERE run = 2 AND seq = 6", []).unwrap();
    drop(damaged);
    let (here, there, back) = (here.path().into(), database.location(), back.path().into());
    let copies = copy(&here, &there).unwrap();
    assert_eq!((copies.copied, copies.there), (3, 0));
    assert_eq!(copy(&here, &there).unwrap().there, 3);
    assert_eq!(copy(&there, &back).unwrap().copied, 3);
    let says = |location: &Location| {
        let reader = LedgerReader::open(location).unwrap();
        let runs = [1, 2, 3].map(|n| reader.run(&run_id(n)).unwrap());
        (reader.runs().unwrap(), runs, reader.sessions_since(jiff::Timestamp::MIN).unwrap())
    };
    assert_eq!(says(&there), says(&here));
    assert_eq!(says(&back), says(&here));
    assert_eq!(Ledger::open(&here).unwrap().copied_to(), Some(there.to_string()));
    // As if a copy that was killed had been carried out just now.
    let server = Postgres::open(&database.0).unwrap();
    server.take_in(&server.copied(&run_id(1)).unwrap().unwrap()).unwrap();
    assert_eq!(says(&there), says(&here));
    // Somebody goes on with one of them.
    let mut recorder = database.open().resume(&run_id(3)).unwrap();
    recorder.append(&numbered(10, [state("a", 1, "COMPLETED")])).unwrap();
    assert!(copy(&there, &back).unwrap_err().is_in_use());
    drop(recorder);
    assert!(matches!(copy(&there, &back), Err(LedgerError::Differs { .. })));
}

#[test]
fn where_there_is_nothing_to_copy_nothing_is_made() {
    let Some(database) = TestDatabase::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let copies = copy(&database.location(), &new.as_path().into()).unwrap();
    assert_eq!((copies.copied, copies.there, new.exists()), (0, 0, false));
}
