use serde_json::{Value, json};

use super::*;

fn session(extra: Value) -> Session {
    let mut session = json!({
        "id": "314", "title": "Fix <the> login", "prompt": "Fix it.", "state": "COMPLETED",
        "url": "https://jules.google.com/session/314", "createTime": "2026-11-22T02:00:00Z",
        "updateTime": "2026-11-22T03:00:00Z",
        "sourceContext": {"source": "sources/github/my-org/web", "githubRepoContext": {"startingBranch": "main"}},
        "outputs": [
            {"pullRequest": {"url": "https://github.com/my-org/web/pull/7"}},
            {"changeSet": {"gitPatch": {"unidiffPatch":
                "diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -1,2 +1,2 @@\n-x\n-y\n+z\n+w\n"}}},
        ],
    });
    let Value::Object(extra) = extra else { panic!() };
    extra.into_iter().for_each(|(key, value)| session[key] = value);
    serde_json::from_value(session).unwrap()
}

fn activities() -> Vec<Activity> {
    let at = |second: u32| format!("2026-11-22T02:00:{second:02}Z");
    [
        json!({"id": "1", "createTime": at(5), "originator": "agent", "planGenerated": {"plan": {"steps": [{"title": "Read"}]}}}),
        json!({"id": "2", "createTime": at(6), "originator": "user", "planApproved": {}}),
        json!({"id": "3", "createTime": at(7), "originator": "agent", "progressUpdated": {"title": "Ran the tests"},
            "artifacts": [
                {"bashOutput": {"command": "cargo test", "output": "error: @all `x`\n", "exitCode": 101}},
                {"bashOutput": {"command": "ls", "output": "a.rs", "exitCode": 0}},
                {"bashOutput": {"command": "pwd"}},
            ]}),
        json!({"id": "4", "createTime": at(8), "originator": "user", "userMessaged": {"userMessage": "Go on."}}),
        json!({"id": "5", "createTime": at(9), "originator": "agent", "planGenerated": {"plan": {"steps": [{"title": "Mend"}, {}]}}}),
        json!({"id": "6", "createTime": at(40), "agentMessaged": {"agentMessage": "# Done\n\u{1b}[31m<script>"}}),
        json!({"id": "7", "createTime": at(41), "originator": "system", "sessionCompleted": {}}),
        json!({"id": "8", "originator": "@all <b>", "novelty": {"a": 1}}),
    ]
    .map(|value| serde_json::from_value(value).unwrap())
    .into()
}

#[test]
fn a_snapshot_has_what_happened() {
    let snapshot = SessionSnapshot::new(session(json!({})), activities());
    assert_eq!(snapshot.duration, Some(Duration::from_secs(41)));
    assert_eq!((snapshot.plan_revisions(), snapshot.counts.user_messages, snapshot.counts.others), (1, 1, 1));
    let [failed] = &snapshot.failed_commands[..] else { panic!("{:?}", snapshot.failed_commands) };
    assert_eq!((&*failed.command, failed.exit_code, &*failed.output), ("cargo test", 101, "error: @all `x`"));
    assert_eq!((snapshot.source.as_deref(), snapshot.lines()), (Some("my-org/web"), (2, 2)));
    assert_eq!(snapshot.timeline.len(), 8);
    assert_eq!(snapshot.open_question, None, "there is a pull request");
}

#[test]
fn a_snapshot_reads_well_and_nothing_of_others_is_markup_in_it() {
    let snapshot = SessionSnapshot::new(session(json!({})), activities());
    // A space without width keeps `@all` from being a mention.
    insta::assert_snapshot!(snapshot.to_markdown().replace('\u{200b}', "|"), @r"
    # Fix &lt;the&gt; login

    - session: `314`
    - state: `COMPLETED`
    - page: `https://jules.google.com/session/314`
    - source: `my-org/web` from `main`
    - created: 2026-11-22T02:00:00Z, took 41s
    - pull request: `https://github.com/my-org/web/pull/7`
    - activities: 1 message of the agent, 1 message of the user, 2 plans, 1 approval, 1 report of progress, 1 completion, 1 other

    ## The agent's last words

    ```text
    # Done
    <script>
    ```

    ## Changes (+2 −2)

    - `a.rs` modified, +2 −2

    ## Failed commands

    - `cargo test` ended with 101

      ```text
      error: @all `x`
      ```

    ## Timeline

    - 2026-11-22T02:00:05Z agent: plan of 1 step: Read
    - 2026-11-22T02:00:06Z user: plan approved
    - 2026-11-22T02:00:07Z agent: \$ pwd
    - 2026-11-22T02:00:08Z user: Go on.
    - 2026-11-22T02:00:09Z agent: plan of 2 steps: Mend
    - 2026-11-22T02:00:40Z agent: # Done
    - 2026-11-22T02:00:41Z system: completed
    - @|all &lt;b&gt;: unknown
    ");
}

#[test]
fn a_snapshot_is_json_for_programs() {
    let snapshot = SessionSnapshot::new(session(json!({})), activities());
    let json = snapshot.to_json();
    assert!(!json.contains('\u{1b}'), "{json}");
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["durationSeconds"], 41);
    assert_eq!(value["counts"]["agentMessages"], 1);
    assert_eq!(
        value["files"][0],
        json!({"path": "a.rs", "change": "modified", "additions": 2, "deletions": 2})
    );
    assert_eq!(value["failedCommands"][0]["exitCode"], 101);
    assert_eq!(value["timeline"][5]["kind"], "agentMessaged");
    assert_eq!(value["state"], "COMPLETED");
}

#[test]
fn an_open_question_is_told_and_a_bare_session_is_one_too() {
    let asks: Activity =
        serde_json::from_value(json!({"id": "1", "agentMessaged": {"agentMessage": "Which?"}})).unwrap();
    for state in ["COMPLETED", "AWAITING_USER_FEEDBACK"] {
        let bare = session(json!({"state": state, "outputs": []}));
        assert_eq!(
            SessionSnapshot::new(bare, [asks.clone()]).open_question.as_deref(),
            Some("Which?"),
            "{state}"
        );
    }
    let bare = SessionSnapshot::new(Session::new(SessionId::new("7").unwrap()), []);
    assert_eq!(bare.to_markdown(), "# Session 7\n\n- session: `7`\n- state: `STATE_UNSPECIFIED`\n");
}

#[test]
fn what_is_long_is_cut_and_what_is_much_is_bounded() {
    let long = "é".repeat(OUTPUT + 5);
    let commands = (0..COMMANDS + 3).map(|n| {
        let bash = json!({"bashOutput": {"command": n.to_string(), "output": long, "exitCode": 1}});
        serde_json::from_value(json!({"id": n.to_string(), "artifacts": [bash]})).unwrap()
    });
    let snapshot = SessionSnapshot::new(session(json!({})), commands);
    assert_eq!((snapshot.failed_commands.len(), &*snapshot.failed_commands[0].command), (COMMANDS, "3"));
    assert_eq!(snapshot.failed_commands[0].output.chars().count(), OUTPUT);
}
