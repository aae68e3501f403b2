//! `events.jsonl`: one event a line.

use serde::Serialize;

use crate::outcome::{EventKind, RunEvent};

/// The version of the lines.
const VERSION: u32 = 1;

/// An event as one line of JSON, without the line break: `v` (1), `seq`, `ts`, `event`, and what the event
/// itself holds, such as `task`. The change of a session is left to the ledger: thousands of them are no lines.
#[must_use]
pub fn event_line(event: &RunEvent) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        v: u32,
        #[serde(flatten)]
        event: &'a RunEvent,
    }
    let short = without_diff(event);
    let event = short.as_ref().unwrap_or(event);
    let line = serde_json::to_string(&Line { v: VERSION, event })
        .expect("an event's maps have text keys, so it is JSON");
    foreign_text::json(line)
}

fn without_diff(event: &RunEvent) -> Option<RunEvent> {
    let EventKind::SessionDetails { task, attempt, details, diff: Some(_) } = &event.kind else {
        return None;
    };
    let (task, attempt, details) = (task.clone(), *attempt, details.clone());
    let kind = EventKind::SessionDetails { task, attempt, details, diff: None };
    Some(RunEvent { kind, ..*event })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::every_outcome_sample;
    use super::*;

    #[test]
    fn every_line_is_an_object_that_names_its_task() {
        let sample = every_outcome_sample();
        for event in sample.events() {
            let line = event_line(event);
            assert!(!line.contains(['\n', '\r', '\u{1B}']), "{line}");
            assert!(!line.contains("##"), "{line}");
            assert!(
                line.starts_with(&format!("{{\"v\":1,\"seq\":{},\"ts\":\"2026-11-22T02:", event.seq)),
                "{line}"
            );
            let value: Value = serde_json::from_str(&line).unwrap();
            assert!(value["event"].is_string());
            let task = event.kind.task().map(ToString::to_string);
            assert_eq!(value["task"].as_str(), task.as_deref());
            let kept = without_diff(event).unwrap_or_else(|| event.clone());
            assert_eq!(serde_json::from_value::<RunEvent>(value).unwrap(), kept);
            assert!(!line.contains("serde1"), "the change stands in the ledger");
        }
    }
}
