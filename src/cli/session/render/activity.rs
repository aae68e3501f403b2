//! Activities for reading.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{artifact, plan};
use crate::cli::console::{BOLD, CYAN, DIM, GREEN, RED};
use jules::{Activity, ActivityKind};

/// How activities are shown.
#[derive(Clone, Debug)]
pub(crate) struct Rendering {
    /// In whose time.
    zone: TimeZone,
    /// Whether long outputs and lists are shown whole.
    full: bool,
}

impl Rendering {
    /// Times of this machine's zone; long outputs cut unless `full`.
    pub(crate) fn new(full: bool) -> Self {
        Self { zone: TimeZone::system(), full }
    }

    /// Times of this zone.
    #[cfg(test)]
    pub(super) fn in_zone(zone: TimeZone, full: bool) -> Self {
        Self { zone, full }
    }

    /// A moment: `12:03:05`, with the date unless it is today's.
    pub(crate) fn time(&self, time: Option<Timestamp>) -> String {
        time.map_or_else(
            || "--:--:--".to_owned(),
            |time| time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string(),
        )
    }

    /// A moment with its date.
    pub(crate) fn date(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The activity, one or several lines without a line break at the end.
    pub(crate) fn activity(&self, activity: &Activity) -> String {
        let time = format!("{DIM}{}{DIM:#}", self.time(activity.create_time));
        let mut parts: Vec<String> = self.what(activity).into_iter().collect();
        parts.extend(activity.artifacts.iter().map(|part| artifact::artifact(part, self.full)));
        if parts.is_empty() {
            parts.push(format!("{DIM}(nothing){DIM:#}"));
        }
        let lines = parts.iter().map(|part| format!("{time} {part}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What happened, but for the artifacts.
    fn what(&self, activity: &Activity) -> Option<String> {
        Some(match &activity.kind {
            ActivityKind::AgentMessaged { message } => labelled(&format!("{CYAN}agent:{CYAN:#}"), message),
            ActivityKind::UserMessaged { message } => labelled(&format!("{GREEN}you:{GREEN:#}"), message),
            ActivityKind::PlanGenerated(made) => {
                format!("{BOLD}plan{BOLD:#}\n{}", plan::steps(made))
            }
            ActivityKind::PlanApproved { .. } => "plan approved".to_owned(),
            ActivityKind::ProgressUpdated { title, description } => {
                progress(title.as_deref(), description.as_deref())?
            }
            ActivityKind::SessionCompleted => format!("{GREEN}completed{GREEN:#}"),
            ActivityKind::SessionFailed { reason } => {
                labelled(&format!("{RED}failed{RED:#}"), reason.as_deref().unwrap_or("without a reason"))
            }
            ActivityKind::Unknown(value) => {
                let about = activity.description.as_deref().map(foreign_text::line);
                let about = about.unwrap_or_else(|| artifact::keys(value));
                format!("{DIM}something unknown: {about}{DIM:#}")
            }
            // Nothing but the common fields, or a kind that the client has learnt since.
            _ => labelled("·", activity.description.as_deref().filter(|text| !text.trim().is_empty())?),
        })
    }
}

fn progress(title: Option<&str>, description: Option<&str>) -> Option<String> {
    let filled = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    match (filled(title), filled(description)) {
        (Some(title), Some(details)) if title != details => {
            let title = foreign_text::line(&title);
            let more = labelled(&format!("  {DIM}└{DIM:#}"), &details);
            Some(format!("· {title}\n{more}"))
        }
        (Some(text), _) | (None, Some(text)) => Some(labelled("·", &text)),
        (None, None) => None,
    }
}

/// A text of one line that is short enough for one, behind its label; otherwise as a block below it.
pub(super) fn labelled(label: &str, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return label.to_owned();
    }
    if text.contains(['\n', '\r']) || text.len() > 500 {
        return format!("{label}\n{}", foreign_text::block(text));
    }
    format!("{label} {}", foreign_text::line(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn shown(full: bool, activity: Value) -> String {
        let activity: Activity = serde_json::from_value(activity).unwrap();
        let styled = Rendering::in_zone(TimeZone::UTC, full).activity(&activity);
        anstream::adapter::strip_str(&styled).to_string()
    }

    fn at(mut kind: Value) -> Value {
        kind["id"] = "a".into();
        kind["createTime"] = "2026-11-22T02:00:05Z".into();
        kind
    }

    #[test]
    fn reads_as_agreed() {
        let patch = "diff --git a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1,2 @@\n-x\n+y\n+z\n\
                     diff --git a/new.md b/new.md\nnew file mode 100644\n--- /dev/null\n+++ b/new.md\n@@ -0,0 +1 @@\n+hi\n";
        let long: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let kinds = [
            json!({"planGenerated": {"plan": {"steps": [
                {"title": "Read the code"}, {"title": "Change it", "description": "All of it.\nTwice.", "index": 1}]}}}),
            json!({"planGenerated": {}}),
            json!({"planApproved": {"planId": "p"}}),
            json!({"agentMessaged": {"agentMessage": "I have a question."}}),
            json!({"agentMessaged": {"agentMessage": "First.\nSecond."}}),
            json!({"userMessaged": {"userMessage": "Go on."}}),
            json!({"progressUpdated": {"title": "Running the tests", "description": "All 12 of them"}}),
            json!({"progressUpdated": {"title": "Done"}}),
            json!({"progressUpdated": {}, "artifacts": [{"bashOutput": {"command": "cargo test", "output": "ok\n"}}]}),
            json!({"progressUpdated": {}, "artifacts": [{"bashOutput": {"command": "make", "output": long, "exitCode": 2}}]}),
            json!({"artifacts": [{"changeSet": {"gitPatch": {"unidiffPatch": patch}}}]}),
            json!({"artifacts": [{"media": {"data": "aGkhaGkh", "mimeType": "image/png"}}, {"hologram": {"depth": 3}}]}),
            json!({"description": "Something went by"}),
            json!({"coffeeBrewed": {"cups": 2}}),
            json!({"sessionCompleted": {}}),
            json!({"sessionFailed": {"reason": "The tests did not pass."}}),
            json!({"sessionFailed": {}}),
            json!({}),
        ];
        let text: Vec<_> = kinds.into_iter().map(|kind| shown(false, at(kind))).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn the_whole_output_is_shown_on_demand() {
        let long: String = (1..=40).map(|n| format!("line {n}\n")).collect();
        let activity = at(json!({"artifacts": [{"bashOutput": {"command": "make", "output": long}}]}));
        assert!(!shown(false, activity.clone()).contains("line 1\n"));
        assert!(shown(true, activity).contains("  | line 1\n"));
    }

    #[test]
    fn foreign_text_can_do_nothing() {
        let evil = "\u{1b}]0;title\u{7}\u{1b}[2J::error::x\r::warning::y\n##vso[task.setvariable]z";
        for kind in [
            json!({"agentMessaged": {"agentMessage": evil}}),
            json!({"progressUpdated": {"title": evil, "description": evil}}),
            json!({"sessionFailed": {"reason": evil}}),
            json!({"planGenerated": {"plan": {"steps": [{"title": evil, "description": evil}]}}}),
            json!({"artifacts": [{"bashOutput": {"command": evil, "output": evil}}, {"media": {"mimeType": evil}}]}),
            json!({"artifacts": [{"changeSet": {"gitPatch": {"unidiffPatch": format!("--- a/{evil}\n+++ b/{evil}\n@@ -1 +1 @@\n-a\n+b\n")}}}]}),
            json!({evil: {"x": 1}}),
            json!({"artifacts": [{evil: {"x": 1}}]}),
        ] {
            assert_tame(&shown(true, at(kind)));
        }
    }

    fn assert_tame(text: &str) {
        for line in text.lines() {
            assert!(!line.trim_start().starts_with("::"), "{line:?}");
            assert!(!line.contains("##vso[") && !line.contains("##["), "{line:?}");
        }
        assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
    }

    /// Any JSON, with the names that mean something more often than others.
    fn any_json() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            Just("plan".to_owned()),
            Just("steps".to_owned()),
            Just("title".to_owned()),
            Just("artifacts".to_owned()),
            Just("bashOutput".to_owned()),
            Just("changeSet".to_owned()),
            Just("gitPatch".to_owned()),
            Just("unidiffPatch".to_owned()),
            Just("description".to_owned()),
            Just("planGenerated".to_owned()),
            Just("agentMessaged".to_owned()),
            Just("agentMessage".to_owned()),
            Just("createTime".to_owned()),
            "\\PC{0,8}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            r"(##|\[|::|\n|\r|\x1b|\[2J|x){0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(word.clone(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_answer_is_shown_and_tame(value in any_json(), full in any::<bool>()) {
            let map = if value.is_object() { value } else { json!({"artifacts": value}) };
            if let Ok(activity) = serde_json::from_value::<Activity>(map) {
                let styled = Rendering::in_zone(TimeZone::UTC, full).activity(&activity);
                assert_tame(&anstream::adapter::strip_str(&styled).to_string());
            }
        }
    }
}
