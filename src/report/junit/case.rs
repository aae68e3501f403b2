//! What a suite and a case say: the one mapping from outcomes to JUnit.

use std::collections::{HashMap, HashSet};

use foreign_text::{cut, xml};
use jiff::Timestamp;

use super::super::link::pull_label;
use super::super::{AttemptV1, OnNoChangeV1, ReportV1, STRAYS, StrayV1, TaskV1};
use crate::outcome::Outcome;

/// Bytes of a message (an attribute) and of a text (an element) at most: longer ones make readers reject the
/// file or drop the case.
const MESSAGE: usize = 1024;
const TEXT: usize = 64 * 1024;

/// The tasks of one source, or of one job without a source; or the stray sessions.
pub(super) struct Suite<'a> {
    pub(super) name: String,
    pub(super) started_at: Timestamp,
    pub(super) cases: Vec<Case<'a>>,
}

/// A task, or a stray session.
pub(super) struct Case<'a> {
    pub(super) task: Option<&'a TaskV1>,
    pub(super) name: String,
    pub(super) millis: u64,
    pub(super) verdict: Verdict,
    /// The attempts before the last.
    pub(super) earlier: Vec<Earlier>,
    pub(super) system_out: String,
}

/// How a case ended, in JUnit's words.
pub(super) enum Verdict {
    Passed,
    Failure(Complaint),
    Error(Complaint),
    Skipped(Complaint),
}

/// What an element `failure`, `error` or `skipped` says.
pub(super) struct Complaint {
    /// `jules.timed_out`.
    pub(super) kind: String,
    /// One line.
    pub(super) message: String,
    /// The message and all the rest.
    pub(super) text: String,
}

/// An attempt that did not decide.
pub(super) struct Earlier {
    pub(super) complaint: Complaint,
    /// The case passed in the end.
    pub(super) flaky: bool,
}

/// The numbers of a suite or of the whole file.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) tests: usize,
    pub(super) failures: usize,
    pub(super) errors: usize,
    pub(super) skipped: usize,
    pub(super) millis: u64,
}

impl<'a> Suite<'a> {
    /// The report's suites in the order of their first task, then that of the strays, if there are any. A run without
    /// a task has one empty suite: a reader falls over a document without any.
    pub(super) fn all(report: &'a ReportV1) -> Vec<Self> {
        let mut suites: Vec<Self> = Vec::new();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        let mut used = HashSet::new();
        if report.tasks.is_empty() {
            let name = xml::line(&report.run.name, MESSAGE).into_owned();
            suites.push(Self { name, started_at: report.run.started_at, cases: Vec::new() });
        }
        for task in &report.tasks {
            let name = xml::line(task.suite(), MESSAGE).into_owned();
            let at = *by_name.entry(name.clone()).or_insert_with(|| {
                suites.push(Self {
                    name: name.clone(),
                    started_at: report.run.started_at,
                    cases: Vec::new(),
                });
                suites.len() - 1
            });
            let case = Case::of(task, unique(&mut used, &name, &task.id), report);
            suites[at].cases.push(case);
        }
        for suite in &mut suites {
            let started = suite.cases.iter().filter_map(|case| case.task?.started_at).min();
            suite.started_at = started.unwrap_or(report.run.started_at);
        }
        suites.extend((!report.strays.is_empty()).then(|| Self::of_strays(report)));
        suites
    }

    fn of_strays(report: &'a ReportV1) -> Self {
        let cases = report.strays.iter().map(Case::of_stray).collect();
        Self { name: STRAYS.to_owned(), started_at: report.run.started_at, cases }
    }

    pub(super) fn counts(&self) -> Counts {
        self.cases.iter().fold(Counts::default(), |mut counts, case| {
            counts.tests += 1;
            counts.millis += case.millis;
            match case.verdict {
                Verdict::Passed => {}
                Verdict::Failure(_) => counts.failures += 1,
                Verdict::Error(_) => counts.errors += 1,
                Verdict::Skipped(_) => counts.skipped += 1,
            }
            counts
        })
    }
}

impl Counts {
    pub(super) fn add(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
            millis: self.millis + other.millis,
        }
    }
}

/// Two ids can look alike once what XML forbids is gone from them: the later one gets a number.
fn unique(used: &mut HashSet<(String, String)>, suite: &str, id: &str) -> String {
    let name = xml::line(id, MESSAGE);
    let mut candidate = name.clone().into_owned();
    let mut number = 2;
    while !used.insert((suite.to_owned(), candidate.clone())) {
        candidate = format!("{name} ({number})");
        number += 1;
    }
    candidate
}

impl<'a> Case<'a> {
    fn of(task: &'a TaskV1, name: String, report: &ReportV1) -> Self {
        let verdict = Verdict::of(task);
        let flaky = matches!(verdict, Verdict::Passed);
        // Readers do not expect reruns in a skipped case; its output lists them.
        let earlier = match (&verdict, task.attempts.split_last()) {
            (Verdict::Skipped(_), _) | (_, None) => Vec::new(),
            (_, Some((_, earlier))) => earlier.iter().map(|attempt| Earlier::of(attempt, flaky)).collect(),
        };
        let system_out = cut(xml::text(&system_out(task)), TEXT).into_owned();
        Self {
            task: Some(task),
            name,
            millis: task.worked_millis(report.run.ended_at),
            verdict,
            earlier,
            system_out,
        }
    }

    fn of_stray(stray: &StrayV1) -> Self {
        let text = stray.describe();
        let message = xml::line(text.lines().next().unwrap_or_default(), MESSAGE).into_owned();
        let text = cut(xml::text(&text), TEXT).into_owned();
        Self {
            task: None,
            name: xml::line(&stray.name(), MESSAGE).into_owned(),
            millis: 0,
            system_out: format!("{text}\n"),
            verdict: Verdict::Error(Complaint { kind: "jules.stray".to_owned(), message, text }),
            earlier: Vec::new(),
        }
    }
}

impl Verdict {
    fn of(task: &TaskV1) -> Self {
        match task.outcome {
            Outcome::Succeeded => Self::Passed,
            Outcome::NoChange => match task.on_no_change {
                OnNoChangeV1::Pass => Self::Passed,
                OnNoChangeV1::Skip => Self::Skipped(Complaint::of_task(task)),
                OnNoChangeV1::Fail => Self::Failure(Complaint::of_task(task)),
            },
            Outcome::Failed | Outcome::NeedsInput => Self::Failure(Complaint::of_task(task)),
            Outcome::TimedOut | Outcome::Stalled | Outcome::Error => Self::Error(Complaint::of_task(task)),
            Outcome::Skipped | Outcome::Deferred | Outcome::Detached => {
                Self::Skipped(Complaint::of_task(task))
            }
        }
    }
}

impl Complaint {
    fn of_task(task: &TaskV1) -> Self {
        Self::new(task.outcome, task.reason_or_default(), &task.links())
    }

    /// The message stands first in the text as well: some readers show only the one, some only the other.
    fn new(outcome: Outcome, reason: &str, links: &str) -> Self {
        let body = format!("{}: {reason}", outcome.label());
        let message = xml::line(&body, MESSAGE).into_owned();
        let rest =
            if xml::text(&body).trim() == message { String::new() } else { format!("\n\n{}", reason.trim()) };
        let links = if links.is_empty() { String::new() } else { format!("\n\n{links}") };
        let text = cut(xml::text(&format!("{message}{rest}{links}")), TEXT).into_owned();
        Self { kind: format!("jules.{outcome}"), message, text }
    }
}

impl Earlier {
    fn of(attempt: &AttemptV1, flaky: bool) -> Self {
        let outcome = attempt.outcome.unwrap_or(Outcome::Error);
        let reason = attempt.reason.as_deref().unwrap_or("no reason was given");
        let reason = format!("attempt {}: {reason}", attempt.number);
        Self { complaint: Complaint::new(outcome, &reason, &attempt.session_line()), flaky }
    }
}

/// What readers that drop properties still show.
fn system_out(task: &TaskV1) -> String {
    let mut lines = vec![format!("outcome: {}", task.outcome)];
    if !task.outcome.is_failure() && (task.outcome != Outcome::Succeeded || task.reason.is_some()) {
        lines.push(format!("note: {}", task.reason_or_default()));
    }
    let links = task.links();
    if !links.is_empty() {
        lines.push(links);
    }
    for pull in task.pulls().filter(|pull| pull.stage.is_some()) {
        lines.push(format!("{}: {}", pull_label(pull), pull.told()));
    }
    if let Some(source) = &task.source {
        lines.push(format!("branch: {}", source.branch));
    }
    lines.push(format!("attempts: {}", task.attempts.len()));
    for attempt in task.attempts.iter().rev().skip(1).rev() {
        let outcome = attempt.outcome.map_or("open", Outcome::label);
        lines.push(format!("  {}. {outcome} {}", attempt.number, attempt.session_line()));
    }
    lines.join("\n") + "\n"
}
