//! Creates in doubt: what is looked for, for how long, and what waits meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::fake::{Answer, Fake, Seen};
use crate::{ErrorKind, Gate, NewSession, Retries};

const SECOND: Duration = Duration::from_secs(1);

/// The first create is answered 503 although it makes session 1, and looks for it are refused for a while. It is listed after a
/// minute, and read for the first time when it is; it works until the 300th second. Notes when the second create comes.
fn lost(start: Instant, second: Arc<AtomicU64>) -> impl Fn(&Seen, usize) -> Answer {
    let title = Mutex::new(json!(null));
    let shown = AtomicU64::new(0);
    move |seen, number| {
        let passed = start.elapsed().as_secs();
        let completed = json!({"state": "COMPLETED", "outputs": [{"pullRequest": {"url": "https://github.com/o/r/pull/3"}}]});
        let of = |id: &str, mut session: serde_json::Value| {
            session["id"] = json!(id);
            Answer::json(&session)
        };
        match seen {
            seen if seen.is("POST sessions") && number == 0 => {
                *title.lock().unwrap() = seen.body["title"].clone();
                Answer::error(503, "UNAVAILABLE")
            }
            seen if seen.is("POST sessions") => {
                second.store(passed, Ordering::Relaxed);
                of("2", json!({}))
            }
            seen if seen.is("GET sessions") && passed < 5 => Answer::error(403, "PERMISSION_DENIED"),
            seen if seen.is("GET sessions") && passed < 60 => Answer::json(&json!({})),
            seen if seen.is("GET sessions") => {
                let session = json!({"id": "1", "title": *title.lock().unwrap(), "prompt": "0"});
                Answer::json(&json!({"sessions": [session]}))
            }
            seen if seen.is("GET sessions/1") && shown.fetch_add(1, Ordering::Relaxed) == 0 => {
                Answer::error(404, "NOT_FOUND")
            }
            seen if seen.is("GET sessions/1") && passed < 300 => of("1", json!({"state": "IN_PROGRESS"})),
            seen if seen.is("GET sessions/1") => of("1", completed),
            _ => of("2", completed),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_in_doubt_holds_its_slot_until_its_session_was_seen_to_have_ended() {
    let (start, second) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let fake = Fake::start(lost(start, Arc::clone(&second))).await;
    let all = fake.jules().all(0..2, |n| NewSession::new(n.to_string())).concurrency(1).stop_on_error(false);
    let started = all.started();
    let results = all.await;
    let error = results[0].as_ref().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InDoubt { .. }), "{error}");
    assert!(results[1].as_ref().is_ok_and(crate::SessionOutcome::has_changed), "{results:?}");
    let second = second.load(Ordering::Relaxed);
    assert!((300..320).contains(&second), "the slot was free after {second} s");
    let names: Vec<_> = started.list().into_iter().map(|(index, id)| format!("{index}: {id}")).collect();
    assert_eq!(names, ["0: 1", "1: 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_not_there_after_all_frees_its_slot_when_the_service_had_time_to_list_it() {
    let start = Instant::now();
    let fake = Fake::start(move |seen, number| match number {
        0 => Answer::error(503, "UNAVAILABLE"),
        _ if seen.is("GET sessions") && start.elapsed() < 5 * SECOND => {
            Answer::error(403, "PERMISSION_DENIED")
        }
        _ if seen.is("GET sessions") => Answer::json(&json!({})),
        _ => Answer::error(400, "INVALID_ARGUMENT"),
    })
    .await;
    let all = fake.jules().all(0..2, |n| NewSession::new(n.to_string())).concurrency(1).stop_on_error(false);
    let results = all.await;
    assert_eq!(results[1].as_ref().unwrap_err().code(), Some(400));
    assert!((120..180).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

/// Answers creates with these one after the other, the last one for ever, and lists nothing; notes when each create came.
async fn creates(answers: &'static [(u16, &'static str)]) -> (Fake, Arc<Mutex<Vec<u64>>>) {
    let (start, came) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let notes = Arc::clone(&came);
    let fake = Fake::start(move |seen, _| {
        if !seen.is("POST sessions") {
            return Answer::json(&json!({}));
        }
        let mut notes = notes.lock().unwrap();
        notes.push(start.elapsed().as_secs());
        match answers[(notes.len() - 1).min(answers.len() - 1)] {
            (200, _) => Answer::json(&json!({"id": "1"})),
            (code, "") => Answer::error(code, "AS_SCRIPTED"),
            (code, header) => Answer::error(code, "AS_SCRIPTED").with_header(header),
        }
    })
    .await;
    (fake, came)
}

#[tokio::test(start_paused = true)]
async fn a_create_is_sent_again_no_sooner_than_the_service_asks_for() {
    for code in [429, 503] {
        let answers: &[_] = match code {
            429 => &[(429, "retry-after: 90"), (200, "")],
            _ => &[(503, "retry-after: 90"), (200, "")],
        };
        let (fake, came) = creates(answers).await;
        fake.jules().run(NewSession::new("p")).await.unwrap();
        let came = came.lock().unwrap().clone();
        assert!(came.len() == 2 && (90..100).contains(&came[1]), "{code}: {came:?}");
    }
    let (fake, came) = creates(&[(503, "retry-after: 7200")]).await;
    let error = fake.jules().run(NewSession::new("p")).await.unwrap_err();
    assert!(error.code() == Some(503) && error.surely_not_processed(), "{error}");
    assert_eq!(*came.lock().unwrap(), [0], "two hours are too long to wait for");
}

#[tokio::test(start_paused = true)]
async fn creates_that_were_answered_429_are_no_attempts() {
    let (fake, came) =
        creates(&[(429, "retry-after: 1"), (429, "retry-after: 1"), (503, ""), (200, "")]).await;
    let jules = fake.jules_with(|options| options.retries(Retries::default().attempts(2)));
    jules.run(NewSession::new("p")).await.unwrap();
    assert_eq!(came.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lacks_a_session_which_was_found_before_lags() {
    let (start, titles) = (Instant::now(), Mutex::new(Vec::new()));
    let fake = Fake::start(move |seen, _| {
        let mut titles = titles.lock().unwrap();
        if seen.is("POST sessions") {
            let session = json!({"id": titles.len().to_string(), "title": seen.body["title"], "prompt": "p"});
            titles.push(session);
            return Answer::error(503, "UNAVAILABLE");
        }
        // The first one is there at once; with the second one, lists lag for two minutes.
        let lags = titles.len() == 2 && start.elapsed() < 120 * SECOND;
        Answer::json(&json!({"sessions": if lags { &[] } else { &titles[..] }}))
    })
    .await;
    let jules = fake.jules();
    for wanted in ["0", "1"] {
        assert_eq!(jules.run(NewSession::new("p")).await.unwrap().id().as_str(), wanted);
    }
    assert_eq!(fake.count("POST sessions"), 2);
}

#[tokio::test(start_paused = true)]
async fn creates_at_the_same_time_ask_for_a_default_branch_once() {
    let fake = Fake::start(|seen, _| match seen.is("GET sources/github/o/r") {
        true => {
            let branch = json!({"displayName": "trunk"});
            Answer::json(&json!({"name": "sources/github/o/r", "githubRepo": {"defaultBranch": branch}}))
        }
        false => Answer::json(&json!({"id": "1"})),
    })
    .await;
    let jules = fake.jules();
    let runs = (0..5).map(|_| jules.run(NewSession::new("p").source("o/r")));
    assert!(futures::future::join_all(runs).await.iter().all(Result::is_ok));
    assert_eq!((fake.count("GET sources/github/o/r"), fake.count("POST sessions")), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_word_that_is_too_short_for_markers_sends_nothing() {
    let fake = Fake::start(|_, _| Answer::json(&json!({"id": "1", "state": "FAILED"}))).await;
    let all = |word: &str| fake.jules().all(["p"], NewSession::new).marker(word);
    let error = all("abc").await.remove(0).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Input(_)), "{error}");
    assert_eq!((all("abc").markers(), fake.seen().len()), (vec![None], 0));
    assert!(all("abcd").await.remove(0).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_ends_the_looks_for_a_create_in_doubt_and_leaves_it_open() {
    let (fake, came) = creates(&[(503, "")]).await;
    let gate = Gate::new();
    let jules = fake.jules_with(|options| options.send_through(gate.clone()));
    let start = Instant::now();
    let close = async {
        tokio::time::sleep(15 * SECOND).await;
        gate.close();
    };
    let (run, ()) = tokio::join!(jules.run(NewSession::new("p")), close);
    let error = run.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InDoubt { marker: Some(_), .. }), "{error}");
    assert_eq!((start.elapsed().as_secs(), fake.count("GET sessions")), (15, 2));
    assert_eq!(*came.lock().unwrap(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_ends_what_waits_at_once() {
    let fake = Fake::start(|seen, number| match seen {
        seen if seen.is("POST sessions") => Answer::json(&json!({"id": number.to_string()})),
        seen => Answer::json(&json!({"id": seen.line.rsplit('/').next(), "state": "IN_PROGRESS"})),
    })
    .await;
    let gate = Gate::new();
    let jules = fake.jules_with(|options| options.send_through(gate.clone()));
    let start = Instant::now();
    let close = async {
        tokio::time::sleep(17 * SECOND).await;
        gate.close();
    };
    let all = jules.all(0..3, |n| NewSession::new(n.to_string())).concurrency(1).stop_on_error(false);
    let (results, ()) = tokio::join!(all.into_future(), close);
    for result in results {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotSent(_)), "{error}");
    }
    assert_eq!((start.elapsed().as_secs(), fake.count("POST sessions")), (17, 1));
}
