//! Further attempts at a task, each with a session of its own.

use jules_batch::outcome::Outcome;
use quick_junit::{NonSuccessKind, TestCaseStatus};

use crate::support::{Manifest, World, job, tasks};

const TASK: &str = "task/my-org/web@main";

fn world(scenario: &str, retries: &str) -> World {
    let keys =
        ["source: my-org/web@main", &*format!("retries: {{ {retries}, delay: 20ms, max-delay: 40ms }}")];
    World::with(scenario, &Manifest::of([job("task", "Do it.", &keys)]))
}

/// The first so many sessions fail.
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
    let keys =
        ["source: my-org/web@main", "timeouts: { stall: 200ms }", "retries: { count: 1, delay: 20ms }"];
    let world = World::with(scenario, &Manifest::of([job("task", "Do it.", &keys)]));
    let ended = world.run().exits(0);
    let outcomes: Vec<_> =
        ended.task("task").attempts.iter().map(|attempt| attempt.outcome.unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Stalled, Outcome::Succeeded]);
    let sessions = world.sessions();
    assert!(sessions[0].archived && !sessions[1].archived);
    assert_eq!(world.books().live_max, 1, "one at a time, although the service cannot cancel");
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
    assert_eq!(world.books().live_max, 1);
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
