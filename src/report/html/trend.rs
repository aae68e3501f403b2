//! What has changed since the run before, and how the last runs went.

use std::borrow::Cow;

use foreign_text::{one_line, plain};
use serde::Serialize;

use super::super::{PreviousV1, ReportV1, TrendV1, many};
use super::parts::{Moment, ROWS, round};
use crate::outcome::Outcome;

/// The picture's height, and what a bar takes of its column, in per cent.
const HEIGHT: f64 = 64.0;
const BAR: f64 = 72.0;

#[derive(Serialize)]
pub(super) struct Trend<'a> {
    /// In words, for whoever does not see the picture.
    label: String,
    height: f64,
    bars: Vec<Bar>,
    runs: Vec<Run>,
    since: Option<Moment>,
    groups: Vec<Group<'a>>,
}

/// A part of a column.
#[derive(Serialize)]
struct Bar {
    outcome: &'static str,
    failed: bool,
    x: f64,
    width: f64,
    y: f64,
    height: f64,
    title: String,
}

#[derive(Serialize)]
struct Run {
    began: Moment,
    is_this: bool,
    done: u64,
    failed: u64,
    others: u64,
}

/// Tasks that have changed in one way.
#[derive(Serialize)]
struct Group<'a> {
    heading: &'static str,
    outcome: &'static str,
    count: usize,
    tasks: Vec<Cow<'a, str>>,
    hidden: usize,
}

impl<'a> Trend<'a> {
    /// None where no run was before.
    pub(super) fn of(report: &'a ReportV1) -> Option<Self> {
        let previous = report.previous.as_ref();
        if report.trend.is_empty() {
            return None;
        }
        let now = this(report);
        let runs: Vec<_> = report.trend.iter().chain([&now]).map(|run| Run::of(run, report)).collect();
        Some(Self {
            label: label(&runs),
            height: HEIGHT,
            bars: bars(&runs),
            since: previous.map(|previous| Moment::of(previous.started_at)),
            groups: previous.map(groups).unwrap_or_default(),
            runs,
        })
    }
}

/// This run, as it stands.
fn this(report: &ReportV1) -> TrendV1 {
    let failed = report.failed();
    let is_good = |outcome: Outcome| matches!(outcome, Outcome::Succeeded | Outcome::NoChange);
    let done = report.tasks.iter().filter(|task| is_good(task.outcome) && !task.has_failed()).count() as u64;
    TrendV1 {
        run: report.run.id.clone(),
        started_at: report.run.started_at,
        done,
        failed,
        others: report.totals.total.saturating_sub(done + failed),
    }
}

impl Run {
    fn of(run: &TrendV1, report: &ReportV1) -> Self {
        Self {
            began: Moment::of(run.started_at),
            is_this: run.run == report.run.id,
            done: run.done,
            failed: run.failed,
            others: run.others,
        }
    }

    fn words(&self) -> String {
        let what = if self.is_this { "this run" } else { self.began.text.as_str() };
        let others = if self.others > 0 { format!(", {} others", self.others) } else { String::new() };
        format!("{what}: {} done, {} failed{others}", self.done, self.failed)
    }
}

fn label(runs: &[Run]) -> String {
    let words: Vec<String> = runs.iter().map(Run::words).collect();
    format!("The last {}; {}", many(runs.len() as u64, "run"), words.join("; "))
}

fn bars(runs: &[Run]) -> Vec<Bar> {
    let most = runs.iter().map(|run| run.done + run.failed + run.others).max().unwrap_or(0).max(1) as f64;
    let column = 100.0 / runs.len().max(1) as f64;
    let mut bars = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let mut y = HEIGHT;
        let parts = [
            (Outcome::Succeeded, run.done, false),
            (Outcome::Deferred, run.others, false),
            (Outcome::Failed, run.failed, true),
        ];
        for (outcome, count, failed) in parts.into_iter().filter(|(_, count, _)| *count > 0) {
            // One failure among a thousand is to be seen.
            let height = (count as f64 * HEIGHT / most).max(2.0).min(y);
            y -= height;
            bars.push(Bar {
                outcome: outcome.as_str(),
                failed,
                x: round(at as f64 * column + column * (100.0 - BAR) / 200.0),
                width: round(column * BAR / 100.0),
                y: round(y),
                height: round(height),
                title: run.words(),
            });
        }
    }
    bars
}

fn groups(previous: &PreviousV1) -> Vec<Group<'_>> {
    [
        ("Newly failing", Outcome::Failed, &previous.newly_failing),
        ("Still failing", Outcome::Stalled, &previous.still_failing),
        ("Fixed", Outcome::Succeeded, &previous.fixed),
    ]
    .into_iter()
    .filter(|(_, _, tasks)| !tasks.is_empty())
    .map(|(heading, outcome, tasks)| Group {
        heading,
        outcome: outcome.as_str(),
        count: tasks.len(),
        tasks: tasks.iter().take(ROWS).map(|task| one_line(plain(task), 300)).collect(),
        hidden: tasks.len().saturating_sub(ROWS),
    })
    .collect()
}
