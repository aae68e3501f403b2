//! `session send`, `ask` and `approve`.

use serde_json::Value;

use super::{LONG, QUICK, created, ended, finished, in_state, session};
use crate::support::{Signal, World};

#[test]
fn a_message_arrives_once() {
    let world = World::new(LONG);
    let id = created(&world, "Think");
    session(&world, &format!("send {id} Hurry")).exits(0);
    let mut running = session(&world, &format!("send {id}")).start();
    running.tell("Two\nlines\n");
    assert_eq!(running.wait().code, Some(0));
    assert_eq!(world.sessions()[0].messages, ["Hurry", "Two\nlines\n"]);
    session(&world, &format!("send {id}")).exits(2);
}

#[test]
fn a_session_that_takes_no_messages_yet_is_waited_for() {
    let refusals = "{ kind: error-before, on: sessions.sendMessage, nth: [1, 2], status: 404 }";
    let world =
        World::new(&format!("{{ defaults: {{ duration: 10m, not-found-for: 1s }}, faults: [{refusals}] }}"));
    let id = created(&world, "Think");
    session(&world, &format!("show {id}")).exits(0);
    session(&world, &format!("send {id} Hurry")).exits(0);
    assert_eq!(
        (world.sessions()[0].messages.as_slice(), world.requests("sessions.sendMessage")),
        (&["Hurry".to_owned()][..], 3)
    );
    session(&world, "send 123 Hurry").exits(1);
}

#[test]
fn a_message_in_doubt_is_not_repeated() {
    let world = World::new(
        "{ defaults: { duration: 10m }, faults: [{ kind: error-after, on: sessions.sendMessage }] }",
    );
    let id = created(&world, "Think");
    let ended = session(&world, &format!("send {id} Hurry")).exits(75);
    assert!(ended.stderr.contains("session show"), "{ended}");
    assert_eq!(world.sessions()[0].messages, ["Hurry"]);
}

#[test]
fn who_is_interrupted_is_told_to_look_first() {
    let world = World::new(
        "{ faults: [{ kind: hang, on: sessions.create, nth: 2 }, { kind: hang, on: sessions.sendMessage }] }",
    );
    let id = created(&world, "Think");
    for (line, method, sent, look) in [
        ("new Think".to_owned(), "sessions.create", 2, "session list"),
        (format!("send {id} Hurry"), "sessions.sendMessage", 1, "session show"),
        (format!("ask {id} Why?"), "sessions.sendMessage", 2, "session show"),
    ] {
        let mut running = session(&world, &line).start();
        running.until(|world| world.requests(method) == sent);
        running.signal(Signal::Interrupt);
        running.until_ended();
        let ended = running.wait();
        assert_eq!(ended.code, Some(130), "{line}: {ended}");
        assert!(ended.stderr.contains("look first: jules-batch") && ended.stderr.contains(look), "{ended}");
    }
}

#[test]
fn a_question_is_answered_on_stdout() {
    let world = World::new(
        "{ speed: 20, defaults: { duration: 10m, reply-after: 1s, reply: \"Forty-two.\\nRoughly.\" } }",
    );
    let id = created(&world, "Think --no-approval");
    let told = session(&world, &format!("ask {id} Why?")).exits(0);
    assert_eq!(told.stdout, "Forty-two.\nRoughly.\n", "{told}");
    let told = session(&world, &format!("ask {id} Why? --format json")).exits(0);
    let value: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(value["agentMessaged"]["agentMessage"], "Forty-two.\nRoughly.");
    assert_eq!(world.sessions()[0].messages, ["Why?", "Why?"]);
}

#[test]
fn a_question_without_an_answer_ends_with_5() {
    let world = World::new("{ defaults: { duration: 10m, reply-after: 10m } }");
    let id = created(&world, "Think --no-approval");
    let told = session(&world, &format!("ask {id} Why? --timeout 300ms")).exits(5);
    assert_eq!(told.stdout, "");
}

#[test]
fn a_plan_is_shown_and_approved() {
    let world = World::new(QUICK);
    let id = created(&world, "Think");
    let told = session(&world, &format!("approve {id} --wait --yes")).exits(0);
    assert!(told.stdout.starts_with("plan\n") && told.stdout.contains(" 1. "), "{told}");
    assert_eq!(world.sessions()[0].approvals, 1);
    ended(&world, &id);
}

#[test]
fn nobody_is_taken_for_a_yes() {
    let world = World::new(QUICK);
    let id = created(&world, "Think");
    in_state(&world, &id, &["AWAITING_PLAN_APPROVAL"]);
    let told = session(&world, &format!("approve {id}")).exits(2);
    assert!(told.stdout.contains(" 1. ") && told.stderr.contains("--yes"), "{told}");
    assert_eq!(world.sessions()[0].approvals, 0);
}

#[test]
fn where_no_plan_waits_nothing_is_approved() {
    let world = World::new(QUICK);
    let id = finished(&world, "Think");
    let told = session(&world, &format!("approve {id} --yes")).exits(1);
    assert!(told.stderr.contains("COMPLETED") && told.stderr.contains("--wait"), "{told}");
    session(&world, &format!("approve {id} --yes --wait")).exits(1);
    assert_eq!(world.sessions()[0].approvals, 0);
}
