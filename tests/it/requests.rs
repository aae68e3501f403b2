//! What following sessions costs, in requests: counts, never times.

use jules_batch::report::ApiV1;

use crate::support::{World, tasks};

const SESSIONS: &str = "defaults: { duration: 100ms..200ms, outcome: pull-request }";

/// Twelve tasks, four at a time, followed in this way; on an account with this many old sessions.
fn follow(strategy: &str, history: usize) -> (ApiV1, World) {
    let manifest = tasks(12).set("poll", &format!("{{ interval: 15ms, strategy: {strategy} }}"));
    let world = World::with(&format!("{{ history: {history}, {SESSIONS} }}"), &manifest);
    // The ledger is new, but there is nothing to adopt: only the newest session is looked at before the first create.
    let report = world.run().arg("--fresh").exits(0).report();
    world.created(12);
    (report.api, world)
}

/// The first request of all, the first listing and the last one.
const LISTINGS_OF_A_RUN: u64 = 3;

#[test]
fn by_gets_alone_no_page_is_read() {
    let (api, world) = follow("get", 0);
    assert_eq!(world.requests("sessions.list"), LISTINGS_OF_A_RUN);
    assert_eq!(world.requests("sessions.get"), api.polls.looks);
}

#[test]
fn by_pages_single_reads_are_rare() {
    let (_, world) = follow("list", 0);
    let (gets, lists) = (world.requests("sessions.get"), world.requests("sessions.list"));
    assert!(gets * 4 < lists, "{gets} gets, {lists} lists");
}

#[test]
fn one_page_looks_at_several_sessions() {
    let (api, world) = follow("auto", 0);
    let asked = world.requests("sessions.get") + world.requests("sessions.list") - LISTINGS_OF_A_RUN;
    assert!(asked < api.polls.looks, "{asked} requests for {} looks", api.polls.looks);
}

#[test]
fn thousands_of_old_sessions_are_never_read() {
    let (api, world) = follow("auto", 3_000);
    let lists = world.requests("sessions.list");
    // Each page that is read shows one of ours at least; a whole list would be thirty more each time.
    assert!(lists <= api.polls.looks + 10, "{lists} pages for {} looks", api.polls.looks);
}

#[test]
fn looks_are_punctual_and_the_end_is_seen_soon() {
    let manifest = tasks(40).set("strategy", "{ max-parallel: 40 }").set("poll", "{ interval: 1s }");
    let world = World::with("{ defaults: { duration: 1200ms, outcome: pull-request } }", &manifest);
    let api = world.run().exits(0).report().api;
    assert_eq!(world.statistics().live_max, 40);
    assert!(api.polls.looks >= 40);
    assert_eq!(api.polls.late, 0, "a look is late when it comes two intervals after the one before");
    let detection = api.detection.unwrap();
    assert!(detection.p50_ms <= detection.p99_ms);
    assert!(world.requests("sessions.list") < 20, "one page answers for all forty");
}
