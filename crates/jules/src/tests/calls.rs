//! The twelve methods on the wire, retries, and the counters.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::fake::{Answer, Fake, KEY};
use crate::{
    ActivityId, Departure, ErrorKind, Gate, Jules, ListActivities, ListSessions, ListSources, Method,
    NewSession, RequestKind, Retries, SessionId, SourceName,
};

fn id() -> SessionId {
    SessionId::new("1").unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_method_asks_what_the_service_understands() {
    let fake = Fake::start(|seen, _| match () {
        () if seen.is("GET sources/github/o/r") => Answer::json(&json!({"name": "sources/github/o/r"})),
        () if seen.is("GET sessions/1/activities/a") => Answer::json(&json!({"id": "a"})),
        () if seen.line.contains("activities") || seen.line.starts_with("GET /v1alpha/sessions?") => {
            Answer::json(&json!({}))
        }
        () if seen.line.starts_with("GET /v1alpha/sources?") => Answer::json(&json!({})),
        () => Answer::json(&json!({"id": "1"})),
    })
    .await;
    let jules = fake.jules();
    let size = Some(1000);
    jules.create_session(&NewSession::new("p")).await.unwrap();
    jules.get_session(&id()).await.unwrap();
    let page = ListSessions { page_size: size, filter: Some("archived = true".into()), ..Default::default() };
    jules.list_sessions(&page).await.unwrap();
    jules.delete_session(&id()).await.unwrap();
    jules.send_message(&id(), "hello").await.unwrap();
    jules.approve_plan(&id()).await.unwrap();
    jules.archive_session(&id()).await.unwrap();
    jules.unarchive_session(&id()).await.unwrap();
    let time = "2026-11-22T02:00:05.25Z".parse().unwrap();
    let token = Some("t=&".into());
    let page = ListActivities { created_after: Some(time), page_token: token, ..Default::default() };
    jules.list_activities(&id(), &page).await.unwrap();
    jules.get_activity(&id(), &ActivityId::new("a").unwrap()).await.unwrap();
    jules.list_sources(&ListSources { page_size: size, ..Default::default() }).await.unwrap();
    jules.get_source(&SourceName::new("o/r").unwrap()).await.unwrap();

    let seen = fake.seen();
    let lines: Vec<_> = seen.iter().map(|seen| seen.line.replace("/v1alpha", "")).collect();
    assert_eq!(
        lines,
        [
            "POST /sessions",
            "GET /sessions/1",
            "GET /sessions?pageSize=100&filter=archived+%3D+true",
            "DELETE /sessions/1",
            "POST /sessions/1:sendMessage",
            "POST /sessions/1:approvePlan",
            "POST /sessions/1:archive",
            "POST /sessions/1:unarchive",
            "GET /sessions/1/activities?pageToken=t%3D%26&filter=create_time+%3E+%222026-11-22T02%3A00%3A05.25Z%22",
            "GET /sessions/1/activities/a",
            "GET /sources?pageSize=100",
            "GET /sources/github/o/r",
        ]
    );
    assert_eq!((&seen[0].body, &seen[4].body), (&json!({"prompt": "p"}), &json!({"prompt": "hello"})));
    assert_eq!(seen[5].body, json!({}));
    assert!(seen.iter().all(|seen| seen.head.contains(&format!("x-goog-api-key: {}", KEY.to_lowercase()))));
    let usage = jules.usage();
    assert!(usage.by_method().all(|(_, requests)| requests == 1), "{usage:?}");
    assert_eq!((usage.total(), usage.retries, usage.throttled), (12, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_create_is_one_post_whatever_the_answer() {
    for answer in [429, 500, 503, 400] {
        let fake = Fake::start(move |_, _| Answer::error(answer, "X")).await;
        fake.jules().create_session(&NewSession::new("p")).await.unwrap_err();
        assert_eq!(fake.seen().len(), 1, "{answer}");
    }
    let fake = Fake::start(|_, _| Answer::Bytes(Vec::new())).await;
    let error = fake.jules().create_session(&NewSession::new("p")).await.unwrap_err();
    assert_eq!((error.kind(), fake.seen().len()), (&ErrorKind::Interrupted, 1));
    assert!(!error.surely_not_processed());
}

#[tokio::test(start_paused = true)]
async fn run_tries_again_only_what_was_surely_not_created() {
    let fake = Fake::start(|_, number| match number {
        0 | 1 => Answer::error(429, "RESOURCE_EXHAUSTED"),
        _ => Answer::json(&json!({"id": "7", "url": "https://jules.google.com/session/7"})),
    })
    .await;
    let run = fake.jules().run(NewSession::new("p")).await.unwrap();
    assert_eq!((run.id().as_str(), fake.seen().len()), ("7", 3));
    assert_eq!(run.url(), Some("https://jules.google.com/session/7"));

    for (code, status) in [(503, "UNAVAILABLE"), (400, "FAILED_PRECONDITION"), (400, "INVALID_ARGUMENT")] {
        let fake = Fake::start(move |_, _| Answer::error(code, status)).await;
        let error = fake.jules().session(NewSession::new("p")).await.unwrap_err();
        assert_eq!(fake.count("POST sessions"), 1, "{code} {status}");
        // Nor can it be looked for.
        let is_sure = status == "INVALID_ARGUMENT";
        assert_eq!((error.surely_not_processed(), fake.seen().len() == 1), (is_sure, is_sure), "{error}");
        assert_eq!(matches!(error.kind(), ErrorKind::InDoubt { marker: Some(_), .. }), !is_sure, "{error}");
    }
}

/// A service that loses the answer to a create and lists this instead of the session, whatever its title was.
async fn lists(session: Value) -> Fake {
    Fake::start(move |seen, _| match seen.is("POST sessions") {
        true => Answer::error(503, "UNAVAILABLE"),
        false => Answer::json(&json!({"sessions": [session]})),
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_title_that_the_service_has_changed_leaves_a_create_in_doubt() {
    let fake = lists(json!({"id": "7", "prompt": "p", "title": "A title of its own"})).await;
    let error = fake.jules().run(NewSession::new("p")).await.unwrap_err();
    for said in ["nobody knows whether", "session 7 may be it", "if it was, its title ends with [jules-"] {
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(fake.count("POST sessions"), 1, "a second one could be a duplicate");

    let fake = lists(json!({"id": "7", "prompt": "another", "title": "A title of its own"})).await;
    let error = fake.jules().run(NewSession::new("p")).await.unwrap_err();
    assert!(error.surely_not_processed(), "{error}");
    assert_eq!(fake.count("POST sessions"), 5);
    assert_eq!(fake.count("GET sessions"), 15, "each is looked for");
}

#[tokio::test(start_paused = true)]
async fn where_titles_are_known_to_change_nothing_is_created_again() {
    let fake = Fake::start(|seen, number| match number {
        0 => Answer::json(&json!({"id": "6", "title": "A title of its own"})),
        _ if seen.is("POST sessions") => Answer::Bytes(Vec::new()),
        _ => {
            Answer::json(&json!({"sessions": [{"id": "6", "prompt": "one", "title": "A title of its own"}]}))
        }
    })
    .await;
    let jules = fake.jules();
    jules.run(NewSession::new("one")).await.unwrap();
    let error = jules.run(NewSession::new("two")).await.unwrap_err();
    assert!(error.to_string().contains("does not keep titles"), "{error}");
    assert_eq!(fake.count("POST sessions"), 2);
}

#[tokio::test(start_paused = true)]
async fn reads_survive_passing_trouble() {
    let fake = Fake::start(|_, number| match number {
        0 => Answer::error(503, "UNAVAILABLE"),
        1 => Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":".to_vec()),
        2 => Answer::Whole(200, String::new(), b"<html>".to_vec()),
        3 => Answer::Bytes(Vec::new()),
        _ => Answer::json(&json!({"id": "1"})),
    })
    .await;
    let jules = fake.jules();
    jules.get_session(&id()).await.unwrap();
    assert_eq!((jules.usage().retries, jules.usage().requests(Method::GetSession)), (4, 5));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_not_sent_twice_when_it_may_have_arrived() {
    for answer in [|| Answer::error(503, "UNAVAILABLE"), || Answer::Bytes(Vec::new())] {
        let fake = Fake::start(move |_, _| answer()).await;
        fake.jules().send_message(&id(), "hi").await.unwrap_err();
        assert_eq!(fake.seen().len(), 1);
    }
    let fake = Fake::start(|_, number| match number {
        0 => Answer::error(429, "RESOURCE_EXHAUSTED"),
        _ => Answer::empty(),
    })
    .await;
    fake.jules().send_message(&id(), "hi").await.unwrap();
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_empty_message_is_not_sent() {
    let fake = Fake::start(|seen, _| match seen.is("GET sessions/1/activities") {
        true => Answer::json(&json!({})),
        false => Answer::json(&json!({"id": "1", "state": "IN_PROGRESS"})),
    })
    .await;
    let (jules, start) = (fake.jules(), Instant::now());
    for blank in ["", " ", "\n\t\u{a0}"] {
        let errors = [
            jules.send_message(&id(), blank).await.unwrap_err(),
            jules.attach(id()).send(blank).await.unwrap_err(),
            jules.attach(id()).ask(blank).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error.kind(), ErrorKind::Input(_)), "{error:?}");
            assert!(error.surely_not_processed());
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(fake.count("POST sessions/1:sendMessage"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_was_lost_has_deleted() {
    let fake = Fake::start(|_, number| match number {
        0 => Answer::Bytes(Vec::new()),
        _ => Answer::error(404, "NOT_FOUND"),
    })
    .await;
    fake.jules().delete_session(&id()).await.unwrap();
    let fake = Fake::start(|_, _| Answer::error(404, "NOT_FOUND")).await;
    assert!(fake.jules().delete_session(&id()).await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn writes_succeed_with_any_body() {
    for body in ["", "{}", "null", "<html>", "{\"id\":\"1\"}"] {
        let fake = Fake::start(move |_, _| Answer::Whole(200, String::new(), body.into())).await;
        let jules = fake.jules();
        jules.send_message(&id(), "hi").await.unwrap();
        jules.approve_plan(&id()).await.unwrap();
        jules.archive_session(&id()).await.unwrap();
        jules.delete_session(&id()).await.unwrap();
    }
    let fake = Fake::start(|_, _| Answer::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())).await;
    fake.jules().delete_session(&id()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_the_next_request_of_its_kind_by_anybody() {
    let fake = Fake::start(|_, number| match number {
        0 => Answer::error(429, "RESOURCE_EXHAUSTED").with_header("retry-after: 40"),
        _ => Answer::json(&json!({"id": "1"})),
    })
    .await;
    let (jules, start) = (fake.jules(), Instant::now());
    jules.create_session(&NewSession::new("p")).await.unwrap_err();
    jules.get_session(&id()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(40), "a create's refusal says nothing about reads");
    let pauses = jules.with(|options| options).pauses();
    assert_eq!(pauses.iter().map(|pause| pause.kind).collect::<Vec<_>>(), [RequestKind::Creates]);
    jules.create_session(&NewSession::new("p")).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(40), "{:?}", start.elapsed());
    assert_eq!((jules.usage().throttled, jules.pauses().len()), (1, 0));
    assert!(jules.usage().waited >= Duration::from_secs(39));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_turn_does_not_come_in_time_is_surely_unsent() {
    let fake =
        Fake::start(|_, _| Answer::error(429, "RESOURCE_EXHAUSTED").with_header("retry-after: 3000")).await;
    let (jules, start) = (fake.jules(), Instant::now());
    jules.create_session(&NewSession::new("p")).await.unwrap_err();
    let limit = Duration::from_secs(60);
    let bounded = jules.with(|options| options.send_within(limit));
    let error = bounded.create_session(&NewSession::new("p")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotSent(limit));
    assert!(error.surely_not_processed());
    assert!((limit..limit * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
    bounded.run(NewSession::new("p")).await.unwrap_err();
    assert!(start.elapsed() < limit * 3, "the bound is over once, not once for each attempt");
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_keeps_back_what_waits_for_its_turn_and_nothing_else() {
    let fake = Fake::start(|seen, _| match seen.is("POST sessions") {
        true => Answer::error(429, "RESOURCE_EXHAUSTED").with_header("retry-after: 3000"),
        false => Answer::json(&json!({"id": "1"})),
    })
    .await;
    let (jules, gate) = (fake.jules(), Gate::new());
    jules.create_session(&NewSession::new("p")).await.unwrap_err();
    let gated = jules.with(|options| options.send_through(gate.clone()));
    let new = NewSession::new("p");
    let (start, waits) = (Instant::now(), gated.create_session(&new));
    let close = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        gate.close();
    };
    let (created, ()) = tokio::join!(waits, close);
    let error = created.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotSent(_)) && error.surely_not_processed(), "{error}");
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert!(gated.get_session(&id()).await.is_err(), "it stays closed");
    jules.get_session(&id()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_departure_is_told_without_the_wait_for_its_turn() {
    let fake = Fake::start(|_, nth| match nth {
        0 => Answer::error(429, "RESOURCE_EXHAUSTED").with_header("retry-after: 40"),
        _ => Answer::json(&json!({"id": "1"})),
    })
    .await;
    let (departure, start) = (Departure::default(), Instant::now());
    let jules = fake.jules().with(|options| options.tell_departure(departure.clone()));
    assert_eq!(departure.ago(), None);
    jules.get_session(&id()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(40), "{:?}", start.elapsed());
    assert!(departure.ago().unwrap() < Duration::from_secs(1), "{departure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_field_mask_is_left_out_from_then_on() {
    let fake = Fake::start(|seen, _| match seen.parameter("fields") {
        Some(_) => Answer::error(400, "INVALID_ARGUMENT"),
        None => Answer::json(&json!({"sessions": [{"id": "1"}]})),
    })
    .await;
    let jules = fake.jules();
    let page = ListSessions { fields: Some("sessions(name)".into()), ..Default::default() };
    for _ in 0..3 {
        assert_eq!(jules.list_sessions(&page).await.unwrap().items.len(), 1);
    }
    assert_eq!(fake.seen().len(), 4);
    assert!(fake.seen()[0].parameter("fields").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_field_mask_of_activities_that_is_refused_is_not_missing_for_sessions() {
    let fake = Fake::start(|seen, _| match (seen.parameter("fields"), seen.line.contains("/activities")) {
        (Some(_), true) => Answer::error(400, "INVALID_ARGUMENT"),
        (None, true) => Answer::json(&json!({"activities": [{"id": "1"}]})),
        (_, false) => Answer::json(&json!({"sessions": [{"id": "1"}]})),
    })
    .await;
    let jules = fake.jules();
    let page = ListActivities { fields: Some("activities(name)".into()), ..Default::default() };
    for _ in 0..2 {
        assert_eq!(jules.list_activities(&id(), &page).await.unwrap().items.len(), 1);
    }
    let page = ListSessions { fields: Some("sessions(name)".into()), ..Default::default() };
    jules.list_sessions(&page).await.unwrap();
    let masked: Vec<_> = fake.seen().iter().map(|seen| seen.parameter("fields").is_some()).collect();
    assert_eq!(masked, [true, false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn what_nothing_depends_on_is_no_outage_when_it_fails() {
    let fake = Fake::start(|_, _| Answer::error(503, "UNAVAILABLE")).await;
    let jules = fake.jules().with(|options| options.retries(Retries::NONE));
    let aside = jules.with(|options| options.tell_outage(false));
    aside.list_activities(&id(), &ListActivities::default()).await.unwrap_err();
    assert_eq!(jules.outage(), None);
    jules.list_activities(&id(), &ListActivities::default()).await.unwrap_err();
    assert!(jules.outage().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_derived_handle_has_its_own_options_and_shares_the_counters() {
    let fake = Fake::start(|_, _| Answer::error(503, "UNAVAILABLE")).await;
    let jules = fake.jules();
    let hasty = jules.with(|options| {
        options.retries(Retries::NONE).header("x-team".parse().unwrap(), "blue".parse().unwrap())
    });
    hasty.get_session(&id()).await.unwrap_err();
    assert_eq!(fake.seen().len(), 1);
    assert!(fake.seen()[0].head.contains("x-team: blue"));
    jules.get_session(&id()).await.unwrap_err();
    assert_eq!(jules.usage().total(), 6);
    assert!(!fake.seen()[1].head.contains("x-team"));
}

#[tokio::test(start_paused = true)]
async fn an_http_client_of_ones_own_is_the_one_that_is_used() {
    let fake = Fake::start(|_, _| Answer::json(&json!({"id": "1"}))).await;
    let headers = [("x-own", "yes"), ("x-goog-api-key", "another")];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let own = move || reqwest::Client::builder().default_headers(headers.clone().into_iter().collect());
    let builder = Jules::builder().api_key(KEY.parse().unwrap()).base_url(fake.base_url());
    builder.http_client(own).build().unwrap().get_session(&id()).await.unwrap();
    let head = &fake.seen()[0].head;
    assert!(head.contains("x-own: yes") && head.contains(&KEY.to_lowercase()), "{head}");
    assert!(!head.contains("another"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_sees_what_is_written_and_may_change_it() {
    let fake = Fake::start(|_, _| Answer::json(&json!({"id": "1"}))).await;
    let hook = |request: &mut reqwest::Request| {
        let Some(body) = request.body().and_then(reqwest::Body::as_bytes) else { return };
        let mut body: Value = serde_json::from_slice(body).unwrap();
        body["prompt"] = json!(format!("{} And say so.", body["prompt"].as_str().unwrap()));
        *request.body_mut() = Some(body.to_string().into());
    };
    for limit in [None, Some(Duration::from_secs(1))] {
        let jules = fake.jules_with(|options| options.on_request(hook).send_promptly(limit));
        jules.send_message(&id(), "Go on.").await.unwrap();
        jules.get_session(&id()).await.unwrap();
        assert_eq!(fake.seen().iter().rev().nth(1).unwrap().body, json!({"prompt": "Go on. And say so."}));
    }
    // Nobody could say of a stream that it leaves in time.
    let stream = |request: &mut reqwest::Request| {
        let body = futures::stream::iter([Ok::<_, std::io::Error>("{}")]);
        *request.body_mut() = Some(reqwest::Body::wrap_stream(body));
    };
    let jules = fake.jules_with(|options| options.on_request(stream));
    let error = jules.send_message(&id(), "Go on.").await.unwrap_err();
    assert!(error.surely_not_processed() && error.to_string().contains("is a stream"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_error_envelope_reaches_the_caller() {
    let fake = Fake::start(|_, _| {
        let body = json!({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": format!("key {KEY} is bad")}});
        Answer::Whole(403, String::new(), body.to_string().into_bytes())
    })
    .await;
    let error = fake.jules().get_session(&id()).await.unwrap_err();
    assert!(error.is_auth());
    assert_eq!(
        error.to_string(),
        "reading a session failed: the service answered 403 PERMISSION_DENIED: key *** is bad"
    );
    assert_eq!(fake.seen().len(), 1);
    assert_eq!(fake.seen()[0].body, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn the_key_is_in_no_part_of_an_error() {
    let fake = Fake::start(|_, _| {
        let details = json!([{"reason": KEY, "fieldViolations": [{"field": format!("key={KEY}")}]}]);
        let body = json!({"error": {"code": 400, "status": KEY, "message": KEY, "details": details}});
        Answer::Whole(400, String::new(), body.to_string().into_bytes())
    })
    .await;
    let error = fake.jules().get_session(&id()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().reasons, ["***", "key=***"]);
    assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
}
