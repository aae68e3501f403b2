//! `session result`.

use serde_json::{Value, json};

use super::{LONG, created, finished, in_state, session};
use crate::support::{Signal, World, at_once};

#[test]
fn completed_is_0_and_tells_the_work() {
    let world = World::new("{ defaults: { duration: 200ms, outcome: pull-request } }");
    let id = created(&world, "Think --no-approval -s my-org/web --auto-pr");
    let ended = session(&world, &format!("result {id}")).exits(0);
    assert!(ended.stdout.starts_with("COMPLETED\npull request https://github.com/"), "{ended}");
    let ended = session(&world, &format!("result {id} --format json")).exits(0);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["state"], "COMPLETED");
    assert!(value["pullRequest"]["url"].as_str().unwrap().contains("/pull/"), "{ended}");
    assert!(value["change"]["files"].as_u64().unwrap() > 0, "{ended}");
    assert!(!value["generatedFiles"].as_array().unwrap().is_empty(), "{ended}");
}

#[test]
fn a_pull_request_that_comes_after_its_change_set_is_told() {
    let world = World::new("{ defaults: { duration: 50ms, outcome: pull-request, pull-request-after: 1s } }");
    let id = created(&world, "Think --no-approval -s my-org/web --auto-pr");
    let ended = session(&world, &format!("result {id}")).exits(0);
    assert!(ended.stdout.starts_with("COMPLETED\npull request https://github.com/"), "{ended}");
}

#[test]
fn failed_is_100_with_the_reason() {
    let world =
        World::new("{ defaults: { duration: 50ms, outcome: failure, failure-reason: The disk is full. } }");
    let id = finished(&world, "Think");
    let ended = session(&world, &format!("result {id}")).exits(100);
    assert!(ended.stdout.contains("FAILED") && ended.stdout.contains("The disk is full."), "{ended}");
    let ended = session(&world, &format!("result {id} --format json")).exits(100);
    assert_eq!(
        serde_json::from_str::<Value>(&ended.stdout).unwrap()["failureReason"],
        json!("The disk is full.")
    );
}

#[test]
fn failed_with_a_pull_request_is_0_and_tells_both() {
    let world = World::new(
        "{ defaults: { duration: 50ms, outcome: pull-request-failed, failure-reason: The disk is full. } }",
    );
    let id = created(&world, "Think --no-approval -s my-org/web --auto-pr");
    let ended = session(&world, &format!("result {id}")).exits(0);
    for told in ["FAILED", "The disk is full.", "pull request https://github.com/"] {
        assert!(ended.stdout.contains(told), "{ended}");
    }
}

#[test]
fn how_a_session_without_a_change_completed_decides() {
    let asks = "outcome: no-change, last-word: Which one?";
    let cases = [
        (asks, "", 100, "it asks\n  | Which one?"),
        ("outcome: plan-only", "", 100, "without having worked"),
        ("outcome: no-change", "", 0, "no changes"),
        ("outcome: no-change", "faults: [{ kind: hang, on: activities.list }],", 75, "changes not known"),
    ];
    at_once(cases, |(behaviour, faults, code, told)| {
        let world = World::new(&format!("{{ {faults} defaults: {{ duration: 50ms, {behaviour} }} }}"));
        let id = finished(&world, "Think");
        let ended = session(&world, &format!("result {id} --settle 300ms")).exits(code);
        assert!(ended.stdout.contains(told), "{behaviour}: {ended}");
    });
}

/// Just after the answer it is shown as completed still.
#[test]
fn an_answered_session_is_followed_to_its_new_end() {
    let wakes = "wakes: [{ by: message, after: 2s, lasts: 500ms }]";
    let scenario = format!("outcome: no-change, last-word: Which one?, {wakes}");
    let world = World::new(&format!("{{ defaults: {{ duration: 50ms, {scenario} }} }}"));
    let id = finished(&world, "Think");
    session(&world, &format!("send {id}")).arg("That one.").exits(0);
    let ended = session(&world, &format!("result {id} --settle 300ms --format json")).exits(0);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&value["openQuestion"], &value["neverWorked"]), (&Value::Null, &json!(false)));
    assert!(value["change"]["files"].as_u64().unwrap() > 0, "{ended}");
}

#[test]
fn not_ended_in_time_is_5_and_interrupted_130() {
    let world = World::new(LONG);
    let id = created(&world, "Think --no-approval");
    let ended = session(&world, &format!("result {id} --timeout 200ms")).exits(5);
    assert!(ended.stderr.contains("--timeout"), "{ended}");
    let mut running = session(&world, &format!("result {id}")).start();
    running.until_said("waiting for its end");
    running.signal(Signal::Interrupt);
    assert_eq!(running.wait().code, Some(130));
}

#[test]
fn one_that_waits_for_a_human_says_so() {
    let world = World::new(super::QUICK);
    let id = created(&world, "Think");
    in_state(&world, &id, &["AWAITING_PLAN_APPROVAL"]);
    let ended = session(&world, &format!("result {id} --timeout 200ms")).exits(5);
    assert!(ended.stderr.contains(&format!("jules-batch session approve {id}")), "{ended}");
}
