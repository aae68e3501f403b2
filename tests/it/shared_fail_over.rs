//! A shared ledger that loses its last commits, as a fail-over to a copy that lagged does, and a client that stops anywhere.

use std::time::Duration;

use crate::shared_state::{Shared, all_succeeded};
use crate::support::Signal;

/// What a copy has; leases are as they were.
const TABLES: [&str; 4] = ["runs", "events", "tasks", "creations"];
const LAST: &str = "SELECT coalesce(max(last_seq), 0) FROM @runs";

impl Shared {
    /// From now on the copy lags.
    fn copy_lags(&self) -> i64 {
        let copy = TABLES.map(|table| format!("CREATE TABLE @copy_{table} AS SELECT * FROM @{table};"));
        self.sql(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {} COMMIT", copy.concat()));
        self.sql("SELECT max(last_seq) FROM @copy_runs").parse().unwrap()
    }

    /// The copy is the database now: what came after it is lost.
    fn fails_over(&self) {
        let rest = ["events", "tasks", "creations"]
            .map(|table| format!("DELETE FROM @{table}; INSERT INTO @{table} SELECT * FROM @copy_{table};"));
        let runs = "UPDATE @runs AS it SET last_seq = copy.last_seq, updated_at = copy.updated_at, \
                    ended_at = copy.ended_at, invocations = copy.invocations FROM @copy_runs AS copy WHERE it.n = copy.n;";
        self.sql(&format!("BEGIN; {} {runs} COMMIT", rest.concat()));
    }

    fn last(&self) -> i64 {
        self.sql(LAST).parse().unwrap()
    }
}

#[test]
fn a_fail_over_that_loses_the_last_fifty_events_is_healed_from_memory() {
    let Some(shared) = Shared::new("{ defaults: { duration: 300ms, outcome: change } }", 24) else { return };
    let relay = shared.relay();
    let mut run = shared.run_through(&relay, "first").start();
    run.until(|_| shared.sql("SELECT count(*) FROM @creations") == "6");
    let kept = shared.copy_lags();
    run.until(|_| shared.last() >= kept + 50);
    relay.cut();
    run.until_said("before the ledger answers again");
    shared.fails_over();
    assert_eq!(shared.last(), kept);
    relay.mend();
    let ended = run.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    all_succeeded(&ended, &shared.report("first"), 24);
    shared.world.created(24);
    assert_eq!(shared.sql("SELECT count(*) - max(seq) FROM @events"), "0", "none is missing");
    assert_eq!(shared.sql("SELECT count(*) FROM @tasks WHERE outcome = 'succeeded'"), "24");
    assert_eq!(shared.sql("SELECT count(*) FROM @creations"), "24");
}

#[test]
fn a_fail_over_that_has_lost_more_than_is_remembered_ends_the_run_in_order_and_nothing_is_lost() {
    let Some(shared) = Shared::new("{ defaults: { duration: 2s, outcome: change } }", 9) else { return };
    let relay = shared.relay();
    let mut before = shared.run("before").start();
    before.until(|_| shared.last() > 0);
    let kept = shared.copy_lags();
    before.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    before.signal(Signal::Terminate);
    before.wait();
    // This one does not have in memory what the one before has written.
    let ended_at = shared.last();
    let mut run = shared.run_through(&relay, "run").start();
    run.until(|_| shared.last() > ended_at);
    relay.cut();
    run.until_said("before the ledger answers again");
    shared.fails_over();
    relay.mend();
    let ended = run.wait();
    assert_eq!(ended.code, Some(110), "{ended}");
    assert_eq!(shared.last(), kept, "nothing is written behind the gap");
    // What is not on record any more is found by its markers.
    let next = shared.run("next").exits(0);
    all_succeeded(&next, &shared.report("next"), 9);
    shared.world.created(9);
}

#[test]
fn a_client_that_is_stopped_anywhere_holds_no_lock() {
    let Some(shared) = Shared::new("{ defaults: { duration: 200ms, outcome: change } }", 90) else { return };
    shared.on("", "state limits --live 3 --requests-per-minute 60000").exits(0);
    let mut run = shared.run("first").start();
    run.until(|_| shared.last() > 0);
    let tables =
        "@leases, @runs, @events, @tasks, @creations, @pulls, @late, @accounts, @lanes, @slots, @members";
    // Whoever asks for this gets it when nobody else holds anything.
    let all = format!(
        "BEGIN; SET LOCAL lock_timeout = '5s'; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE; ROLLBACK"
    );
    for _ in 0..100 {
        std::thread::sleep(Duration::from_micros(fastrand::u64(..20_000)));
        run.signal(Signal::Stop);
        shared.sql(&all);
        run.signal(Signal::Continue);
    }
    assert!(shared.world.statistics().created < 90, "it was at work all the time");
    run.signal(Signal::Stop);
    shared.let_leases_pass();
    let mut second = shared.run("second").start();
    second.until_said("they are taken over");
    run.kill();
    second.signal(Signal::Terminate);
    second.wait();
}
