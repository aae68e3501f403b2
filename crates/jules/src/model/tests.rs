//! Whatever the service sends, reading it ends well, and what was read says the same when it is written and read again.

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::*;

/// Words that mean something somewhere in the model, and some that do not.
const WORDS: [&str; 44] = [
    "name",
    "id",
    "title",
    "prompt",
    "state",
    "url",
    "createTime",
    "updateTime",
    "sourceContext",
    "outputs",
    "archived",
    "pullRequest",
    "changeSet",
    "gitPatch",
    "unidiffPatch",
    "media",
    "data",
    "mimeType",
    "bashOutput",
    "exitCode",
    "artifacts",
    "originator",
    "agentMessaged",
    "agentMessage",
    "userMessaged",
    "planGenerated",
    "plan",
    "steps",
    "index",
    "planApproved",
    "progressUpdated",
    "sessionCompleted",
    "sessionFailed",
    "reason",
    "githubRepo",
    "branches",
    "defaultBranch",
    "displayName",
    "sessions",
    "activities",
    "sources",
    "nextPageToken",
    "coffeeBrewed",
    "",
];

fn odd_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(
            &[
                "1",
                "sessions/1",
                "COMPLETED",
                "2026-11-22T02:00:05Z",
                "sources/github/o/r",
                "--- a/x\n+++ b/x\n@@ -1 +1 @@\n"
            ][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&WORDS[..]), inner), 0..6).prop_map(|fields| {
                fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
            }),
        ]
    })
}

/// Reads, writes, and reads again.
fn is_stable<T: Serialize + DeserializeOwned>(value: Value) {
    if let Ok(read) = serde_json::from_value::<T>(value) {
        let written = serde_json::to_value(&read).unwrap();
        // What could not be read is not written either.
        let again = serde_json::from_value::<T>(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(again).unwrap(), written);
    }
}

proptest! {
    #[test]
    fn no_answer_is_too_odd(value in odd_json()) {
        is_stable::<Session>(value.clone());
        is_stable::<Activity>(value.clone());
        is_stable::<Source>(value.clone());
        is_stable::<SessionPage>(value.clone());
        is_stable::<ActivityPage>(value.clone());
        is_stable::<SourcePage>(value);
    }

    #[test]
    fn every_object_is_an_activity_and_a_session_with_an_id(value in odd_json()) {
        let mut fields = match value {
            Value::Object(fields) => fields,
            other => Map::from_iter([("title".to_owned(), other)]),
        };
        prop_assert!(serde_json::from_value::<Activity>(Value::Object(fields.clone())).is_ok());
        fields.insert("name".to_owned(), json!("sessions/1"));
        let session = serde_json::from_value::<Session>(Value::Object(fields)).unwrap();
        let _ = (session.pull_request().map(PullRequest::number), session.change_set().map(ChangeSet::diff));
    }
}

#[test]
fn an_activity_has_a_headline() {
    let headline =
        |value: Value| serde_json::from_value::<Activity>(value).unwrap().headline().unwrap_or_default();
    for (activity, expected) in [
        (
            json!({"progressUpdated": {"title": "Running the tests", "description": "All"}}),
            "Running the tests",
        ),
        (json!({"progressUpdated": {"title": " ", "description": "\n\n All of them\nTwice"}}), "All of them"),
        (
            json!({"progressUpdated": {"title": "Ran"}, "artifacts": [{"bashOutput": {"command": "cargo test\n"}}]}),
            "$ cargo test",
        ),
        (json!({"artifacts": [{"bashOutput": {"output": "ok"}}], "description": "Looked"}), "Looked"),
        (json!({"agentMessaged": {"agentMessage": "Which one?\nA or B"}}), "Which one?"),
        (json!({"planGenerated": {"plan": {"steps": [{"title": "Read"}]}}}), "plan of 1 step: Read"),
        (json!({"planGenerated": {"plan": {"steps": [{}, {"title": "Read"}]}}}), "plan of 2 steps: Read"),
        (json!({"planGenerated": {}}), "plan of 0 steps"),
        (json!({"sessionFailed": {"reason": ""}}), "failed"),
        (json!({"coffeeBrewed": {"cups": 2}}), ""),
        (json!({}), ""),
    ] {
        assert_eq!(headline(activity.clone()), expected, "{activity}");
    }
}
