//! `session new`.

use serde_json::{Value, json};

use super::{LONG, created, session};
use crate::support::World;

#[test]
fn says_nothing_on_stdout_but_the_id() {
    let world = World::new(LONG);
    let id = created(&world, "Think");
    let [session] = &world.sessions()[..] else { panic!("{:?}", world.sessions()) };
    assert_eq!(
        (session.id.as_str(), session.prompt.as_str(), &session.source),
        (id.as_str(), "Think", &None)
    );
    let title = session.title.as_deref().unwrap();
    assert!(title.starts_with("Think [jules-"), "{title}");
    let body = json!({"prompt": "Think", "title": title, "requirePlanApproval": true});
    assert_eq!(session.body, body);
}

#[test]
fn sends_what_the_flags_say() {
    let world = World::new(LONG);
    let line = "new Think --source my-org/web@dev --title Thoughts --auto-pr --no-approval";
    session(&world, line).exits(0);
    let title = world.sessions()[0].title.clone().unwrap();
    assert!(title.starts_with("Thoughts [jules-"), "{title}");
    let expected = json!({
        "prompt": "Think", "title": title, "automationMode": "AUTO_CREATE_PR", "requirePlanApproval": false,
        "sourceContext": {
            "source": "sources/github/my-org/web", "githubRepoContext": {"startingBranch": "dev"},
        },
    });
    assert_eq!(world.sessions()[0].body, expected);
}

#[test]
fn takes_the_default_branch_when_none_is_named() {
    let world =
        World::new("{ sources: [{ repo: my-org/web, branches: [main, trunk], default-branch: trunk }] }");
    created(&world, "Think -s my-org/web");
    assert_eq!(world.sessions()[0].branch.as_deref(), Some("trunk"));
    let ended = session(&world, "new Think -s my-org/other").exits(1);
    assert!(
        ended.stderr.contains("jules-batch sources") && ended.stderr.contains("does not know"),
        "{ended}"
    );
    world.created(1);
}

#[test]
fn takes_the_prompt_from_a_file_or_from_stdin() {
    let world = World::new(LONG);
    world.write("task.md", "From a file.\nTwo lines.\n");
    session(&world, "new --file task.md").exits(0);
    for line in ["new -", "new --file -", "new"] {
        let mut running = session(&world, line).start();
        running.tell("From stdin.");
        assert_eq!(running.wait().code, Some(0), "{line}");
    }
    let prompts: Vec<_> = world.sessions().into_iter().map(|session| session.prompt).collect();
    assert_eq!(prompts, ["From a file.\nTwo lines.\n", "From stdin.", "From stdin.", "From stdin."]);
}

#[test]
fn nothing_is_sent_when_the_line_is_wrong() {
    let world = World::new(LONG);
    for line in [
        "new",
        "new --file missing.md",
        "new Think --source nonsense",
        "new Think --source a/b@x --branch y",
        "new Think --branch y",
        "new Think --auto-pr",
        "new Think --file task.md",
    ] {
        session(&world, line).exits(2);
    }
    assert_eq!(world.statistics().requests.len(), 0, "{:?}", world.statistics().requests);
}

#[test]
fn prints_json_for_programs() {
    let world = World::new(LONG);
    let ended = session(&world, "new Think --format json").exits(0);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    let id = world.sessions()[0].id.clone();
    assert_eq!((&value["id"], &value["name"]), (&json!(id), &json!(format!("sessions/{id}"))));
    assert!(value["url"].as_str().unwrap().contains(&id), "{ended}");
}

#[test]
fn an_answer_that_is_lost_is_not_a_second_session() {
    let world = World::new("{ faults: [{ kind: error-after, on: sessions.create, nth: 1 }] }");
    let ended = session(&world, "new Think").exits(0);
    assert_eq!(ended.stdout.trim(), world.sessions()[0].id, "{ended}");
    world.created(1);
    assert_eq!(world.requests("sessions.create"), 1);
}

#[test]
fn follows_at_once_on_demand() {
    let world = World::new(super::QUICK);
    let ended = session(&world, "new Think --no-approval --follow").exits(0);
    let (id, rest) = ended.stdout.split_once('\n').unwrap();
    assert_eq!(id, world.sessions()[0].id);
    assert!(rest.contains("plan approved") && rest.trim_end().ends_with("completed"), "{ended}");
}
