//! Further attempts at a task, each with a session of its own.

use std::time::Duration;

use jules_batch::outcome::Outcome;
use quick_junit::{NonSuccessKind, TestCaseStatus};

use crate::support::{Manifest, Signal, World, job, tasks};

const TASK: &str = "task/my-org/web@main";

fn world(scenario: &str, retries: &str) -> World {
    let keys =
        ["source: my-org/web@main", &*format!("retries: {{ {retries}, delay: 20ms, max-delay: 40ms }}")];
    World::with(scenario, &Manifest::of([job("task", "Do it.", &keys)]))
}

/// The first sessions fail, this many of them.
fn fails(times: u64) -> String {
    let nth: Vec<_> = (1..=times).map(|n| n.to_string()).collect();
    let rule = format!("{{ when: {{ nth: [{}] }}, then: {{ outcome: failure }} }}", nth.join(", "));
    format!(
        "{{ rules: [{rule}], defaults: {{ duration: 40ms, outcome: change, failure-reason: No luck. }} }}"
    )
}

#[test]
fn a_task_that_succeeds_at_the_second_attempt_is_flaky() {
    let world = world(&fails(1), "count: 2, on: [failed]");
    let ended = world.run().exits(0);
    world.created(2);
    let attempts = ended.task("task").attempts;
    let outcomes: Vec<_> =
        attempts.iter().map(|attempt| (attempt.number, attempt.outcome.unwrap())).collect();
    assert_eq!(outcomes, [(1, Outcome::Failed), (2, Outcome::Succeeded)]);
    assert_eq!(attempts[0].reason.as_deref(), Some("No luck."));
    let TestCaseStatus::Success { flaky_runs } = ended.case(TASK).status else { panic!("it has succeeded") };
    assert_eq!(flaky_runs.len(), 1);
    assert_eq!(flaky_runs[0].kind, NonSuccessKind::Failure);
    assert!(world.read("jules-report/junit.xml").contains("<flakyFailure"));
    let sessions = world.sessions();
    assert!(sessions[1].created_at >= sessions[0].ended_at.unwrap(), "one after the other");
    assert!(
        sessions[0].title.as_ref().unwrap().ends_with("-1]")
            && sessions[1].title.as_ref().unwrap().ends_with("-2]")
    );
}

#[test]
fn attempts_are_counted() {
    let world = world(&fails(9), "count: 2, on: [failed]");
    let ended = world.run().exits(100);
    world.created(3);
    assert_eq!(ended.task("task").attempts.len(), 3);
    let TestCaseStatus::NonSuccess { reruns, .. } = ended.case(TASK).status else { panic!("it has failed") };
    assert_eq!(reruns.runs.len(), 2);
    assert!(world.read("jules-report/junit.xml").contains("<rerunFailure"));
}

#[test]
fn a_session_that_is_given_up_is_archived_before_the_next_attempt() {
    let scenario = "{ rules: [{ when: { nth: [1] }, then: { outcome: stall } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let keys = ["source: my-org/web@main", "timeouts: { stall: 2s }", "retries: { count: 1, delay: 20ms }"];
    let world = World::with(scenario, &Manifest::of([job("task", "Do it.", &keys)]));
    let ended = world.run().exits(0);
    let outcomes: Vec<_> =
        ended.task("task").attempts.iter().map(|attempt| attempt.outcome.unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Stalled, Outcome::Succeeded]);
    let sessions = world.sessions();
    assert!(sessions[0].archived && !sessions[1].archived);
    assert_eq!(world.statistics().live_max, 1, "one at a time, although the service cannot cancel");
}

#[test]
fn what_is_given_up_is_archived_or_left_and_the_report_says_which() {
    let scenario = "{ defaults: { outcome: stall } }";
    for (give_up, archived) in [("archive", true), ("leave", false)] {
        let keys = ["source: my-org/web@main", "timeouts: { stall: 200ms }", &*format!("give-up: {give_up}")];
        let world = World::with(scenario, &Manifest::of([job("task", "Do it.", &keys)]));
        let ended = world.run().exits(100);
        assert_eq!(world.sessions()[0].archived, archived, "{give_up}");
        let task = ended.task("task");
        assert_eq!((task.outcome, task.attempts[0].archived), (Outcome::Stalled, archived));
        assert_eq!(world.read("jules-report/junit.xml").contains("(archived)"), archived);
    }
}

#[test]
fn what_was_given_up_and_not_put_away_before_the_deadline_is_told() {
    let scenario = "{ faults: [{ kind: throttle, on: sessions.archive, retry-after: 60s }], \
        defaults: { duration: 10m, outcome: pull-request } }";
    let manifest = tasks(2).set("timeouts", "{ task: 200ms, stall: 20s }");
    let world = World::with(scenario, &manifest);
    let ended = world.run().args("--deadline 4s").exits(100);
    assert_eq!(ended.count(Outcome::TimedOut), 2, "{ended}");
    assert!(ended.stderr.contains("waiting for the archive to take 2 sessions"), "{ended}");
    let mut left: Vec<_> = world.sessions().into_iter().map(|session| session.id).collect();
    left.sort_unstable();
    let way_out = format!("jules-batch session archive {}", left.join(" "));
    assert!(ended.stderr.contains("2 sessions that were given up may still be at work"), "{ended}");
    assert!(ended.stderr.contains(&way_out), "{ended}");
}

#[test]
fn a_session_that_the_service_does_not_know_for_a_while_is_neither_deleted_nor_done_again() {
    let scenario = "{ faults: [{ kind: error-before, on: reads, status: 404, since: first-session, \
        during: 600ms..1500ms }], defaults: { duration: 2s, outcome: pull-request } }";
    let manifest = tasks(2).set("create", "{ looks: 3, look-delay: 400ms }");
    let world = World::with(scenario, &manifest);
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 2);
    running.signal(Signal::Interrupt);
    assert_eq!(running.wait().code, Some(130));
    // Too old for a 404 that is owed to its age.
    world.age_the_ledger(Duration::from_secs(180));
    std::thread::sleep(Duration::from_millis(100));
    world.run().exits(0);
    assert!(world.statistics().answered["404"] > 5);
    world.created(2);
}

#[test]
fn only_what_is_listed_is_tried_again() {
    let world = world(&fails(9), "count: 2, on: [error, stalled]");
    world.run().exits(100);
    world.created(1);
}

#[test]
fn the_slot_is_free_while_a_task_waits_for_its_next_attempt() {
    let scenario = "{ rules: [{ when: { prompt: first, nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let manifest = Manifest::of([
        job("first", "The first.", &["retries: { count: 1, on: [failed], delay: 300ms, jitter: false }"]),
        job("second", "The second.", &[]),
    ]);
    let world = World::with(scenario, &manifest);
    world.run().args("-j 1").exits(0);
    let prompts: Vec<_> = world.sessions().into_iter().map(|session| session.prompt).collect();
    assert_eq!(prompts, ["The first.", "The second.", "The first."]);
    assert_eq!(world.statistics().live_max, 1);
}

#[test]
fn what_failed_is_failed_when_the_budget_leaves_no_other_attempt() {
    let manifest = tasks(3)
        .set("limits", "{ requests-per-minute: 600000, creates-per-minute: 600000, sessions-per-day: 3 }")
        .set("retries", "{ count: 1, on: [failed], delay: 60ms, jitter: true }");
    let world = World::with("{ defaults: { duration: 20ms..60ms, outcome: failure } }", &manifest);
    let ended = world.run().args("--deadline 10m").exits(100);
    assert_eq!((ended.count(Outcome::Failed), ended.report().remaining), (3, 0), "{ended}");
    world.created(3);
}

/// Three tasks with little time that would be tried again, and sessions that take less.
fn hurried(faults: &str) -> World {
    let scenario =
        format!("{{ faults: [{faults}], defaults: {{ duration: 300ms, outcome: pull-request }} }}");
    let manifest = tasks(3)
        .set("timeouts", "{ task: 800ms, stall: 20s, settle: 150ms }")
        .set("retries", "{ count: 1, delay: 20ms }");
    World::with(&scenario, &manifest)
}

#[test]
fn what_has_ended_while_the_process_slept_is_not_done_again() {
    let world = hurried("");
    let mut running = world.run().start();
    running.until(|world| world.sessions().len() == 3);
    running.signal(Signal::Stop);
    let slept = std::time::Instant::now();
    running.until(|world| {
        let has_ended = |session: &jules_simulator::SessionView| session.ended_at.is_some();
        slept.elapsed().as_millis() > 900 && world.sessions().iter().all(has_ended)
    });
    running.signal(Signal::Continue);
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ended.count(Outcome::Succeeded), 3);
    world.created(3);
    assert!(!world.sessions().iter().any(|session| session.archived));
}

/// The process sleeps while archives are under way, and longer than the end waits for them.
#[test]
fn a_session_that_ends_well_while_the_process_sleeps_before_its_archive_is_not_lost() {
    let scenario = "{ faults: [{ kind: slow, on: sessions.archive, delay: 300ms }], \
        rules: [{ when: { prompt: 'Do 1.' }, then: { outcome: stall } }], \
        defaults: { duration: 1200ms, outcome: pull-request } }";
    let manifest =
        tasks(3).set("timeouts", "{ task: 900ms, stall: 20s, settle: 150ms }").set("retries", "{ count: 0 }");
    let world = World::with(scenario, &manifest);
    let mut running = world.run().start();
    running.until(|world| world.sessions().len() == 3);
    std::thread::sleep(Duration::from_millis(600));
    running.signal(Signal::Stop);
    std::thread::sleep(Duration::from_millis(1_500));
    running.signal(Signal::Continue);
    let ended = running.wait();
    assert_eq!(ended.count(Outcome::Succeeded), 2, "{ended}");
    assert_eq!(world.sessions().iter().filter(|session| session.archived).count(), 1, "{ended}");
    assert_eq!(world.run().exits(100).count(Outcome::Succeeded), 2);
    world.created(3);
}

#[test]
fn what_cannot_be_looked_at_is_not_done_again() {
    let world = hurried("{ kind: error-before, on: reads, during: 200ms..4s, since: first-session }");
    let ended = world.run().exits(5);
    assert_eq!(ended.count(Outcome::Detached), 3);
    let tasks = ended.report().tasks;
    assert!(tasks[0].reason.as_ref().unwrap().contains("could not be looked at"));
    assert!(!world.sessions().iter().any(|session| session.archived));
    // The next run sees what has become of them.
    world.until(|world| {
        let first = world.sessions()[0].created_at;
        jiff::Timestamp::now().duration_since(first) > jiff::SignedDuration::from_secs(4)
    });
    assert_eq!(world.run().exits(0).count(Outcome::Succeeded), 3);
    world.created(3);
}
