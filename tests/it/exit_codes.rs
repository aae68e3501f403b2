//! Every exit code that a user can cause, and that nothing happens before its reason is known.

use std::net::TcpListener;

use crate::support::{Manifest, Signal, World, at_once, job, tasks};

const QUICK: &str = "{ defaults: { duration: 30ms, outcome: change } }";
const LONG: &str = "{ defaults: { duration: 10m, outcome: change } }";

fn one() -> Manifest {
    Manifest::of([job("think", "Think.", &[])])
}

/// Nothing was asked of the service but, at most, whether it is there.
#[track_caller]
fn nothing_started(world: &World) {
    assert_eq!(world.statistics().created, 0);
    assert_eq!(world.requests("sessions.create"), 0);
    assert!(!world.path(".jules-batch/ledger.db").exists());
}

#[test]
fn done_is_0() {
    World::with(QUICK, &one()).run().exits(0);
}

#[test]
fn a_fault_is_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let world = World::new(QUICK);
    let ended = world.command("simulate").arg("--port").arg(port).exits(1);
    assert!(ended.stderr.contains("--port"), "{ended}");
}

#[test]
fn a_wrong_command_line_is_2() {
    let world = World::with(QUICK, &one());
    for line in ["--max-paralel 3", "--shard 4/3", "--slice x", "--fail-on nonsense", "--select job("] {
        let ended = world.run().args(line).exits(2);
        assert!(ended.stderr.contains("error"), "{ended}");
    }
    world.command("run").args("--base-url http://example.com/v1").exits(2);
    nothing_started(&world);
}

#[test]
fn an_invalid_manifest_is_3() {
    let world = World::new(QUICK);
    let ended = world.run().exits(3);
    assert!(ended.stderr.contains("jobs.yaml"), "{ended}");
    world.write("jobs.yaml", "version: 1\njobs:\n  - { id: a, promt: x }\n");
    let ended = world.run().exits(3);
    assert!(ended.stderr.contains("jobs.yaml:3:14"), "{ended}");
    assert!(ended.stderr.contains("`prompt`"), "the nearest known key is named: {ended}");
    nothing_started(&world);
}

#[test]
fn nothing_selected_is_4() {
    let world = World::with(QUICK, &one());
    let ended = world.run().args("--exclude job(think)").exits(4);
    assert!(ended.stderr.contains("error: "), "{ended}");
    nothing_started(&world);
}

#[test]
fn work_left_is_5() {
    let world = World::with(QUICK, &tasks(3));
    let ended = world.run().args("--max-tasks 2").exits(5);
    assert_eq!((ended.report().remaining, world.statistics().created), (1, 2));
}

#[test]
fn a_refused_or_missing_key_is_6() {
    let world = World::with("{ keys: [another] }", &one());
    let ended = world.run().exits(6);
    let errors: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{ended}");
    world.run().without_env("JULES_API_KEY").exits(6);
    world.run().without_env("JULES_API_KEY").env("JULES_API_KEY_FILE", "/nonexistent").exits(6);
    nothing_started(&world);
}

#[test]
fn a_service_that_is_down_is_75() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::with("{ faults: [{ kind: error-before }] }", &one());
    world.run().exits(75);
    world.command("run").arg("--base-url").arg(format!("http://{closed}/v1alpha")).exits(75);
    nothing_started(&world);
}

#[test]
fn a_quota_gone_before_anything_started_is_75() {
    at_once(["resource-exhausted", "failed-precondition"], |refusal| {
        let scenario = format!("{{ limits: {{ per-day: 0, refusal: {refusal} }} }}");
        let manifest = one().set("limits", "{ capacity-wait: 300ms, requests-per-minute: 60000 }");
        let world = World::with(&scenario, &manifest);
        let ended = world.run().exits(75);
        assert_eq!((world.statistics().created, ended.report().remaining), (0, 1));
    });
}

#[test]
fn failed_tasks_are_100_unless_fail_on_says_otherwise() {
    let failing = "{ defaults: { duration: 30ms, outcome: failure } }";
    let unchanged = "{ defaults: { duration: 30ms, outcome: no-change } }";
    let cases = [
        (failing, "any", 100),
        (failing, "none", 0),
        (failing, "stalled,timed_out", 0),
        (failing, "failed", 100),
        (unchanged, "any", 0),
        (unchanged, "no-change", 100),
    ];
    at_once(cases, |(scenario, fail_on, code)| {
        World::with(scenario, &one()).run().args("--fail-on").arg(fail_on).exits(code);
    });
}

#[test]
fn failed_tasks_win_over_work_left() {
    let scenario = "{ defaults: { duration: 30ms, outcome: failure } }";
    let world = World::with(scenario, &tasks(3));
    let ended = world.run().args("--max-tasks 1").exits(100);
    assert_eq!(ended.report().remaining, 2);
}

#[test]
fn reports_or_a_ledger_that_cannot_be_written_are_110() {
    let world = World::with(QUICK, &one());
    let ended = world.run().args("--report-dir jobs.yaml/reports").exits(110);
    assert!(ended.stderr.contains("--report-dir"), "{ended}");
    world.run().args("--junit jobs.yaml/junit.xml").exits(110);
    world.run().args("--state-dir jobs.yaml").exits(110);
    nothing_started(&world);
}

#[test]
fn signals_are_130_and_143_with_everything_saved() {
    at_once([(Signal::Interrupt, 130), (Signal::Terminate, 143)], |(signal, code)| {
        let world = World::with(LONG, &tasks(6));
        let mut running = world.run().start();
        running.until(|world| world.statistics().live_now == 4);
        running.signal(signal);
        let ended = running.wait();
        assert_eq!(ended.code, Some(code), "{ended}");
        let totals = ended.report().totals;
        assert_eq!((totals.detached, totals.deferred, totals.total), (4, 2, 6));
        assert_eq!(ended.sessions().len(), 4);
    });
}
