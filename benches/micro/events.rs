//! A run of many tasks that all succeed, told as the events that a ledger would hand over.

use jiff::{SignedDuration, Timestamp};
use jules_batch::outcome::RunEvent;
use serde_json::{Value, json};

/// Every event of a run of so many tasks.
pub(crate) fn of_run(tasks: usize) -> Vec<RunEvent> {
    let run = json!({
        "id": "20261122-020005-7c1f", "name": "nightly-maintenance", "manifest": "jobs.yaml", "simulated": true,
    });
    let mut told = vec![
        json!({"event": "run_started", "run": run}),
        json!({"event": "invocation_started", "invocation": 1}),
    ];
    told.extend((0..tasks).map(planned));
    told.extend((0..tasks).flat_map(lived));
    told.push(json!({"event": "invocation_ended", "stopped": null}));
    told.into_iter().enumerate().map(|(at, event)| numbered(at, event)).collect()
}

fn numbered(at: usize, mut event: Value) -> RunEvent {
    let began: Timestamp = "2026-11-22T02:00:05Z".parse().unwrap();
    event["seq"] = json!(at + 1);
    event["ts"] = json!(began + SignedDuration::from_millis(100 * at as i64));
    serde_json::from_value(event).unwrap()
}

fn id(n: usize) -> String {
    format!("upgrade/my-org/svc-{n}@main[crate=serde]")
}

fn planned(n: usize) -> Value {
    json!({
        "event": "task_planned", "task": id(n), "key": format!("{n:032x}"), "job": "upgrade",
        "source": {"github": format!("my-org/svc-{n}"), "branch": "main"}, "matrix": {"crate": "serde"},
        "tags": ["deps"], "place": {"line": 12, "column": 5}, "onNoChange": "pass",
    })
}

fn lived(n: usize) -> [Value; 6] {
    let session = json!({"id": n.to_string(), "url": format!("https://jules.google.com/session/{n}")});
    let url = format!("https://github.com/my-org/svc-{n}/pull/{n}");
    let work = json!({
        "pullRequest": {"url": url, "number": n, "title": "Upgrade serde", "baseRef": "main", "headRef": "jules/serde"},
        "change": {"files": 3, "additions": 40, "deletions": 12},
    });
    let marker = format!("[jb-{n:08x}-7c1f-1]");
    [
        json!({"event": "intent_recorded", "task": id(n), "attempt": 1, "marker": marker}),
        json!({"event": "session_created", "task": id(n), "attempt": 1, "session": session, "adopted": false}),
        json!({"event": "session_state", "task": id(n), "attempt": 1, "state": "IN_PROGRESS"}),
        json!({"event": "session_state", "task": id(n), "attempt": 1, "state": "COMPLETED", "detectedAfterMs": 4000}),
        json!({"event": "attempt_ended", "task": id(n), "attempt": 1, "outcome": "succeeded", "work": work}),
        json!({"event": "task_ended", "task": id(n), "outcome": "succeeded"}),
    ]
}
