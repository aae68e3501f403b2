//! One request after the other, at given times.

mod github;
mod lives;
mod outages;
mod wire;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

/// A service and the second it is asked at.
struct TestClient {
    service: Service,
    second: u64,
}

impl TestClient {
    fn open(yaml: &str) -> Self {
        let scenario = Scenario::from_yaml(yaml, "test").unwrap();
        Self { service: Service::new(scenario, start()), second: 0 }
    }

    fn ask(&mut self, verb: &str, path: &str, body: &str) -> (u16, Value) {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let asked = Asked { verb, path, query, key: Some("k"), body: body.as_bytes() };
        let now = later(start(), Duration::from_secs(self.second));
        let answer = self.service.serve(asked, now).answer;
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }

    fn get(&mut self, path: &str) -> Value {
        let (status, value) = self.ask("GET", path, "");
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    fn create(&mut self, prompt: &str) -> String {
        let (status, value) = self.ask("POST", "sessions", &json!({ "prompt": prompt }).to_string());
        assert_eq!(status, 200, "{value}");
        value["id"].as_str().unwrap().to_owned()
    }

    fn statistics(&mut self) -> Statistics {
        self.service.statistics(later(start(), Duration::from_secs(self.second)))
    }
}

/// The items of all pages.
fn paged(client: &mut TestClient, path: &str, name: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut token = String::new();
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = client.get(&format!("{path}{sign}pageToken={token}"));
        items.extend(page[name].as_array().cloned().unwrap_or_default());
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => return items,
        }
    }
}

fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn sessions_are_listed_newest_first_and_pages_do_not_move() {
    let mut client = TestClient::open("");
    let mut created: Vec<_> = (0..7).map(|n| client.create(&format!("task {n}"))).collect();
    created.reverse();
    assert_eq!(ids(&paged(&mut client, "sessions?pageSize=3", "sessions")), created);
    let page = client.get("sessions?pageSize=3");
    client.create("one more in between");
    let token = page["nextPageToken"].as_str().unwrap();
    let next = client.get(&format!("sessions?pageSize=100&pageToken={token}"));
    assert_eq!(ids(next["sessions"].as_array().unwrap()), created[3..]);
    assert!(next.get("nextPageToken").is_none());
}

#[test]
fn ids_are_long_decimals_and_differ() {
    let mut client = TestClient::open("history: 50");
    let ids: BTreeSet<_> = ids(&paged(&mut client, "sessions", "sessions")).into_iter().collect();
    assert_eq!(ids.len(), 50);
    assert!(ids.iter().all(|id| id.len() == 20 && id.parse::<u64>().is_err() && id.parse::<u128>().is_ok()));
}

#[test]
fn activities_are_listed_oldest_first_and_after_a_time() {
    let mut client =
        TestClient::open("defaults: { duration: 10m, activities: { gap: 10s, shared-timestamps: true } }");
    let id = client.create("x");
    client.second = 700;
    let path = format!("sessions/{id}/activities");
    let all = paged(&mut client, &format!("{path}?pageSize=7"), "activities");
    assert!(all.len() > 40);
    assert_eq!(ids(&all), ids(&paged(&mut client, &path, "activities")));
    let times: Vec<Timestamp> =
        all.iter().map(|one| one["createTime"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted());
    let middle = times[all.len() / 2];
    let newer = paged(&mut client, &format!("{path}?filter=create_time+%3E+%22{middle}%22"), "activities");
    assert_eq!(newer.len(), times.iter().filter(|at| **at > middle).count());
    let one = client.get(&format!("{path}/{}", ids(&all)[3]));
    assert_eq!(one, all[3]);
}

#[test]
fn activities_look_as_they_do_on_the_wire() {
    let mut client = TestClient::open(
        "defaults: { duration: 10m, outcome: change, activities: { gap: 5s, media-bytes: 300, \
         with: [bash-output, change-set, media, unknown-activity, unknown-artifact, bare] } }",
    );
    let id = client.create("Fix the login");
    client.second = 700;
    let all = paged(&mut client, &format!("sessions/{id}/activities"), "activities");
    let plan = &all[0]["planGenerated"]["plan"];
    assert_eq!(
        (plan["steps"][0].get("index"), &plan["steps"][1]["index"]),
        (None, &json!(1)),
        "zeroes are dropped"
    );
    let artifacts: Vec<&Value> = all.iter().filter_map(|one| one["artifacts"].as_array()).flatten().collect();
    let codes: Vec<_> = artifacts.iter().filter_map(|one| one.get("bashOutput")?.get("exitCode")).collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| **code != json!(0)));
    let patches: Vec<_> =
        artifacts.iter().filter_map(|one| one["changeSet"]["gitPatch"]["unidiffPatch"].as_str()).collect();
    assert!(patches.windows(2).all(|pair| pair[1].starts_with(pair[0])), "change sets are cumulative");
    assert!(artifacts.iter().any(|one| one["media"]["data"].as_str().is_some_and(|data| data.len() == 400)));
    assert!(artifacts.iter().any(|one| one.get("hologram").is_some()));
    assert!(all.iter().any(|one| one.get("moodChanged").is_some()));
    let bare = all.iter().find(|one| one["description"].is_string()).unwrap();
    let kinds = ["name", "id", "createTime", "originator", "description"];
    assert!(bare.as_object().unwrap().keys().all(|key| kinds.contains(&key.as_str())), "{bare}");
    assert_eq!(all.last().unwrap()["sessionCompleted"], json!({}));
}

#[test]
fn new_sessions_can_be_missing_for_a_while() {
    let mut client = TestClient::open("defaults: { list-lag: 30s, not-found-for: 10s }");
    let id = client.create("x");
    assert_eq!(client.ask("GET", &format!("sessions/{id}/activities"), "").0, 404);
    assert_eq!(client.get("sessions"), json!({}));
    client.second = 10;
    client.get(&format!("sessions/{id}"));
    assert_eq!(client.get("sessions"), json!({}));
    client.second = 30;
    assert_eq!(client.get("sessions")["sessions"][0]["id"], id.as_str());
}

#[test]
fn rules_are_asked_in_order() {
    let mut client = TestClient::open(
        "rules: [{ when: { prompt: first, nth: 1 }, then: { duration: 1s, outcome: failure, failure-reason: Broke. } }, \
         { when: { prompt: first }, then: { duration: 1s, outcome: no-change } }]",
    );
    let (broken, fine) = (client.create("first"), client.create("first"));
    client.second = 2;
    assert_eq!(client.get(&format!("sessions/{broken}"))["state"], "FAILED");
    assert_eq!(client.get(&format!("sessions/{fine}"))["state"], "COMPLETED");
    let activities = paged(&mut client, &format!("sessions/{broken}/activities"), "activities");
    assert_eq!(activities.last().unwrap()["sessionFailed"]["reason"], "Broke.");
}

#[test]
fn a_rule_can_be_for_a_share_of_the_sessions() {
    let mut client = TestClient::open(
        "{ rules: [{ when: { prompt: task, probability: 0.3 }, then: { outcome: failure } }], \
         defaults: { duration: 1s, outcome: no-change } }",
    );
    let mut failed = |prompt: &str| {
        let id = client.create(prompt);
        client.second += 2;
        client.get(&format!("sessions/{id}"))["state"] == "FAILED"
    };
    let first: Vec<_> = (0..200).map(|n| failed(&format!("task {n}"))).collect();
    let again: Vec<_> = (0..200).map(|n| failed(&format!("task {n}"))).collect();
    let count = first.iter().filter(|failed| **failed).count();
    assert!((40..80).contains(&count), "{count}");
    assert_eq!(first, again);
    assert!(!(0..20).any(|n| failed(&format!("other {n}"))));
}

#[test]
fn answers_to_create_can_lack_fields() {
    let mut client = TestClient::open("defaults: { create-lacks: [state, url, create-time] }");
    let (_, created) = client.ask("POST", "sessions", r#"{"prompt":"x"}"#);
    for field in ["state", "url", "createTime"] {
        assert!(created.get(field).is_none(), "{created}");
    }
    let id = created["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("sessions/{id}"))["state"], "QUEUED");
    assert_eq!(created["title"], "x");
}

#[test]
fn slots_are_freed_by_ends_pauses_archives_and_deletes() {
    let mut client = TestClient::open(
        "{ limits: { concurrent: 2 }, defaults: { duration: 100s, outcome: pause, turn: 1 } }",
    );
    let (first, second) = (client.create("a"), client.create("b"));
    assert_eq!(client.ask("POST", "sessions", r#"{"prompt":"c"}"#).0, 429);
    let (_, archived) = client.ask("POST", &format!("sessions/{first}:archive"), "{}");
    assert_eq!((&archived["state"], &archived["archived"]), (&json!("PAUSED"), &json!(true)));
    client.create("c");
    client.ask("DELETE", &format!("sessions/{second}"), "");
    assert_eq!(client.ask("GET", &format!("sessions/{second}"), "").0, 404);
    client.create("d");
    client.second = 101;
    assert_eq!(client.statistics().live_now, 0);
    let (fifth, sixth) = (client.create("e"), client.create("f"));
    assert!(client.create_is_refused());
    let paused = ids(client.get("sessions")["sessions"].as_array().unwrap());
    let paused = paused.iter().find(|id| **id != fifth && **id != sixth).unwrap().clone();
    let revive = client.ask("POST", &format!("sessions/{paused}:sendMessage"), r#"{"prompt":"go on"}"#);
    assert_eq!(revive.0, 400, "there is no slot for it");
    let statistics = client.statistics();
    assert_eq!((statistics.live_max, statistics.refused, statistics.created), (2, 2, 6));
}

impl TestClient {
    fn create_is_refused(&mut self) -> bool {
        self.ask("POST", "sessions", r#"{"prompt":"z"}"#).0 == 429
    }
}

#[test]
fn archived_sessions_are_listed_apart() {
    let mut client = TestClient::open("");
    let id = client.create("x");
    client.ask("POST", &format!("sessions/{id}:archive"), "");
    assert_eq!(client.get("sessions"), json!({}));
    assert_eq!(client.get("sessions?filter=archived%3Dtrue")["sessions"][0]["id"], id.as_str());
    client.ask("POST", &format!("sessions/{id}:unarchive"), "{}");
    assert_eq!(client.get("sessions")["sessions"][0]["id"], id.as_str());
}

#[test]
fn pull_requests_count_up_and_need_to_be_wanted() {
    let mut client = TestClient::open("defaults: { duration: 10s, outcome: pull-request }");
    let body = |mode: &str| {
        json!({
            "prompt": "Do it", "automationMode": mode,
            "sourceContext": { "source": "sources/github/o/r", "githubRepoContext": { "startingBranch": "main" } },
        })
        .to_string()
    };
    for mode in ["AUTO_CREATE_PR", "AUTO_CREATE_PR", "AUTOMATION_MODE_UNSPECIFIED"] {
        assert_eq!(client.ask("POST", "sessions", &body(mode)).0, 200);
    }
    client.second = 11;
    let sessions = client.get("sessions")["sessions"].as_array().unwrap().clone();
    let number = |session: &Value| -> Option<u64> {
        let url = session["outputs"][1]["pullRequest"]["url"].as_str()?;
        url.rsplit('/').next()?.parse().ok()
    };
    let numbers: Vec<_> = sessions.iter().map(number).collect();
    assert_eq!(numbers[0], None, "nobody asked for one: {}", sessions[0]);
    assert_eq!(numbers[1], numbers[2].map(|number| number + 1));
    assert!(sessions[0]["outputs"][0]["changeSet"]["gitPatch"]["unidiffPatch"].is_string());
}

#[test]
fn a_branch_that_does_not_exist_fails_the_session() {
    let mut client =
        TestClient::open("{ sources: [{ repo: o/r, branches: [main] }], defaults: { duration: 10s } }");
    let body = json!({ "prompt": "x", "sourceContext": {
        "source": "sources/github/o/r", "githubRepoContext": { "startingBranch": "nope" } } });
    let (_, session) = client.ask("POST", "sessions", &body.to_string());
    client.second = 11;
    let path = format!("sessions/{}/activities", session["id"].as_str().unwrap());
    let activities = client.get(&path)["activities"].as_array().unwrap().clone();
    assert!(activities.last().unwrap()["sessionFailed"]["reason"].as_str().unwrap().contains("nope"));
}

#[test]
fn detection_counts_only_answers_that_arrive() {
    let mut client = TestClient::open(
        "{ defaults: { duration: 10s }, faults: [{ kind: reset-after, on: sessions.get, nth: 1 }] }",
    );
    let id = client.create("x");
    client.second = 12;
    client.get(&format!("sessions/{id}"));
    assert_eq!(client.statistics().detection.unseen, 1);
    client.second = 15;
    client.get(&format!("sessions/{id}"));
    let detection = client.statistics().detection;
    assert_eq!((detection.ended, detection.unseen, detection.p50_ms), (1, 0, 5_000.0));
    assert_eq!(client.statistics().answered["none"], 1);
}

#[test]
fn masks_select_fields_unless_the_scenario_has_none() {
    let mut client = TestClient::open("");
    let id = client.create("x");
    assert_eq!(client.get("sessions?fields=sessions(id)"), json!({ "sessions": [{ "id": id }] }));
    assert_eq!(client.ask("GET", "sessions?fields=sessions(", "").0, 400);
    assert_eq!(TestClient::open("field-masks: false").ask("GET", "sessions?fields=sessions(id)", "").0, 400);
}

#[test]
fn a_create_can_arrive_after_its_connection_was_lost() {
    let mut client =
        TestClient::open("faults: [{ kind: arrive-late, on: sessions.create, delay: 5s, times: 2 }]");
    for _ in 0..2 {
        client.ask("POST", "sessions", r#"{"prompt":"x"}"#);
    }
    client.second = 4;
    assert_eq!(client.get("sessions"), json!({}));
    client.second = 5;
    assert_eq!(paged(&mut client, "sessions", "sessions").len(), 2);
    let statistics = client.statistics();
    assert_eq!((statistics.created, statistics.faults["arrive-late"]), (2, 2));
}

#[test]
fn markers_tell_duplicates_from_attempts() {
    let mut client = TestClient::open("");
    for title in [
        "A [jb-00000001-aaaa-1]",
        "A [jb-00000001-aaaa-2]",
        "A [jb-00000002-aaaa-1]",
        "A [jb-00000001-aaaa-1]",
    ] {
        client.ask("POST", "sessions", &json!({ "prompt": "x", "title": title }).to_string());
    }
    let duplicates = client.statistics().duplicates;
    assert_eq!(duplicates.len(), 1);
    assert_eq!((duplicates[0].what.as_str(), duplicates[0].sessions.len()), ("00000001-aaaa-1", 2));
}

#[derive(Debug, Clone)]
enum Move {
    Create(u8),
    Touch(u8, u8),
    List(u8),
    Wait(u16),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => any::<u8>().prop_map(Move::Create),
        5 => (any::<u8>(), any::<u8>()).prop_map(|(which, what)| Move::Touch(which, what)),
        1 => any::<u8>().prop_map(Move::List),
        3 => (0..400_u16).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 1..120)
}

const OUTCOMES: [&str; 13] = [
    "pull-request",
    "change",
    "no-change",
    "failure",
    "failure-without-reason",
    "busy",
    "stall",
    "pause",
    "pause-silently",
    "pull-request-in-progress",
    "pull-request-paused",
    "pull-request-waiting",
    "plan-only",
];

fn touch(client: &mut TestClient, id: &str, what: u8) {
    let (verb, action, body) = match what % 8 {
        0 => ("GET", "", ""),
        1 => ("GET", "/activities?pageSize=3", ""),
        2 => ("POST", ":sendMessage", r#"{"prompt":"go on"}"#),
        3 => ("POST", ":approvePlan", "{}"),
        4 => ("POST", ":archive", "{}"),
        5 => ("POST", ":unarchive", ""),
        6 => ("DELETE", "", ""),
        _ => ("GET", "/activities/none", ""),
    };
    let (status, value) = client.ask(verb, &format!("sessions/{id}{action}"), body);
    assert!([200, 400, 404].contains(&status), "{verb} {action}: {status} {value}");
}

proptest! {
    #[test]
    fn no_order_of_requests_breaks_it(moves in moves(), cap in 1..6_usize) {
        let rules: Vec<_> = OUTCOMES.iter().map(|outcome| {
            format!("{{ when: {{ prompt: '{outcome}!' }}, then: {{ outcome: {outcome}, feedback: {{ times: 1 }} }} }}")
        }).collect();
        let yaml = format!("{{ limits: {{ concurrent: {cap} }}, rules: [{}] }}", rules.join(", "));
        let mut client = TestClient::open(&yaml);
        let mut made: Vec<String> = Vec::new();
        for one in moves {
            match one {
                Move::Create(kind) => {
                    let outcome = OUTCOMES[usize::from(kind) % OUTCOMES.len()];
                    let body = json!({ "prompt": format!("{outcome}!"), "requirePlanApproval": kind > 200 });
                    let (status, value) = client.ask("POST", "sessions", &body.to_string());
                    match status {
                        200 => made.push(value["id"].as_str().unwrap().to_owned()),
                        429 => prop_assert_eq!(client.statistics().live_now, cap),
                        other => prop_assert!(false, "{} {}", other, value),
                    }
                }
                Move::Touch(which, what) => {
                    if let Some(id) = made.get(usize::from(which) % made.len().max(1)).cloned() {
                        touch(&mut client, &id, what);
                    }
                }
                Move::List(size) => {
                    let listed = paged(&mut client, &format!("sessions?pageSize={size}"), "sessions");
                    prop_assert!(listed.len() <= made.len());
                }
                Move::Wait(seconds) => client.second += u64::from(seconds),
            }
            let statistics = client.statistics();
            prop_assert!(statistics.live_max <= cap && statistics.live_now <= statistics.live_max);
        }
        let views = client.service.views(later(start(), Duration::from_secs(client.second)));
        prop_assert_eq!(views.len(), made.len());
    }
}
