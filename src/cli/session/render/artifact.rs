//! Artifacts for reading: commands with exit codes, change sets, media.

use serde_json::Value;

use super::change;
use crate::cli::console::{BOLD, DIM, GREEN, RED};
use crate::report::many;
use jules::{Artifact, BashOutput, Media};

/// Lines of a command's output that are shown: the last ones, because errors come last.
const LAST_LINES: usize = 12;

pub(super) fn artifact(artifact: &Artifact, full: bool) -> String {
    match artifact {
        Artifact::ChangeSet(change_set) if change_set.is_empty() => "changes: none".to_owned(),
        Artifact::ChangeSet(change_set) => {
            format!("{BOLD}changes{BOLD:#} {}", change::summary(change_set, full))
        }
        Artifact::Media(media) => picture(media),
        Artifact::BashOutput(output) => command(output, full),
        Artifact::Unknown(value) => format!("{DIM}something unknown: {}{DIM:#}", keys(value)),
        _ => format!("{DIM}something unknown{DIM:#}"),
    }
}

fn command(bash: &BashOutput, full: bool) -> String {
    // The service drops zero values.
    let code = bash.exit_code.unwrap_or(0);
    let verdict = match code {
        0 => format!("{GREEN}exit 0{GREEN:#}"),
        code => format!("{RED}exit {code}{RED:#}"),
    };
    let command = foreign_text::line(bash.command.as_deref().unwrap_or("(no command)"));
    let head = format!("{BOLD}$ {command}{BOLD:#}  {verdict}");
    match bash.output.as_deref().filter(|output| !output.trim().is_empty()) {
        None => head,
        Some(output) => format!("{head}\n{}", printed(output, full)),
    }
}

fn printed(output: &str, full: bool) -> String {
    let block = foreign_text::block(output.trim_end());
    let lines: Vec<&str> = block.lines().collect();
    let hidden = if full { 0 } else { lines.len().saturating_sub(LAST_LINES) };
    let mut shown = Vec::new();
    if hidden > 0 {
        shown.push(format!("{DIM}  | … {} before{DIM:#}", many(hidden, "line")));
    }
    shown.extend(lines[hidden..].iter().map(|line| format!("{DIM}{line}{DIM:#}")));
    shown.join("\n")
}

fn picture(media: &Media) -> String {
    // Three bytes are four characters of base64.
    let bytes = media.data.len() / 4 * 3;
    let kind = foreign_text::line(media.mime_type.as_deref().unwrap_or("unknown type"));
    format!("{BOLD}media{BOLD:#} {kind}, about {bytes} bytes")
}

/// The names of an object's fields: enough to tell what it is about.
pub(super) fn keys(value: &Value) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            foreign_text::line(&map.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
        _ => "nothing in it".to_owned(),
    }
}
