//! A shared ledger that does not answer for a while, through a relay that can be cut.

use std::time::Duration;

use crate::shared_state::{Shared, all_succeeded};
use crate::support::{Relay, Runner, at_once};

impl Shared {
    pub(crate) fn relay(&self) -> Relay {
        Relay::to(&self.server)
    }

    pub(crate) fn run_through(&self, relay: &Relay, machine: &str) -> Runner<'_> {
        let address = format!("{}?schema={}", relay.through(&self.server), self.schema);
        self.run(machine).env("JULES_BATCH_STATE", address)
    }
}

const SIX: &str = "{ defaults: { duration: 1500ms, outcome: change } }";
const KEPT: &str = "SELECT count(*) FROM @creations";
const DONE: &str = "SELECT count(*) FROM @tasks WHERE outcome = 'succeeded'";
/// Ten minutes, a hundred times as fast.
const LONG: Duration = Duration::from_secs(6);

#[test]
fn while_the_database_is_away_what_is_live_is_followed_and_nothing_is_created() {
    let Some(shared) = Shared::new(SIX, 6) else { return };
    let relay = shared.relay();
    let mut run = shared.run_through(&relay, "first").start();
    run.until(|_| shared.sql(KEPT) == "3");
    relay.cut();
    run.until_said("before the ledger answers again");
    run.until(|_| shared.report("first")["totals"]["succeeded"] == 3);
    shared.world.created(3);
    assert_eq!(shared.sql(DONE), "0");
    relay.mend();
    let ended = run.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("answers again"), "{ended}");
    all_succeeded(&ended, &shared.report("first"), 6);
    shared.world.created(6);
    assert_eq!(shared.sql(DONE), "6");
    // What was not there meanwhile is there now, in order.
    assert_eq!(shared.sql("SELECT count(*) - max(seq) FROM @events"), "0");
}

#[test]
fn in_no_phase_of_a_run_is_anything_created_meanwhile_or_lost() {
    type Phase = fn(&Shared) -> bool;
    let phases: [(&str, Phase); 4] = [
        ("creating", |shared| shared.world.statistics().created > 0),
        ("following", |shared| shared.sql(KEPT) == "3"),
        ("going on", |shared| shared.sql(DONE) == "3"),
        ("ending", |shared| shared.sql(KEPT) == "6"),
    ];
    at_once(phases, |(phase, is_reached)| {
        let Some(shared) = Shared::new(SIX, 6) else { return };
        let relay = shared.relay();
        let mut run = shared.run_through(&relay, "first").start();
        run.until(|_| is_reached(&shared));
        relay.cut();
        run.until_said("before the ledger answers again");
        let before = shared.world.statistics().created;
        std::thread::sleep(LONG);
        assert_eq!(shared.world.statistics().created, before, "{phase}");
        relay.mend();
        let ended = run.wait();
        assert_eq!(ended.code, Some(0), "{phase}: {ended}");
        all_succeeded(&ended, &shared.report("first"), 6);
        shared.world.created(6);
        assert_eq!(shared.sql(DONE), "6", "{phase}");
        assert_eq!(shared.sql("SELECT count(*) - max(seq) FROM @events"), "0", "{phase}");
    });
}

#[test]
fn whoever_was_taken_over_meanwhile_leaves_and_says_where_the_rest_stands() {
    let Some(shared) = Shared::new(SIX, 6) else { return };
    let relay = shared.relay();
    let mut first = shared.run_through(&relay, "first").start();
    first.until(|_| shared.sql(KEPT) == "3");
    relay.cut();
    first.until_said("before the ledger answers again");
    shared.let_leases_pass();
    let mut second = shared.run("second").start();
    second.until_said("they are taken over");
    relay.mend();
    let (first, second) = (first.wait(), second.wait());
    assert_eq!((first.code, second.code), (Some(5), Some(0)), "{first}\n{second}");
    assert!(first.stderr.contains("another's by now") && first.stderr.contains("events.jsonl"), "{first}");
    assert!(shared.world.read("first/events.jsonl").contains("before the ledger answers again"));
    all_succeeded(&second, &shared.report("second"), 6);
    shared.world.created(6);
}

#[test]
fn a_database_that_stays_away_ends_the_run_in_order_and_the_next_one_goes_on() {
    let Some(shared) = Shared::new(SIX, 6) else { return };
    let relay = shared.relay();
    let mut first = shared.run_through(&relay, "first").args("--state-patience 2s").start();
    first.until(|_| shared.sql(KEPT) == "3");
    relay.cut();
    let ended = first.wait();
    assert_eq!(ended.code, Some(110), "{ended}");
    assert!(ended.stderr.contains("has not answered for"), "{ended}");
    shared.world.created(3);
    shared.let_leases_pass();
    let next = shared.run("next").exits(0);
    all_succeeded(&next, &shared.report("next"), 6);
    shared.world.created(6);
}

#[test]
fn whoever_follows_another_waits_for_a_database_that_is_away() {
    let Some(shared) = Shared::new("{ defaults: { duration: 6s, outcome: change } }", 3) else { return };
    let relay = shared.relay();
    let mut first = shared.run("first").start();
    first.until(|_| shared.sql(KEPT) == "3");
    let mut second = shared.run_through(&relay, "second").args("--if-busy follow").start();
    second.until_said("following it");
    relay.cut();
    second.until_said("it is waited for");
    relay.mend();
    let (first, second) = (first.wait(), second.wait());
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first}\n{second}");
    all_succeeded(&second, &shared.report("second"), 3);
    shared.world.created(3);
}

#[test]
fn whoever_follows_another_does_not_wait_for_ever() {
    let Some(shared) = Shared::new("{ defaults: { duration: 30s, outcome: change } }", 1) else { return };
    let relay = shared.relay();
    let mut first = shared.run("first").start();
    first.until(|_| shared.sql(KEPT) == "1");
    let run = shared.run_through(&relay, "second").args("--if-busy follow --state-patience 1s");
    let mut second = run.start();
    second.until_said("following it");
    relay.cut();
    let second = second.wait();
    assert_eq!(second.code, Some(75), "{second}");
    first.signal(crate::support::Signal::Terminate);
    first.wait();
}
