//! The main job: a manifest becomes sessions, and their outcomes become reports.

use std::collections::BTreeMap;

use jules_batch::outcome::Outcome;
use serde_json::Value;

use crate::support::{Manifest, World, job, tasks};

#[test]
fn every_task_gets_one_session_and_no_more_live_at_once_than_allowed() {
    let world = World::with("{ defaults: { duration: 30ms..90ms, outcome: pull-request } }", &tasks(24));
    let ended = world.run().exits(0);

    world.created(24);
    let most = world.statistics().live_max;
    assert!((2..=4).contains(&most), "{most} lived at once");

    let report = ended.report();
    assert_eq!((report.totals.of(Outcome::Succeeded), report.totals.total, report.remaining), (24, 24, 0));
    assert!(report.tasks.iter().all(|task| task.pull_request.is_some()));
    assert!(report.strays.is_empty());
    assert_eq!(sorted(ended.sessions()), sorted(world.sessions().into_iter().map(|s| s.id).collect()));
    let junit = ended.junit();
    assert_eq!((junit.tests, junit.failures, junit.errors), (24, 0, 0));
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable();
    ids
}

#[test]
fn watching_costs_far_fewer_requests_than_a_poll_loop_for_each_session() {
    let manifest = tasks(40).set("strategy", "{ max-parallel: 20 }");
    let world = World::with("{ defaults: { duration: 300ms..500ms, outcome: pull-request } }", &manifest);
    world.run().exits(0);

    let lived: f64 = world.sessions().iter().filter_map(|session| session.lasted_ms).sum();
    let one_loop_each = lived / 15.0;
    let ours = world.requests("sessions.get") + world.requests("sessions.list");
    assert!((ours as f64) < one_loop_each / 4.0, "{ours} requests; loops would send {one_loop_each}");
    assert_eq!(world.requests("activities.list"), 0, "nothing had to be read");
    assert_eq!(world.requests("sessions.create"), 40);
}

#[test]
fn the_report_tells_how_many_requests_each_method_cost() {
    let scenario = "{ \
        sources: [{ repo: 'my-org/svc-{n}', count: 30 }], \
        defaults: { duration: 20ms..60ms, outcome: pull-request }, \
        rules: [{ when: { prompt: first, source: '*-3' }, then: { outcome: failure } }, \
                { when: { prompt: second, source: '*-4' }, then: { feedback: { times: 1 } } }] }";
    let every_repository: Vec<_> = (1..=30).map(|n| format!("my-org/svc-{n}@main")).collect();
    let every_repository = &*format!("sources: [{}]", every_repository.join(", "));
    let manifest = Manifest::of([
        job("a", "The first.", &[every_repository]),
        job("b", "The second.", &[every_repository, "require-approval: true"]),
    ]);
    let manifest = manifest.set("strategy", "{ max-parallel: 12 }");
    let manifest = manifest.set("waiting", "{ user-feedback: { reply: Go on., max: 2 } }");
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(100);

    let report = ended.report();
    let totals = report.totals;
    assert_eq!((totals.total, totals.succeeded, totals.failed), (60, 59, 1), "{totals:?}");
    let counted: BTreeMap<_, _> = world.statistics().requests;
    let told: BTreeMap<_, _> = report.api.requests.iter().filter(|(_, n)| **n > 0).collect();
    let named = |ours: &str, theirs: &str| {
        assert_eq!(told.get(&ours.to_owned()).copied(), counted.get(theirs), "{theirs} of {counted:?}");
    };
    named("create", "sessions.create");
    named("get", "sessions.get");
    named("list", "sessions.list");
    named("activities", "activities.list");
    named("approve", "sessions.approvePlan");
    named("send", "sessions.sendMessage");
    assert_eq!(told.values().copied().sum::<u64>(), counted.values().sum::<u64>(), "{told:?} {counted:?}");
    assert_eq!(world.sessions().iter().map(|session| session.approvals).sum::<u32>(), 30);
    assert_eq!(counted["sessions.sendMessage"], 1);
}

#[test]
fn a_matrix_with_include_and_exclude_becomes_its_tasks() {
    let job = job(
        "upgrade",
        "Upgrade ${{ matrix.crate }}.",
        &[
            "sources: [my-org/backend@develop, { github: my-org/web, branch: main }]",
            "matrix: { crate: [serde, tokio], exclude: [{ crate: tokio, source: my-org/web }], \
             include: [{ crate: serde, note: first }] }",
        ],
    );
    let world = World::with("{ defaults: { duration: 30ms, outcome: change } }", &Manifest::of([job]));
    let ended = world.run().exits(0);

    let ids: Vec<_> = ended.report().tasks.into_iter().map(|task| task.id).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids.iter().all(|id| id.starts_with("upgrade/my-org/")), "{ids:?}");
    let mut sent: Vec<_> = world
        .sessions()
        .into_iter()
        .map(|session| (session.prompt, session.source.unwrap(), session.branch.unwrap()))
        .collect();
    sent.sort_unstable();
    let session = |krate: &str, repo: &str, branch: &str| {
        (format!("Upgrade {krate}."), format!("sources/github/{repo}"), branch.to_owned())
    };
    let wanted = [
        session("serde", "my-org/backend", "develop"),
        session("serde", "my-org/web", "main"),
        session("tokio", "my-org/backend", "develop"),
    ];
    assert_eq!(sent, wanted);
}

#[test]
fn needs_wait_for_the_same_source_and_skip_after_a_failure() {
    let sources = "sources: [my-org/a@main, my-org/b@main]";
    let manifest = Manifest::of([
        job("build", "Build it.", &[sources]),
        job("ship", "Ship it.", &[sources, "needs: [build]"]),
        job("tell", "Tell everybody.", &["needs: [ship]"]),
    ]);
    let scenario = "{ defaults: { duration: 60ms, outcome: change }, \
        rules: [{ when: { prompt: Build, source: my-org/b }, \
                  then: { outcome: failure, failure-reason: It does not build. } }] }";
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(100);

    world.created(3);
    assert_eq!(ended.outcome("build/my-org/b@main").0, Outcome::Failed);
    assert_eq!(ended.outcome("ship/my-org/a@main").0, Outcome::Succeeded);
    let (skipped, why) = ended.outcome("ship/my-org/b@main");
    assert_eq!((skipped, &why[..]), (Outcome::Skipped, "needs `build/my-org/b@main`, which ended as failed"));
    assert_eq!(ended.outcome("tell").0, Outcome::Skipped);
    let sessions = world.sessions();
    let created = |prompt: &str| sessions.iter().find(|s| s.prompt == prompt && on_a(s)).unwrap();
    assert!(created("Ship it.").created_at >= created("Build it.").ended_at.unwrap());
}

fn on_a(session: &jules_simulator::SessionView) -> bool {
    session.source.as_deref() == Some("sources/github/my-org/a")
}

#[test]
fn the_report_keeps_to_its_schema() {
    let scenario = "{ rules: [{ when: { prompt: 'Do 2.' }, then: { outcome: failure } }], \
        defaults: { duration: 30ms, outcome: pull-request } }";
    let world = World::with(scenario, &tasks(3));
    world.run().args("--max-tasks 2").exits(100);
    let report: Value = serde_json::from_str(&world.read("jules-report/report.json")).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../schemas/report.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(report["schemaVersion"], 1);
    assert!(report["tasks"][0]["attempts"][0]["session"]["id"].is_string());
}

#[test]
fn every_change_is_an_event() {
    let world = World::with("{ defaults: { duration: 40ms, outcome: pull-request } }", &tasks(3));
    let ended = world.run().args("--events - --events-file").exits(2);
    assert!(ended.stdout.is_empty());

    let ended = world.run().args("--events -").exits(0);
    let file = world.read("jules-report/events.jsonl");
    assert_eq!(ended.stdout, file, "stdout carries the same stream, and nothing else");
    let events: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (seq, event) in (1..).zip(&events) {
        assert_eq!((&event["v"], &event["seq"]), (&1.into(), &seq.into()), "{event}");
        assert!(event["ts"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{event}");
    }
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("run_started"), count("task_planned"), count("invocation_ended")), (1, 3, 1));
    assert_eq!((count("intent_recorded"), count("session_created"), count("task_ended")), (3, 3, 3));
}
