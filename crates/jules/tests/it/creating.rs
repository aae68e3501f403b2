//! Exactly once: what becomes of a create whose answer is lost, judged by the service's books.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jules::reqwest::header::HeaderValue;
use jules::{ApiKey, Error, ErrorKind, Jules, NewSession, Quotas, TitleMarker};

use crate::service::Service;

/// Quick looks, and a quick end of what hangs.
fn client(service: &Service) -> Jules {
    let builder = Jules::builder().api_key(ApiKey::new("any").unwrap()).base_url(service.url());
    let builder = builder.quotas(Quotas::UNLIMITED).options(|options| {
        options
            .poll_interval(Duration::from_millis(25))
            .request_timeout(Duration::from_millis(500))
            .looks(3, Duration::from_millis(50))
    });
    builder.build().unwrap()
}

fn fault(kind: &str) -> Service {
    Service::start(&format!("{{ faults: [{{ kind: {kind}, on: sessions.create, nth: 1 }}] }}"))
}

fn creates(service: &Service) -> u64 {
    service.statistics().requests["sessions.create"]
}

fn is_in_doubt(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InDoubt { .. })
}

#[test]
fn a_lost_answer_to_a_create_is_the_session_all_the_same() {
    for kind in ["error-after", "reset-after", "truncate", "stall", "hang", "precondition-after"] {
        let service = fault(kind);
        let jules = client(&service);
        let run = service.block_on(jules.run(NewSession::new("Fix it").title("The login"))).unwrap();
        let sessions = service.sessions();
        assert_eq!((sessions.len(), creates(&service)), (1, 1), "{kind}");
        assert_eq!(run.id().as_str(), sessions[0].id, "{kind}");
        assert!(run.url().is_some_and(|url| url.ends_with(run.id().as_str())), "{kind}");
        let title = sessions[0].title.as_deref().unwrap();
        assert!(title.starts_with("The login [jules-") && TitleMarker::of_title(title).is_some(), "{title}");
    }
}

#[test]
fn it_is_found_although_the_clocks_differ_and_no_answer_has_told_that_before() {
    for clock in ["{ behind: 5m }", "{ behind: 3h }"] {
        for kind in ["error-after", "reset-after"] {
            let faults = format!("[{{ kind: {kind}, on: sessions.create, nth: 1 }}]");
            let service = Service::start(&format!("{{ clock: {clock}, faults: {faults} }}"));
            service.block_on(client(&service).run(NewSession::new("Fix it"))).unwrap();
            assert_eq!((service.sessions().len(), creates(&service)), (1, 1), "{clock} {kind}");
        }
    }
}

#[test]
fn what_was_looked_for_and_is_not_there_is_created_again() {
    for kind in ["error-before", "reset-before"] {
        let service = fault(kind);
        let session = service.block_on(client(&service).session(NewSession::new("Fix it"))).unwrap();
        assert_eq!((service.sessions().len(), creates(&service)), (1, 2), "{kind}");
        assert_eq!(session.id().as_str(), service.sessions()[0].id);
        assert_eq!(service.statistics().requests["sessions.list"], 3, "{kind}");
    }
}

#[test]
fn a_create_that_arrives_late_is_still_found() {
    let service = Service::start(
        "{ faults: [{ kind: arrive-late, on: sessions.create, nth: 1, delay: 80ms }], defaults: { outcome: stall } }",
    );
    service.block_on(client(&service).run(NewSession::new("Fix it"))).unwrap();
    assert_eq!((service.sessions().len(), creates(&service)), (1, 1));
}

#[test]
fn a_list_that_lags_is_no_proof() {
    let service = Service::start(
        "{ faults: [{ kind: error-after, on: sessions.create, nth: 2 }], defaults: { outcome: stall, list-lag: 600ms } }",
    );
    let jules = client(&service);
    service.block_on(async {
        jules.run(NewSession::new("One")).await.unwrap();
        jules.run(NewSession::new("Two")).await.unwrap();
    });
    assert_eq!((service.sessions().len(), creates(&service)), (2, 2));
}

#[test]
fn a_create_that_was_refused_for_capacity_is_not_sent_again() {
    let service = Service::start(
        "{ limits: { concurrent: 1, refusal: failed-precondition }, defaults: { outcome: stall } }",
    );
    let jules = client(&service);
    service.block_on(async {
        jules.run(NewSession::new("One")).await.unwrap();
        let error = jules.run(NewSession::new("Two")).await.unwrap_err();
        assert!(error.is_capacity_refusal() && error.surely_not_processed(), "{error}");
    });
    assert_eq!((service.sessions().len(), creates(&service)), (1, 2));
}

#[test]
fn without_a_marker_a_doubt_is_an_error_that_says_so() {
    let service = fault("error-after");
    let new = NewSession::new("Fix it").title("The login").without_marker();
    let error = service.block_on(client(&service).run(new)).unwrap_err();
    assert!(is_in_doubt(&error) && !error.surely_not_processed(), "{error}");
    assert!(error.to_string().contains("nobody knows whether the session was created"), "{error}");
    assert_eq!(service.sessions()[0].title.as_deref(), Some("The login"));
    assert!(!service.statistics().requests.contains_key("sessions.list"));
}

#[test]
fn a_later_process_finds_what_an_earlier_one_has_created() {
    // The answer never comes, and the process that waits for it ends.
    let service = fault("hang");
    let new = NewSession::new("Tidy up").marker("nightly-2026-11-28");
    service.block_on(async {
        let killed = tokio::time::timeout(Duration::from_millis(100), client(&service).run(new)).await;
        assert!(killed.is_err());
        let jules = client(&service);
        let session = jules.find_created("nightly-2026-11-28").await.unwrap().unwrap();
        assert_eq!(session.id.as_str(), service.sessions()[0].id);
        assert_eq!(session.title.as_deref(), Some("Tidy up [nightly-2026-11-28]"));
        // In the archive as well; and another's is not it.
        jules.attach(session.id.clone()).archive().await.unwrap();
        assert_eq!(jules.find_created("nightly-2026-11-28").await.unwrap().unwrap().id, session.id);
        assert_eq!(jules.find_created("nightly-2026-11-29").await.unwrap(), None);
        let later = session.create_time.unwrap() + Duration::from_secs(1);
        assert_eq!(jules.find_created("nightly-2026-11-28").since(later).await.unwrap(), None);
        let error = jules.find_created("two words").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Input(_)), "{error}");
    });
}

#[test]
fn a_later_process_reads_all_pages() {
    let service = Service::start("{ history: 250, defaults: { outcome: stall } }");
    service.block_on(async {
        let jules = client(&service);
        let first = jules.run(NewSession::new("p").marker("the-first-one")).await.unwrap();
        for n in 0..120 {
            jules.create_session(&NewSession::new(n.to_string())).await.unwrap();
        }
        let found = jules.find_created("the-first-one").await.unwrap().unwrap();
        assert_eq!(found.id, *first.id());
        assert_eq!(jules.find_created("the-other-one").await.unwrap(), None);
    });
}

#[test]
fn every_session_of_a_batch_has_a_name_that_was_known_before() {
    let service = Service::start(
        "{ faults: [{ kind: hang, on: sessions.create, nth: 2 }], defaults: { outcome: stall } }",
    );
    let all = client(&service).all(0..4, |n| NewSession::new(n.to_string())).concurrency(2).marker("batch-7");
    let markers = all.markers();
    assert_eq!(markers[3].as_ref().unwrap().as_str(), "batch-7-3");
    service.block_on(async {
        assert!(tokio::time::timeout(Duration::from_millis(200), all).await.is_err());
        for (index, session) in service.sessions().iter().enumerate() {
            let marker = TitleMarker::of_title(session.title.as_deref().unwrap()).unwrap();
            assert!(markers.contains(&Some(marker.clone())), "{index}: {marker}");
            let found = client(&service).find_created(&marker).await.unwrap().unwrap();
            assert_eq!(found.id.as_str(), session.id);
        }
    });
    assert_eq!(service.sessions().len(), 2);
}

#[test]
fn ten_creates_with_faults_at_random_are_ten_sessions() {
    let service = Service::start(
        "{ seed: 5, defaults: { duration: 2s, outcome: change }, faults: [
            { kind: error-after, on: sessions.create, probability: 0.2 },
            { kind: reset-after, on: sessions.create, probability: 0.2 },
            { kind: error-before, on: sessions.create, probability: 0.2 },
            { kind: precondition-after, on: sessions.create, probability: 0.1 },
            { kind: truncate, probability: 0.05 }, { kind: reset-before, on: sessions.list, probability: 0.2 }] }",
    );
    let all = client(&service).all(0..10, |n| NewSession::new(format!("Task {n}"))).concurrency(4);
    let results = service.block_on(async { all.stop_on_error(false).await });
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let statistics = service.statistics();
    assert_eq!(statistics.created, 10);
    assert!(statistics.live_max <= 4, "{}", statistics.live_max);
}

#[test]
fn the_default_branch_is_looked_up_once_where_none_is_named() {
    let service = Service::start(
        "{ sources: [{ repo: my-org/web, branches: [main, trunk], default-branch: trunk }], defaults: { outcome: stall } }",
    );
    service.block_on(async {
        let jules = client(&service);
        for prompt in ["One", "Two"] {
            jules.run(NewSession::new(prompt).source("my-org/web")).await.unwrap();
        }
        let error = jules.run(NewSession::new("p").source("my-org/elsewhere")).await.unwrap_err();
        assert!(error.is_not_found() && error.surely_not_processed(), "{error}");
    });
    let branches: Vec<_> = service.sessions().into_iter().map(|session| session.branch.unwrap()).collect();
    assert_eq!(branches, ["trunk", "trunk"]);
    assert_eq!(service.statistics().requests["sources.get"], 2, "one for each source");
}

#[test]
fn a_hook_sees_each_attempt_and_may_rotate_the_key() {
    let service =
        Service::start("{ keys: [new-key], faults: [{ kind: error-before, on: sessions.list, nth: 1 }] }");
    let paths = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&paths);
    let jules = client(&service).with(|options| {
        options.on_request(move |request| {
            seen.lock().unwrap().push(request.url().path().to_owned());
            let mut key = HeaderValue::from_static("new-key");
            key.set_sensitive(true);
            request.headers_mut().insert("x-goog-api-key", key);
        })
    });
    service.block_on(jules.list_sessions(&jules::ListSessions::default())).unwrap();
    assert_eq!(paths.lock().unwrap().as_slice(), ["/v1alpha/sessions", "/v1alpha/sessions"]);
}

#[test]
fn a_create_may_take_longer_than_a_read() {
    let slow = "{ kind: slow, on: [sessions.create, sessions.get], delay: 400ms }";
    let service = Service::start(&format!("{{ faults: [{slow}], defaults: {{ outcome: stall }} }}"));
    let jules = client(&service).with(|options| {
        let options = options.request_timeout(Duration::from_millis(100)).retries(jules::Retries::NONE);
        options.create_timeout(Duration::from_secs(20))
    });
    service.block_on(async {
        let run = jules.run(NewSession::new("p")).await.unwrap().into_client();
        let error = run.info().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Timeout(Duration::from_millis(100)));
    });
    assert_eq!(creates(&service), 1);
}
