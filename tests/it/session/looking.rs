//! `session list` and `session show`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{LONG, QUICK, created, finished, in_state, session};
use crate::support::{World, at_once, between};

#[test]
fn a_list_is_newest_first_and_filtered_here() {
    let world = World::new(LONG);
    let web = created(&world, "Alpha -s my-org/web");
    let docs = created(&world, "Beta -s octo-org/docs --no-approval");
    let bare = created(&world, "Gamma");
    in_state(&world, &web, &["AWAITING_PLAN_APPROVAL", "QUEUED", "PLANNING"]);
    let ids = |line: &str| {
        let ended = session(&world, &format!("list --format ids {line}")).exits(0);
        ended.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids(""), [bare.as_str(), &docs, &web]);
    assert_eq!(ids("--source my-org/*"), [web.as_str()]);
    assert_eq!(ids("--search bEtA"), [docs.as_str()]);
    assert_eq!(ids("--limit 1"), [bare.as_str()]);
    assert_eq!(ids("--state live"), [bare.as_str(), &docs, &web]);
    assert!(ids("--state completed,failed").is_empty());
    assert_eq!(ids("--since 1h --all").len(), 3);
    session(&world, "list --state dreaming").exits(2);
}

#[test]
fn a_list_has_lines_for_scripts_and_json_for_programs() {
    let world = World::new(QUICK);
    let id = finished(&world, "Alpha -s my-org/web -b main");
    let ended = session(&world, "list").exits(0);
    let fields: Vec<_> = ended.stdout.trim_end().split('\t').collect();
    assert_eq!(
        (fields[0], fields[1], fields[2], fields[4].split_once(" [jules-").map(|(title, _)| title)),
        (id.as_str(), "COMPLETED", "my-org/web@main", Some("Alpha"))
    );
    let ended = session(&world, "list --format json").exits(0);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value[0]["id"], id.as_str());
}

#[test]
fn a_long_list_is_read_page_by_page_and_no_further_than_needed() {
    let world = World::new("{ history: 250 }");
    assert_eq!(session(&world, "list --format ids").exits(0).stdout.lines().count(), 30);
    assert_eq!(world.requests("sessions.list"), 1);
    let ended = session(&world, "list --format ids --all").exits(0);
    assert_eq!((ended.stdout.lines().count(), world.requests("sessions.list")), (250, 4));
}

/// As a service may do that has lost count.
#[test]
fn pages_without_an_end_are_left_and_told() {
    let world = World::new(QUICK);
    let pages = AtomicUsize::new(0);
    let service = between(&world.service().url(), move |exchange| {
        let page = pages.fetch_add(1, Ordering::Relaxed);
        exchange.status = 200;
        exchange.body = format!(r#"{{"sessions":[],"nextPageToken":"page-{page}"}}"#).into_bytes();
    });
    let ended = session(&world, &format!("list --base-url {service}")).exits(0);
    assert!(
        ended.stderr.contains("left after 30 pages with 0 sessions: there may be more; --all"),
        "{ended}"
    );
}

#[test]
fn the_archive_is_listed_apart() {
    let world = World::new(QUICK);
    let id = finished(&world, "Alpha");
    session(&world, &format!("archive --yes {id}")).exits(0);
    assert_eq!(session(&world, "list --format ids").exits(0).stdout, "");
    assert_eq!(session(&world, "list --format ids --archived").exits(0).stdout.trim(), id);
}

#[test]
fn a_session_is_shown_with_all_that_matters() {
    let world = World::new(
        "{ defaults: { duration: 200ms, outcome: pull-request, activities: { says: [\"Well.\"] } } }",
    );
    let id = finished(&world, "Alpha -s my-org/web -b main --auto-pr");
    let ended = session(&world, &format!("show {id}")).exits(0);
    for words in [
        "Alpha",
        &id,
        "COMPLETED",
        "my-org/web@main",
        "pull request",
        "/pull/",
        "changes",
        "approved",
        "1. ",
        "agent: Well.",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {ended}");
    }
    let ended = session(&world, &format!("show {id} --format json --messages 1")).exits(0);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&value["session"]["state"], &value["planApproved"]), (&"COMPLETED".into(), &true.into()));
    assert_eq!(value["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn a_session_is_shown_with_its_snapshot() {
    let world = World::new(
        "{ defaults: { duration: 400ms, outcome: change, activities: { gap: 20ms, with: [bash-output], \
            says: [\"Well.\"] } } }",
    );
    let id = finished(&world, "Alpha -s my-org/web -b main");
    let ended = session(&world, &format!("show {id}")).exits(0);
    for words in ["duration", "messages of the agent", "1 plan", "failed command"] {
        assert!(ended.stdout.contains(words), "{words}: {ended}");
    }
    let ended = session(&world, &format!("show {id} --format json")).exits(0);
    let snapshot = &serde_json::from_str::<Value>(&ended.stdout).unwrap()["snapshot"];
    assert_eq!((&snapshot["id"], &snapshot["counts"]["completions"]), (&id.as_str().into(), &1.into()));
    assert!(snapshot["failedCommands"][0]["exitCode"].as_i64().is_some_and(|code| code != 0), "{ended}");
    assert!(!snapshot["timeline"].as_array().unwrap().is_empty(), "{ended}");
    let ended = session(&world, &format!("show {id} --format markdown")).exits(0);
    let heading = ended.stdout.lines().next().unwrap();
    assert!(heading.starts_with("# Alpha") && ended.stdout.contains("## Failed commands"), "{ended}");
}

#[test]
fn a_failed_session_says_why() {
    let world =
        World::new("{ defaults: { duration: 50ms, outcome: failure, failure-reason: The disk is full. } }");
    let id = finished(&world, "Alpha");
    let ended = session(&world, &format!("show {id}")).exits(0);
    assert!(ended.stdout.contains("FAILED") && ended.stdout.contains("The disk is full."), "{ended}");
}

#[test]
fn a_session_is_named_by_id_name_page_or_branch() {
    let world = World::new(LONG);
    let id = created(&world, "Alpha");
    let names =
        ["", "sessions/", "https://jules.google.com/session/", "https://jules.google.com/task/", "feat/x-"];
    let names = names.map(|before| format!("{before}{id}"));
    for name in names.into_iter().chain([format!("jules-{id}-8f3a2b1c")]) {
        session(&world, "show").arg(name).exits(0);
    }
    session(&world, "show").arg("no/id").exits(2);
    let ended = session(&world, "show 1234567").exits(1);
    assert!(ended.stderr.contains("session list"), "{ended}");
}

#[test]
fn a_refused_key_is_6_and_an_outage_is_75() {
    let world = World::new("{ keys: [another-key] }");
    for line in ["list", "show 1", "result 1", "stream 1", "delete --yes 1", "new Think"] {
        session(&world, line).exits(6);
    }
    session(&world, "list").without_env("JULES_API_KEY").exits(6);
    let down = World::new("{ faults: [{ kind: error-before }] }");
    session(&down, "show 1").exits(75);
}

#[test]
fn what_is_known_is_told_although_the_activities_cannot_be_read() {
    let outage = "faults: [{ kind: error-before, on: activities.list }]";
    let world = World::new(&format!("{{ {outage}, defaults: {{ duration: 50ms, outcome: pull-request }} }}"));
    let id = finished(&world, "Alpha -s my-org/web --auto-pr");
    at_once(["show", "result", "diff --stat", "show --format json", "result --format json"], |line| {
        let asked = Instant::now();
        let ended = session(&world, line).arg(&id).exits(0);
        assert!(asked.elapsed() < Duration::from_secs(20), "{line}: {ended}");
        assert!(ended.stdout.contains("/pull/") || line.starts_with("diff"), "{line}: {ended}");
        let (told, said) = (ended.stderr.contains("warning:"), ended.stderr.contains("still reading"));
        assert_eq!((told, said), (line.starts_with("show"), line.starts_with("show")), "{line}: {ended}");
    });
}

#[test]
fn a_failed_session_is_told_although_its_reason_cannot_be_read() {
    let outage = "faults: [{ kind: hang, on: activities.list }]";
    let world = World::new(&format!("{{ {outage}, defaults: {{ duration: 50ms, outcome: failure }} }}"));
    let id = finished(&world, "Alpha");
    at_once([("show", 0), ("result", 100), ("diff", 75)], |(line, code)| {
        let asked = Instant::now();
        let ended = session(&world, line).arg(&id).exits(code);
        assert!(asked.elapsed() < Duration::from_secs(50), "{line}: {ended}");
        assert!(ended.stderr.contains("still reading"), "{line}: {ended}");
        assert!(line == "diff" || ended.stdout.contains("FAILED"), "{line}: {ended}");
    });
}

/// Nobody takes a command that waits for one that hangs.
#[test]
fn a_wait_of_more_than_three_seconds_is_said() {
    let slow = "faults: [{ kind: slow, delay: 3600ms, on: reads }, { kind: slow, delay: 3600ms, on: sessions.archive }, \
        { kind: slow, delay: 3600ms, on: sessions.sendMessage }, { kind: slow, delay: 3600ms, on: sessions.create }]";
    let world = World::new(&format!("{{ {slow}, defaults: {{ duration: 50ms, outcome: change }} }}"));
    let id = finished(&world, "Alpha -s my-org/web@main");
    let lines = [
        "show ID",
        "result --settle 1s ID",
        "diff ID",
        "send OTHER more",
        "archive --yes ID",
        "approve ID",
        "chat ID",
        "list",
        "new Think",
    ];
    // A message wakes it.
    let other = finished(&world, "Beta");
    at_once(lines.map(|line| line.replace("OTHER", &other).replace("ID", &id)), |line| {
        let ended = session(&world, &line).start().wait();
        assert!(ended.stderr.contains("still "), "{line}: {ended}");
    });
    let ended = world.command("sources").env("JULES_BASE_URL", world.service().url()).start().wait();
    assert!(ended.stderr.contains("still "), "{ended}");
}
