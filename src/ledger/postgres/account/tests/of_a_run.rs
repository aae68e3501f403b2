//! What a run's events, and the run itself, tell of its account.

use super::*;
use crate::ledger::tests::{created, identity, intent, numbered, planned, run_id, short_run, started, state};
use crate::ledger::{Ledger, Recorder, copy};
use crate::outcome::{EventLog as _, RunEvent};
use crate::plan::TaskId;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn wish(task: &str) -> Wish {
    Wish { task: TaskId::new(task), more: 0, lost: false }
}

fn start(database: &TestDatabase, run: u16) -> Recorder {
    let mut ledger: Ledger = database.open();
    ledger.claim(&identity("nightly"), (None, &[])).unwrap();
    let mut recorder = ledger.start(identity("nightly"));
    recorder.append(&numbered(1, [started(&run_id(run)), planned("a"), planned("b")])).unwrap();
    recorder
}

fn live(database: &TestDatabase) -> usize {
    standing(&database.0).unwrap().1.unwrap().live
}

#[test]
fn an_intent_takes_a_slot_and_an_end_gives_it_back() {
    let Some(database) = TestDatabase::new() else { return };
    let recorder = start(&database, 1);
    assert!(recorder.share_account(None).unwrap().is_none(), "nobody has said what it allows");
    drop(recorder);
    set_limits(&database.0, &Limits { live: Some(1), ..Limits::default() }).unwrap();
    let (mut recorder, run) = (start(&database, 2), run_id(2));
    let account = recorder.share_account(None).unwrap().unwrap();
    let reserve = |task| block_on(account.reserve(wish(task))).unwrap();
    assert_eq!(reserve("a"), Reserved::Granted { wait: Duration::ZERO });
    assert!(matches!(reserve("b"), Reserved::Full { .. }));
    database.sql("UPDATE @slots SET until = clock_timestamp()");
    assert_eq!(live(&database), 0, "what no intent takes passes");
    reserve("a");
    recorder.append(&numbered(4, [intent(&run, "a", 1)])).unwrap();
    assert!(matches!(reserve("a"), Reserved::Granted { .. }), "it has its slot");
    assert!(matches!(reserve("b"), Reserved::Full { .. }));
    recorder.append(&numbered(5, [created("a", 1, "31"), state("a", 1, "PLANNING")])).unwrap();
    assert!(matches!(reserve("b"), Reserved::Full { .. }));
    let standing = standing(&database.0).unwrap().1.unwrap();
    let stands = (standing.live, standing.within_day, standing.members.len());
    assert_eq!(stands, (1, 1, 1), "whenever its machine says that it was created");
    recorder.append(&numbered(7, [state("a", 1, "COMPLETED")])).unwrap();
    assert_eq!(live(&database), 0);
    assert!(matches!(reserve("b"), Reserved::Granted { .. }));
    drop(account);
    assert_eq!(live(&database), 0, "whoever goes needs nothing more");
}

#[test]
fn whoever_takes_a_run_over_has_its_slots_and_its_owner_before_none() {
    let Some(database) = TestDatabase::new() else { return };
    set_limits(&database.0, &Limits { live: Some(2), ..Limits::default() }).unwrap();
    let (mut old, run) = (start(&database, 1), run_id(1));
    let theirs = old.share_account(None).unwrap().unwrap();
    for task in ["a", "b"] {
        block_on(theirs.reserve(wish(task))).unwrap();
    }
    old.append(&numbered(4, [intent(&run, "a", 1)])).unwrap();
    old.append(&numbered(5, [created("a", 1, "31"), intent(&run, "b", 1)])).unwrap();
    database.let_leases_pass();
    let mut ledger = database.open();
    ledger.claim(&identity("nightly"), (None, &[])).unwrap();
    let mut new = ledger.resume(&run).unwrap();
    let ours = new.share_account(None).unwrap().unwrap();
    assert!(block_on(theirs.reserve(wish("b"))).is_err(), "the run is another's");
    assert!(matches!(block_on(ours.reserve(wish("c"))).unwrap(), Reserved::Full { .. }));
    assert!(matches!(block_on(ours.reserve(wish("b"))).unwrap(), Reserved::Granted { .. }), "it is in doubt");
    new.append(&numbered(7, [state("a", 1, "COMPLETED")])).unwrap();
    assert_eq!(live(&database), 1);
    // Somebody else sees that a session has ended whose run says nothing more.
    new.append(&numbered(8, [created("b", 1, "32")])).unwrap();
    ours.saw_ended(vec!["32".parse().unwrap()]);
    ours.saw_ended(Vec::new());
    let seen = "SELECT @account_present('default', 1, 'h', '{32}')";
    database.sql(seen);
    assert_eq!(live(&database), 0);
}

#[test]
fn older_programs_are_kept_away_once_limits_are_set() {
    let Some(database) = TestDatabase::new() else { return };
    let needs = || {
        let link = Link::new(database.0.clone()).unwrap();
        link.rows("SELECT value FROM @meta WHERE key = 'needs'", values![]).unwrap()[0].get::<_, String>(0)
    };
    assert_eq!(needs(), "3");
    set_limits(&database.0, &Limits::default()).unwrap();
    assert_eq!(needs(), "4");
    super::super::super::make(&database.0, None).unwrap();
    assert_eq!(needs(), "4");
    assert!(standing(&database.0).unwrap().1.is_some());
    let other = database.0.clone().or_account(Some("acme"));
    assert_eq!(standing(&other).unwrap().1, None);
}

#[test]
fn a_session_counts_for_the_day_by_the_server_s_clock_and_not_by_a_machine_s() {
    let (Some(database), Some(copied)) = (TestDatabase::new(), TestDatabase::new()) else { return };
    let within_day = |database: &TestDatabase| {
        let link = Link::new(database.0.clone()).unwrap();
        link.rows("SELECT count(*) FROM @within_day", values![]).unwrap()[0].get::<_, i64>(0)
    };
    // By the clock of the machine that tells of it the session is much older than a day.
    let ts = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(25);
    let events = short_run(&run_id(1)).into_iter().map(|event| RunEvent { ts, ..event });
    let mut recorder = database.open().start(identity("nightly"));
    recorder.append(&events.collect::<Vec<_>>()).unwrap();
    drop(recorder);
    assert_eq!(within_day(&database), 1);
    // What is copied was created when its machine says, since nobody counted it; and so was what an older program has recorded.
    copy(&database.location(), &copied.location()).unwrap();
    assert_eq!(within_day(&copied), 0);
    database.sql(
        "ALTER TABLE @creations DROP COLUMN counted_at CASCADE; UPDATE @meta SET value = '6' WHERE key = 'version'",
    );
    super::super::super::make(&database.0, None).unwrap();
    assert_eq!(within_day(&database), 0);
}
