//! An activity for reading.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::api::{Activity, ActivityKind, Artifact, BashOutput, ChangeSet, Plan};
use crate::cli::console::{BOLD, CYAN, DIM, GREEN, RED, YELLOW};
use crate::report::{console_fragment as neutral, console_line};

/// So many lines of a command's output are shown: its end is what matters.
const OUTPUT_LINES: usize = 8;
/// So many files of a change are listed.
const FILES: usize = 20;

/// The activity over one or several lines, without a line break at the end. Foreign text in it is neutral.
pub(super) fn rendered(activity: &Activity, zone: &TimeZone) -> String {
    let time = activity.create_time.map_or_else(
        || "--:--:--".to_owned(),
        |at| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string(),
    );
    let who = neutral(activity.originator.as_str());
    let mut text = format!("{DIM}{time} {who:<6}{DIM:#} {}", told(activity));
    for artifact in &activity.artifacts {
        match artifact {
            Artifact::ChangeSet(change) => change_set(&mut text, change),
            Artifact::BashOutput(bash) => command(&mut text, bash),
            Artifact::Media(media) => {
                let kind = neutral(media.mime_type.as_deref().unwrap_or("medium"));
                let _ = write!(text, "\n  {DIM}[{kind}, {} KiB]{DIM:#}", media.data.len() * 3 / 4 / 1024);
            }
            Artifact::Unknown(_) => {
                let _ = write!(text, "\n  {DIM}[an artifact that this version does not know]{DIM:#}");
            }
        }
    }
    text
}

fn told(activity: &Activity) -> String {
    match &activity.kind {
        ActivityKind::AgentMessaged { message } => {
            format!("{CYAN}message{CYAN:#}\n{}", console_line(message))
        }
        ActivityKind::UserMessaged { message } => format!("{BOLD}message{BOLD:#}\n{}", console_line(message)),
        ActivityKind::PlanGenerated(plan) => format!("{YELLOW}plan{YELLOW:#}{}", steps(plan)),
        ActivityKind::PlanApproved { .. } => format!("{GREEN}plan approved{GREEN:#}"),
        ActivityKind::ProgressUpdated { title, description } => {
            progress(title.as_deref(), description.as_deref())
        }
        ActivityKind::SessionCompleted => format!("{GREEN}completed{GREEN:#}"),
        ActivityKind::SessionFailed { reason } => {
            let reason =
                reason.as_deref().map_or_else(String::new, |reason| format!("\n{}", console_line(reason)));
            format!("{RED}failed{RED:#}{reason}")
        }
        ActivityKind::None | ActivityKind::Unknown(_) => {
            activity.description.as_deref().map_or_else(|| "something".to_owned(), neutral)
        }
    }
}

/// The steps of a plan, numbered from 1.
pub(super) fn steps(plan: &Plan) -> String {
    let mut text = String::new();
    for (n, step) in plan.steps.iter().enumerate() {
        let title = neutral(step.title.as_deref().unwrap_or_default());
        let _ = write!(text, "\n  {BOLD}{}. {title}{BOLD:#}", n + 1);
        if let Some(description) = step.description.as_deref().filter(|d| !d.trim().is_empty()) {
            let _ = write!(text, "\n{}", console_line(description));
        }
    }
    text
}

fn progress(title: Option<&str>, description: Option<&str>) -> String {
    let description = description.map(str::trim).filter(|text| !text.is_empty());
    match (title.map(str::trim).filter(|text| !text.is_empty()), description) {
        (Some(title), Some(text)) if title != text => format!("{}\n{}", neutral(title), console_line(text)),
        (Some(title), _) => neutral(title),
        (None, Some(text)) => neutral(text),
        (None, None) => "at work".to_owned(),
    }
}

fn command(text: &mut String, bash: &BashOutput) {
    let code = bash.exit_code.unwrap_or(0);
    let style = if code == 0 { GREEN } else { RED };
    let command = neutral(bash.command.as_deref().unwrap_or_default());
    let _ = write!(text, "\n  {BOLD}$ {command}{BOLD:#} {style}(exit {code}){style:#}");
    let output = bash.output.as_deref().unwrap_or_default().trim_end();
    if output.is_empty() {
        return;
    }
    let lines: Vec<&str> = output.lines().collect();
    let hidden = lines.len().saturating_sub(OUTPUT_LINES);
    if hidden > 0 {
        let _ = write!(text, "\n  {DIM}| … {hidden} lines before{DIM:#}");
    }
    let _ = write!(text, "\n{DIM}{}{DIM:#}", console_line(&lines[hidden..].join("\n")));
}

/// The files of a change with what was added and removed.
pub(super) fn change_set(text: &mut String, change: &ChangeSet) {
    let diff = change.diff();
    for file in diff.files.iter().take(FILES) {
        let moved =
            file.old_path.as_deref().map_or_else(String::new, |old| format!(" (from {})", neutral(old)));
        let (plus, minus) = (file.additions, file.deletions);
        let path = neutral(&file.path);
        let _ = write!(
            text,
            "\n  {GREEN}+{plus}{GREEN:#} {RED}-{minus}{RED:#} {path}{moved} {DIM}{}{DIM:#}",
            file.change.as_str()
        );
    }
    if diff.files.len() > FILES {
        let _ = write!(text, "\n  {DIM}… and {} more files{DIM:#}", diff.files.len() - FILES);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(value: serde_json::Value) -> String {
        let activity: Activity = serde_json::from_value(value).unwrap();
        anstream::adapter::strip_str(&rendered(&activity, &TimeZone::UTC)).to_string()
    }

    #[test]
    fn a_plan_has_its_steps() {
        let text = shown(json!({
            "id": "a", "originator": "agent", "createTime": "2026-11-22T02:00:05Z",
            "planGenerated": { "plan": { "steps": [
                { "title": "Read the test" },
                { "title": "Fix it", "description": "In login.rs.\nThen run it.", "index": 1 }
            ] } }
        }));
        insta::assert_snapshot!(text, @r"
        02:00:05 agent  plan
          1. Read the test
          2. Fix it
          | In login.rs.
          | Then run it.
        ");
    }

    #[test]
    fn commands_and_files_are_told_in_short() {
        let patch =
            "diff --git a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1,2 @@\n-a\n+b\n+c\n";
        let text = shown(json!({
            "id": "a", "originator": "agent", "createTime": "2026-11-22T02:00:05Z",
            "progressUpdated": { "title": "Running tests" },
            "artifacts": [
                { "bashOutput": { "command": "cargo test", "output": (0..20).map(|n| format!("line {n}\n")).collect::<String>(), "exitCode": 101 } },
                { "changeSet": { "gitPatch": { "unidiffPatch": patch } } },
                { "media": { "data": "aGVsbG8=", "mimeType": "image/png" } }
            ]
        }));
        insta::assert_snapshot!(text, @r"
        02:00:05 agent  Running tests
          $ cargo test (exit 101)
          | … 12 lines before
          | line 12
          | line 13
          | line 14
          | line 15
          | line 16
          | line 17
          | line 18
          | line 19
          +2 -1 src/a.rs modified
          [image/png, 0 KiB]
        ");
    }

    #[test]
    fn hostile_text_stays_text() {
        let text = shown(json!({
            "id": "a", "originator": "agent",
            "agentMessaged": { "agentMessage": "hi\u{1b}[2J\r::error::x\n##[group]y" }
        }));
        insta::assert_snapshot!(text, @r"
        --:--:-- agent  message
          | hi
          | : :error::x
          | # #[group]y
        ");
    }
}
