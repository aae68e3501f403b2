//! A service whose clock is hours from this machine's: what the ledger dates by the one is found among what is dated by the
//! other.

use jiff::SignedDuration;
use jules_batch::outcome::Outcome;

use serde_json::Value;

use crate::support::{Manifest, World, at_once, job, tasks};

const CLOCKS: [&str; 3] = ["{ ahead: 7h }", "{ behind: 7h }", "{ behind: 90s }"];

#[test]
fn a_create_in_doubt_is_settled_whatever_the_clocks_show() {
    at_once(CLOCKS, |clock| {
        let scenario = format!(
            "{{ clock: {clock}, history: 300, faults: [{{ kind: error-after, on: sessions.create, nth: [1, 3] }}], \
             defaults: {{ duration: 500ms, outcome: change }} }}"
        );
        let world = World::with(&scenario, &tasks(4));
        let ended = world.run().exits(0);
        assert_eq!(ended.count(Outcome::Succeeded), 4, "{clock}: {ended}");
        assert_eq!(ended.report().strays, []);
        assert_eq!(ended.report().strays_unknown, None, "{clock}: {ended}");
        world.created(4);
    });
}

#[test]
fn an_intent_of_a_killed_run_is_settled_whatever_the_clocks_show() {
    at_once(CLOCKS, |clock| {
        let scenario = format!(
            "{{ clock: {clock}, history: 300, faults: [{{ kind: hang, on: sessions.create }}], \
             defaults: {{ duration: 2s, outcome: change }} }}"
        );
        let world = World::with(&scenario, &tasks(3));
        let mut running = world.run().start();
        running.until(|world| world.statistics().created == 3);
        running.kill();
        drop(running);
        let ended = world.run().exits(0);
        assert_eq!(ended.count(Outcome::Succeeded), 3, "{clock}: {ended}");
        world.created(3);
    });
}

#[test]
fn live_sessions_are_taken_up_and_finished_ones_told_old_by_the_services_clock() {
    at_once(CLOCKS, |clock| {
        let scenario = format!("{{ clock: {clock}, defaults: {{ duration: 300ms, outcome: change }} }}");
        let world = World::with(&scenario, &tasks(2));
        world.run().exits(0);
        world.lose_the_ledger();
        let ended = world.run().exits(0);
        assert!(ended.report().tasks.iter().all(|task| task.attempts[0].adopted), "{clock}: {ended}");
        world.created(2);
    });
}

#[test]
fn the_days_budget_counts_whatever_the_clocks_show() {
    at_once(CLOCKS, |clock| {
        let scenario = format!("{{ clock: {clock}, defaults: {{ duration: 40ms, outcome: change }} }}");
        let limits = "{ sessions-per-day: 3, requests-per-minute: 600000, creates-per-minute: 600000 }";
        let world = World::with(&scenario, &tasks(5).set("limits", limits));
        world.run().args("--deadline 3s").exits(5);
        world.created(3);
        world.run().args("--deadline 1s").exits(5);
        world.created(3);
    });
}

/// One session is dated to the year 2100 while it is planned: what is told of it later is not older than that.
#[test]
fn one_time_far_in_the_future_blinds_nothing() {
    let scenario = "{ history: 300, faults: [{ kind: error-after, on: sessions.create, nth: 2 }], \
        defaults: { duration: 600ms, outcome: change } }";
    let jobs = ["a", "b", "c"].map(|id| job(id, &format!("Do {id}."), &["require-approval: true"]));
    let world = World::with(scenario, &Manifest::of(jobs).set("waiting", "{ plan-approval: approve }"));
    let ended = world
        .run_through(|exchange| {
            if exchange.request.starts_with("GET /v1alpha/sessions") {
                exchange.edit_sessions(|sessions| sessions.iter_mut().for_each(date_to_2100));
                if !exchange.lists_sessions() {
                    exchange.edit(date_to_2100);
                }
            }
        })
        .exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 3, "{ended}");
    world.created(3);
    let lists = world.requests("sessions.list");
    assert!(lists < 300, "{lists} listings");
}

fn date_to_2100(session: &mut Value) {
    if session["prompt"] == "Do a." && ["QUEUED", "PLANNING"].iter().any(|state| session["state"] == *state) {
        let far = Value::from("2100-01-01T00:00:00Z");
        session["createTime"] = far.clone();
        session["updateTime"] = far;
    }
}

/// The night of a clock that was a month ahead is not waited for.
#[test]
fn a_round_that_is_dated_far_ahead_is_over() {
    let manifest = tasks(2).set("defaults", "{ repeat: 20h }");
    let world = World::with("{ defaults: { duration: 40ms, outcome: change } }", &manifest);
    world.run().exits(0);
    world.redate_the_ledger(SignedDuration::from_hours(2));
    world.run().exits(0);
    world.created(2);
    world.redate_the_ledger(SignedDuration::from_hours(30 * 24));
    let planned = world.run().arg("-n").exits(0);
    let ended = world.run().exits(0);
    assert_eq!(world.statistics().created, 4, "{planned}{ended}");
    // It has the right date.
    world.run().exits(0);
    assert_eq!(world.statistics().created, 4);
}
