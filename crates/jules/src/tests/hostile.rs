//! Servers that stall, lie, redirect or flood: every call ends, and the key stays here.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::fake::{Answer, Fake, KEY};
use crate::{ErrorKind, Jules, ListSessions, NewSession, Options, Retries, SessionId};

const SECOND: Duration = Duration::from_secs(1);

fn id() -> SessionId {
    SessionId::new("1").unwrap()
}

fn once(fake: &Fake) -> Jules {
    fake.jules_with(|options| options.retries(Retries::NONE))
}

#[tokio::test(start_paused = true)]
async fn redirects_are_not_followed_with_the_key() {
    let elsewhere = Fake::start(|_, _| Answer::json(&json!({"id": "1"}))).await;
    let target = elsewhere.base_url().to_owned();
    for code in [301, 302, 303, 307, 308] {
        let location = format!("location: {target}/sessions/1");
        let fake = Fake::start(move |_, _| Answer::Whole(code, format!("{location}\r\n"), Vec::new())).await;
        let error = once(&fake).get_session(&id()).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        once(&fake).create_session(&NewSession::new("p")).await.unwrap_err();
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_http_client_of_ones_own_does_not_follow_redirects_either() {
    let elsewhere = Fake::start(|_, _| Answer::json(&json!({"id": "1"}))).await;
    let location = format!("location: {}/sessions/1\r\n", elsewhere.base_url());
    let fake = Fake::start(move |_, _| Answer::Whole(307, location.clone(), Vec::new())).await;
    let own = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(5)).referer(true);
    let jules = Jules::builder()
        .api_key(KEY.parse().unwrap())
        .base_url(fake.base_url())
        .http_client(own)
        .build()
        .unwrap();
    jules.get_session(&id()).await.unwrap_err();
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn half_a_surrogate_pair_is_no_end_of_a_session() {
    let session =
        r#"{"id": "1", "prompt": "Fix it \ud83d", "state": "COMPLETED", "title": "\udc00\ud83d\ude00"}"#;
    let page = format!(r#"{{"sessions": [{session}, {{"id": "2"}}]}}"#);
    let fake = Fake::start(move |request, _| {
        let body = if request.is("GET sessions/1") { session } else { &page };
        Answer::Whole(200, String::new(), body.as_bytes().to_vec())
    })
    .await;
    let read = once(&fake).get_session(&id()).await.unwrap();
    assert_eq!(
        (read.prompt.as_deref(), read.title.as_deref()),
        (Some("Fix it \u{FFFD}"), Some("\u{FFFD}\u{1F600}"))
    );
    let listed = once(&fake).list_sessions(&ListSessions::default()).await.unwrap();
    assert_eq!((listed.items.len(), listed.items[0].title.clone()), (2, read.title));
}

#[tokio::test(start_paused = true)]
async fn another_session_is_no_answer() {
    let fake = Fake::start(|_, _| Answer::json(&json!({"id": "2", "state": "COMPLETED"}))).await;
    let error = once(&fake).get_session(&id()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Malformed);
    assert!(!error.is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_ends_with_the_request_timeout() {
    let fake = Fake::start(|_, _| Answer::Stall(Vec::new())).await;
    let start = Instant::now();
    let error = once(&fake).get_session(&id()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(Options::REQUEST_TIMEOUT));
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_ends() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":".to_vec();
    let fake = Fake::start(move |_, _| Answer::Stall(half.clone())).await;
    let start = Instant::now();
    let error = once(&fake).get_session(&id()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(Options::STALL_TIMEOUT));
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_ends_with_the_request_timeout() {
    let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec();
    bytes.extend_from_slice(&[b' '; 100]);
    let fake = Fake::start(move |_, _| Answer::Drip(bytes.clone(), SECOND)).await;
    let start = Instant::now();
    let error = once(&fake).get_session(&id()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(Options::REQUEST_TIMEOUT));
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_body_is_a_broken_answer() {
    for head in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n5\r\n{{\"id");
        let fake = Fake::start(move |_, _| Answer::Bytes(answer.clone().into_bytes())).await;
        let error = once(&fake).get_session(&id()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Interrupted);
        assert!(error.is_transient() && !error.surely_not_processed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_long_is_not_read_whole() {
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    let fake = Fake::start(move |_, _| Answer::Stall(announced.clone())).await;
    let error = once(&fake).get_session(&id()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooLarge(Options::MAX_BODY));

    let mut unannounced = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    unannounced.extend_from_slice(&[b' '; 2_000]);
    let fake = Fake::start(move |_, _| Answer::Bytes(unannounced.clone())).await;
    let jules = fake.jules_with(|options| options.max_body(1_000));
    let error = jules.get_session(&id()).await.unwrap_err();
    assert_eq!((error.kind(), fake.seen().len()), (&ErrorKind::TooLarge(1_000), 1));
}

#[tokio::test(start_paused = true)]
async fn an_html_error_is_told_by_its_code() {
    let page = b"<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>".to_vec();
    let fake = Fake::start(move |_, _| Answer::Whole(502, String::new(), page.clone())).await;
    let error = once(&fake).get_session(&id()).await.unwrap_err();
    assert_eq!(error.code(), Some(502));
    assert!(error.is_transient());
    assert!(error.to_string().ends_with("502: (an HTML page instead of an error)"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_is_none_is_malformed_and_in_doubt() {
    for body in ["", "{}", "[]", "null", "<html>", "{\"id\":\"../x\"}"] {
        let fake = Fake::start(move |_, _| Answer::Whole(200, String::new(), body.into())).await;
        let error = once(&fake).create_session(&NewSession::new("p")).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Malformed, "{body}");
        assert!(!error.surely_not_processed());
    }
}

#[tokio::test(start_paused = true)]
async fn deep_nesting_is_no_stack_overflow() {
    let body = "[".repeat(1_000_000);
    let fake = Fake::start(move |_, _| Answer::Whole(200, String::new(), body.clone().into())).await;
    let error = once(&fake).get_session(&id()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Malformed);
}

#[tokio::test]
async fn a_refused_connection_surely_did_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let jules = Jules::builder()
        .api_key(KEY.parse().unwrap())
        .base_url(format!("http://127.0.0.1:{port}"))
        .options(|options| options.retries(Retries::NONE))
        .build()
        .unwrap();
    let error = jules.create_session(&NewSession::new("p")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Connect);
    assert!(error.surely_not_processed() && error.is_transient());
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    assert!(!text.contains(KEY) && !text.contains("sessions"), "{text}");
}
