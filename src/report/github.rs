//! What GitHub Actions reads: annotations in the log, and the file of a step's outputs.
//!
//! The step's summary is [`super::markdown`]. Rules: GitHub's "Workflow commands" page and the runner's
//! parser.

use std::fmt::Write as _;

use foreign_text::{plain, workflow};
use serde_json::{Value, json};

use super::link::https;
use super::markdown::with_limit;
use super::{PullRequestV1, ReportError, ReportV1, TaskV1, many};
use crate::outcome::Outcome;

/// Annotations of one kind that GitHub shows for a step are ten: nine tasks, and how many more.
const ERRORS: usize = 9;
/// Bytes of an annotation's message that GitHub shows.
const MESSAGE: usize = 4096;
/// Bytes of one array among the outputs.
const ARRAY: usize = 64 * 1024;

/// How a run went, as the action's output `outcome` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything ended well.
    Success,
    /// Tasks failed.
    Failure,
    /// Nothing failed, but work is left for the next run, or stray sessions are for a person to look at.
    Partial,
    /// No task was selected.
    Empty,
    /// The run was interrupted.
    Cancelled,
}

impl RunOutcome {
    /// How this run went. An interrupt outweighs failures, failures outweigh what is left.
    #[must_use]
    pub fn of(report: &ReportV1, interrupted: bool) -> Self {
        if interrupted {
            Self::Cancelled
        } else if report.failures() > 0 {
            Self::Failure
        } else if report.is_unfinished() {
            Self::Partial
        } else if report.totals.total == 0 {
            Self::Empty
        } else {
            Self::Success
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Partial => "partial",
            Self::Empty => "empty",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The workflow commands that annotate the manifest with what failed, a line each: at most nine tasks and
/// "and N more", one notice when work is left, one warning when sessions are astray.
///
/// `manifest` is its path in the repository; none if it is no file there, and then the annotations have no place.
#[must_use]
pub fn annotations(report: &ReportV1, manifest: Option<&str>) -> String {
    let failed: Vec<&TaskV1> = report.tasks.iter().filter(|task| task.has_failed()).collect();
    let mut out = String::new();
    for task in failed.iter().take(ERRORS) {
        let title = format!("{}: {}", task.outcome.label(), task.id);
        let message = [task.reason_or_default().trim(), &task.links()].join("\n\n");
        let place = manifest.map(|file| (file, task.line));
        command(&mut out, "error", place, &title, message.trim());
    }
    let more = failed.len().saturating_sub(ERRORS);
    if more > 0 {
        let text = format!("and {} failed", many(more, "more task"));
        command(&mut out, "error", None, "More failures", &text);
    }
    if report.remaining > 0 {
        let left = format!("{} of {} tasks are left for the next run", report.remaining, report.totals.total);
        command(&mut out, "notice", None, "Work is left", &left);
    }
    if !report.strays.is_empty() {
        let text = match report.strays.len() {
            1 => "1 session carries this run's marker, but the run does not know it".to_owned(),
            count => format!("{count} sessions carry this run's marker, but the run does not know them"),
        };
        command(&mut out, "warning", None, "Stray sessions", &text);
    }
    out
}

/// The workflow commands that say why nothing was run at all, a line each: at most nine messages, each with its file in
/// the repository and its line, and "and N more".
#[must_use]
pub fn error_annotations(found: &[(&str, Option<(&str, u32)>)]) -> String {
    let mut out = String::new();
    for (message, place) in found.iter().take(ERRORS) {
        command(&mut out, "error", *place, "jules-batch", message);
    }
    let more = found.len().saturating_sub(ERRORS);
    if more > 0 {
        command(&mut out, "error", None, "jules-batch", &format!("and {}", many(more, "more error")));
    }
    out
}

fn command(out: &mut String, kind: &str, place: Option<(&str, u32)>, title: &str, message: &str) {
    let place = place.map_or_else(String::new, |(file, line)| {
        format!("file={},line={},", workflow::property(file, 1024), line.max(1))
    });
    let title = workflow::property(title, 250);
    let message = workflow::message(message, MESSAGE);
    writeln!(out, "::{kind} {place}title={title}::{message}").expect("writing to a String cannot fail");
}

/// What the caller knows and the report does not.
#[derive(Clone, Copy, Debug)]
pub struct RunFiles<'a> {
    /// The path of `report.json`.
    pub json: &'a str,
    /// The path of `junit.xml`.
    pub junit: &'a str,
    /// The folder of all reports.
    pub dir: &'a str,
}

/// The action's outputs by name, in a fixed order. Nothing in them was written by an agent: workflows paste
/// outputs into scripts.
#[must_use]
pub fn outputs(
    report: &ReportV1,
    outcome: RunOutcome,
    exit_code: u8,
    files: RunFiles<'_>,
) -> Vec<(&'static str, String)> {
    let counts: serde_json::Map<String, Value> =
        Outcome::ALL.into_iter().map(|o| (o.as_str().to_owned(), report.totals.of(o).into())).collect();
    let failed = report.tasks.iter().filter(|task| task.has_failed());
    vec![
        ("outcome", outcome.as_str().to_owned()),
        ("exit-code", exit_code.to_string()),
        ("run-id", report.run.id.clone()),
        ("total", report.totals.total.to_string()),
        ("counts", Value::Object(counts).to_string()),
        ("remaining", report.remaining.to_string()),
        ("pull-requests", array(report.tasks.iter().flat_map(pull_requests))),
        ("failed-tasks", array(failed.map(failed_task))),
        ("report-json", files.json.to_owned()),
        ("report-junit", files.junit.to_owned()),
        ("report-dir", files.dir.to_owned()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ]
}

fn pull_requests(task: &TaskV1) -> impl Iterator<Item = Value> {
    let told = |pull: &PullRequestV1| {
        Some(json!({ "task": plain(&task.id), "url": https(&pull.url)?, "number": pull.number }))
    };
    task.pulls().filter_map(told)
}

fn failed_task(task: &TaskV1) -> Value {
    let session = task.session();
    json!({
        "task": plain(&task.id),
        "outcome": task.outcome.as_str(),
        "session": session.map(|session| plain(&session.name()).into_owned()),
        "url": session.and_then(|session| https(session.url.as_deref()?)),
    })
}

/// A JSON array of at most 64 KiB: what does not fit is left out at the end.
fn array(items: impl Iterator<Item = Value>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    let (fit, _) = with_limit(&items, ARRAY - 2, |item| item.len() + 1);
    format!("[{}]", fit.join(","))
}

/// What to append to the file that `GITHUB_OUTPUT` names. The delimiter must be fresh and random.
///
/// # Errors
///
/// When a value contains the delimiter, which could be an attempt to set other outputs.
pub fn output_file(outputs: &[(&'static str, String)], delimiter: &str) -> Result<String, ReportError> {
    let mut out = String::new();
    for (name, value) in outputs {
        if delimiter.is_empty() || value.contains(delimiter) {
            return Err(ReportError::Delimiter { output: name });
        }
        writeln!(out, "{name}<<{delimiter}\n{value}\n{delimiter}").expect("writing to a String cannot fail");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{HOSTILE, SampleRun, every_outcome};
    use super::*;

    #[test]
    fn annotates_the_manifest() {
        insta::assert_snapshot!(annotations(&every_outcome(), Some("jobs.yaml")));
    }

    #[test]
    fn at_most_ten_annotations_of_a_kind() {
        let mut report = every_outcome();
        let failed = report.tasks[3].clone();
        report.tasks.extend((0..30).map(|_| failed.clone()));
        let text = annotations(&report, Some("jobs.yaml"));
        assert_eq!(text.lines().filter(|line| line.starts_with("::error ")).count(), 10);
        assert!(text.contains("::and 27 more tasks failed\n"));
        assert!(text.lines().all(|line| line.starts_with("::")));
    }

    #[test]
    fn annotations_stand_where_the_repository_has_the_manifest() {
        let error = |manifest| annotations(&every_outcome(), manifest).lines().next().unwrap().to_owned();
        assert!(error(Some("ci/a,b.yaml")).starts_with("::error file=ci/a%2Cb.yaml,line=13,title="));
        assert!(error(None).starts_with("::error title="));
    }

    #[test]
    fn an_annotation_is_one_command_and_keeps_to_its_size() {
        let mut report = every_outcome();
        report.tasks.retain(|task| task.id.starts_with("hostile"));
        report.tasks[0].reason = Some(HOSTILE.repeat(50));
        report.tasks[0].id = "a,b:c%d\ne".to_owned();
        let text = annotations(&report, Some("jobs.yaml"));
        let line = text.lines().find(|line| line.starts_with("::error ")).unwrap();
        assert!(
            line.starts_with("::error file=jobs.yaml,line=21,title=failed%3A a%2Cb%3Ac%25d e::cargo test"),
            "{line}"
        );
        let message = line.splitn(3, "::").nth(2).unwrap();
        let decoded = message.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%");
        assert!(decoded.len() <= 4096 && !decoded.contains("##["), "{decoded}");
    }

    #[test]
    fn outputs_hold_no_words_of_an_agent() {
        let report = every_outcome();
        let files = RunFiles { json: "r/report.json", junit: "r/junit.xml", dir: "r" };
        let outputs = outputs(&report, RunOutcome::of(&report, false), 100, files);
        insta::assert_debug_snapshot!(outputs);
        let text = output_file(&outputs, "EOF-5f0c").unwrap();
        assert!(text.starts_with("outcome<<EOF-5f0c\nfailure\nEOF-5f0c\n"));
        assert!(!text.contains("evil.example") && !text.contains("Upgrade serde <to>"));
    }

    #[test]
    fn a_value_with_the_delimiter_is_refused() {
        let outputs = [("total", "1\nEOF\nremaining<<EOF".to_owned())];
        let error = output_file(&outputs, "EOF").unwrap_err();
        assert_eq!(error.to_string(), "the output `total` contains its own delimiter");
        assert!(output_file(&outputs, "other").is_ok());
        assert!(output_file(&outputs, "").is_err());
    }

    #[test]
    fn arrays_are_cut_between_items() {
        let mut report = every_outcome();
        let failed = report.tasks[3].clone();
        report.tasks.extend((0..2000).map(|_| failed.clone()));
        let files = RunFiles { json: "", junit: "", dir: "" };
        let outputs = outputs(&report, RunOutcome::Failure, 100, files);
        let (_, failed) = outputs.iter().find(|(name, _)| *name == "failed-tasks").unwrap();
        assert!(failed.len() <= ARRAY);
        assert!(serde_json::from_str::<Vec<Value>>(failed).unwrap().len() > 300);
    }

    #[test]
    fn no_change_is_a_failure_where_its_job_says_so() {
        let mut sample = SampleRun::new();
        sample.plan_as("strict", None, 7, "fail").whole("strict", 5, Outcome::NoChange, None);
        sample.plan_as("easy", None, 8, "pass").whole("easy", 5, Outcome::NoChange, None);
        let report = sample.report();
        assert_eq!(RunOutcome::of(&report, false), RunOutcome::Failure);
        let text = annotations(&report, Some("jobs.yaml"));
        assert!(text.starts_with("::error file=jobs.yaml,line=7,title=no change%3A strict::"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        let files = RunFiles { json: "", junit: "", dir: "" };
        let outputs = outputs(&report, RunOutcome::Failure, 100, files);
        let (_, failed) = outputs.iter().find(|(name, _)| *name == "failed-tasks").unwrap();
        assert!(failed.contains("\"task\":\"strict\"") && !failed.contains("easy"), "{failed}");
    }

    #[test]
    fn the_outcome_of_a_run() {
        let mut report = SampleRun::new().report();
        assert_eq!(RunOutcome::of(&report, false), RunOutcome::Empty);
        report.totals.total = 2;
        assert_eq!(RunOutcome::of(&report, false), RunOutcome::Success);
        report.remaining = 1;
        assert_eq!(RunOutcome::of(&report, false), RunOutcome::Partial);
        report.tasks.push(every_outcome().tasks[7].clone());
        assert_eq!(RunOutcome::of(&report, false), RunOutcome::Failure);
        assert_eq!(RunOutcome::of(&report, true), RunOutcome::Cancelled);
    }
}
