//! Our own limiter holds requests up: what waits in it is no evidence of anything.

use jules_batch::outcome::Outcome;

use crate::support::{Exchange, Manifest, World, at_once, tasks};

/// Sessions that are at work for long, started before the quota was as small as the default.
fn started(scenario: &str, count: usize, manifest: &Manifest) -> World {
    let parallel = format!("{{ max-parallel: {count} }}");
    let world = World::with(scenario, &tasks(count).set("strategy", &parallel));
    world.run().arg("--no-wait").exits(5);
    world.write("jobs.yaml", &manifest.clone().set("strategy", &parallel).to_string());
    world
}

/// A hundred requests a minute, as by default; what is at work is left alone, for archives would take their turns as well.
fn at_the_default_quota(count: usize, poll: &str) -> Manifest {
    tasks(count)
        .set("limits", "{ requests-per-minute: 100, capacity-wait: 9s }")
        .set("timeouts", "{ task: 2s, stall: 20s, settle: 150ms, request: 20s }")
        .set("poll", poll)
        .set("defaults", "{ give-up: leave }")
}

#[test]
fn forty_tasks_that_time_out_at_once_are_looked_at_by_one_listing() {
    let manifest = at_the_default_quota(40, "{ interval: 1s }");
    let world = started("{ defaults: { duration: 10m, outcome: change } }", 40, &manifest);
    let ended = world.run().exits(100);
    assert_eq!(ended.count(Outcome::TimedOut), 40, "{ended}");
    assert!(world.requests("sessions.get") < 5, "a listing shows all of them");
    world.created(40);
}

#[test]
fn single_looks_wait_for_their_turn() {
    let manifest = at_the_default_quota(16, "{ interval: 1s, strategy: get }");
    let world = started("{ defaults: { duration: 10m, outcome: change } }", 16, &manifest);
    let ended = world.run().exits(100);
    assert_eq!(ended.count(Outcome::TimedOut), 16, "{ended}");
    assert!(world.requests("sessions.get") >= 16, "each has a look of its own");
}

/// What they have made decides, also on pages that are asked for without patches.
#[test]
fn a_listing_of_last_looks_shows_pull_requests() {
    at_once([0, 600 << 10], |padding| {
        let manifest = at_the_default_quota(40, "{ interval: 1s }");
        let scenario = "{ rules: [{ when: { prompt: 'Do ?.' }, then: { duration: 50ms, outcome: pull-request-in-progress } }], \
            defaults: { outcome: busy } }";
        let world = started(scenario, 40, &manifest);
        let pad = move |exchange: &mut Exchange| {
            if exchange.lists_sessions() && !exchange.request.contains("fields=") {
                exchange.edit(|body| body["padding"] = "x".repeat(padding).into());
            }
        };
        let ended = world.run_through(pad).exits(100);
        let counts = [Outcome::TimedOut, Outcome::Succeeded].map(|outcome| ended.count(outcome));
        assert_eq!(counts, [31, 9], "{padding}: {ended}");
        assert!(world.requests("sessions.get") < 12, "{padding}: a listing shows all of them");
    });
}
