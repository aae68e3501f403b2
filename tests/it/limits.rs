//! What ends a run before its tasks: budgets, deadlines, breakers.

use jules_batch::outcome::Outcome;

use crate::support::{World, at_once, tasks};

const QUICK: &str = "{ defaults: { duration: 40ms, outcome: change } }";
const FAILING: &str = "{ defaults: { duration: 40ms, outcome: failure } }";
const LONG: &str = "{ defaults: { duration: 10m, outcome: change } }";

#[test]
fn a_spent_daily_budget_defers_the_rest_and_stays_spent() {
    let manifest = tasks(5)
        .set("limits", "{ requests-per-minute: 60000, creates-per-minute: 60000, sessions-per-day: 2 }")
        .set("timeouts", "{ task: 30s, stall: 20s, run: 20s, settle: 150ms, request: 20s }");
    let world = World::with(QUICK, &manifest);
    let totals = world.run().exits(5).report().totals;
    assert_eq!((totals.succeeded, totals.deferred), (2, 3));
    world.created(2);
    let dry = world.run().arg("-n").exits(0);
    assert!(dry.stderr.contains("`sessions-per-day` is spent: the next session is free at"), "{dry}");
    let ended = world.run().exits(5);
    assert_eq!(ended.count(Outcome::Deferred), 3);
    // The ledger counts over runs, too.
    world.run().arg("--fresh").start().wait();
    world.created(2);
}

/// A good end counts until there is another session in its place.
#[test]
fn what_is_not_done_once_more_keeps_its_good_end() {
    let spent = "limits: { requests-per-minute: 60000, creates-per-minute: 60000, sessions-per-day: 1 }";
    let refusing = "{ faults: [{ kind: throttle, on: sessions.create, nth: [2, 3, 4, 5, 6, 7, 8, 9] }], \
        defaults: { duration: 40ms, outcome: change } }";
    let hurried = "limits: { requests-per-minute: 60000, creates-per-minute: 60000, capacity-wait: 300ms }";
    let cases = [
        (QUICK, spent, "--again job(work) --deadline 3s", "budget of sessions"),
        (refusing, hurried, "--again job(work)", "capacity"),
        (QUICK, spent, "--redo-edited --deadline 3s", "budget of sessions"),
    ];
    at_once(cases, |(scenario, limits, flags, why)| {
        let manifest = tasks(1).set("limits", limits.strip_prefix("limits: ").unwrap());
        let world = World::with(scenario, &manifest);
        let first = world.run().exits(0).report();
        if flags.contains("edited") {
            let edited = manifest.to_string().replace("Do ${{", "Do well ${{");
            world.write("jobs.yaml", &edited);
        }
        let ended = world.run().args(flags).exits(5);
        assert!(ended.stderr.contains("not done once more") && ended.stderr.contains(why), "{ended}");
        let report = ended.report();
        assert_eq!((report.totals.succeeded, report.remaining), (1, 0), "{flags}: {ended}");
        let session = |task: &jules_batch::report::TaskV1| task.attempts[0].session.clone().map(|it| it.id);
        assert_eq!(session(&report.tasks[0]), session(&first.tasks[0]));
        let ended = world.run().exits(0);
        assert!(ended.stderr.contains("nothing to do: 1 done"), "{ended}");
        world.created(1);
    });
}

#[test]
fn max_tasks_counts_starts_of_an_invocation() {
    let world = World::with(QUICK, &tasks(5));
    let ended = world.run().args("--max-tasks 2").exits(5);
    assert_eq!(ended.report().run.stopped.as_deref(), Some("max-tasks"));
    assert_eq!(ended.report().totals.deferred, 3);
    world.created(2);
    world.run().args("--max-tasks 2").exits(5);
    world.created(4);
    let ended = world.run().args("--max-tasks 2").exits(0);
    world.created(5);
    assert_eq!(ended.report().totals.succeeded, 5);
}

#[test]
fn at_the_deadline_live_sessions_are_left_and_the_rest_is_deferred() {
    at_once([true, false], |by_flag| {
        let manifest = tasks(6);
        let manifest = if by_flag {
            manifest
        } else {
            manifest.set("timeouts", "{ task: 1h, stall: 1h, run: 2s, settle: 150ms, request: 20s }")
        };
        let world = World::with(LONG, &manifest);
        let run = world.run();
        let ended = if by_flag { run.args("--deadline 2s") } else { run }.exits(5);
        let report = ended.report();
        assert_eq!((report.totals.detached, report.totals.deferred), (4, 2));
        assert_eq!(report.run.stopped.as_deref(), Some("deadline"));
        assert_eq!(world.statistics().live_now, 4, "nobody stopped them");
    });
}

#[test]
fn what_the_deadline_left_is_taken_up_again() {
    let world = World::with("{ defaults: { duration: 900ms, outcome: change } }", &tasks(6));
    world.run().args("--deadline 500ms").exits(5);
    let ended = world.run().exits(0);
    world.created(6);
    assert_eq!((ended.report().totals.succeeded, ended.report().run.invocations), (6, 2));
}

#[test]
fn too_many_failures_start_nothing_more() {
    let cases = [
        ("{ max-parallel: 1, fail-fast: true }", 1),
        ("{ max-parallel: 1, max-failures: 3 }", 3),
        ("{ max-parallel: 1, max-failures: 25% }", 5),
    ];
    at_once(cases, |(strategy, started)| {
        let world = World::with(FAILING, &tasks(8).set("strategy", strategy));
        let ended = world.run().exits(100);
        world.created(started);
        let report = ended.report();
        assert_eq!((report.totals.failed, report.totals.deferred), (started, 8 - started), "{strategy}");
        assert_eq!(report.run.stopped.as_deref(), Some("max-failures"));
        // Where too many have failed over all invocations a plain run would start nothing.
        let way_on = "run again what failed, and go on with the rest: jules-batch run jobs.yaml --failed";
        let is_held_up = strategy.contains("max-failures");
        let plain = ended.stderr.contains("\ngo on with: jules-batch run jobs.yaml\n");
        assert_eq!((ended.stderr.contains(way_on), plain), (is_held_up, !is_held_up), "{ended}");
        let status = world.command("status").exits(0);
        let plain = status.stdout.contains("\ngo on with: ");
        assert_eq!((status.stdout.contains(way_on), plain), (is_held_up, !is_held_up), "{status}");
    });
}

#[test]
fn failures_count_over_all_invocations_of_a_run_as_a_share_of_what_has_ended() {
    let scenario = "{ rules: [{ when: { nth: 1 }, then: { outcome: failure } }, \
        { when: { nth: 3 }, then: { outcome: failure } }, { when: { nth: 6 }, then: { outcome: failure } }], \
        defaults: { duration: 30ms, outcome: change } }";
    let manifest = tasks(12).set("strategy", "{ max-parallel: 1, max-failures: 25% }");
    let world = World::with(scenario, &manifest);
    // Two of three: too few to tell anything.
    let ended = world.run().args("--max-tasks 3").exits(100);
    assert_eq!(ended.report().run.stopped.as_deref(), Some("max-tasks"));
    // Two more: two of five.
    let ended = world.run().args("--max-tasks 9").exits(100);
    world.created(5);
    let why = "2 of 5 ended tasks failed, more than 25%";
    let report = ended.report();
    assert_eq!(report.run.stopped.as_deref(), Some("max-failures"));
    assert_eq!((report.totals.failed, report.totals.succeeded, report.totals.deferred), (2, 3, 7));
    let deferred = report.tasks.iter().find(|task| task.outcome == Outcome::Deferred).unwrap();
    assert_eq!(deferred.reason.as_deref(), Some(&*format!("not started: {why}")));
    assert!(ended.stderr.contains(&format!("nothing more is started: {why}")), "{ended}");
    // Nothing has changed since, and a dry run says the same.
    assert_eq!(world.run().arg("-n").exits(0).stdout.matches("work/my-org").count(), 0);
    world.run().exits(100);
    world.created(5);
    // What failed has another try, and with that there are fewer failures.
    let report = world.run().arg("--failed").exits(100).report();
    assert_eq!((report.totals.failed, report.totals.succeeded), (1, 11));
    world.created(14);
}

#[test]
fn what_is_live_when_the_breaker_trips_is_followed_to_its_end() {
    let scenario = "{ rules: [{ when: { nth: 1 }, then: { outcome: failure, duration: 30ms } }], \
        defaults: { duration: 400ms, outcome: change } }";
    let world = World::with(scenario, &tasks(6));
    let totals = world.run().arg("--fail-fast").exits(100).report().totals;
    assert_eq!((totals.failed, totals.succeeded, totals.deferred), (1, 3, 2));
}

#[test]
fn no_change_stops_a_run_where_it_counts_as_failed() {
    let scenario = "{ defaults: { duration: 40ms, outcome: no-change } }";
    let manifest = tasks(3).set("defaults", "{ on-no-change: fail }").set("strategy", "{ max-parallel: 1 }");
    let world = World::with(scenario, &manifest);
    let totals = world.run().arg("--fail-fast").exits(100).report().totals;
    assert_eq!((totals.no_change, totals.deferred), (1, 2));
    let totals = world.run().exits(100).report().totals;
    assert_eq!((totals.no_change, world.statistics().created), (3, 3));
    let ended = world.run().arg("--failed").exits(100);
    assert_eq!((ended.report().totals.no_change, world.statistics().created), (3, 6), "all three once more");
}

#[test]
fn no_wait_starts_no_more_than_there_are_slots() {
    let world = World::with("{ defaults: { duration: 10m, outcome: change } }", &tasks(5));
    let ended = world.run().args("--no-wait -j 2").exits(5);
    assert_eq!((ended.count(Outcome::Detached), ended.count(Outcome::Deferred)), (2, 3));
    assert_eq!(ended.report().run.stopped.as_deref(), Some("no-wait"));
    world.run().args("--no-wait -j 2").exits(5);
    world.created(2);
}

#[test]
fn no_wait_starts_and_leaves() {
    let world = World::with("{ defaults: { duration: 300ms, outcome: change } }", &tasks(3));
    let ended = world.run().arg("--no-wait").exits(5);
    assert_eq!(ended.count(Outcome::Detached), 3);
    let ended = world.run().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 3);
    world.created(3);
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_manifest() {
    let scenario = "{ defaults: { duration: 200ms, outcome: change } }";
    at_once([(None, None, 4), (Some("2"), None, 2), (Some("2"), Some("3"), 3)], |(variable, flag, most)| {
        let world = World::with(scenario, &tasks(8));
        let mut run = world.run();
        if let Some(variable) = variable {
            run = run.env("JULES_BATCH_MAX_PARALLEL", variable);
        }
        if let Some(flag) = flag {
            run = run.arg("--max-parallel").arg(flag);
        }
        run.exits(0);
        assert!(world.statistics().live_max <= most, "{} lived at once", world.statistics().live_max);
        assert!(world.statistics().live_max > most / 2);
    });
}

#[test]
fn creates_that_must_wait_blind_nobody_to_sessions_that_have_ended() {
    let scenario = "{ defaults: { duration: 500ms, outcome: pull-request }, faults: [ \
        { kind: throttle, on: sessions.create, nth: [3, 4, 5, 6, 7, 8], retry-after: 60s } ] }";
    let manifest = tasks(4)
        .set("limits", "{ requests-per-minute: 600000, creates-per-minute: 600000, capacity-wait: 2s }")
        .set("timeouts", "{ task: 3s, stall: 20s, run: 20s, request: 20s }")
        .set("retries", "{ count: 1, on: [timed_out], delay: 10ms }");
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(5);
    let totals = ended.report().totals;
    assert_eq!((totals.succeeded, totals.deferred, totals.timed_out), (2, 2, 0), "{ended}");
    world.created(2);
}

#[test]
fn a_long_pause_of_reads_does_not_hold_up_a_run_whose_tasks_have_ended() {
    let scenario = "{ faults: [{ kind: throttle, on: reads, during: 200ms..1h, since: first-session, retry-after: 1h }], \
        defaults: { duration: 10m } }";
    let manifest = tasks(1)
        .set("limits", "{ requests-per-minute: 60000, creates-per-minute: 60000, capacity-wait: 300ms }")
        .set("timeouts", "{ task: 500ms, stall: 20s, run: 1h, settle: 150ms, request: 20s }");
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(5);
    assert_eq!(ended.count(Outcome::Detached), 1);
    assert!(ended.report().strays_unknown.unwrap().contains("the last listing failed"));
}

#[test]
fn a_connection_that_falls_silent_is_left_and_told() {
    let scenario =
        "{ defaults: { duration: 1s, outcome: pull-request }, faults: [{ kind: silence, nth: 8 }] }";
    let manifest =
        tasks(2).set("timeouts", "{ task: 12s, stall: 20s, settle: 2s, request: 500ms, create: 500ms }");
    let world = World::over_tls(scenario, &manifest);
    let ended = world.run().env("SSL_CERT_FILE", "service.pem").exits(0);
    assert_eq!(ended.report().totals.succeeded, 2, "{ended}");
    assert!(ended.stderr.contains("going on with a fresh connection"), "{ended}");
    assert_eq!(world.statistics().faults.get("silence"), Some(&1));
    world.created(2);
}

/// Whatever it is asked when it falls silent: nothing is created twice, and nothing that has ended well is given up.
#[test]
fn a_connection_may_fall_silent_at_any_request() {
    let cases = [
        "sessions.create, nth: 1",
        "sessions.create, nth: 2",
        "sessions.list, nth: 1",
        "sessions.list, nth: 3",
        "reads, nth: [6, 9, 12]",
    ];
    at_once(cases, |on| {
        let scenario = format!(
            "{{ defaults: {{ duration: 2s, outcome: pull-request }}, faults: [{{ kind: silence, on: {on} }}] }}"
        );
        let manifest = tasks(3)
            .set("timeouts", "{ task: 20s, stall: 20s, settle: 2s, request: 500ms, create: 500ms }")
            .set("retries", "{ count: 1, delay: 20ms }");
        let world = World::over_tls(&scenario, &manifest);
        let ended = world.run().env("SSL_CERT_FILE", "service.pem").exits(0);
        assert_eq!(ended.report().totals.succeeded, 3, "{on}: {ended}");
        assert!(ended.report().strays.is_empty() && ended.report().strays_unknown.is_none(), "{on}: {ended}");
        world.created(3);
    });
}

#[test]
fn what_a_create_waits_for_its_quota_is_not_the_sessions_time() {
    let manifest = tasks(9)
        .set("strategy", "{ max-parallel: 9 }")
        .set("limits", "{ requests-per-minute: 60000, creates-per-minute: 60 }")
        .set("timeouts", "{ task: 1500ms, settle: 150ms }");
    let world = World::with(QUICK, &manifest);
    let totals = world.run().exits(0).report().totals;
    assert_eq!(totals.succeeded, 9);
    world.created(9);
}
