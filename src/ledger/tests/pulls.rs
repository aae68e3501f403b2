//! Pull requests over all runs, and ledgers of a time that did not know them.

use super::super::schema;
use super::*;
use crate::outcome::{EventLog, PullRequest, PullStatus, Stage, sample};

fn page(number: u32) -> String {
    format!("https://github.com/my-org/web/pull/{number}")
}

fn pull(number: u32) -> PullRequest {
    PullRequest {
        url: page(number),
        number: Some(number.into()),
        title: None,
        base_ref: None,
        head_ref: None,
    }
}

fn made(task: &str, number: u32) -> EventKind {
    EventKind::AttemptEnded {
        task: TaskId::new(task),
        attempt: 1,
        outcome: Outcome::Succeeded,
        reason: None,
        work: Work { pull_request: Some(pull(number).into()), ..Work::default() },
    }
}

fn read(task: &str, number: u32, stage: Stage) -> EventKind {
    let pull = PullStatus {
        id: Some(format!("PR_{number}")),
        since: second(1),
        merged_at: (stage == Stage::Merged).then(|| second(50)),
        closed_at: (stage == Stage::Closed).then(|| second(50)),
        ..sample::pull_status(&page(number), stage, second(60))
    };
    EventKind::PullRequestRead { task: TaskId::new(task), pull: Arc::new(pull) }
}

fn record_run(at: &Location, random: u16, kinds: impl IntoIterator<Item = EventKind>) {
    let run = run_id(random);
    let mut recorder = Ledger::open(at).unwrap().start(identity("nightly"));
    recorder.append(&numbered(1, [started(&run)].into_iter().chain(kinds))).unwrap();
    recorder.flush().unwrap();
}

fn one_of_each(dir: &Location) {
    let first = [
        planned("a"),
        planned("b"),
        created("a", 1, "31415926535897932384"),
        made("a", 1),
        created("b", 1, "12"),
        made("b", 2),
        read("b", 2, Stage::Ready),
        left(),
    ];
    record_run(dir, 1, first);
    let adopted = EventKind::PullRequestAdopted {
        task: TaskId::new("b"),
        pull: Box::new(pull(2)),
        session: Some(SessionRef { id: "12".parse().unwrap(), url: None }),
        run: Some(run_id(1)),
    };
    let merged = read("a", 3, Stage::Merged);
    record_run(
        dir,
        2,
        [planned("a"), planned("b"), created("a", 1, "13"), made("a", 3), merged, adopted, left()],
    );
}

#[test]
fn open_ones_are_found_over_all_runs_and_each_once() {
    each(|at| {
        one_of_each(at);
        let reader = LedgerReader::open(at).unwrap();
        let open = |name: &str| reader.open_pulls(&identity(name), Timestamp::MAX).unwrap();
        let found: Vec<_> =
            open("nightly").into_iter().map(|pull| (pull.url, pull.run, pull.state)).collect();
        assert_eq!(found, [(page(2), Some(run_id(2)), None), (page(1), Some(run_id(1)), None)]);
        assert_eq!(open("other"), []);
    });
}

#[test]
fn what_was_closed_since_a_time_may_be_open_again() {
    each(|at| {
        record_run(at, 1, [planned("a"), made("a", 1), read("a", 1, Stage::Closed), left()]);
        let reader = LedgerReader::open(at).unwrap();
        let nightly = identity("nightly");
        for (closed_since, found) in [(second(50), 1), (second(51), 0)] {
            assert_eq!(reader.open_pulls(&nightly, closed_since).unwrap().len(), found);
            let which = WhichPulls::MayBeOpen { closed_since };
            assert_eq!(reader.known_pulls(Some(&nightly), which).unwrap().len(), found);
        }
        assert_eq!(reader.known_pulls(Some(&nightly), WhichPulls::All).unwrap().len(), 1);
    });
}

#[test]
fn one_that_a_newer_run_saw_merged_is_open_no_more() {
    each(|at| {
        one_of_each(at);
        record_run(at, 3, [planned("b"), read("b", 2, Stage::Merged), left()]);
        let reader = LedgerReader::open(at).unwrap();
        let open: Vec<_> = reader
            .open_pulls(&identity("nightly"), Timestamp::MAX)
            .unwrap()
            .into_iter()
            .map(|it| it.url)
            .collect();
        assert_eq!(open, [page(1)]);
    });
}

#[test]
fn a_task_that_is_planned_once_more_knows_its_pull_request_in_a_renamed_repository() {
    each(|at| {
        let mut renamed = read("a", 1, Stage::Ready);
        if let EventKind::PullRequestRead { pull, .. } = &mut renamed {
            Arc::make_mut(pull).url = page(1).replace("web", "site");
        }
        record_run(at, 1, [planned("a"), read("a", 1, Stage::Checking), planned("a"), renamed, left()]);
        let reader = LedgerReader::open(at).unwrap();
        let open = reader.open_pulls(&identity("nightly"), Timestamp::MAX).unwrap();
        let stands: Vec<_> = open.iter().map(|pull| (&*pull.url, pull.stage)).collect();
        assert_eq!(stands, [(&*page(1), Some(Stage::Ready))]);
        let record = reader.run(&run_id(1)).unwrap().unwrap().record;
        let told = record.tasks["a"].pulls.iter().map(|pull| (&*pull.status.url, Some(pull.status.stage)));
        assert_eq!(told.collect::<Vec<_>>(), stands);
    });
}

#[test]
fn some_tasks_read_at_once_are_what_each_is_alone() {
    each(|at| {
        one_of_each(at);
        let reader = LedgerReader::open(at).unwrap();
        let wanted = |names: &[&str]| names.iter().map(|name| TaskId::new(*name)).collect();
        for run in [1, 2].map(run_id) {
            let read = reader.tasks(&run, &wanted(&["b", "c"])).unwrap().unwrap();
            let alone = reader.task(&run, &TaskId::new("b")).unwrap();
            assert_eq!((read.tasks.len(), read.tasks.get("b")), (1, alone.as_ref()));
            assert_eq!(
                reader.tasks(&run, &wanted(&["a", "b"])).unwrap(),
                Some(reader.run(&run).unwrap().unwrap().record)
            );
        }
        assert_eq!(reader.tasks(&run_id(3), &wanted(&["a"])).unwrap(), None);
    });
}

#[test]
fn a_task_and_a_session_lead_to_what_they_made() {
    each(|at| {
        one_of_each(at);
        let reader = LedgerReader::open(at).unwrap();
        let of_a: Vec<_> = reader.pulls_of_keys(&[key("a")], false).unwrap();
        let told: Vec<_> = of_a.iter().map(|it| (it.url.as_str(), it.stage, it.closed_at)).collect();
        assert_eq!(told, [(&*page(3), Some(Stage::Merged), Some(second(50))), (&*page(1), None, None)]);
        assert_eq!(reader.pulls_of_keys(&[key("a")], true).unwrap(), []);
        let of_both = reader.pulls_of_keys(&[key("b"), key("a"), key("no-such")], false).unwrap();
        assert!(of_both.len() > of_a.len() && of_a.iter().all(|pull| of_both.contains(pull)));
        let of = |session: &str| reader.pulls_of_session(&session.parse().unwrap()).unwrap();
        assert_eq!(of("31415926535897932384")[0].url, page(1));
        let runs: Vec<_> = of("12").into_iter().map(|it| (it.run.unwrap(), it.task, it.made_at)).collect();
        assert_eq!(
            runs,
            [(run_id(2), TaskId::new("b"), second(7)), (run_id(1), TaskId::new("b"), second(7))]
        );
    });
}

#[test]
fn reading_the_pull_requests_of_a_run_does_not_make_it_the_last_one() {
    each(|at| {
        one_of_each(at);
        // The tests' clock is the number of the event, and the first run has one more.
        let mut recorder = Ledger::open(at).unwrap().resume(&run_id(2)).unwrap();
        recorder.append(&numbered(9, [read("a", 3, Stage::Merged)])).unwrap();
        assert_eq!(recorder.reader().last_active().unwrap(), Some(run_id(1)));
        let updated: Vec<_> =
            recorder.reader().runs().unwrap().into_iter().map(|run| run.updated_at).collect();
        assert_eq!(updated, [second(8), second(9)]);
    });
}

/// The file as a program of that version would have left it.
fn of_version(dir: &Path, steps: usize) {
    one_of_each(&dir.into());
    let new = rusqlite::Connection::open(dir.join("ledger.db")).unwrap();
    let old_path = dir.join("old.db");
    let mut old = rusqlite::Connection::open(&old_path).unwrap();
    schema::migrate(&mut old, &schema::STEPS[..steps]).unwrap();
    new.execute("ATTACH ?1 AS old", [old_path.to_str().unwrap()]).unwrap();
    for (table, columns) in [
        ("runs", "n, id, identity, manifest, name, simulated, started_at, ended_at, invocations"),
        ("events", "run, seq, ts, task, body"),
        ("tasks", "run, id, key, outcome"),
        ("creations", "session, ts, run, task_key, simulated"),
    ] {
        let only_old = if table == "events" { "WHERE instr(body, 'pull_request_') = 0" } else { "" };
        let copy =
            format!("INSERT INTO old.{table} ({columns}) SELECT {columns} FROM main.{table} {only_old}");
        new.execute(&copy, []).unwrap();
    }
    let damaged = "INSERT INTO old.events VALUES (1, 99, 0, 'a', '{\"event\":\"attempt_ended\"')";
    new.execute(damaged, []).unwrap();
    drop((new, old));
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(dir.join(name));
    }
    std::fs::rename(old_path, dir.join("ledger.db")).unwrap();
}

#[test]
fn an_old_ledger_tells_of_its_pull_requests_before_and_after_it_is_brought_up_to_date() {
    for steps in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        of_version(dir.path(), steps);
        let told = |reader: &LedgerReader| {
            let mut open = reader.open_pulls(&identity("nightly"), Timestamp::MAX).unwrap();
            open.sort_by(|one, two| one.url.cmp(&two.url));
            let told = open.into_iter().map(|it| (it.url, it.task, it.session, it.state));
            told.collect::<Vec<_>>()
        };
        let expected: Vec<_> = [(1, "a", "31415926535897932384"), (2, "b", "12"), (3, "a", "13")]
            .map(|(number, task, session)| {
                (page(number), TaskId::new(task), Some(session.parse().unwrap()), None)
            })
            .into();
        let read_only = LedgerReader::open(dir.path()).unwrap();
        assert_eq!(told(&read_only), expected, "version {steps}, read only");
        assert!(read_only.run(&run_id(2)).unwrap().is_some());
        drop(read_only);
        let ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(told(ledger.reader()), expected, "version {steps}, brought up to date");
        assert_eq!(ledger.reader().pulls_of_keys(&[key("a")], false).unwrap().len(), 2);
    }
}
