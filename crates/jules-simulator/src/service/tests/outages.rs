//! Faults that come and go, and those that only some sessions meet.

use super::*;

/// The status of a request at each of these seconds.
fn statuses(client: &mut TestClient, path: &str, seconds: &[u64]) -> Vec<u16> {
    let ask = |second: &u64| {
        client.second = *second;
        client.ask("GET", path, "").0
    };
    seconds.iter().map(ask).collect()
}

#[test]
fn reads_can_fail_for_a_while() {
    for (fault, status) in [
        ("error-before", 503),
        ("throttle", 429),
        ("error-before, status: 401", 401),
        ("error-before, status: 403", 403),
        ("error-before, status: 400", 400),
        ("error-before, status: 302", 302),
        ("html, status: 302", 302),
    ] {
        let mut client =
            TestClient::open(&format!("faults: [{{ kind: {fault}, on: reads, during: 10s..20s }}]"));
        let id = client.create("x");
        for path in ["sessions", "sources", &format!("sessions/{id}"), &format!("sessions/{id}/activities")] {
            assert_eq!(
                statuses(&mut client, path, &[9, 10, 19, 20]),
                [200, status, status, 200],
                "{fault} {path}"
            );
        }
        client.second = 15;
        client.create("reads alone fail");
    }
}

#[test]
fn outages_say_when_to_come_again_where_asked() {
    for (kind, wanted) in [
        ("error-before, retry-after: 7s", Some(7)),
        ("error-before", None),
        ("html, retry-after: 7s", Some(7)),
    ] {
        let scenario = Scenario::from_yaml(&format!("faults: [{{ kind: {kind} }}]"), "test").unwrap();
        let mut service = Service::new(scenario, start());
        let asked = Asked { verb: "GET", path: "sessions", query: None, key: Some("k"), body: b"" };
        assert_eq!(service.serve(asked, start()).answer.retry_after, wanted, "{kind}");
    }
}

#[test]
fn one_method_can_fail_alone() {
    for method in ["activities.list", "sessions.list", "sessions.get"] {
        let mut client =
            TestClient::open(&format!("faults: [{{ kind: throttle, on: {method}, during: 0s..1m }}]"));
        let id = client.create("x");
        for (name, path) in [
            ("activities.list", format!("sessions/{id}/activities")),
            ("sessions.list", "sessions".to_owned()),
            ("sessions.get", format!("sessions/{id}")),
        ] {
            let status = if name == method { 429 } else { 200 };
            assert_eq!(statuses(&mut client, &path, &[30, 60]), [status, 200], "{method} {name}");
        }
    }
}

#[test]
fn creates_can_be_refused_while_reads_work() {
    let mut client = TestClient::open(
        "faults: [{ kind: throttle, on: sessions.create, during: 10s..5h, retry-after: 60s }]",
    );
    let id = client.create("x");
    client.second = 17_999;
    assert_eq!(client.ask("POST", "sessions", r#"{"prompt":"y"}"#).0, 429);
    client.get(&format!("sessions/{id}"));
    client.second = 18_000;
    client.create("y");
}

#[test]
fn windows_count_from_a_session() {
    let mut client =
        TestClient::open("faults: [{ kind: error-before, on: reads, during: 0s..10s, since: session }]");
    client.second = 100;
    let first = format!("sessions/{}", client.create("a"));
    client.second = 200;
    let second = format!("sessions/{}", client.create("b"));
    assert_eq!(statuses(&mut client, &first, &[205]), [200]);
    assert_eq!(statuses(&mut client, &second, &[205, 210]), [503, 200]);
    assert_eq!(statuses(&mut client, "sessions", &[205]), [200], "it names no session");

    let mut client = TestClient::open(
        "faults: [{ kind: error-before, on: reads, during: 5s..10s, since: first-session }]",
    );
    assert_eq!(statuses(&mut client, "sessions", &[7]), [200]);
    client.second = 100;
    client.create("a");
    assert_eq!(statuses(&mut client, "sessions", &[104, 105, 109, 110]), [200, 503, 503, 200]);
}

#[test]
fn windows_are_in_service_time() {
    let mut client = TestClient::open("{ speed: 60, faults: [{ kind: error-before, during: 1m..2m }] }");
    assert_eq!(statuses(&mut client, "sessions", &[0, 1, 2]), [200, 503, 200]);
}

#[test]
fn some_sessions_can_be_met_alone() {
    let mut client = TestClient::open(
        "faults: [{ kind: error-before, when: { prompt: unlucky }, times: 2 }, { kind: error-before, on: sessions.get, every: 2 }]",
    );
    assert_eq!(client.ask("POST", "sessions", r#"{"prompt":"unlucky"}"#).0, 503);
    let id = client.create("lucky");
    assert_eq!(client.ask("POST", "sessions", r#"{"prompt":"unlucky"}"#).0, 503);
    client.create("unlucky");
    let path = format!("sessions/{id}");
    assert_eq!(statuses(&mut client, &path, &[1, 2, 3, 4]), [200, 503, 200, 503]);
    assert_eq!(client.statistics().faults["error-before"], 4);
}

#[test]
fn page_tokens_can_repeat() {
    let mut client = TestClient::open("{ history: 5, faults: [{ kind: repeat-token, on: sessions.list }] }");
    let first = client.get("sessions?pageSize=2");
    let token = first["nextPageToken"].as_str().unwrap();
    for _ in 0..3 {
        let page = client.get(&format!("sessions?pageSize=2&pageToken={token}"));
        assert_eq!(
            (&page["nextPageToken"], &page["sessions"]),
            (&first["nextPageToken"], &first["sessions"])
        );
    }
    let mut client =
        TestClient::open("faults: [{ kind: repeat-token, on: [sessions.list, activities.list], nth: 2 }]");
    let id = client.create("x");
    client.second = 1_000;
    let path = format!("sessions/{id}/activities?pageSize=4");
    let token = client.get(&path)["nextPageToken"].as_str().unwrap().to_owned();
    let second = client.get(&format!("{path}&pageToken={token}"));
    assert_eq!(second["nextPageToken"], token.as_str(), "the page that was asked for, again");
    assert_ne!(client.get(&format!("{path}&pageToken={token}"))["nextPageToken"], token.as_str());
    assert_eq!(client.ask("GET", &format!("sessions/{id}"), "").0, 200, "only listings have tokens");
}

#[test]
fn a_redirect_leads_to_a_page_that_is_none() {
    let mut client = TestClient::open("faults: [{ kind: error-before, on: reads, status: 302, nth: 1 }]");
    let asked = Asked { verb: "GET", path: "sessions", query: None, key: Some("k"), body: b"" };
    let answer = client.service.serve(asked, start()).answer;
    assert_eq!((answer.status, answer.location), (302, Some("/login")));
}
