//! Which run is found, what is counted, and what another process sees.

use super::*;
use crate::outcome::EventLog;

fn record_run(at: impl Into<Location>, manifest: ManifestIdentity, events: &[RunEvent]) {
    let mut recorder = Ledger::open(at).unwrap().start(manifest);
    recorder.append(events).unwrap();
    recorder.flush().unwrap();
}

#[test]
fn the_last_run_is_that_of_the_same_manifest_and_service() {
    each(|at| {
        let (one, two, other, played) = (run_id(1), run_id(2), run_id(3), run_id(4));
        let simulated =
            ManifestIdentity::new(Path::new(".jules-batch"), Path::new("no-such.yaml"), "nightly", true);
        record_run(at, identity("nightly"), &short_run(&one));
        record_run(at, identity("nightly"), &short_run(&two));
        record_run(at, identity("other"), &short_run(&other));
        record_run(at, simulated.clone(), &short_run(&played));

        let reader = LedgerReader::open(at).unwrap();
        let last = |manifest: &ManifestIdentity| {
            reader.last_run(manifest, None).unwrap().map(|run| run.record.info.id)
        };
        assert_eq!(last(&identity("nightly")), Some(two.clone()));
        assert_eq!(last(&identity("other")), Some(other.clone()));
        assert_eq!(last(&simulated), Some(played.clone()));
        assert_eq!(last(&identity("unheard-of")), None);

        let ids: Vec<_> = reader.runs().unwrap().into_iter().map(|run| run.id).collect();
        assert_eq!(ids, [played, other, two, one.clone()]);
        assert_eq!(reader.run(&one).unwrap().unwrap().record.tasks.len(), 1);
        assert_eq!(reader.run(&run_id(9)).unwrap(), None);
    });
}

#[test]
fn sessions_are_counted_once_and_by_service() {
    each(|at| {
        let run = run_id(1);
        let kinds = [started(&run), planned("a"), created("a", 1, "11"), created("a", 2, "12")];
        record_run(at, identity("nightly"), &numbered(1, kinds));
        // A run without knowledge of the first adopts its session: it was paid for only once.
        let again = run_id(2);
        let kinds = [started(&again), planned("a"), created("a", 1, "12"), created("a", 1, "13")];
        record_run(at, identity("nightly"), &numbered(1, kinds));

        let reader = LedgerReader::open(at).unwrap();
        assert_eq!(reader.created_since(second(0), false).unwrap(), [second(3), second(4), second(4)]);
        assert_eq!(reader.created_since(second(4), false).unwrap(), [second(4), second(4)]);
        assert_eq!(reader.created_since(second(5), false).unwrap(), []);
        assert_eq!(reader.created_since(second(0), true).unwrap(), []);
        let sessions = reader.sessions_since(Timestamp::MIN).unwrap();
        assert!(sessions.contains(&"13".parse().unwrap()));
        assert!(!sessions.contains(&"14".parse().unwrap()));
    });
}

#[test]
fn a_reader_sees_every_call_at_once() {
    each(|at| {
        let run = run_id(1);
        let events = short_run(&run);
        let mut recorder = Ledger::open(at).unwrap().start(identity("nightly"));
        recorder.append(&events[..1]).unwrap();
        let reader = LedgerReader::open(at).unwrap();
        for event in &events[1..] {
            recorder.append(std::slice::from_ref(event)).unwrap();
            assert_eq!(&reader.events(&run, event.seq - 1).unwrap().events, std::slice::from_ref(event));
            assert_eq!(reader.run(&run).unwrap().unwrap().record.last_seq, event.seq);
        }
    });
}

#[test]
fn only_promises_and_flush_wait_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_id(1);
    let mut recorder = Ledger::open(dir.path()).unwrap().start(identity("nightly"));
    // How the last commit was made: 2 is full, 1 is normal.
    let level = |recorder: &Recorder| -> u32 {
        recorder.reader().conn().pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
    };
    for event in short_run(&run) {
        recorder.append(std::slice::from_ref(&event)).unwrap();
        assert_eq!(level(&recorder) == 2, event.kind.is_promise(), "{event:?}");
    }
    // One promise is enough for all of a call.
    let call = numbered(10, [state("a", 1, "PLANNING"), intent(&run, "a", 2), state("a", 1, "COMPLETED")]);
    recorder.append(&call).unwrap();
    assert_eq!(level(&recorder), 2);
    recorder.append(&numbered(13, [state("a", 2, "PLANNING")])).unwrap();
    assert_eq!(level(&recorder), 1);
    recorder.flush().unwrap();
    assert_eq!(level(&recorder), 2);
}

#[test]
fn a_resumed_run_goes_on_counting() {
    each(|at| {
        let run = run_id(1);
        let events = short_run(&run);
        record_run(at, identity("nightly"), &events[..6]);
        let mut recorder = Ledger::open(at).unwrap().resume(&run).unwrap();
        recorder.append(&events[6..]).unwrap();
        assert_eq!(recorder.reader().events(&run, 0).unwrap().events, events);

        drop(recorder);
        assert!(matches!(Ledger::open(at).unwrap().resume(&run_id(2)), Err(LedgerError::UnknownRun { .. })));
    });
}

#[test]
fn events_out_of_order_are_refused_and_leave_no_trace() {
    each(|at| {
        let run = run_id(1);
        let events = short_run(&run);
        let refused = |bad: &[RunEvent]| {
            let mut recorder = Ledger::open(at).unwrap().start(identity("nightly"));
            recorder.append(bad).unwrap_err();
            assert_eq!(recorder.reader().runs().unwrap(), []);
        };
        refused(&events[1..2]);
        refused(&[events[0].clone(), events[2].clone()]);
        refused(&[events[0].clone(), events[0].clone()]);
        refused(&numbered(2, [started(&run)]));
        refused(&numbered(1, [started(&run), started(&run)]));
    });
}

#[test]
fn what_a_newer_program_or_damage_left_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_id(1);
    record_run(dir.path(), identity("nightly"), &short_run(&run));
    let db = rusqlite::Connection::open(dir.path().join("ledger.db")).unwrap();
    let new = r#"{"seq":10,"ts":"2026-11-22T02:00:05Z","event":"teleported","task":"a"}"#;
    db.execute("INSERT INTO events VALUES (1, 10, 0, 'a', ?1)", [new]).unwrap();
    db.execute("UPDATE events SET body = '{' WHERE seq IN (1, 6)", []).unwrap();
    drop(db);

    let mut recorder = Ledger::open(dir.path()).unwrap().resume(&run).unwrap();
    recorder
        .append(&numbered(
            11,
            [EventKind::InvocationStarted { invocation: 2, shard: None, workflow_run: None }],
        ))
        .unwrap();
    let stored = recorder.reader().run(&run).unwrap().unwrap();
    let skipped: Vec<_> = stored.skipped.iter().map(|e| (e.seq, e.is_damaged())).collect();
    assert_eq!(skipped, [(1, true), (6, true), (10, false)]);
    // The run's row stands in for its first event.
    assert_eq!(stored.record.info.id, run);
    assert_eq!((stored.record.started_at, stored.record.last_seq), (second(1), 11));
    let task = stored.record.tasks.values().next().unwrap();
    assert_eq!((task.outcome, &task.attempts[0].state), (Some(Outcome::Succeeded), &None));
    let body: String = recorder
        .reader()
        .conn()
        .query_row("SELECT body FROM events WHERE seq = 10", [], |row| row.get(0))
        .unwrap();
    assert_eq!(body, new);
}

#[test]
fn the_runs_before_are_told_in_figures_and_what_failed_in_the_last_of_them() {
    each(|at| {
        let run = |number: u16, name: &str, ends: &[(&str, Option<Outcome>)]| {
            let id = run_id(number);
            let tasks = ends.iter().map(|(task, _)| planned(task));
            let ends = ends.iter().filter_map(|(task, outcome)| Some(ended(task, (*outcome)?)));
            let kinds: Vec<_> = std::iter::once(started(&id)).chain(tasks).chain(ends).collect();
            record_run(at, identity(name), &numbered(1, kinds));
            id
        };
        let (good, bad) = (Some(Outcome::Succeeded), Some(Outcome::Failed));
        let first = run(1, "nightly", &[("a", good), ("b", bad), ("c", Some(Outcome::NoChange))]);
        // Who has asked has not failed.
        let asks = ("q", Some(Outcome::NeedsInput));
        let second =
            run(2, "nightly", &[("a", bad), ("b", good), ("c", Some(Outcome::Deferred)), ("d", None), asks]);
        run(3, "other", &[("a", bad)]);
        let idle = run(4, "nightly", &[("a", Some(Outcome::Deferred))]);
        let now = run(5, "nightly", &[("a", good)]);

        let reader = LedgerReader::open(at).unwrap();
        let before = |run: &RunId, most| {
            let (runs, failed) = reader.runs_before(&identity("nightly"), run, most).unwrap();
            let runs: Vec<_> = runs.into_iter().map(|it| (it.run, it.done, it.failed, it.others)).collect();
            (runs, failed.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let (one, two) = ((first.clone(), 2, 1, 0), (second.clone(), 1, 1, 2));
        assert_eq!(
            before(&now, 10),
            (vec![two.clone(), one.clone()], vec!["a".to_owned()]),
            "{idle} says nothing"
        );
        assert_eq!(before(&now, 1).0, std::slice::from_ref(&two));
        assert_eq!(before(&second, 10), (vec![one], vec!["b".to_owned()]));
        assert_eq!(before(&first, 10), (Vec::new(), Vec::new()));
        let event = reader.event(&second, 1).unwrap().unwrap();
        assert_eq!(event.kind, started(&second));
        assert_eq!(reader.event(&second, 99).unwrap(), None);
    });
}
