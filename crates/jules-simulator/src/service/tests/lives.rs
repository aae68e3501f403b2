//! Sessions that end oddly, late, or more than once.

use super::*;

/// A create that wants a pull request.
fn task(prompt: &str) -> String {
    json!({
        "prompt": prompt, "automationMode": "AUTO_CREATE_PR",
        "sourceContext": { "source": "sources/github/o/r", "githubRepoContext": { "startingBranch": "main" } },
    })
    .to_string()
}

/// A service with one session, created at second 0.
struct One {
    client: TestClient,
    id: String,
}

impl One {
    fn open(behaviour: &str) -> Self {
        let outcome = if behaviour.starts_with("outcome: ") { "" } else { "outcome: pull-request, " };
        let mut client = TestClient::open(&format!("defaults: {{ duration: 100s, {outcome}{behaviour} }}"));
        let (status, session) = client.ask("POST", "sessions", &task("Fix the login"));
        assert_eq!(status, 200, "{session}");
        Self { client, id: session["id"].as_str().unwrap().to_owned() }
    }

    fn at(&mut self, second: u64) -> Value {
        self.client.second = second;
        self.client.get(&format!("sessions/{}", self.id))
    }

    /// State, change sets and pull requests.
    fn look(&mut self, second: u64) -> (String, usize, usize) {
        let session = self.at(second);
        let outputs = session["outputs"].as_array().cloned().unwrap_or_default();
        let count = |kind: &str| outputs.iter().filter(|output| output.get(kind).is_some()).count();
        (session["state"].as_str().unwrap().to_owned(), count("changeSet"), count("pullRequest"))
    }

    fn send(&mut self, message: &str) -> u16 {
        let body = json!({ "prompt": message }).to_string();
        self.client.ask("POST", &format!("sessions/{}:sendMessage", self.id), &body).0
    }

    fn activities(&mut self) -> Vec<Value> {
        paged(&mut self.client, &format!("sessions/{}/activities", self.id), "activities")
    }

    fn view(&mut self) -> SessionView {
        self.client.service.views(later(start(), Duration::from_secs(self.client.second))).remove(0)
    }
}

fn is(state: &str, change_sets: usize, pull_requests: usize) -> (String, usize, usize) {
    (state.to_owned(), change_sets, pull_requests)
}

#[test]
fn the_pull_request_can_follow_its_change_set() {
    let mut one = One::open("pull-request-after: 5m");
    assert_eq!(one.look(100), is("COMPLETED", 1, 0));
    assert_eq!(one.look(399), is("COMPLETED", 1, 0));
    assert_eq!(one.look(400), is("COMPLETED", 1, 1));
    let mut both_late = One::open("outputs-after: 1m, pull-request-after: 1m");
    assert_eq!(both_late.look(159), is("COMPLETED", 0, 0));
    assert_eq!(both_late.look(160), is("COMPLETED", 1, 0));
    assert_eq!(both_late.look(220), is("COMPLETED", 1, 1));
    assert_eq!(One::open("pull-request-after: never").look(90_000), is("COMPLETED", 1, 0));
}

#[test]
fn outputs_can_appear_while_it_works() {
    let mut one = One::open("outputs-at: 0.5");
    assert_eq!(one.look(50), is("IN_PROGRESS", 0, 0));
    assert_eq!(one.look(70), is("IN_PROGRESS", 1, 1));
    assert_eq!(one.look(100), is("COMPLETED", 1, 1));
    let mut stalled = One::open("outcome: stall, turn: 0.5, outputs-at: 0.2");
    assert_eq!(stalled.look(90_000), is("IN_PROGRESS", 1, 1));
}

#[test]
fn some_never_end_although_their_pull_request_is_there() {
    for (outcome, state) in [
        ("pull-request-in-progress", "IN_PROGRESS"),
        ("pull-request-paused", "PAUSED"),
        ("pull-request-waiting", "AWAITING_USER_FEEDBACK"),
    ] {
        let mut one = One::open(&format!("outcome: {outcome}, pull-request-after: 1m"));
        assert_eq!(one.look(120), is("IN_PROGRESS", 1, 0), "{outcome}");
        assert_eq!(one.look(160), is(state, 1, 1), "{outcome}");
        one.send("Are you done?");
        assert_eq!(one.look(90_000), is(state, 1, 1), "{outcome}");
        assert!(one.view().ends.is_empty(), "{outcome}");
    }
}

#[test]
fn one_session_can_open_two_pull_requests() {
    let mut one = One::open("pull-requests: 2, pull-request-after: 1m");
    assert_eq!(one.look(160), is("COMPLETED", 1, 1));
    assert_eq!(one.look(220), is("COMPLETED", 1, 2));
    let outputs = one.at(220)["outputs"].as_array().unwrap().clone();
    let part = |n: usize, field: &str| outputs[n]["pullRequest"][field].as_str().unwrap().to_owned();
    assert_ne!(part(1, "url"), part(2, "url"));
    assert_ne!(part(1, "headRef"), part(2, "headRef"));
    let view = one.view();
    assert_eq!(view.pull_requests, [part(1, "url"), part(2, "url")]);
    assert_eq!(view.pull_request, Some(part(2, "url")));
}

#[test]
fn a_completed_session_can_leave_a_question_open() {
    for (place, field) in [
        ("message", "/agentMessaged/agentMessage"),
        ("progress", "/progressUpdated/description"),
        ("description", "/description"),
    ] {
        let mut one = One::open(&format!("outcome: no-change, last-word: Shall I?, asks-in: {place}"));
        assert_eq!(one.look(100), is("COMPLETED", 0, 0));
        let activities = one.activities();
        let [.., question, completed] = activities.as_slice() else { panic!("{activities:?}") };
        assert_eq!(question.pointer(field), Some(&json!("Shall I?")), "{place}: {question}");
        assert_eq!(question["originator"], "agent");
        assert!(completed.get("sessionCompleted").is_some());
    }
    let mut waiting = One::open("feedback: { times: 1, question: Which?, }, asks-in: progress");
    waiting.client.second = 90;
    assert_eq!(waiting.activities().last().unwrap()["progressUpdated"]["description"], "Which?");
}

#[test]
fn some_complete_right_after_their_plan() {
    let mut one = One::open("outcome: plan-only, activities: { gap: 1s }");
    assert_eq!(one.look(20), is("COMPLETED", 0, 0));
    let kinds = ["planGenerated", "planApproved", "sessionCompleted"];
    let activities = one.activities();
    assert_eq!(activities.len(), kinds.len(), "{activities:?}");
    assert!(activities.iter().zip(kinds).all(|(activity, kind)| activity.get(kind).is_some()));
    assert_eq!(activities[1]["originator"], "user", "so the service shows what nobody approved");
}

#[test]
fn a_message_wakes_a_completed_session() {
    let mut one = One::open("wakes: [{ by: message, after: 95s, lasts: 60s }]");
    assert_eq!(one.look(200), is("COMPLETED", 1, 1));
    let before = one.at(200)["outputs"].clone();
    assert_eq!(one.send("Do the other file as well."), 200);
    assert_eq!(one.client.statistics().live_now, 1, "it holds a slot again");
    assert_eq!(one.look(294), is("COMPLETED", 1, 1));
    assert_eq!(one.look(295), is("IN_PROGRESS", 1, 1));
    assert_eq!(one.look(355), is("COMPLETED", 1, 1));
    let after = one.at(355)["outputs"].clone();
    assert_eq!(before[1], after[1], "the same pull request");
    let patch =
        |outputs: &Value| outputs[0]["changeSet"]["gitPatch"]["unidiffPatch"].as_str().unwrap().to_owned();
    assert!(patch(&after).len() > patch(&before).len() && patch(&after).starts_with(&patch(&before)));
    let view = one.view();
    let seconds = |at: Timestamp| between(start(), at).as_secs();
    assert_eq!(view.ends.iter().map(|end| seconds(end.at)).collect::<Vec<_>>(), [100, 355]);
    assert_eq!(view.ends[0].seen_at.map(seconds), Some(200));
    assert_eq!(
        view.wakes.iter().map(|wake| (seconds(wake.at), wake.by.as_str())).collect::<Vec<_>>(),
        [(295, "message")]
    );
    assert_eq!((view.seen_ended_at.map(seconds), view.pushes), (Some(200), 1));
    assert_eq!(one.client.statistics().live_now, 0);
}

#[test]
fn a_wake_ends_as_the_scenario_says() {
    for (outcome, then) in [
        ("push", is("COMPLETED", 1, 1)),
        ("pull-request", is("COMPLETED", 1, 2)),
        ("no-change", is("COMPLETED", 1, 1)),
        ("question", is("COMPLETED", 1, 1)),
        ("failure", is("FAILED", 1, 1)),
        ("stall", is("IN_PROGRESS", 1, 1)),
    ] {
        let mut one = One::open(&format!("wakes: [{{ by: message, outcome: {outcome} }}]"));
        one.at(200);
        one.send("Go on.");
        assert_eq!(one.look(1_000), then, "{outcome}");
    }
    let mut never = One::open("wakes: []");
    never.at(200);
    never.send("Go on.");
    assert_eq!(never.look(90_000), is("COMPLETED", 1, 1));
    assert!(never.view().wakes.is_empty());
}

#[test]
fn whoever_asked_at_the_end_works_once_it_has_an_answer() {
    let mut one = One::open("outcome: no-change, last-word: Shall I?");
    assert_eq!(one.look(100), is("COMPLETED", 0, 0));
    one.send("Yes, please.");
    assert_eq!(one.look(1_000), is("COMPLETED", 1, 1), "as by default");
}

#[test]
fn the_ci_fixer_and_comments_wake_those_with_a_pull_request() {
    let wakes = "wakes: [{ by: ci-fixer, after: 5m, lasts: 80s }, { by: comment, after: 10m, lasts: 80s }]";
    let mut one = One::open(wakes);
    for (second, state) in [
        (100, "COMPLETED"),
        (399, "COMPLETED"),
        (400, "PLANNING"),
        (410, "IN_PROGRESS"),
        (480, "COMPLETED"),
        (1_079, "COMPLETED"),
        (1_080, "IN_PROGRESS"),
        (1_160, "COMPLETED"),
        (90_000, "COMPLETED"),
    ] {
        assert_eq!(one.look(second).0, state, "{second}");
    }
    let view = one.view();
    assert_eq!(view.wakes.iter().map(|wake| wake.by.as_str()).collect::<Vec<_>>(), ["ci-fixer", "comment"]);
    assert_eq!((view.ends.len(), view.pushes), (3, 2));
    let mut without = One::open(&format!("outcome: change, {wakes}"));
    without.at(90_000);
    assert!(without.view().wakes.is_empty());
}

#[test]
fn waking_needs_a_free_slot_and_archiving_prevents_it() {
    let mut client =
        TestClient::open("{ limits: { concurrent: 1 }, defaults: { duration: 10s, outcome: change } }");
    let first = client.create("a");
    client.second = 20;
    let second = client.create("b");
    client.second = 22;
    let send = format!("sessions/{first}:sendMessage");
    assert_eq!(client.ask("POST", &send, r#"{"prompt":"go on"}"#).0, 400);
    client.second = 40;
    assert_eq!(client.get(&format!("sessions/{second}"))["state"], "COMPLETED");
    assert_eq!(client.ask("POST", &send, r#"{"prompt":"go on"}"#).0, 200);
    assert_eq!(client.ask("POST", "sessions", r#"{"prompt":"c"}"#).0, 429, "the slot is taken");
    client.ask("POST", &format!("sessions/{first}:archive"), "{}");
    client.create("c");
    client.second = 1_000;
    assert_eq!(client.get(&format!("sessions/{first}"))["state"], "COMPLETED");
    let views = client.service.views(later(start(), Duration::from_secs(1_000)));
    assert_eq!((views[0].archives, views[0].wakes.len()), (1, 0));
}

#[test]
fn empty_messages_are_taken_and_do_nothing() {
    let mut one = One::open("feedback: { times: 1 }");
    assert_eq!(one.look(90).0, "AWAITING_USER_FEEDBACK");
    for empty in ["", " \n"] {
        assert_eq!(one.send(empty), 200);
    }
    assert_eq!(one.look(5_000).0, "AWAITING_USER_FEEDBACK");
    let activities = one.activities();
    assert_eq!(activities[activities.len() - 2]["userMessaged"], json!({}));
    let view = one.view();
    assert_eq!((view.messages.len(), view.empty_messages), (0, 2));
    one.send("Left.");
    assert_eq!(one.look(10_000).0, "COMPLETED");
    assert_eq!(one.view().messages, ["Left."]);
    one.send("");
    assert_eq!(one.look(20_000).0, "COMPLETED");
    assert!(one.view().wakes.is_empty());
}

#[test]
fn a_queued_session_can_refuse_messages() {
    let mut one = One::open("refuse-messages-while-queued: true");
    assert_eq!((one.at(0)["state"].as_str(), one.send("Hello")), (Some("QUEUED"), 404));
    assert_eq!((one.at(5)["state"].as_str(), one.send("Hello")), (Some("PLANNING"), 200));
}

#[test]
fn second_sessions_for_one_task_are_counted() {
    let mut client = TestClient::open(
        "{ rules: [{ when: { nth: 1 }, then: { duration: 10s, outcome: pull-request } }], \
         defaults: { duration: 10s, outcome: failure } }",
    );
    let mut create = |second: u64, prompt: &str| {
        client.second = second;
        client.ask("POST", "sessions", &task(prompt)).1["id"].as_str().unwrap().to_owned()
    };
    let first = create(0, "a");
    let beside = create(5, "a");
    let after = create(20, "a");
    let other = create(20, "b");
    create(40, "b");
    client.second = 41;
    let seconds = client.statistics().second_sessions;
    let told: Vec<_> = seconds
        .iter()
        .map(|one| (&one.first, &one.second, one.first_state.as_str(), one.while_live, one.after_success))
        .collect();
    assert_eq!(
        told,
        [(&first, &beside, "IN_PROGRESS", true, false), (&first, &after, "COMPLETED", false, true)]
    );
    assert!(!told.iter().any(|one| *one.0 == other), "the first b had failed");
    client.service.reset(later(start(), Duration::from_secs(41)));
    assert!(client.statistics().second_sessions.is_empty());
}
