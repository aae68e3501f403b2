//! Who works on a task.

use super::*;

#[test]
fn a_task_is_worked_on_by_one_whatever_manifests_ask_for_it() {
    let Some(database) = TestDatabase::new() else { return };
    let claim = |manifest: &str, ids: &[&str]| {
        let mut ledger = database.open();
        let tasks: Vec<_> = ids.iter().map(|id| (TaskId::new(*id), TaskKey::new(*id))).collect();
        let tasks: Vec<_> = tasks.iter().map(|(id, key)| (id, key)).collect();
        ledger.claim(&identity(manifest), (None, &tasks)).map(|()| ledger)
    };
    let mut first = claim("nightly", &["a", "b"]).unwrap().start(identity("nightly"));
    first.append(&numbered(1, [started(&run_id(1))])).unwrap();
    let refused = claim("piped", &["b", "c"]).unwrap_err();
    assert!(matches!(&refused, LedgerError::AtWork { task, .. } if task.as_str() == "b"), "{refused}");
    assert!(refused.is_in_use() && refused.to_string().contains("of `nightly`, "), "{refused}");
    // Nothing of it was claimed, and its lease was given back.
    drop(claim("third", &["c"]).unwrap());
    drop(claim("piped", &["c"]).unwrap());
    // Whoever sleeps for too long does not go on with a task that is another's by then.
    database.let_leases_pass();
    let second = claim("piped", &["b", "c"]).unwrap();
    first.append(&numbered(2, [planned("a")])).unwrap_err();
    drop(second);
    claim("nightly", &["a", "b"]).unwrap();
}

#[test]
fn of_many_manifests_that_begin_with_one_task_at_an_instant_one_has_it() {
    let Some(database) = TestDatabase::new() else { return };
    let (id, key) = (TaskId::new("a"), TaskKey::new("a"));
    for _ in 0..10 {
        let ledgers: Vec<_> = (0..6).map(|at| (identity(&format!("m{at}")), database.open())).collect();
        let tasks = [(&id, &key)];
        let had: Vec<_> = std::thread::scope(|scope| {
            let begin = |(manifest, mut ledger): (_, Ledger)| {
                let tasks = &tasks;
                scope.spawn(move || ledger.claim(&manifest, (None, tasks)).map(|()| ledger))
            };
            let begun: Vec<_> = ledgers.into_iter().map(begin).collect();
            begun.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let refused = had.iter().filter(|it| matches!(it, Err(LedgerError::AtWork { .. }))).count();
        assert_eq!((refused, had.iter().filter(|it| it.is_ok()).count()), (5, 1), "{had:?}");
    }
}
