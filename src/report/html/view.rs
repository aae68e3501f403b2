//! What the page's template shows: words and numbers, ready to print.

use std::borrow::Cow;
use std::time::Duration;

use foreign_text::{cut, first_line, one_line, plain};
use serde::Serialize;

use super::super::link::https;
use super::super::{AttemptV1, DayV1, ProgressV1, ReportV1, StrayV1, TaskV1, duration, many};
use super::attention::Needs;
use super::details::{Details, DiffOf};
use super::parts::{Link, Moment, round, second, session};
use super::pulls::{Pulls, StageMark};
use super::room::Room;
use super::timeline::Timeline;
use super::trend::Trend;
use super::waves::Wave;
use crate::outcome::{Outcome, Stage};

/// Bytes that the reasons of all tasks may take together, and those of one task at least.
const REASONS: usize = 16 * 1024 * 1024;
const REASON: usize = 4 * 1024;

#[derive(Serialize)]
pub(super) struct View<'a> {
    policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    name: Cow<'a, str>,
    simulated: bool,
    verdict: Verdict,
    needs: Option<Needs<'a>>,
    facts: Vec<Fact<'a>>,
    outcomes: Vec<Share>,
    total: u64,
    remaining: u64,
    trend: Option<Trend<'a>>,
    progress: Option<Progress<'a>>,
    pulls: Option<Pulls<'a>>,
    waves: Vec<Wave>,
    timeline: Option<Timeline>,
    /// How many tasks there are: their rows are made one by one.
    count: usize,
    /// The tasks that do not open to anything, for want of room.
    left_out: Option<String>,
    strays: Vec<Stray<'a>>,
    superseded: Vec<Row<'a>>,
}

/// How far a campaign is: in words, and its days where there are several.
#[derive(Serialize)]
struct Progress<'a> {
    words: Vec<String>,
    days: &'a [DayV1],
}

/// The run in one line.
#[derive(Serialize)]
struct Verdict {
    outcome: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Fact<'a> {
    name: &'static str,
    value: Cow<'a, str>,
}

/// An outcome that occurred: its count, and its part of the bar in per cent.
#[derive(Serialize)]
struct Share {
    name: &'static str,
    label: &'static str,
    count: u64,
    failed: bool,
    x: f64,
    width: f64,
}

#[derive(Serialize)]
struct Row<'a> {
    number: usize,
    /// Its id, in the parts between which a line may end.
    id: Vec<String>,
    outcome: &'static str,
    label: &'static str,
    /// From worst to best.
    rank: usize,
    tags: Vec<Cow<'a, str>>,
    notes: Vec<String>,
    reason: Option<Reason<'a>>,
    earlier: Vec<Earlier<'a>>,
    github: Option<Cow<'a, str>>,
    branch: Option<Cow<'a, str>>,
    job: Cow<'a, str>,
    pulls: Vec<Pull>,
    /// The stages of its pull requests.
    stages: String,
    pull_title: Option<Cow<'a, str>>,
    change: Option<(u64, u64, u64)>,
    session: Option<Link>,
    details: Option<Details<'a>>,
    millis: u64,
    duration: Option<String>,
    started: Option<Moment>,
}

#[derive(Serialize)]
struct Pull {
    link: Link,
    stage: Option<StageMark>,
}

/// A reason's first line, and all of it if that does not hold it.
#[derive(Serialize)]
struct Reason<'a> {
    line: String,
    full: Option<Cow<'a, str>>,
}

/// An attempt before the last.
#[derive(Serialize)]
struct Earlier<'a> {
    number: u32,
    outcome: &'static str,
    label: &'static str,
    reason: Cow<'a, str>,
    session: Option<Link>,
}

#[derive(Serialize)]
struct Stray<'a> {
    session: Link,
    title: Cow<'a, str>,
    task: Option<Cow<'a, str>>,
}

impl<'a> View<'a> {
    pub(super) fn of(
        report: &'a ReportV1,
        room: &Room,
        (policy, style, script): (String, &'static str, &'static str),
    ) -> Self {
        let groups = report.pull_groups();
        Self {
            policy,
            style,
            script,
            version: env!("CARGO_PKG_VERSION"),
            name: one_line(plain(&report.run.name), 300),
            simulated: report.run.simulated,
            verdict: Verdict::of(report),
            needs: Needs::of(report, &groups),
            facts: facts(report),
            outcomes: shares(report),
            total: report.totals.total,
            remaining: report.remaining,
            progress: report.campaign().map(|progress| Progress::of(report, progress)),
            trend: Trend::of(report),
            pulls: Pulls::of(report, &groups),
            waves: report.waves.iter().map(Wave::of).collect(),
            timeline: Timeline::of(report),
            count: report.tasks.len(),
            left_out: (room.left_out() > 0).then(|| many(room.left_out(), "task")),
            strays: report.strays.iter().map(Stray::of).collect(),
            superseded: Row::all(&report.superseded, report),
        }
    }
}

/// Some of the tasks' rows, from this number on.
#[derive(Serialize)]
pub(super) struct Rows<'a> {
    tasks: Vec<Row<'a>>,
}

impl<'a> Rows<'a> {
    /// `diff` gives the changes of sessions, as far as there is room for them.
    pub(super) fn of(
        tasks: &'a [TaskV1],
        first: usize,
        report: &'a ReportV1,
        (diff, room): (DiffOf<'_>, &Room),
    ) -> Self {
        let limit = reason_limit(report);
        let row = |(number, task)| {
            let details = Details::of(task, room.share(number), &mut *diff);
            Row { details, ..Row::of(number, task, report, limit) }
        };
        Self { tasks: (first..).zip(tasks).map(row).collect() }
    }
}

/// The bytes that a task's reason may take.
fn reason_limit(report: &ReportV1) -> usize {
    (REASONS / report.tasks.len().max(1)).clamp(REASON, 64 * 1024)
}

impl<'a> Progress<'a> {
    fn of(report: &'a ReportV1, progress: &'a ProgressV1) -> Self {
        let words = report.progress_words(progress);
        let words = words.iter().map(|line| one_line(plain(line), 300).into_owned()).collect();
        Self { words, days: if progress.days.len() > 1 { &progress.days } else { &[] } }
    }
}

impl Verdict {
    fn of(report: &ReportV1) -> Self {
        let (outcome, mut text) = report.verdict();
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self { outcome: outcome.as_str(), text }
    }
}

fn facts(report: &ReportV1) -> Vec<Fact<'_>> {
    let run = &report.run;
    let took = report.last_moment().duration_since(run.started_at).unsigned_abs();
    let requests: u64 = report.api.requests.values().sum();
    let methods: Vec<String> = report
        .api
        .requests
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(method, count)| format!("{count} {}", plain(method)))
        .collect();
    let requests =
        if methods.is_empty() { "none".to_owned() } else { format!("{requests} ({})", methods.join(", ")) };
    let has_ended = run.ended_at.is_some();
    let mut facts = vec![Fact { name: "Started", value: second(run.started_at).into() }];
    // It is known up to the last change alone: at the beginning that is no time.
    if has_ended || took.as_secs() > 0 {
        facts.push(Fact { name: if has_ended { "Took" } else { "So far" }, value: duration(took).into() });
    }
    facts.push(Fact { name: "Manifest", value: one_line(plain(&run.manifest), 300) });
    facts.push(Fact { name: "Run", value: one_line(plain(&run.id), 100) });
    // They are counted now and then.
    if !methods.is_empty() || has_ended {
        facts.push(Fact { name: "API requests", value: requests.into() });
    }
    if run.invocations > 1 {
        facts.push(Fact { name: "Invocations", value: run.invocations.to_string().into() });
    }
    if !run.merged_from.is_empty() {
        facts.push(Fact {
            name: "Merged from",
            value: one_line(plain(&run.merged_from.join(", ")).into_owned(), 300),
        });
    }
    if let Some(why) = &run.stopped {
        facts.push(Fact { name: "Stopped early", value: one_line(plain(why), 300) });
    }
    facts
}

fn shares(report: &ReportV1) -> Vec<Share> {
    let mut x = 0.0;
    let total = report.totals.total.max(1) as f64;
    let occurred = Outcome::ALL.into_iter().filter(|outcome| report.totals.of(*outcome) > 0);
    let share = |outcome: Outcome| {
        let count = report.totals.of(outcome);
        let width = count as f64 * 100.0 / total;
        let share = Share {
            name: outcome.as_str(),
            label: report.label(outcome),
            failed: report.tasks.iter().filter(|task| task.outcome == outcome).all(TaskV1::has_failed),
            count,
            x: round(x),
            width: round(width),
        };
        x += width;
        share
    };
    occurred.map(share).collect()
}

impl<'a> Row<'a> {
    /// Those of tasks that are no part of the table.
    fn all(tasks: &'a [TaskV1], report: &ReportV1) -> Vec<Self> {
        let limit = reason_limit(report);
        tasks.iter().enumerate().map(|(number, task)| Self::of(number, task, report, limit)).collect()
    }

    fn of(number: usize, task: &'a TaskV1, report: &ReportV1, limit: usize) -> Self {
        let earlier = task.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let pull = task.pull_request.as_ref();
        let millis = task.worked_millis(Some(report.last_moment()));
        let source = task.source.as_ref();
        Self {
            number,
            id: parts(&one_line(plain(&task.id), 1024)),
            outcome: task.outcome.as_str(),
            label: report.label(task.outcome),
            rank: Outcome::ALL.len() - Outcome::ALL.iter().filter(|o| **o <= task.outcome).count(),
            tags: task.tags.iter().map(|tag| one_line(plain(tag), 100)).collect(),
            notes: notes(task),
            reason: Reason::of(task, limit),
            earlier: earlier.iter().map(Earlier::of).collect(),
            github: source.map(|source| one_line(plain(&source.github), 300)),
            branch: source.map(|source| one_line(plain(&source.branch), 300)),
            job: one_line(plain(&task.job), 300),
            pulls: task
                .pulls()
                .map(|pull| Pull { link: Link::to(pull), stage: StageMark::read(pull) })
                .collect(),
            stages: task
                .pulls()
                .filter_map(|pull| pull.stage)
                .map(Stage::as_str)
                .collect::<Vec<_>>()
                .join(" "),
            pull_title: pull.and_then(|pull| pull.title.as_deref()).map(|title| one_line(plain(title), 300)),
            change: task.change.map(|change| (change.files, change.additions, change.deletions)),
            session: task.attempts.last().and_then(session),
            details: None,
            millis,
            duration: (!task.attempts.is_empty()).then(|| duration(Duration::from_millis(millis))),
            started: task.started_at.map(Moment::of),
        }
    }
}

/// A browser would break a long id at any hyphen: better before a branch or the matrix values, and after a slash or a
/// comma.
fn parts(id: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in id.chars() {
        let begins = matches!(c, '@' | '[') || parts.last().is_some_and(|part| part.ends_with(['/', ',']));
        match parts.last_mut() {
            Some(part) if !begins || part.is_empty() => part.push(c),
            _ => parts.push(c.to_string()),
        }
    }
    parts
}

fn notes(task: &TaskV1) -> Vec<String> {
    let count = |n: u32, noun| (n > 0).then(|| many(n, noun));
    let adopted = task.adopted || task.attempts.last().is_some_and(|attempt| attempt.adopted);
    let notes =
        [count(task.replies, "reply"), count(task.nudges, "nudge"), adopted.then(|| "adopted".to_owned())];
    notes.into_iter().flatten().collect()
}

impl<'a> Reason<'a> {
    fn of(task: &'a TaskV1, limit: usize) -> Option<Self> {
        if task.outcome == Outcome::Succeeded && task.reason.is_none() {
            return None;
        }
        let text = cut(plain(task.reason_or_default().trim()), limit);
        let line = one_line(first_line(&text), 240).into_owned();
        let full = (line != text).then_some(text);
        Some(Self { line, full })
    }
}

impl<'a> Earlier<'a> {
    fn of(attempt: &'a AttemptV1) -> Self {
        let reason = attempt.reason.as_deref().unwrap_or("no reason was given");
        Self {
            number: attempt.number,
            outcome: attempt.outcome.unwrap_or(Outcome::Error).as_str(),
            label: attempt.outcome.map_or("open", Outcome::label),
            reason: cut(plain(reason.trim()), REASON),
            session: session(attempt),
        }
    }
}

impl<'a> Stray<'a> {
    fn of(stray: &'a StrayV1) -> Self {
        Self {
            session: Link {
                text: one_line(plain(&stray.name()), 100).into_owned(),
                href: stray.url.as_deref().and_then(https),
            },
            title: one_line(plain(&stray.title), 300),
            task: stray.task.as_deref().map(|task| one_line(plain(task), 300)),
        }
    }
}
