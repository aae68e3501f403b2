//! `--deadline` counts from the start of the program, whatever that waits for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jules_batch::outcome::Outcome;
use serde_json::json;

use crate::support::{Manifest, World, at_once, job, tasks};

fn matching() -> Manifest {
    Manifest::of([job("all", "Do it.", &["sources: [{ match: 'my-org/svc-*' }]"])])
}

#[test]
fn a_first_request_without_an_answer_is_not_waited_for() {
    let cases = [
        ("sessions.list", tasks(2), "waiting for the service's first answer"),
        ("sources.list", matching(), "listing the connected repositories"),
    ];
    at_once(cases, |(method, manifest, doing)| {
        for kind in ["hang", "silence", "throttle, retry-after: 15s"] {
            let world = World::with(&format!("{{ faults: [{{ kind: {kind}, on: {method} }}] }}"), &manifest);
            let asked = Instant::now();
            let ended = world.run().args("--deadline 1s").exits(75);
            assert!(asked.elapsed() < Duration::from_secs(6), "{method} {kind}: {ended}");
            assert!(ended.stderr.contains(&format!("the deadline came while {doing}")), "{kind}: {ended}");
            world.created(0);
            assert!(!world.path(".jules-batch/ledger.db").exists(), "nothing was begun");
        }
    });
}

#[test]
fn a_first_listing_without_an_answer_defers_all() {
    // The first request only shows that the key is taken.
    let world = World::with("{ faults: [{ kind: hang, on: sessions.list, nth: [2, 3, 4, 5] }] }", &tasks(2));
    let asked = Instant::now();
    let ended = world.run().args("--deadline 1s").exits(5);
    assert!(asked.elapsed() < Duration::from_secs(6), "{ended}");
    assert_eq!(ended.count(Outcome::Deferred), 2);
    world.created(0);
}

#[test]
fn what_the_sources_take_is_a_part_of_it() {
    let scenario = "{ sources: [{ repo: my-org/svc-a }], defaults: { duration: 10m, outcome: change }, \
        faults: [{ kind: slow, on: sources.list, delay: 4s }] }";
    let world = World::with(scenario, &matching());
    let asked = Instant::now();
    let ended = world.run().args("--deadline 5s").exits(5);
    assert!(asked.elapsed() < Duration::from_millis(8_500), "{:?}: {ended}", asked.elapsed());
}

#[test]
fn sources_without_an_end_are_left_and_told() {
    let scenario = "{ sources: [{ repo: my-org/svc-a }], defaults: { duration: 40ms, outcome: change } }";
    at_once([false, true], |are_new| {
        let world = World::with(scenario, &matching());
        let pages = AtomicUsize::new(0);
        let ended = world
            .run_through(move |exchange| {
                if exchange.is("GET /v1alpha/sources") {
                    let page = pages.fetch_add(1, Ordering::Relaxed);
                    let repo = if are_new { format!("svc-{page}") } else { "svc-a".to_owned() };
                    let github = json!({ "owner": "my-org", "repo": repo });
                    let source =
                        json!({ "name": format!("sources/github/my-org/{repo}"), "githubRepo": github });
                    exchange.status = 200;
                    exchange.edit(|body| {
                        *body = json!({ "sources": [source], "nextPageToken": format!("page-{page}") });
                    });
                }
            })
            .exits(75);
        assert!(ended.stderr.contains("does not end"), "{ended}");
        world.created(0);
    });
}
