//! The simulator over real sockets.

mod github;
#[cfg(feature = "tls")]
mod tls;

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Scenario, Simulator};

/// A running simulator and a client for it.
struct Running {
    simulator: Simulator,
    client: Client,
}

/// What came back.
struct Reply {
    status: StatusCode,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Running {
    async fn start(yaml: &str) -> Self {
        let scenario = Scenario::from_yaml(yaml, "test").unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { simulator: Simulator::start(scenario).await.unwrap(), client }
    }

    async fn try_ask(&self, verb: Method, path: &str, body: Option<Value>) -> Result<Reply, reqwest::Error> {
        let url = format!("{}/{path}", self.simulator.url());
        let mut request = self.client.request(verb, url).header("X-Goog-Api-Key", "test-key");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        Ok(Reply { status: response.status(), text: response.text().await? })
    }

    async fn ask(&self, verb: Method, path: &str, body: Option<Value>) -> Reply {
        self.try_ask(verb, path, body).await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.ask(Method::GET, path, None).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.json()
    }

    async fn create(&self, body: Value) -> String {
        let reply = self.ask(Method::POST, "sessions", Some(body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}

fn task(prompt: &str) -> Value {
    json!({
        "prompt": prompt,
        "title": prompt,
        "automationMode": "AUTO_CREATE_PR",
        "sourceContext": {
            "source": "sources/github/my-org/web",
            "githubRepoContext": { "startingBranch": "main" },
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_session_lives_from_queue_to_pull_request() {
    let running = Running::start("{ rules: [{ then: { duration: 10m, outcome: pull-request } }] }").await;
    let id = running.create(task("Fix the login")).await;
    assert_eq!(running.get(&format!("sessions/{id}")).await["state"], "QUEUED");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(running.get(&format!("sessions/{id}")).await["state"], "PLANNING");
    tokio::time::advance(Duration::from_secs(60)).await;
    let session = running.get(&format!("sessions/{id}")).await;
    assert_eq!(session["state"], "IN_PROGRESS");
    assert!(session.get("outputs").is_none());
    tokio::time::advance(Duration::from_secs(600)).await;
    let session = running.get(&format!("sessions/{id}")).await;
    assert_eq!(session["state"], "COMPLETED");
    let pull = &session["outputs"][1]["pullRequest"];
    assert!(pull["url"].as_str().unwrap().starts_with("https://github.com/my-org/web/pull/"), "{session}");
    assert_eq!(pull["title"], "Fix the login");
    let statistics = running.simulator.statistics();
    assert_eq!((statistics.live_now, statistics.live_max, statistics.created), (0, 1, 1));
    assert_eq!(statistics.requests["sessions.get"], 4);
    assert!((100_000.0..150_000.0).contains(&statistics.detection.max_ms), "{:?}", statistics.detection);
}

#[tokio::test]
async fn refusals_over_the_wire() {
    let running = Running::start("{ keys: [test-key], sources: [{ repo: my-org/web }] }").await;
    let url = running.simulator.url();
    for key in ["", "wrong"] {
        let response =
            running.client.get(format!("{url}/sessions")).header("X-Goog-Api-Key", key).send().await.unwrap();
        assert_eq!(response.status(), 401);
    }
    assert_eq!(running.client.get(format!("{url}/sessions")).send().await.unwrap().status(), 401);
    let mut unknown = task("x");
    unknown["sourceContext"]["source"] = json!("sources/github/my-org/other");
    assert_eq!(running.ask(Method::POST, "sessions", Some(unknown)).await.status, 404);
    let mut field = task("x");
    field["branch"] = json!("main");
    let reply = running.ask(Method::POST, "sessions", Some(field)).await;
    assert_eq!(reply.json()["error"]["details"][0]["fieldViolations"][0]["field"], "branch");
    assert_eq!(running.ask(Method::GET, "sessions/42", None).await.status, 404);
    let page = running.ask(Method::POST, "sessions/42:cancel", None).await;
    assert!(page.status == 404 && page.text.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn empty_pages_are_empty_objects_and_messages_answer_nothing() {
    let running = Running::start("").await;
    for path in ["sessions", "sources"] {
        assert_eq!(running.get(path).await, json!({}));
    }
    let id = running.create(json!({ "prompt": "hello" })).await;
    assert_eq!(running.get(&format!("sessions/{id}/activities")).await, json!({}));
    let reply = running
        .ask(Method::POST, &format!("sessions/{id}:sendMessage"), Some(json!({ "prompt": "go" })))
        .await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
}

#[tokio::test]
async fn lost_answers_are_lost_and_yet_done() {
    for (kind, done) in
        [("reset-before", false), ("reset-after", true), ("truncate", true), ("stall", true), ("hang", true)]
    {
        let running =
            Running::start(&format!("faults: [{{ kind: {kind}, on: sessions.create, times: 1 }}]")).await;
        let ask = running.try_ask(Method::POST, "sessions", Some(task("x")));
        let never = matches!(kind, "stall" | "hang");
        let patience = Duration::from_millis(if never { 300 } else { 30_000 });
        let lost = match tokio::time::timeout(patience, ask).await {
            Ok(answer) => answer.err().map(|error| format!("{error:?}")),
            Err(_) => Some("time is up".to_owned()),
        };
        let error = lost.unwrap_or_else(|| panic!("{kind}: the answer arrived"));
        assert_eq!(error == "time is up", never, "{kind}: {error}");
        assert_eq!(error.contains("ConnectionReset"), kind.starts_with("reset"), "{kind}: {error}");
        assert_eq!(running.simulator.sessions().len(), usize::from(done), "{kind}");
        assert_eq!(running.simulator.statistics().faults[kind], 1);
        assert_eq!(running.get("sessions").await.get("sessions").is_some(), done, "{kind}");
        running.simulator.shutdown().await;
    }
}

#[tokio::test]
async fn refusing_faults_refuse() {
    for (kind, status, done) in [
        ("error-before, status: 500", 500, false),
        ("error-after", 503, true),
        ("precondition-after", 400, true),
        ("throttle, retry-after: 1500ms", 429, false),
        ("html", 502, false),
    ] {
        let running =
            Running::start(&format!("faults: [{{ kind: {kind}, on: sessions.create, times: 1 }}]")).await;
        let url = format!("{}/sessions", running.simulator.url());
        let request = running.client.post(url).header("X-Goog-Api-Key", "k").json(&task("x"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{kind}");
        if status == 429 {
            assert_eq!(response.headers()["retry-after"], "2");
        }
        assert_eq!(running.simulator.sessions().len(), usize::from(done), "{kind}");
    }
}

#[tokio::test]
async fn the_statistics_are_served_and_reset() {
    let running = Running::start("").await;
    running.create(task("x")).await;
    running.create(task("x")).await;
    let root = running.simulator.url().replace("/v1alpha", "");
    let fetch = async |path: &str| -> Value {
        running.client.get(format!("{root}{path}")).send().await.unwrap().json().await.unwrap()
    };
    let statistics = fetch("/statistics").await;
    assert_eq!((&statistics["created"], &statistics["liveMax"]), (&json!(2), &json!(2)));
    assert_eq!(statistics["duplicates"][0]["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(statistics["answered"]["200"], 2);
    let sessions = fetch("/statistics/sessions").await;
    assert_eq!(sessions[0]["body"]["automationMode"], "AUTO_CREATE_PR");
    assert_eq!(fetch("/books/sessions").await, sessions, "the first name still leads there");
    let reset = running.client.post(format!("{root}/statistics/reset")).send().await.unwrap();
    assert_eq!(reset.status(), 204);
    let statistics = fetch("/statistics").await;
    assert_eq!((&statistics["created"], &statistics["liveNow"]), (&json!(0), &json!(2)));
    assert_eq!(fetch("/statistics/sessions").await, json!([]));
    assert_eq!(running.get("sessions").await["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn shutting_down_ends_answers_that_never_end() {
    let running = Running::start("faults: [{ kind: hang }]").await;
    let url = format!("{}/sessions", running.simulator.url());
    let request = running.client.get(&url).header("X-Goog-Api-Key", "k");
    let hung = tokio::spawn(request.send());
    while running.simulator.statistics().requests.is_empty() {
        tokio::task::yield_now().await;
    }
    running.simulator.shutdown().await;
    assert!(hung.await.unwrap().is_err());
    assert!(running.client.get(&url).send().await.unwrap_err().is_connect());
}

#[tokio::test(start_paused = true)]
async fn a_cap_compressed_in_time_frees_slots_as_sessions_end() {
    let running =
        Running::start("{ speed: 60, limits: { concurrent: 2 }, defaults: { duration: 10m } }").await;
    running.create(task("one")).await;
    running.create(task("two")).await;
    let refused = running.ask(Method::POST, "sessions", Some(task("three"))).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"]["status"], "RESOURCE_EXHAUSTED");
    tokio::time::advance(Duration::from_secs(10)).await;
    running.create(task("three")).await;
    let statistics = running.simulator.statistics();
    assert_eq!((statistics.live_max, statistics.refused), (2, 1));
    let lasted = running.simulator.sessions()[0].lasted_ms.unwrap();
    assert!((lasted - 10_000.0).abs() < 0.01, "{lasted}");
}

#[tokio::test]
async fn a_silent_connection_stays_open_and_answers_no_more() {
    let running = Running::start("faults: [{ kind: silence, times: 1 }]").await;
    let url = running.simulator.url();
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"GET /v1alpha/sessions HTTP/1.1\r\nHost: x\r\nX-Goog-Api-Key: k\r\n\r\n";
    let mut byte = [0];
    for _ in 0..2 {
        stream.write_all(request).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte)).await;
        assert!(answer.is_err(), "it answered, or closed: {answer:?}");
    }
    assert_eq!(running.get("sessions").await, json!({}), "others are answered");
    assert_eq!(running.simulator.statistics().requests["sessions.list"], 2);
    running.simulator.shutdown().await;
}

#[tokio::test]
async fn a_session_of_another_simulator_goes_on() {
    let running =
        Running::start("{ any-source: true, sources: [{ repo: o/listed }], defaults: { duration: 1h } }")
            .await;
    let body = |source: &str| {
        let context = json!({ "source": source, "githubRepoContext": { "startingBranch": "main" } });
        json!({ "prompt": "Go on.", "title": "t [jb-1]", "sourceContext": context }).to_string()
    };
    let earlier = |id: &str, hours, source| super::EarlierSession {
        id: id.to_owned(),
        body: body(source),
        created_at: jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours),
    };
    running.simulator.connect(["o/r", "no repository"]);
    assert_eq!(running.simulator.repositories(), ["o/listed", "o/r"]);
    let github = "sources/github/o/r";
    running.simulator.take_up(vec![
        earlier("2", 0, github),
        earlier("1", 2, github),
        earlier("3", 0, "gitlab"),
    ]);
    let (ended, live) = (running.get("sessions/1").await, running.get("sessions/2").await);
    assert_eq!((&ended["state"], &ended["title"]), (&"COMPLETED".into(), &"t [jb-1]".into()));
    assert_ne!(live["state"], "COMPLETED");
    assert_eq!(running.ask(Method::GET, "sessions/3", None).await.status, 404);
    let created = running.create(json!({ "prompt": "New." })).await;
    running.simulator.take_up(vec![earlier("4", 0, github)]);
    assert_eq!(running.ask(Method::GET, "sessions/4", None).await.status, 404, "too late");
    let statistics = running.simulator.statistics();
    assert_eq!((statistics.created, statistics.live_max), (1, 2), "{created}");
}
