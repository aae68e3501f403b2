//! Sessions over their lives: results, waits, questions, many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::fake::{Answer, Fake, Seen};
use crate::{Error, ErrorKind, NewSession, SessionId, SessionState};

const SECOND: Duration = Duration::from_secs(1);

fn id() -> SessionId {
    SessionId::new("1").unwrap()
}

/// A session whose n-th reading is in the n-th state, and stays in the last one.
fn in_states(states: &'static [&'static str]) -> impl Fn(&Seen, usize) -> Answer {
    let reads = AtomicUsize::new(0);
    move |seen, _| {
        if !seen.is("GET sessions/1") {
            return Answer::json(&json!({"id": "1"}));
        }
        let read = reads.fetch_add(1, Ordering::Relaxed).min(states.len() - 1);
        let outputs = json!([{"pullRequest": {"url": "https://github.com/o/r/pull/3"}}]);
        Answer::json(&json!({"id": "1", "state": states[read], "outputs": outputs}))
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_awaited_to_its_outcome() {
    let fake = Fake::start(in_states(&["QUEUED", "NAPPING", "IN_PROGRESS", "COMPLETED"])).await;
    let outcome = fake.jules().run(NewSession::new("p")).await.unwrap().await.unwrap();
    assert!(outcome.is_completed());
    assert_eq!(outcome.pull_request.unwrap().number(), Some(3));
    assert_eq!(fake.count("GET sessions/1"), 4);
}

#[tokio::test(start_paused = true)]
async fn late_outputs_are_waited_for() {
    let fake = Fake::start(|_, number| match number {
        0..3 => Answer::json(&json!({"id": "1", "state": "COMPLETED"})),
        _ => {
            let change_set = json!({"changeSet": {"gitPatch": {"unidiffPatch": "x"}}});
            Answer::json(&json!({"id": "1", "state": "COMPLETED", "outputs": [change_set]}))
        }
    })
    .await;
    let outcome = fake.jules().attach(id()).result().await.unwrap();
    assert_eq!(outcome.change_set.unwrap().patch(), "x");
    assert_eq!(fake.seen().len(), 4);
}

/// `GET sessions/1` shows a completed session on a repository, with a change set at once and a pull request after so
/// long; everything else answers with its id.
fn pull_request_after(late: Duration) -> impl Fn(&Seen, usize) -> Answer {
    let completed = std::sync::OnceLock::new();
    move |seen, _| {
        if seen.is("GET sessions/1/activities") {
            return Answer::json(&json!({}));
        }
        if !seen.is("GET sessions/1") {
            return Answer::json(&json!({"id": "1"}));
        }
        let mut outputs = vec![json!({"changeSet": {"gitPatch": {"unidiffPatch": "x"}}})];
        if completed.get_or_init(Instant::now).elapsed() >= late {
            outputs.push(json!({"pullRequest": {"url": "https://github.com/o/r/pull/3"}}));
        }
        let context = json!({"source": "sources/github/o/r"});
        Answer::json(&json!({"id": "1", "state": "COMPLETED", "outputs": outputs, "sourceContext": context}))
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_request_is_waited_for_although_the_change_set_is_there() {
    let web = || NewSession::new("p").source("o/r").branch("main");
    let fake = Fake::start(pull_request_after(5 * SECOND)).await;
    let outcome = fake.jules().run(web()).await.unwrap().await.unwrap();
    assert_eq!(outcome.pull_request.unwrap().number(), Some(3));

    // Whether an existing session was asked for one, nobody says.
    let fake = Fake::start(pull_request_after(5 * SECOND)).await;
    assert!(fake.jules().attach(id()).result().await.unwrap().pull_request.is_some());

    // Nobody asked for one here.
    let fake = Fake::start(pull_request_after(5 * SECOND)).await;
    let session = fake.jules().session(web()).await.unwrap();
    assert_eq!(session.result().await.unwrap().pull_request, None);
    assert_eq!(fake.count("GET sessions/1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pull_request_that_does_not_come_is_not_waited_for_any_longer() {
    let fake = Fake::start(pull_request_after(60 * SECOND)).await;
    let start = Instant::now();
    let outcome = fake.jules().attach(id()).result().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 30, "the settle time");
    assert_eq!((outcome.pull_request, outcome.change_set.unwrap().patch()), (None, "x"));
}

#[tokio::test(start_paused = true)]
async fn outputs_of_a_session_that_ended_long_ago_are_not_waited_for() {
    let fake = Fake::start(|seen, _| match seen.is("GET sessions/1/activities") {
        true => Answer::json(
            &json!({"activities": [activity(1, &json!({"agentMessaged": {"agentMessage": "Which?"}}))]}),
        ),
        false => {
            Answer::json(&json!({"id": "1", "state": "COMPLETED", "updateTime": "2025-11-22T02:00:00Z"}))
        }
    })
    .await;
    let start = Instant::now();
    let outcome = fake.jules().attach(id()).result().await.unwrap();
    assert_eq!((start.elapsed().as_secs(), fake.count("GET sessions/1")), (0, 1));
    assert_eq!(outcome.open_question.as_deref(), Some("Which?"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_goes_on_while_its_outputs_are_waited_for_is_followed_on() {
    let fake = Fake::start(|seen, number| match number {
        0 | 9.. if seen.is("GET sessions/1") => Answer::json(&json!({"id": "1", "state": "COMPLETED"})),
        1..9 => Answer::json(&json!({"id": "1", "state": "IN_PROGRESS"})),
        _ => Answer::json(&json!({})),
    })
    .await;
    let start = Instant::now();
    assert!(fake.jules().attach(id()).result().await.unwrap().is_completed());
    assert!(start.elapsed().as_secs() > 60, "the settle time restarts");
}

fn activity(number: usize, body: &Value) -> Value {
    let mut activity = json!({
        "id": format!("a{number}"), "originator": "agent", "createTime": format!("2026-11-22T02:00:{number:02}Z"),
    });
    activity.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    activity
}

#[tokio::test(start_paused = true)]
async fn without_outputs_the_last_change_set_of_the_activities_is_the_work() {
    let patch = |name: &str| format!("--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+text\n");
    let artifact = |name| json!({"artifacts": [{"changeSet": {"gitPatch": {"unidiffPatch": patch(name)}}}]});
    let activities = json!({"activities": [
        activity(1, &artifact("first.txt")), activity(2, &artifact("last.txt")), activity(3, &json!({"sessionCompleted": {}})),
    ]});
    let fake = Fake::start(move |seen, _| match seen.is("GET sessions/1/activities") {
        true => Answer::json(&activities),
        false => Answer::json(&json!({"id": "1", "state": "COMPLETED"})),
    })
    .await;
    let start = Instant::now();
    let outcome = fake.jules().attach(id()).result().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 30, "the settle time");
    assert_eq!(
        outcome.generated_files().into_iter().collect::<Vec<_>>(),
        [("last.txt".into(), "text\n".into())]
    );
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_failure_is_fetched() {
    for (body, reason) in
        [(json!({"sessionFailed": {"reason": "no disk"}}), Some("no disk")), (json!({}), None)]
    {
        let activities = json!({"activities": [activity(1, &body)]});
        let fake = Fake::start(move |seen, _| match seen.is("GET sessions/1/activities") {
            true => Answer::json(&activities),
            false => Answer::json(&json!({"id": "1", "state": "FAILED"})),
        })
        .await;
        let outcome = fake.jules().attach(id()).result().await.unwrap();
        assert_eq!(outcome.state, SessionState::Failed);
        assert_eq!(outcome.failure_reason.as_deref(), reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_session_is_told_soon_although_its_activities_are_refused() {
    let fake = Fake::start(|seen, _| match seen.is("GET sessions/1/activities") {
        true => Answer::error(429, "RESOURCE_EXHAUSTED"),
        false => Answer::json(&json!({"id": "1", "state": "FAILED"})),
    })
    .await;
    let start = Instant::now();
    let outcome = fake.jules().attach(id()).result().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!((outcome.state, outcome.failure_reason, outcome.unread), (SessionState::Failed, None, true));
}

/// A session without outputs that completed long ago with a question, and was answered just now; it is at work from
/// `wakes` to `ends` after the first request, and has a change then.
fn answered(wakes: Duration, ends: Duration) -> impl Fn(&Seen, usize) -> Answer {
    let first = std::sync::OnceLock::new();
    move |seen, _| {
        let since = first.get_or_init(Instant::now).elapsed();
        if seen.is("GET sessions/1/activities") {
            let mut answer =
                activity(3, &json!({"originator": "user", "userMessaged": {"userMessage": "This one."}}));
            answer["createTime"] = json!(jiff::Timestamp::now().to_string());
            let question = activity(1, &json!({"agentMessaged": {"agentMessage": "Which?"}}));
            let end = activity(2, &json!({"originator": "system", "sessionCompleted": {}}));
            return Answer::json(&json!({"activities": [question, end, answer]}));
        }
        let change_set = json!({"changeSet": {"gitPatch": {"unidiffPatch": "x"}}});
        let outputs = if since >= ends { json!([change_set]) } else { json!([]) };
        let state = if since >= wakes && since < ends { "IN_PROGRESS" } else { "COMPLETED" };
        let updated = "2025-11-22T02:00:00Z";
        Answer::json(&json!({"id": "1", "state": state, "updateTime": updated, "outputs": outputs}))
    }
}

#[tokio::test(start_paused = true)]
async fn an_answered_session_is_not_judged_by_its_old_end() {
    let fake = Fake::start(answered(95 * SECOND, 200 * SECOND)).await;
    let outcome = fake.jules().attach(id()).result().await.unwrap();
    assert_eq!((outcome.change_set.unwrap().patch(), outcome.open_question), ("x", None));

    let fake = Fake::start(answered(Duration::MAX, Duration::MAX)).await;
    let start = Instant::now();
    let outcome = fake.jules().attach(id()).result().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 120, "it does not wake");
    assert_eq!(outcome.open_question.as_deref(), Some("Which?"));
}

#[tokio::test(start_paused = true)]
async fn how_a_session_without_a_change_completed_is_told() {
    for (last, question, never_worked) in [
        (json!({"agentMessaged": {"agentMessage": "Which?"}}), Some("Which?"), false),
        (json!({"progressUpdated": {"title": "Read the code"}}), None, false),
        (json!({"planApproved": {}}), None, true),
    ] {
        let activities = json!({"activities": [
            activity(1, &json!({"planGenerated": {"plan": {}}})), activity(2, &last), activity(3, &json!({"sessionCompleted": {}})),
        ]});
        let fake = Fake::start(move |seen, _| match seen.is("GET sessions/1/activities") {
            true => Answer::json(&activities),
            false => Answer::json(&json!({"id": "1", "state": "COMPLETED"})),
        })
        .await;
        let outcome = fake.jules().attach(id()).result().await.unwrap();
        let told = (outcome.open_question.as_deref(), outcome.never_worked, outcome.unread);
        assert_eq!(told, (question, never_worked, false), "{last}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_survives_resets_and_outages() {
    let fake = Fake::start(|_, number| match number {
        0..8 => Answer::Bytes(Vec::new()),
        8..20 => Answer::error(503, "UNAVAILABLE"),
        _ => Answer::json(&json!({"id": "1", "state": "COMPLETED", "outputs": [{"changeSet": {"gitPatch": {"unidiffPatch": "x"}}}]})),
    })
    .await;
    assert!(fake.jules().attach(id()).result().await.unwrap().is_completed());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_and_says_in_which_state() {
    let fake = Fake::start(in_states(&["IN_PROGRESS", "PAUSED"])).await;
    let start = Instant::now();
    let error = fake.jules().attach(id()).result().timeout(60 * SECOND).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(
        error.to_string(),
        "reading a session failed: gave up waiting for session 1 to end after 60s; it is PAUSED"
    );
    let ErrorKind::WaitTimeout { last_state, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(last_state, &Some(SessionState::Paused));
}

#[tokio::test(start_paused = true)]
async fn every_call_that_waits_ends_in_time() {
    let fake = Fake::start(in_states(&["IN_PROGRESS"])).await;
    let (jules, limit) = (fake.jules(), 60 * SECOND);
    let session = jules.attach(id());
    let stream = async { session.stream().timeout(limit).try_collect::<Vec<_>>().await.map(drop) };
    let all = async { jules.all(["p"], NewSession::new).timeout(limit).await.remove(0).map(drop) };
    let waits: [BoxFuture<'_, Result<(), Error>>; 8] = [
        session.result().timeout(limit).into_future().map_ok(drop).boxed(),
        session.wait_for(SessionState::Paused).timeout(limit).into_future().map_ok(drop).boxed(),
        session.wait_until(|session| session.archived).timeout(limit).into_future().map_ok(drop).boxed(),
        session.wait_for_attention().timeout(limit).into_future().map_ok(drop).boxed(),
        session.on_question(|_| std::future::ready(None)).timeout(limit).into_future().map_ok(drop).boxed(),
        session.ask("Well?").timeout(limit).into_future().map_ok(drop).boxed(),
        stream.boxed(),
        all.boxed(),
    ];
    for (number, wait) in waits.into_iter().enumerate() {
        let start = Instant::now();
        let error = wait.await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::WaitTimeout { after, .. } if *after == limit),
            "{number}: {error}"
        );
        assert_eq!(start.elapsed().as_secs(), 60, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_a_limit_of_its_own_ends_after_the_clients() {
    let fake = Fake::start(in_states(&["AWAITING_USER_FEEDBACK"])).await;
    let start = Instant::now();
    let jules = fake.jules_with(|options| options.poll_interval(60 * SECOND));
    jules.attach(id()).result().await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 2 * 60 * 60);
}

#[tokio::test(start_paused = true)]
async fn a_state_is_waited_for_and_another_end_is_an_error() {
    let fake = Fake::start(in_states(&["PLANNING", "AWAITING_PLAN_APPROVAL"])).await;
    let session = fake.jules().attach(id()).wait_for(SessionState::AwaitingPlanApproval).await.unwrap();
    assert_eq!(session.state, Some(SessionState::AwaitingPlanApproval));

    let fake = Fake::start(in_states(&["PLANNING", "FAILED"])).await;
    let error = fake.jules().attach(id()).wait_for(SessionState::AwaitingPlanApproval).await.unwrap_err();
    let ended = ErrorKind::SessionEnded { session: id(), state: SessionState::Failed };
    assert_eq!(error.kind(), &ended);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_sessions_404_is_patience_and_an_unknown_ones_is_not() {
    let fake = Fake::start(|seen, number| match number {
        0 => Answer::json(&json!({"id": "1"})),
        1..4 => Answer::error(404, "NOT_FOUND"),
        4 => {
            assert!(seen.is("POST sessions/1:sendMessage"));
            Answer::empty()
        }
        5..7 => Answer::error(404, "NOT_FOUND"),
        _ => Answer::json(&json!({"id": "1", "state": "COMPLETED", "outputs": [{"changeSet": {"gitPatch": {"unidiffPatch": "x"}}}]})),
    })
    .await;
    let session = fake.jules().session(NewSession::new("p")).await.unwrap();
    session.send("hi").await.unwrap();
    session.result().await.unwrap();

    let fake = Fake::start(|_, _| Answer::error(404, "NOT_FOUND")).await;
    let session = fake.jules().attach(id());
    assert!(session.result().await.unwrap_err().is_not_found());
    assert!(session.send("hi").await.unwrap_err().is_not_found());
    assert_eq!((fake.count("GET sessions/1"), fake.count("POST sessions/1:sendMessage")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn every_call_waits_until_a_fresh_session_is_known_and_no_longer() {
    // Not known at first, and deleted by somebody later.
    let start = || {
        Fake::start(|_, number| match number {
            0 | 3 => Answer::json(&json!({"id": "1"})),
            _ => Answer::error(404, "NOT_FOUND"),
        })
    };
    let fake = start().await;
    let session = fake.jules().session(NewSession::new("p")).await.unwrap();
    tokio::spawn({
        let session = session.clone();
        async move { session.info().await }
    })
    .await
    .unwrap()
    .unwrap();
    assert!(session.info().await.unwrap_err().is_not_found());
    assert_eq!(fake.count("GET sessions/1"), 4);
    let fake = start().await;
    fake.jules().session(NewSession::new("p")).await.unwrap().archive().await.unwrap();
    assert_eq!(fake.count("POST sessions/1:archive"), 3);
    let fake = start().await;
    fake.jules().session(NewSession::new("p")).await.unwrap().delete().await.unwrap();
    assert_eq!(fake.count("DELETE sessions/1"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_known_session_that_takes_no_messages_yet_is_waited_for() {
    let fake = Fake::start(|seen, number| match number {
        0..6 if seen.is("POST sessions/1:sendMessage") => Answer::error(404, "NOT_FOUND"),
        _ => Answer::json(&json!({"id": "1", "state": "QUEUED"})),
    })
    .await;
    fake.jules().attach(id()).send("hi").await.unwrap();
    assert_eq!(fake.count("POST sessions/1:sendMessage"), 4);
}

/// A session that takes messages; after one, `replies` is added to its history.
fn conversation(replies: Vec<Value>) -> impl Fn(&Seen, usize) -> Answer {
    let sent = AtomicUsize::new(0);
    move |seen, _| {
        if seen.is("POST sessions/1:sendMessage") {
            sent.fetch_add(1, Ordering::Relaxed);
            return Answer::empty();
        }
        if seen.is("GET sessions/1") {
            return Answer::json(&json!({"id": "1", "state": "COMPLETED"}));
        }
        let old = activity(1, &json!({"agentMessaged": {"agentMessage": "an old word"}}));
        let new = replies.iter().filter(|_| sent.load(Ordering::Relaxed) > 0).cloned();
        let all: Vec<_> = [old].into_iter().chain(new).collect();
        Answer::json(&json!({"activities": all}))
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_gets_the_first_reply_after_it() {
    let replies = vec![
        activity(2, &json!({"agentMessaged": {"agentMessage": "still the old matter"}})),
        activity(3, &json!({"originator": "user", "userMessaged": {"userMessage": "why?"}})),
        activity(3, &json!({"id": "same-time", "progressUpdated": {"title": "thinking"}})),
        activity(4, &json!({"agentMessaged": {"agentMessage": "because"}})),
        activity(5, &json!({"agentMessaged": {"agentMessage": "and also"}})),
    ];
    let fake = Fake::start(conversation(replies)).await;
    let reply = fake.jules().attach(id()).ask("why?").await.unwrap();
    assert_eq!(reply.message(), Some("because"));
    assert_eq!(fake.count("POST sessions/1:sendMessage"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_within_the_clocks_tick_is_not_missed() {
    let replies = vec![
        activity(2, &json!({"agentMessaged": {"agentMessage": "still the old matter"}})),
        activity(3, &json!({"id": "reply", "agentMessaged": {"agentMessage": "because"}})),
        activity(3, &json!({"originator": "user", "userMessaged": {"userMessage": "why?"}})),
    ];
    let fake = Fake::start(conversation(replies)).await;
    let reply = fake.jules().attach(id()).ask("why?").await.unwrap();
    assert_eq!(reply.message(), Some("because"));
}

#[tokio::test(start_paused = true)]
async fn a_question_to_an_ended_session_waits_for_it_to_wake_up() {
    let sent = std::sync::Mutex::new(None);
    let fake = Fake::start(move |seen, _| {
        let mut sent = sent.lock().unwrap();
        if seen.is("POST sessions/1:sendMessage") {
            *sent = Some(Instant::now());
            return Answer::empty();
        }
        let since = sent.map(|sent| sent.elapsed()).unwrap_or_default();
        if seen.is("GET sessions/1") {
            return Answer::json(&json!({"id": "1", "state": "COMPLETED"}));
        }
        let end = activity(1, &json!({"sessionCompleted": {}}));
        let reply = activity(9, &json!({"agentMessaged": {"agentMessage": "good morning"}}));
        let all = if since > 60 * SECOND { vec![end, reply] } else { vec![end] };
        Answer::json(&json!({"activities": all}))
    })
    .await;
    let reply = fake.jules().attach(id()).ask("are you there?").await.unwrap();
    assert_eq!(reply.message(), Some("good morning"));
}

#[tokio::test(start_paused = true)]
async fn a_question_to_a_session_that_ends_without_a_word_is_an_error() {
    let fake = Fake::start(conversation(Vec::new())).await;
    let error = fake.jules().attach(id()).ask("why?").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::SessionEnded { session: id(), state: SessionState::Completed });
}

/// Sessions `0`, `1`, … that live for a number of readings each; counts those alive at once.
fn many(lives: &'static [usize], most: Arc<AtomicUsize>) -> impl Fn(&Seen, usize) -> Answer {
    let state = std::sync::Mutex::new((0, vec![0_usize; lives.len()], 0_usize));
    move |seen, _| {
        let mut state = state.lock().unwrap();
        let (created, read, live) = &mut *state;
        if seen.is("POST sessions") {
            if seen.body["prompt"] == "refused" {
                return Answer::error(400, "INVALID_ARGUMENT");
            }
            *created += 1;
            *live += 1;
            most.fetch_max(*live, Ordering::Relaxed);
            return Answer::json(&json!({"id": (*created - 1).to_string(), "title": seen.body["prompt"]}));
        }
        let number: usize = seen.line.rsplit('/').next().unwrap().parse().unwrap();
        read[number] += 1;
        if read[number] < lives[number] {
            return Answer::json(&json!({"id": number.to_string(), "state": "IN_PROGRESS"}));
        }
        *live -= 1;
        Answer::json(
            &json!({"id": number.to_string(), "state": "COMPLETED", "outputs": [{"changeSet": {"gitPatch": {"unidiffPatch": "x"}}}]}),
        )
    }
}

#[tokio::test(start_paused = true)]
async fn all_holds_a_slot_until_the_session_has_ended_and_keeps_the_order() {
    let most = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(many(&[9, 1, 5, 2, 7, 1, 3, 2], Arc::clone(&most))).await;
    let results = fake.jules().all(0..8, |number| NewSession::new(number.to_string())).await;
    assert_eq!(most.load(Ordering::Relaxed), 3);
    assert_eq!(results.len(), 8);
    assert!(results.iter().all(Result::is_ok));
    // Sessions are created in the items' order here, so the ids are the places.
    let ids: Vec<_> = results.iter().map(|result| result.as_ref().unwrap().session.id.to_string()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[tokio::test(start_paused = true)]
async fn all_loses_no_result_when_it_stops() {
    let prompts = ["a", "refused", "b", "c", "d"];
    let fake = Fake::start(many(&[4, 4, 4, 4], Arc::default())).await;
    let results = fake.jules().all(prompts, NewSession::new).concurrency(2).await;
    assert!(results[0].is_ok(), "what runs is followed to its end");
    assert_eq!(results[1].as_ref().unwrap_err().code(), Some(400));
    for result in &results[2..] {
        assert_eq!(result.as_ref().unwrap_err().kind(), &ErrorKind::NotStarted);
    }

    let fake = Fake::start(many(&[4, 4, 4, 4], Arc::default())).await;
    let results = fake.jules().all(prompts, NewSession::new).stop_on_error(false).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn all_keeps_the_distance_between_starts() {
    let fake = Fake::start(many(&[1, 1, 1], Arc::default())).await;
    let start = Instant::now();
    let results = fake.jules().all(0..3, |n| NewSession::new(n.to_string())).delay(20 * SECOND).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(start.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_left_to_a_person_costs_one_request_an_interval() {
    let states = in_states(&[
        "AWAITING_USER_FEEDBACK",
        "AWAITING_USER_FEEDBACK",
        "AWAITING_USER_FEEDBACK",
        "AWAITING_USER_FEEDBACK",
        "COMPLETED",
    ]);
    let fake = Fake::start(move |seen, number| match seen.is("GET sessions/1/activities") {
        true => Answer::json(
            &json!({"activities": [activity(1, &json!({"agentMessaged": {"agentMessage": "Which?"}}))]}),
        ),
        false => match states(seen, number) {
            Answer::Whole(code, headers, body) => {
                let mut session: Value = serde_json::from_slice(&body).unwrap();
                session["updateTime"] = json!("2026-11-22T02:00:00Z");
                Answer::Whole(code, headers, session.to_string().into_bytes())
            }
            other => other,
        },
    })
    .await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let outcome = fake.jules().attach(id()).on_question(move |question| {
        assert_eq!(question.text.as_deref(), Some("Which?"));
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(None)
    });
    assert!(outcome.await.unwrap().is_completed());
    assert_eq!(asked.load(Ordering::Relaxed), 1, "asked once");
    assert_eq!((fake.count("GET sessions/1"), fake.count("GET sessions/1/activities")), (5, 1));
}
