//! What needs a person, as the page's template shows it: first of all, and short enough for one screen.

use std::borrow::Cow;

use foreign_text::{first_line, one_line, plain};
use serde::Serialize;

use super::super::pulls::PullGroup;
use super::super::{PullRequestV1, ReportV1, TaskV1};
use super::details::said;
use super::parts::{Link, ROWS, session};
use super::pulls::StageMark;

/// Rows that stand open in a group, so that each group begins in the first screen.
const OPEN: usize = 3;

#[derive(Serialize)]
pub(super) struct Needs<'a> {
    count: usize,
    groups: Vec<Group<'a>>,
}

#[derive(Serialize)]
struct Group<'a> {
    heading: &'static str,
    count: usize,
    rows: Vec<Row<'a>>,
    /// Behind a click.
    further: Vec<Row<'a>>,
    hidden: usize,
}

#[derive(Serialize)]
struct Row<'a> {
    outcome: Option<(&'static str, &'static str)>,
    stage: Option<StageMark>,
    task: Cow<'a, str>,
    /// The reason's first line, the question, or the pull request's title.
    word: Option<Cow<'a, str>>,
    /// The agent's last words, where they say more.
    said: Option<Cow<'a, str>>,
    pulls: Vec<Link>,
    session: Option<Link>,
}

impl<'a> Needs<'a> {
    /// None if nothing needs a person.
    pub(super) fn of(report: &'a ReportV1, pulls: &[PullGroup<'a>]) -> Option<Self> {
        let needs = report.attention(pulls);
        let task = |task: &&'a TaskV1| Row::of_task(task, report);
        let pull = |(pull, task): &(&'a PullRequestV1, &'a TaskV1)| Row::of_pull(pull, task);
        let groups: Vec<_> = [
            Group::of("Failed", &needs.failed, task),
            Group::of(report.questions_heading(), &needs.asked, task),
            Group::of("Pull requests to look at", &needs.pulls, pull),
        ]
        .into_iter()
        .filter(|group| group.count > 0)
        .collect();
        let count = groups.iter().map(|group| group.count).sum();
        (count > 0).then_some(Self { count, groups })
    }
}

impl<'a> Group<'a> {
    fn of<T>(heading: &'static str, all: &[T], row: impl Fn(&T) -> Row<'a>) -> Self {
        let mut rows: Vec<_> = all.iter().take(ROWS).map(row).collect();
        let further = rows.split_off(OPEN.min(rows.len()));
        Self { heading, count: all.len(), rows, further, hidden: all.len().saturating_sub(ROWS) }
    }
}

impl<'a> Row<'a> {
    fn of_task(task: &'a TaskV1, report: &ReportV1) -> Self {
        let word = first_line(task.reason_or_default().trim());
        Self {
            outcome: Some((task.outcome.as_str(), report.label(task.outcome))),
            stage: None,
            task: one_line(plain(&task.id), 300),
            word: Some(one_line(plain(word), 160)),
            said: said(task, 160),
            pulls: task.pulls().map(Link::to).collect(),
            session: task.attempts.last().and_then(session),
        }
    }

    fn of_pull(pull: &'a PullRequestV1, task: &'a TaskV1) -> Self {
        let note = pull.note().map(|note| Cow::Owned(one_line(plain(&note), 160).into_owned()));
        Self {
            outcome: None,
            stage: Some(StageMark::of(pull)),
            task: one_line(plain(&task.id), 300),
            word: note.or_else(|| pull.title.as_deref().map(|title| one_line(plain(title), 160))),
            said: said(task, 160),
            pulls: vec![Link::to(pull)],
            session: task.attempts.last().and_then(session),
        }
    }
}
