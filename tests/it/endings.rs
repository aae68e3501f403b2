//! How sessions end, and what becomes of their tasks.

use jules_batch::outcome::Outcome;
use quick_junit::{NonSuccessKind, TestCaseStatus};

use crate::support::{Ended, Manifest, World, at_once, job};

/// A run of one task on a repository, under these keys, while the service plays this behaviour.
fn run<'w>(world: &'w World, code: i32) -> Ended<'w> {
    world.run().exits(code)
}

fn world(behaviour: &str, keys: &[&str]) -> World {
    let scenario = format!("{{ rules: [{{ then: {{ {behaviour} }} }}], defaults: {{ duration: 40ms }} }}");
    let keys: Vec<_> = [&["source: my-org/web@main"], keys].concat();
    World::with(&scenario, &Manifest::of([job("task", "Do it.", &keys)]))
}

#[test]
fn outputs_that_come_late_are_waited_for() {
    let world = world("outcome: pull-request, outputs-after: 60ms", &["expect: pull-request"]);
    let ended = run(&world, 0);
    let task = ended.task("task");
    assert_eq!(task.outcome, Outcome::Succeeded);
    let session = &world.sessions()[0];
    assert_eq!(task.pull_request.map(|pull| pull.url.clone()), session.pull_request);
    assert_eq!(task.attempts[0].session.as_ref().unwrap().state.as_deref(), Some("COMPLETED"));
}

#[test]
fn a_pull_request_that_comes_after_its_change_set_is_waited_for() {
    let world = world("outcome: pull-request, pull-request-after: 60ms", &[]);
    let task = run(&world, 0).task("task");
    assert!(task.change.is_some() && task.pull_request.is_some(), "{task:?}");
}

#[test]
fn outputs_that_never_come_are_taken_from_the_activities() {
    let world = world("outcome: change, outputs-after: never", &["expect: change"]);
    let ended = run(&world, 0);
    let task = ended.task("task");
    assert_eq!(task.outcome, Outcome::Succeeded);
    let change = task.change.unwrap();
    assert!(change.files > 0 && change.additions > 0, "{change:?}");
}

#[test]
fn the_reason_of_a_failure_is_fetched() {
    let world = world("outcome: failure, failure-reason: The tests never pass.", &[]);
    let ended = run(&world, 100);
    assert_eq!(ended.outcome("task"), (Outcome::Failed, "The tests never pass.".to_owned()));
    assert_eq!(world.requests("activities.list"), 1);
    let TestCaseStatus::NonSuccess { kind, message, ty, description, .. } =
        ended.case("task/my-org/web@main").status
    else {
        panic!("not a failure");
    };
    assert_eq!((kind, ty.unwrap().as_str()), (NonSuccessKind::Failure, "jules.failed"));
    assert_eq!(message.unwrap().as_str(), "failed: The tests never pass.");
    assert!(description.unwrap().as_str().contains("The tests never pass."));
}

#[test]
fn a_failure_without_a_reason_says_so() {
    let world = world("outcome: failure-without-reason", &[]);
    let (outcome, why) = run(&world, 100).outcome("task");
    assert_eq!((outcome, &why[..]), (Outcome::Failed, "the session failed without saying why"));
}

#[test]
fn what_is_expected_decides() {
    let cases = [
        ("outcome: change", "pull-request", Outcome::Failed),
        ("outcome: change", "change", Outcome::Succeeded),
        ("outcome: no-change", "change", Outcome::Failed),
        ("outcome: no-change", "any", Outcome::NoChange),
    ];
    at_once(cases, |(behaviour, expect, outcome)| {
        let world = world(behaviour, &[&format!("expect: {expect}")]);
        let code = if outcome.is_failure() { 100 } else { 0 };
        assert_eq!(run(&world, code).outcome("task").0, outcome, "{behaviour}, {expect}");
    });
}

#[test]
fn a_session_that_has_not_worked_is_an_error_and_tried_again() {
    let world = world("outcome: plan-only", &["retries: { count: 1, delay: 20ms }"]);
    let ended = run(&world, 100);
    assert_eq!(ended.outcome("task"), (Outcome::Error, "completed without having worked".to_owned()));
    world.created(2);
    // What needs it does not begin.
    let scenario = "{ defaults: { duration: 40ms }, rules: [{ when: { prompt: First }, then: { outcome: plan-only } }] }";
    let jobs =
        [job("first", "First.", &["retries: { count: 0 }"]), job("then", "Then.", &["needs: [first]"])];
    let world = World::with(scenario, &Manifest::of(jobs));
    let ended = run(&world, 100);
    assert_eq!((ended.outcome("first").0, ended.outcome("then").0), (Outcome::Error, Outcome::Skipped));
}

#[test]
fn work_without_a_change_says_what_the_agent_said_last() {
    for place in ["progress", "description"] {
        let world = world(&format!("outcome: no-change, last-word: Shall I?, asks-in: {place}"), &[]);
        let why = "completed without any change; the agent's last words: Shall I?".to_owned();
        assert_eq!(run(&world, 0).outcome("task"), (Outcome::NoChange, why));
    }
}

/// The service refuses to list activities for minutes, and does everything else.
#[test]
fn what_a_session_made_is_known_although_its_activities_cannot_be_read() {
    let cases = [
        ("outcome: pull-request", Outcome::Succeeded, "", 5),
        ("outcome: pull-request, outputs-after: 60ms", Outcome::Succeeded, "", 5),
        ("outcome: pull-request, pull-request-after: never", Outcome::Succeeded, "", 5),
        (
            "outcome: failure",
            Outcome::Failed,
            "the session failed; its activities, which say why, could not be read",
            15,
        ),
    ];
    at_once(cases, |(behaviour, outcome, why, seconds)| {
        let scenario = format!(
            "{{ faults: [{{ kind: throttle, on: activities.list, retry-after: 60s }}], \
             defaults: {{ duration: 900ms, activities: {{ gap: 800ms }}, {behaviour} }} }}"
        );
        // The agent is silent before it ends, so that its activities are asked for while it lives.
        let manifest = Manifest::of([job("task", "Do it.", &["source: my-org/web@main"])])
            .set("timeouts", "{ task: 25s, stall: 300ms, settle: 150ms }");
        let world = World::with(&scenario, &manifest);
        let ended = run(&world, if outcome.is_failure() { 100 } else { 0 });
        assert_eq!(ended.outcome("task"), (outcome, why.to_owned()), "{behaviour}");
        let attempt = &ended.task("task").attempts[0];
        let took = attempt.ended_at.unwrap().duration_since(attempt.started_at);
        assert!(took.as_secs() < seconds, "{behaviour}: {took}");
        world.created(1);
    });
}

#[test]
fn no_change_is_reported_as_the_manifest_says() {
    let status = |rule: &str, code| {
        let world = world("outcome: no-change", &[rule]);
        run(&world, code).case("task/my-org/web@main").status
    };
    assert!(matches!(status("on-no-change: pass", 0), TestCaseStatus::Success { .. }));
    assert!(matches!(status("on-no-change: skip", 0), TestCaseStatus::Skipped { .. }));
    assert!(matches!(status("on-no-change: fail", 100), TestCaseStatus::NonSuccess { .. }));
}

#[test]
fn a_session_that_is_not_found_just_after_its_creation_is_patience() {
    let world = world("outcome: pull-request, not-found-for: 120ms, list-lag: 120ms", &[]);
    let ended = run(&world, 0);
    assert_eq!(ended.outcome("task").0, Outcome::Succeeded);
    world.created(1);
    assert!(world.statistics().answered.contains_key("404"));
}

#[test]
fn an_unknown_state_is_followed_and_told_once() {
    let world = world("outcome: pull-request, duration: 400ms, unknown-state: DREAMING", &[]);
    let ended = run(&world, 0);
    assert_eq!(ended.outcome("task").0, Outcome::Succeeded);
    let events = world.read("jules-report/events.jsonl");
    let told = events.lines().filter(|line| line.contains(r#""noted""#) && line.contains("DREAMING")).count();
    assert_eq!(told, 1, "{events}");
}

#[test]
fn an_answer_to_create_without_state_url_or_time_is_enough() {
    let world = world("outcome: pull-request, create-lacks: [state, url, create-time]", &[]);
    assert_eq!(run(&world, 0).outcome("task").0, Outcome::Succeeded);
    world.created(1);
}

#[test]
fn a_session_on_a_branch_that_does_not_exist_fails_with_the_services_words() {
    let scenario = "{ sources: [{ repo: my-org/web, branches: [main] }], defaults: { duration: 40ms } }";
    let manifest = Manifest::of([job("task", "Do it.", &["source: my-org/web@nope"])]);
    let world = World::with(scenario, &manifest);
    let (outcome, why) = run(&world, 100).outcome("task");
    assert_eq!(outcome, Outcome::Failed);
    assert!(why.contains("nope"), "{why}");
}

#[test]
fn a_repository_that_is_not_connected_is_an_error_and_the_rest_goes_on() {
    let scenario = "{ sources: [{ repo: my-org/web }], defaults: { duration: 40ms, outcome: change } }";
    let manifest = Manifest::of([job("task", "Do it.", &["sources: [my-org/gone@main, my-org/web@main]"])]);
    let world = World::with(scenario, &manifest);
    let ended = run(&world, 100);
    assert_eq!(ended.outcome("task/my-org/gone@main").0, Outcome::Error);
    assert_eq!(ended.outcome("task/my-org/web@main").0, Outcome::Succeeded);
    assert_eq!(
        world.requests("sessions.create"),
        4,
        "a refusal may pass; one of three tries is not believed"
    );
}

#[test]
fn a_pull_request_in_a_session_that_never_ends_is_enough_when_time_is_up() {
    let keys = ["timeouts: { task: 400ms, stall: 10s }", "retries: { count: 1, delay: 20ms }"];
    let world = world("outcome: pull-request-in-progress", &keys);
    let ended = run(&world, 0);
    let task = ended.task("task");
    assert_eq!(task.outcome, Outcome::Succeeded);
    assert_eq!(task.pull_request.map(|pull| pull.url.clone()), world.sessions()[0].pull_request);
    assert!(task.reason.unwrap().contains("has not ended"));
    world.created(1);
}

#[test]
fn a_pull_request_in_a_session_that_asks_is_enough_and_no_second_one_is_opened() {
    let world = world("outcome: pull-request-waiting", &["waiting: { user-feedback: fail }"]);
    let task = run(&world, 0).task("task");
    assert_eq!(task.outcome, Outcome::Succeeded);
    assert_eq!(task.pull_request.map(|pull| pull.url.clone()), world.sessions()[0].pull_request);
    assert!(task.reason.unwrap().contains("it waits: "));
    world.run().arg("--failed").exits(0);
    world.created(1);
}

/// `expect` is met whatever state the session is in. A change of a session that failed is the goal only where it is asked for.
#[test]
fn a_pull_request_of_a_session_that_failed_is_enough_and_no_second_one_is_opened() {
    let retries = "retries: { count: 1, delay: 20ms, on: [failed] }";
    let part = "outcome: failure, outputs-at: 0.5, failure-reason: No.";
    let cases = [
        ("outcome: pull-request-failed, failure-reason: No.", "any", Outcome::Succeeded, 1),
        ("outcome: pull-request-failed, failure-reason: No.", "pull-request", Outcome::Succeeded, 1),
        (part, "change", Outcome::Succeeded, 1),
        (part, "any", Outcome::Failed, 2),
        (part, "pull-request", Outcome::Failed, 2),
    ];
    at_once(cases, |(behaviour, expect, outcome, sessions)| {
        let world = world(behaviour, &[retries, &format!("expect: {expect}")]);
        let ended = world.run().start().wait();
        let task = ended.task("task");
        assert_eq!(task.outcome, outcome, "{behaviour}, {expect}: {ended}");
        assert!(task.reason.unwrap().ends_with("No."), "{ended}");
        world.created(sessions);
        if outcome == Outcome::Succeeded {
            assert_eq!(ended.code, Some(0), "{ended}");
            assert_eq!(task.pull_request.map(|pull| pull.url.clone()), world.sessions()[0].pull_request);
            world.run().arg("--failed").exits(0);
            world.created(1);
        }
    });
}

#[test]
fn time_out_is_an_error_with_the_last_state() {
    let world = world("outcome: busy", &["timeouts: { task: 300ms }"]);
    let ended = run(&world, 100);
    let (outcome, why) = ended.outcome("task");
    assert_eq!(
        (outcome, &why[..]),
        (Outcome::TimedOut, "not ended after 300ms; the last state was IN_PROGRESS")
    );
    let status = ended.case("task/my-org/web@main").status;
    assert!(matches!(status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. }), "{status:?}");
}

#[test]
fn a_service_that_cannot_be_asked_any_more_does_not_hold_the_task_for_ever() {
    let scenario = "{ faults: [{ kind: error-before, on: sessions.get }], defaults: { duration: 40ms } }";
    let manifest = Manifest::of([job("task", "Do it.", &["timeouts: { task: 1s }"])]);
    let world = World::with(scenario, &manifest.set("poll", "{ interval: 15ms, strategy: get }"));
    let (outcome, why) = run(&world, 5).outcome("task");
    assert_eq!(outcome, Outcome::Detached);
    assert!(why.starts_with("not ended after 1s, but it could not be looked at"), "{why}");
}

#[test]
fn the_command_for_what_waits_for_a_person_takes_its_session_up() {
    let scenario = "{ defaults: { duration: 2s, outcome: change, reply-after: 50ms, reply: I will., \
        feedback: { times: 1, question: Which? } } }";
    for (keys, failed) in [("give-up: leave", " --failed"), ("waiting: { user-feedback: detach }", "")] {
        let keys = ["source: my-org/web@main", keys];
        let world = World::with(scenario, &Manifest::of([job("asks", "Do it.", &keys)]));
        let ended = world.run().start().wait();
        let said = ended.stderr.lines().find(|line| line.contains("session ask"));
        let command = said.unwrap_or_else(|| panic!("{ended}")).trim().split_once(": ").unwrap().1;
        let (ask, run) = command.split_once(" && ").unwrap();
        let words = ask.strip_prefix("jules-batch session ").unwrap().replace("'…'", "This.");
        let asked = world.command("session").args(&words).env("JULES_BASE_URL", world.service().url());
        assert_eq!(asked.env("JULES_BATCH_POLL_INTERVAL", "50ms").exits(0).stdout, "I will.\n");
        assert_eq!(run, format!("jules-batch run jobs.yaml{failed}"));
        let ended = world.run().args(failed).exits(0);
        assert_eq!(ended.count(Outcome::Succeeded), 1, "{ended}");
        world.created(1);
    }
}

/// A session opens its second pull request some time after it has completed with the first.
#[test]
fn a_pull_request_that_comes_after_the_end_is_found_by_the_last_listing_and_stands_in_all_reports() {
    let scenario = "{ rules: [{ when: { prompt: Slow* }, then: { duration: 1500ms, outcome: change } }], \
        defaults: { duration: 40ms, outcome: pull-request, pull-requests: 2, pull-request-after: 400ms } }";
    let source = "source: my-org/web@main";
    let manifest = Manifest::of([job("task", "Do it.", &[source]), job("slow", "Slow.", &[source])]);
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(0);
    let urls: Vec<_> = world.sessions().into_iter().flat_map(|session| session.pull_requests).collect();
    assert_eq!(urls.len(), 2);
    let task = ended.task("task");
    assert_eq!(task.pull_requests.iter().map(|pull| pull.url.clone()).collect::<Vec<_>>(), urls, "{ended}");
    for file in ["report.json", "junit.xml", "summary.md", "report.html", "report.ctrf.json"] {
        let text = world.read(&format!("jules-report/{file}")).replace("&#x2f;", "/");
        assert!(urls.iter().all(|url| text.contains(url.as_str())), "{file}");
    }
    assert!(urls.iter().all(|url| ended.stdout.contains(url.as_str())), "{ended}");
}
