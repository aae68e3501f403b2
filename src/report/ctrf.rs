//! `report.ctrf.json`: the Common Test Report Format, rendered from the report's model.
//!
//! The format: <https://ctrf.io/docs/specification/overview>.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use foreign_text::{cut, plain};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{AttemptV1, OnNoChangeV1, ReportV1, STRAYS, StrayV1, TaskV1, json};
use crate::outcome::{Outcome, PullState, Stage};

/// The version of the specification that the report keeps to.
const SPEC: &str = "0.0.0";

/// The report as CTRF, indented, with a line break at the end.
#[must_use]
pub fn ctrf(report: &ReportV1) -> String {
    json::text(&Ctrf::of(report))
}

/// Writes it as it is made, so that a large one is never in memory as a whole.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_ctrf(report: &ReportV1, out: &mut dyn Write) -> io::Result<()> {
    json::write(&Ctrf::of(report), out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ctrf<'a> {
    report_format: &'static str,
    spec_version: &'static str,
    timestamp: Timestamp,
    generated_by: &'static str,
    results: Results<'a>,
}

#[derive(Serialize)]
struct Results<'a> {
    tool: Tool,
    summary: Summary,
    tests: Vec<Test<'a>>,
    environment: Environment<'a>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Times in milliseconds since 1970.
#[derive(Default, Serialize)]
struct Summary {
    tests: u64,
    passed: u64,
    failed: u64,
    skipped: u64,
    pending: u64,
    other: u64,
    flaky: u64,
    suites: u64,
    start: i64,
    stop: i64,
    duration: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Environment<'a> {
    report_name: &'a str,
    build_id: &'a str,
    extra: BTreeMap<&'static str, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test<'a> {
    name: Cow<'a, str>,
    status: Status,
    /// Milliseconds.
    duration: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<i64>,
    suite: [Cow<'a, str>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    raw_status: &'static str,
    tags: &'a [String],
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    file_path: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    line: u32,
    retries: usize,
    flaky: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retry_attempts: Vec<RetryAttempt<'a>>,
    extra: BTreeMap<&'static str, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RetryAttempt<'a> {
    attempt: u32,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Passed,
    Failed,
    Skipped,
    Pending,
    Other,
}

impl Status {
    fn of(outcome: Outcome, on_no_change: OnNoChangeV1) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Passed,
            Outcome::NoChange => match on_no_change {
                OnNoChangeV1::Pass => Self::Passed,
                OnNoChangeV1::Skip => Self::Skipped,
                OnNoChangeV1::Fail => Self::Failed,
            },
            Outcome::Skipped => Self::Skipped,
            Outcome::Deferred | Outcome::Detached => Self::Pending,
            Outcome::Failed | Outcome::NeedsInput | Outcome::Stalled | Outcome::TimedOut | Outcome::Error => {
                Self::Failed
            }
        }
    }
}

impl<'a> Ctrf<'a> {
    fn of(report: &'a ReportV1) -> Self {
        let tasks = report.tasks.iter().map(|task| Test::of(task, report.run.ended_at));
        let tests: Vec<Test<'_>> = tasks.chain(report.strays.iter().map(Test::of_stray)).collect();
        let run = &report.run;
        let extra = BTreeMap::from([
            ("manifest", run.manifest.as_str().into()),
            ("simulated", run.simulated.into()),
            ("apiRequests", report.api.requests.values().sum::<u64>().into()),
        ]);
        Self {
            report_format: "CTRF",
            spec_version: SPEC,
            timestamp: run.ended_at.unwrap_or(run.started_at),
            generated_by: "jules-batch",
            results: Results {
                tool: Tool { name: "jules-batch", version: env!("CARGO_PKG_VERSION") },
                summary: Summary::of(report, &tests),
                tests,
                environment: Environment { report_name: &run.name, build_id: &run.id, extra },
            },
        }
    }
}

impl Summary {
    fn of(report: &ReportV1, tests: &[Test<'_>]) -> Self {
        let start = report.run.started_at;
        let stop = report.last_moment();
        let mut suites: Vec<&str> = tests.iter().map(|test| test.suite[0].as_ref()).collect();
        suites.sort_unstable();
        suites.dedup();
        let count = |status| tests.iter().filter(|test| test.status == status).count() as u64;
        Self {
            tests: tests.len() as u64,
            passed: count(Status::Passed),
            failed: count(Status::Failed),
            skipped: count(Status::Skipped),
            pending: count(Status::Pending),
            other: count(Status::Other),
            flaky: tests.iter().filter(|test| test.flaky).count() as u64,
            suites: suites.len() as u64,
            start: start.as_millisecond(),
            stop: stop.as_millisecond(),
            duration: stop.as_millisecond() - start.as_millisecond(),
        }
    }
}

impl<'a> Test<'a> {
    fn of(task: &'a TaskV1, run_end: Option<Timestamp>) -> Self {
        let status = Status::of(task.outcome, task.on_no_change);
        let earlier = task.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let mut extra = BTreeMap::from([("outcome", Value::from(task.outcome.as_str()))]);
        if let Some(session) = task.session() {
            extra.insert("session", session.name().into());
            extra.insert("sessionUrl", session.url.as_deref().into());
        }
        if let Some(pull) = &task.pull_request {
            extra.insert("pullRequest", pull.url.as_str().into());
            extra.insert("pullRequests", task.pulls().map(|pull| pull.url.as_str()).collect());
            let told = [
                ("pullRequestState", pull.state.map(PullState::as_str)),
                ("pullRequestStage", pull.stage.map(Stage::as_str)),
                ("pullRequestChecks", pull.checks.as_deref()),
                ("pullRequestReview", pull.review.as_deref()),
            ];
            extra.extend(told.into_iter().filter_map(|(name, word)| Some((name, word?.into()))));
        }
        let message =
            (status != Status::Passed || task.reason.is_some()).then(|| text(task.reason_or_default()));
        Self {
            name: plain(&task.id),
            status,
            duration: task.worked_millis(run_end),
            start: task.started_at.map(Timestamp::as_millisecond),
            stop: task.ended_at.map(Timestamp::as_millisecond),
            suite: [plain(task.suite())],
            message,
            raw_status: task.outcome.as_str(),
            tags: &task.tags,
            kind: "agent",
            file_path: &task.file,
            line: task.line,
            retries: earlier.len(),
            flaky: status == Status::Passed && !earlier.is_empty(),
            retry_attempts: earlier.iter().map(RetryAttempt::of).collect(),
            extra,
        }
    }

    /// A session that nobody knows has failed: it may be a task done twice.
    fn of_stray(stray: &'a StrayV1) -> Self {
        let extra = [("session", Value::from(stray.name())), ("sessionUrl", stray.url.as_deref().into())];
        Self {
            name: Cow::Owned(plain(&stray.name()).into_owned()),
            status: Status::Failed,
            duration: 0,
            start: None,
            stop: None,
            suite: [Cow::Borrowed(STRAYS)],
            message: Some(Cow::Owned(text(&stray.describe()).into_owned())),
            raw_status: "stray",
            tags: &[],
            kind: "agent",
            file_path: "",
            line: 0,
            retries: 0,
            flaky: false,
            retry_attempts: Vec::new(),
            extra: extra.into(),
        }
    }
}

impl<'a> RetryAttempt<'a> {
    fn of(attempt: &'a AttemptV1) -> Self {
        Self {
            attempt: attempt.number,
            status: attempt.outcome.map_or(Status::Other, |outcome| Status::of(outcome, OnNoChangeV1::Pass)),
            duration: attempt.millis(None),
            message: attempt.reason.as_deref().map(text),
        }
    }
}

fn text(foreign: &str) -> Cow<'_, str> {
    cut(plain(foreign), 64 * 1024)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SampleRun, campaign, every_outcome};
    use super::*;

    #[test]
    fn looks_as_agreed() {
        insta::assert_snapshot!(ctrf(&every_outcome()));
    }

    #[test]
    fn says_how_a_pull_request_stands() {
        let json: Value = serde_json::from_str(&ctrf(&campaign())).unwrap();
        let extra = |task: usize| &json["results"]["tests"][task]["extra"];
        assert_eq!(extra(0)["pullRequestStage"], "merged");
        assert_eq!(
            (&extra(28)["pullRequestState"], &extra(28)["pullRequestChecks"]),
            (&"open".into(), &"FAILURE".into())
        );
        assert!(extra(55).get("pullRequestStage").is_none(), "it was not read");
    }

    #[test]
    fn counts_its_tests() {
        let json: Value = serde_json::from_str(&ctrf(&every_outcome())).unwrap();
        let summary = &json["results"]["summary"];
        let count = |status: &str| {
            let tests = json["results"]["tests"].as_array().unwrap();
            tests.iter().filter(|test| test["status"] == status).count() as u64
        };
        for status in ["passed", "failed", "skipped", "pending", "other"] {
            assert_eq!(summary[status], count(status), "{status}");
        }
        assert_eq!((summary["tests"].as_u64(), summary["flaky"].as_u64()), (Some(13), Some(1)));
        assert!(summary["stop"].as_i64() >= summary["start"].as_i64());
        let empty: Value = serde_json::from_str(&ctrf(&SampleRun::new().report())).unwrap();
        assert_eq!(empty["results"]["summary"]["tests"], 0);
    }
}
