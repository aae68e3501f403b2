//! Sessions that wait for somebody: every policy, and that none of them can go on for ever.

use std::time::Duration;

use jules_batch::outcome::Outcome;
use quick_junit::TestCaseStatus;

use crate::support::{Ended, Manifest, World, at_once, job, tasks};

const TASK: &str = "task/my-org/web@main";

/// One task under this `waiting` policy, while the service plays this behaviour.
fn world(behaviour: &str, waiting: &str, keys: &[&str]) -> World {
    world_with("", behaviour, waiting, keys)
}

fn world_with(faults: &str, behaviour: &str, waiting: &str, keys: &[&str]) -> World {
    let scenario = format!(
        "{{ faults: [{faults}], rules: [{{ then: {{ {behaviour} }} }}], \
         defaults: {{ duration: 60ms, outcome: change, reply-after: 5ms }} }}"
    );
    let waiting = format!("waiting: {{ {waiting} }}");
    let keys: Vec<_> = [&["source: my-org/web@main", &*waiting], keys].concat();
    World::with(&scenario, &Manifest::of([job("task", "Do it.", &keys)]))
}

fn messages(world: &World) -> Vec<String> {
    world.sessions().remove(0).messages
}

fn text_of(ended: &Ended<'_>) -> String {
    match ended.case(TASK).status {
        TestCaseStatus::NonSuccess { description, .. } => description.unwrap().as_str().to_owned(),
        status => panic!("{status:?}"),
    }
}

#[test]
fn a_plan_is_approved_once() {
    let world = world("", "plan-approval: approve", &["require-approval: true"]);
    let ended = world.run().exits(0);
    assert_eq!(ended.outcome("task").0, Outcome::Succeeded);
    assert_eq!(world.sessions()[0].approvals, 1);
}

#[test]
fn a_plan_that_may_not_be_approved_needs_input() {
    let world = world("", "plan-approval: fail", &["require-approval: true"]);
    let (outcome, why) = world.run().exits(100).outcome("task");
    assert_eq!(outcome, Outcome::NeedsInput);
    assert!(why.contains("plan-approval"), "{why}");
    assert_eq!(world.sessions()[0].approvals, 0);
}

#[test]
fn a_plan_that_a_human_approves_is_left_and_taken_up_again() {
    let world = world("", "plan-approval: detach", &["require-approval: true"]);
    assert_eq!(world.run().exits(5).outcome("task").0, Outcome::Detached);
    // Nobody has looked at it yet.
    assert_eq!(world.run().exits(5).outcome("task").0, Outcome::Detached);
    let session = world.jules().attach(world.sessions()[0].id.parse().unwrap());
    world.service().block_on(session.approve()).unwrap();
    assert_eq!(world.run().exits(0).outcome("task").0, Outcome::Succeeded);
    world.created(1);
}

#[test]
fn questions_are_answered_with_the_rendered_text() {
    let reply = "user-feedback: { reply: 'Decide yourself, in ${{ source.repo }}.', max: 2 }";
    let world = world("feedback: { times: 2 }", reply, &[]);
    let ended = world.run().exits(0);
    let task = ended.task("task");
    assert_eq!((task.outcome, task.replies), (Outcome::Succeeded, 2));
    assert_eq!(messages(&world), ["Decide yourself, in web."; 2]);
}

#[test]
fn spent_replies_need_input_with_the_question_as_text() {
    let world = world(
        "feedback: { times: 9, question: 'Left or right?' }",
        "user-feedback: { reply: Go on., max: 2 }",
        &[],
    );
    let ended = world.run().exits(100);
    assert_eq!(ended.outcome("task"), (Outcome::NeedsInput, "Left or right?".to_owned()));
    assert_eq!(messages(&world), ["Go on."; 2]);
    assert!(text_of(&ended).contains("Left or right?"));
}

#[test]
fn an_answer_that_was_refused_once_is_sent_again_and_counted_once() {
    let refused = "{ kind: error-before, on: sessions.sendMessage, nth: 1, status: 403 }";
    let reply = "user-feedback: { reply: Decide., max: 1 }";
    let world = world_with(refused, "feedback: { times: 1, question: Which? }", reply, &[]);
    let task = world.run().exits(0).task("task");
    assert_eq!((task.outcome, task.replies), (Outcome::Succeeded, 1));
    assert_eq!(messages(&world), ["Decide."]);
}

#[test]
fn a_question_nobody_may_answer_needs_input_at_once() {
    for policy in ["", "user-feedback: fail"] {
        let world = world("feedback: { times: 1, question: Which? }", policy, &[]);
        assert_eq!(world.run().exits(100).outcome("task"), (Outcome::NeedsInput, "Which?".to_owned()));
        assert!(messages(&world).is_empty());
    }
}

#[test]
fn a_question_for_a_human_is_left_to_them() {
    let world = world("feedback: { times: 1, question: Which? }", "user-feedback: detach", &[]);
    let ended = world.run().exits(5);
    assert_eq!(ended.outcome("task"), (Outcome::Detached, "Which?".to_owned()));
    assert!(ended.stderr.contains("what asks you\n  detached: Which?"), "{ended}");
    let summary = world.read("jules-report/summary.md");
    let questions = summary.find("### Questions").unwrap();
    assert!(
        questions < summary.find("### Totals").unwrap() && summary[questions..].contains("Which?"),
        "{summary}"
    );
    let session = world.jules().attach(world.sessions()[0].id.parse().unwrap());
    world.service().block_on(session.send("That one.")).unwrap();
    assert_eq!(world.run().exits(0).outcome("task").0, Outcome::Succeeded);
    world.created(1);
}

/// Sessions that complete with a question.
const ASKS_LAST: &str = "outcome: no-change, last-word: Which one?";

#[test]
fn a_question_at_the_end_needs_input_unless_somebody_may_answer() {
    for policy in ["", "user-feedback: fail"] {
        for expect in ["expect: any", "expect: pull-request"] {
            let world = world(ASKS_LAST, policy, &[expect]);
            let ended = world.run().exits(100);
            assert_eq!(ended.outcome("task"), (Outcome::NeedsInput, "Which one?".to_owned()));
            assert!(text_of(&ended).contains("Which one?"));
            for report in ["summary.md", "report.html", "report.ctrf.json", "events.jsonl"] {
                assert!(world.read(&format!("jules-report/{report}")).contains("Which one?"), "{report}");
            }
            assert!(messages(&world).is_empty());
        }
    }
}

/// A change is there, and the pull request that is expected is not: it may be what it asks about.
#[test]
fn a_question_at_the_end_counts_beside_a_change_that_is_not_what_is_expected() {
    let asks = "outcome: change, last-word: Shall I open it?, \
        wakes: [{ by: message, after: 200ms, lasts: 100ms, outcome: pull-request }]";
    let ended = |waiting, expect| {
        let world = world(asks, waiting, &[expect]);
        let ended = world.run().start().wait();
        world.created(1);
        (ended.outcome("task"), ended.code, messages(&world).len())
    };
    let asked = (Outcome::NeedsInput, "Shall I open it?".to_owned());
    assert_eq!(ended("user-feedback: fail", "expect: pull-request"), (asked, Some(100), 0));
    let done = (Outcome::Succeeded, String::new());
    let reply = "user-feedback: { reply: 'Yes.', max: 1 }";
    assert_eq!(ended(reply, "expect: pull-request"), (done.clone(), Some(0), 1));
    assert_eq!(ended(reply, "expect: change"), (done, Some(0), 0), "what is expected is there");
}

#[test]
fn a_question_at_the_end_is_answered_and_the_session_followed_on() {
    let wakes = "wakes: [{ by: message, after: 200ms, lasts: 200ms }]";
    let reply = "user-feedback: { reply: Decide yourself., max: 2 }";
    let world = world(&format!("{ASKS_LAST}, {wakes}"), reply, &["expect: pull-request"]);
    let task = world.run().exits(0).task("task");
    assert_eq!((task.outcome, task.replies), (Outcome::Succeeded, 1));
    assert_eq!(messages(&world), ["Decide yourself."]);
    assert_eq!(task.pull_request.map(|pull| pull.url.clone()), world.sessions()[0].pull_request);
    assert_eq!(world.sessions()[0].wakes.len(), 1);
    world.created(1);
}

#[test]
fn answers_at_the_end_are_counted() {
    let again = "{ by: message, after: 60ms, lasts: 60ms, outcome: question }";
    let wakes = format!("wakes: [{again}, {{ by: message, after: 60ms, lasts: 60ms }}]");
    for (max, code, outcome) in [(1, 100, Outcome::NeedsInput), (2, 0, Outcome::Succeeded)] {
        let reply = format!("user-feedback: {{ reply: Go on., max: {max} }}");
        let behaviour = format!("{ASKS_LAST}, {wakes}, feedback: {{ times: 0, question: And now? }}");
        let world = world(&behaviour, &reply, &[]);
        let task = world.run().exits(code).task("task");
        assert_eq!((task.outcome, task.replies), (outcome, max), "{task:?}");
        assert_eq!(messages(&world), vec!["Go on."; max as usize]);
        if outcome == Outcome::NeedsInput {
            assert_eq!(task.reason.as_deref(), Some("And now?"));
        }
    }
}

#[test]
fn an_answer_that_wakes_nobody_needs_input_with_the_question() {
    let reply = "user-feedback: { reply: Go on., max: 5 }";
    let world =
        world(&format!("{ASKS_LAST}, wakes: [], reply-after: 10m"), reply, &["timeouts: { stall: 500ms }"]);
    assert_eq!(world.run().exits(100).outcome("task"), (Outcome::NeedsInput, "Which one?".to_owned()));
    assert_eq!(messages(&world), ["Go on."], "one question, one answer");
}

#[test]
fn a_question_at_the_end_for_a_human_is_left_to_them() {
    let wakes = "wakes: [{ by: message, after: 300ms, lasts: 100ms }]";
    let world = world(&format!("{ASKS_LAST}, {wakes}"), "user-feedback: detach", &[]);
    assert_eq!(world.run().exits(5).outcome("task"), (Outcome::Detached, "Which one?".to_owned()));
    let session = world.jules().attach(world.sessions()[0].id.parse().unwrap());
    world.service().block_on(session.send("That one.")).unwrap();
    // It is not awake yet.
    assert_eq!(world.run().exits(0).outcome("task").0, Outcome::Succeeded);
    world.created(1);
}

#[test]
fn a_person_who_answers_a_session_that_has_ended_gets_no_second_one_by_running_again() {
    // It wakes, or does not: either way the answer is waited for.
    let wakes = "{ by: message, after: 700ms, lasts: 100ms }";
    for (wakes, code, outcome) in [(wakes, 0, Outcome::Succeeded), ("", 100, Outcome::NeedsInput)] {
        let behaviour = format!("{ASKS_LAST}, wakes: [{wakes}], reply-after: 10m");
        let world = world(&behaviour, "user-feedback: fail", &["timeouts: { stall: 2s }"]);
        assert_eq!(world.run().exits(100).outcome("task"), (Outcome::NeedsInput, "Which one?".to_owned()));
        let session = world.jules().attach(world.sessions()[0].id.parse().unwrap());
        world.service().block_on(session.send("That one.")).unwrap();
        assert_eq!(world.run().arg("--failed").exits(code).outcome("task").0, outcome);
        world.created(1);
    }
}

/// Without the pull request that was asked for a change is not the end while somebody has just said so.
#[test]
fn a_session_that_was_answered_after_a_change_without_its_pull_request_is_waited_for() {
    let wakes = "wakes: [{ by: message, after: 1500ms, lasts: 100ms, outcome: pull-request }]";
    let behaviour = format!("outcome: change, {wakes}, reply-after: 10m");
    let world = world(&behaviour, "", &["expect: pull-request", "timeouts: { settle: 700ms }"]);
    let mut running = world.run().start();
    running.until(|world| world.sessions().iter().any(|session| session.ended_at.is_some()));
    let session = world.jules().attach(world.sessions()[0].id.parse().unwrap());
    world.service().block_on(session.send("Open the pull request, please.")).unwrap();
    let ended = running.wait();
    assert_eq!(ended.outcome("task").0, Outcome::Succeeded, "{ended}");
    assert!(ended.task("task").pull_request.is_some());
    world.created(1);
}

/// The reply does not arrive, or nobody can tell.
#[test]
fn a_session_that_gets_no_further_after_the_reply_needs_input_with_its_question() {
    let lost = "{ kind: error-before, on: sessions.sendMessage }";
    for stall in ["stall: fail", "stall: { nudge: Please finish., max: 1 }"] {
        for place in ["message", "progress", "description"] {
            let waiting = format!("user-feedback: {{ reply: Go on., max: 3 }}, {stall}");
            let behaviour = format!("feedback: {{ times: 1, question: Which? }}, asks-in: {place}");
            let world = world_with(lost, &behaviour, &waiting, &SHORT);
            let (outcome, why) = world.run().exits(100).outcome("task");
            assert_eq!(outcome, Outcome::NeedsInput, "{place}: {why}");
            assert!(why.ends_with("Which?"), "{place}: {why}");
        }
    }
}

const SHORT: [&str; 1] = ["timeouts: { stall: 1s }"];

#[test]
fn a_silent_agent_is_nudged_back_to_work() {
    let world = world("outcome: stall", "stall: { nudge: Please finish., max: 2 }", &SHORT);
    let task = world.run().exits(0).task("task");
    assert_eq!((task.outcome, task.nudges), (Outcome::Succeeded, 1));
    assert_eq!(messages(&world), ["Please finish."]);
}

#[test]
fn spent_nudges_end_as_stalled() {
    let behaviour = "outcome: stall, revived-by-message: false";
    let world = world(behaviour, "stall: { nudge: Please finish., max: 2 }", &SHORT);
    let (outcome, why) = world.run().exits(100).outcome("task");
    assert_eq!(outcome, Outcome::Stalled);
    assert!(why.contains("2 nudges") && why.contains("IN_PROGRESS"), "{why}");
    assert_eq!(messages(&world).len(), 2);
}

#[test]
fn without_nudges_silence_is_a_stall() {
    let world = world("outcome: stall", "stall: fail", &SHORT);
    assert_eq!(world.run().exits(100).outcome("task").0, Outcome::Stalled);
    assert!(messages(&world).is_empty());
}

#[test]
fn an_agent_that_talks_is_not_silent() {
    let world = world(
        "outcome: change, duration: 4s, activities: { gap: 50ms }",
        "stall: fail",
        &["timeouts: { stall: 2s }"],
    );
    assert_eq!(world.run().exits(0).outcome("task").0, Outcome::Succeeded);
}

#[test]
fn a_paused_session_is_nudged_or_ends_as_stalled() {
    for pause in ["pause", "pause-silently"] {
        let world = world(&format!("outcome: {pause}"), "stall: { nudge: Go on., max: 1 }", &SHORT);
        assert_eq!(world.run().exits(0).outcome("task").0, Outcome::Succeeded, "{pause}");
        assert_eq!(messages(&world), ["Go on."]);
    }
    let world = world("outcome: pause", "stall: fail", &SHORT);
    let (outcome, why) = world.run().exits(100).outcome("task");
    assert_eq!(outcome, Outcome::Stalled);
    assert!(why.contains("PAUSED"), "{why}");
}

/// Whatever the session waits for and whatever the service says to our answers, the task ends.
#[test]
fn no_policy_outlasts_the_tasks_time() {
    let broken_approval = "{ kind: error-before, on: sessions.approvePlan }";
    let broken_message = "{ kind: error-before, on: sessions.sendMessage }";
    let throttled_message = "{ kind: throttle, on: sessions.sendMessage }";
    let (forever, once) = ("reply: Go on., max: 1000000", "nudge: Go on., max: 1000000");
    let reply = format!("user-feedback: {{ {forever} }}");
    let nudge = format!("stall: {{ {once} }}");
    let dead = "outcome: stall, revived-by-message: false";
    let cases = [
        (broken_approval, "", "plan-approval: approve"),
        (broken_message, "feedback: { times: 9000 }", &*reply),
        (throttled_message, "feedback: { times: 9000 }", &*reply),
        ("", "feedback: { times: 9000 }", &*reply),
        (broken_message, dead, &*nudge),
        ("", dead, &*nudge),
        ("", "outcome: pause-silently, revived-by-message: false", &*nudge),
        ("", "outcome: busy", &*nudge),
        ("{ kind: error-before, on: [sessions.get, sessions.list], probability: 0.9 }", "", ""),
    ];
    at_once(cases, |(faults, behaviour, waiting)| {
        let keys = ["require-approval: true", "timeouts: { task: 700ms, stall: 60ms }"];
        let world = world_with(faults, behaviour, waiting, &keys);
        let ended = world.run().start().wait();
        if ended.code == Some(75) {
            return;
        }
        let outcome = ended.outcome("task").0;
        let ends = [Outcome::TimedOut, Outcome::NeedsInput, Outcome::Stalled, Outcome::Detached];
        assert!(ends.contains(&outcome), "{faults} {behaviour} {waiting}: {ended}");
    });
}

/// Listings fail from the first session on; sessions can be read.
#[test]
fn single_reads_take_over_where_listings_fail_and_the_run_says_so() {
    let faults =
        ["error-before, status: 400", "error-before, status: 403", "error-before", "html", "hang", "silence"];
    at_once(faults, |fault| {
        let scenario = format!(
            "{{ faults: [{{ kind: {fault}, on: sessions.list, during: 0ms..60s, since: first-session }}], \
             defaults: {{ duration: 9s, outcome: change }} }}"
        );
        let manifest = tasks(3).set("poll", "{ interval: 50ms, strategy: list }");
        let world = World::with(
            &scenario,
            &manifest.set("timeouts", "{ task: 30s, stall: 20s, settle: 150ms, request: 1s }"),
        );
        let ended = world.run().exits(0);
        assert_eq!(ended.count(Outcome::Succeeded), 3, "{fault}: {ended}");
        assert!(ended.stderr.contains("outage of session listings"), "{fault}: {ended}");
        assert!(ended.stderr.contains("read one by one"), "{fault}: {ended}");
        assert!(ended.report().strays_unknown.is_some(), "{fault}: {ended}");
    });
}

#[test]
fn the_time_of_a_task_is_over_all_invocations_together() {
    let manifest = tasks(1).set("timeouts", "{ task: 2500ms, stall: 20s, settle: 150ms, request: 20s }");
    let world = World::with("{ defaults: { outcome: busy } }", &manifest);
    // Each of them leaves it before its time is over.
    for _ in 0..2 {
        let ended = world.run().args("--deadline 1200ms").exits(5);
        assert_eq!(ended.count(Outcome::Detached), 1, "{ended}");
    }
    let ended = world.run().args("--deadline 1200ms").exits(100);
    let (outcome, why) = ended.outcome("work");
    assert!(outcome == Outcome::TimedOut && why.contains("not ended after 2s 500ms"), "{ended}");
    assert!(ended.task("work").attempts[0].archived, "{ended}");
    world.created(1);
}

#[test]
fn the_time_of_a_task_counts_although_its_invocations_are_killed() {
    let manifest = tasks(1).set("timeouts", "{ task: 2s, stall: 20s, settle: 150ms, request: 20s }");
    let world = World::with("{ defaults: { outcome: busy } }", &manifest);
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 1);
    running.until(|world| world.read("jules-report/events.jsonl").contains("session_created"));
    running.kill();
    drop(running);
    // What passes between two invocations is nobody's time.
    world.age_the_ledger(Duration::from_secs(3_600));
    let ended = world.run().args("--deadline 900ms").exits(5);
    assert_eq!(ended.count(Outcome::Detached), 1, "{ended}");
    let ended = world.run().exits(100);
    assert_eq!(ended.count(Outcome::TimedOut), 1, "{ended}");
    world.created(1);
}

#[test]
fn what_has_ended_meanwhile_counts_although_its_time_is_over() {
    let manifest = tasks(1).set("timeouts", "{ task: 1500ms, stall: 20s, settle: 150ms, request: 20s }");
    let world = World::with("{ defaults: { duration: 2500ms, outcome: change } }", &manifest);
    world.run().args("--deadline 1200ms").exits(5);
    world.until(|world| world.statistics().live_now == 0);
    assert_eq!(world.run().exits(0).count(Outcome::Succeeded), 1);
    world.created(1);
}
