//! The pull requests by whom they wait for, as the page's template shows them.

use std::borrow::Cow;

use foreign_text::{one_line, plain};
use serde::Serialize;

use super::super::pulls::PullGroup;
use super::super::{PullRequestV1, ReportV1, TaskV1};
use super::burndown::Burndown;
use super::parts::{Link, Moment, ROWS};
use crate::outcome::Stage;

/// How the tasks' pull requests stand.
#[derive(Serialize)]
pub(super) struct Pulls<'a> {
    sentence: String,
    total: u64,
    stages: Vec<Chip>,
    burndown: Option<Burndown>,
    groups: Vec<Group<'a>>,
}

/// A stage that occurs.
#[derive(Serialize)]
struct Chip {
    name: &'static str,
    label: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct Group<'a> {
    heading: &'static str,
    /// Closed until somebody opens it: nobody has to act.
    over: bool,
    count: usize,
    rows: Vec<Row<'a>>,
    hidden: usize,
}

#[derive(Serialize)]
struct Row<'a> {
    link: Link,
    stage: StageMark,
    title: Option<Cow<'a, str>>,
    note: Option<String>,
    task: Cow<'a, str>,
    number: usize,
    since: Option<Moment>,
}

/// A stage as a badge.
#[derive(Serialize)]
pub(super) struct StageMark {
    name: &'static str,
    label: &'static str,
}

impl StageMark {
    /// `not read` as long as it was not.
    pub(super) fn of(pull: &PullRequestV1) -> Self {
        let (name, label) =
            pull.stage.map_or(("unread", "not read"), |stage| (stage.as_str(), stage.label()));
        Self { name, label }
    }

    /// None as long as it was not read.
    pub(super) fn read(pull: &PullRequestV1) -> Option<Self> {
        pull.stage.is_some().then(|| Self::of(pull))
    }
}

impl<'a> Pulls<'a> {
    /// None as long as not one was read.
    pub(super) fn of(report: &'a ReportV1, groups: &[PullGroup<'a>]) -> Option<Self> {
        let totals = report.pulls.as_ref()?;
        let chip = |(stage, count): (Stage, u64)| Chip { name: stage.as_str(), label: stage.label(), count };
        let numbers =
            report.tasks.iter().enumerate().map(|(number, task)| (task.id.as_str(), number)).collect();
        Some(Self {
            sentence: totals.sentence(),
            total: totals.total,
            stages: totals.occurring().into_iter().map(chip).collect(),
            burndown: Burndown::of(report),
            groups: groups.iter().map(|group| Group::of(group, &numbers)).collect(),
        })
    }
}

impl<'a> Group<'a> {
    fn of(group: &PullGroup<'a>, numbers: &std::collections::HashMap<&str, usize>) -> Self {
        let rows = group.pulls.iter().take(ROWS);
        let number = |task: &TaskV1| numbers.get(task.id.as_str()).copied().unwrap_or_default();
        Self {
            heading: group.heading(),
            over: group.waits_for == Some(crate::outcome::WaitsFor::Nobody),
            count: group.pulls.len(),
            rows: rows.map(|(pull, task)| Row::of(pull, task, number(task))).collect(),
            hidden: group.pulls.len().saturating_sub(ROWS),
        }
    }
}

impl<'a> Row<'a> {
    fn of(pull: &'a PullRequestV1, task: &'a TaskV1, number: usize) -> Self {
        Self {
            link: Link::to(pull),
            stage: StageMark::of(pull),
            title: pull.title.as_deref().map(|title| one_line(plain(title), 300)),
            note: pull.note().map(|note| one_line(plain(&note), 300).into_owned()),
            task: one_line(plain(&task.id), 300),
            number,
            since: pull.since.map(Moment::of),
        }
    }
}
