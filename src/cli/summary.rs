//! What a user is told at the end of a run.

use std::fmt::{Display, Write as _};

use anstyle::Style;
use foreign_text::line as neutral;
use indexmap::IndexMap;
use jiff::Timestamp;

use super::console::{BOLD, DIM, linked};
use super::progress::{RunView, standing, style_of};
use crate::outcome::{Outcome, RunRecord, SessionRef, Stage, TaskRecord};
use crate::plan::TaskId;
use crate::report::{Needs, WaveV1, duration, many};

/// How many failures and pull requests are listed; the reports have all of them.
const LISTED: usize = 20;

/// The widest line that is still read with ease.
const WIDEST: usize = 100;

/// Totals, failures by their reasons, pull requests, in lines of this width; only names and addresses may be longer.
pub(crate) fn summary(record: &RunRecord, width: usize) -> String {
    let mut text = totals(record);
    let failed = grouped("what failed", record, width, |_, task| task.has_failed());
    if !failed.is_empty() {
        text += "\n";
        text += &failed;
    }
    made(&mut text, record, width, |_| true);
    text
}

/// The same without what was told already.
pub(crate) fn standing_beside(record: &RunRecord, told: &Needs, width: usize) -> String {
    let mut text = totals(record);
    made(&mut text, record, width, |url| !told.pulls.iter().any(|pull| pull.url == url));
    text
}

fn totals(record: &RunRecord) -> String {
    let mut text = head(record);
    if record.ended_at.is_some() {
        record
            .totals()
            .iter()
            .for_each(|(outcome, n)| total(&mut text, style_of(outcome), n, outcome.label()));
    } else {
        // In the words of the live table.
        standing(&RunView::of(record)).for_each(|(style, n, word)| total(&mut text, style, n, word));
    }
    text
}

/// Pull requests, waves, strays.
fn made(text: &mut String, record: &RunRecord, width: usize, is_wanted: impl Fn(&str) -> bool) {
    let all = record.tasks.iter().flat_map(|(id, task)| pull_requests(task).map(move |url| (id, task, url)));
    let pull_requests: Vec<_> = all.filter(|(_, _, url)| is_wanted(url)).collect();
    listed(text, "pull requests", &pull_requests, |(id, task, url)| {
        pull_request(id.as_str(), url, task.pulls.of(url).map(|it| it.status.stage), width)
    });
    let waves: Vec<_> = WaveV1::all(record, Timestamp::now());
    listed(text, "waves", &waves, WaveV1::line);
    let strays: Vec<_> = record.strays.iter().collect();
    listed(text, "stray sessions", &strays, |stray| {
        beside(&neutral(stray.session.link()), &[&stray.title], 2, width, neutral)
    });
}

fn total(text: &mut String, style: Style, n: impl Display, word: &str) {
    let _ = write!(text, "\n  {style}{n:>6}  {word}{style:#}");
}

/// The result on stdout: outcome, task id, and pull request or session, with tabs between; earlier pull requests of the
/// same session follow, so that the third column is the last one in any case.
pub(crate) fn result_lines(record: &RunRecord) -> String {
    record
        .tasks
        .iter()
        .map(|(id, task)| {
            let links: Vec<_> = links(task).map(neutral).collect();
            format!("{}\t{}\t{}\n", task.outcome_so_far(), neutral(id.as_str()), links.join("\t"))
        })
        .collect()
}

fn head(record: &RunRecord) -> String {
    let took =
        |end: Timestamp| format!(" in {}", duration(end.duration_since(record.started_at).unsigned_abs()));
    let simulated = if record.info.simulated { ", simulated" } else { "" };
    format!(
        "{BOLD}run {}{BOLD:#}{simulated}: {}{}, {}",
        record.info.id,
        many(record.tasks.len(), "task"),
        record.ended_at.map(took).unwrap_or_default(),
        many(record.usage().total(), "request")
    )
}

/// Those tasks, under their outcome and reason, the most alike first; below the heading, if there are any.
pub(crate) fn grouped(
    heading: &str,
    record: &RunRecord,
    width: usize,
    is_wanted: impl Fn(&TaskId, &TaskRecord) -> bool,
) -> String {
    let mut groups: IndexMap<(Outcome, &str), Vec<(&TaskId, &TaskRecord)>> = IndexMap::new();
    for (id, task) in record.tasks.iter().filter(|(id, task)| is_wanted(id, task)) {
        let why = (task.outcome_so_far(), task.reason.as_deref().unwrap_or_default());
        groups.entry(why).or_default().push((id, task));
    }
    if groups.is_empty() {
        return String::new();
    }
    groups.sort_by(|_, one, _, other| other.len().cmp(&one.len()));
    let mut text = format!("{BOLD}{heading}{BOLD:#}");
    let (mut shown, all) = (0, groups.values().map(Vec::len).sum::<usize>());
    for ((outcome, reason), tasks) in &groups {
        if shown >= LISTED {
            break;
        }
        let style = style_of(*outcome);
        let count = if tasks.len() > 1 { format!(" ({})", many(tasks.len(), "task")) } else { String::new() };
        let reason = if reason.is_empty() { String::new() } else { format!(": {}", neutral(reason)) };
        let told = wrapped(&format!("{}{count}{reason}", outcome.label()), width, 2);
        // The outcome's name is in the first line.
        let told = told.replacen(outcome.label(), &format!("{style}{}{style:#}", outcome.label()), 1);
        let _ = write!(text, "\n  {told}");
        for (id, task) in tasks.iter().take(LISTED - shown) {
            let links: Vec<_> = links(task).collect();
            let dim = |url: &str| format!("{DIM}{}{DIM:#}", linked(&neutral(url), url));
            let _ = write!(text, "\n    {}", beside(&neutral(id.as_str()), &links, 4, width, dim));
            shown += 1;
        }
    }
    if all > shown {
        let _ = write!(text, "\n  {DIM}… and {} more{DIM:#}", all - shown);
    }
    text
}

/// A name and what belongs to it: in one line where that has room, else below it. A line that the terminal breaks leaves
/// addresses and commands in pieces. The name begins in the column `indent`.
pub(crate) fn beside(
    name: &str,
    items: &[&str],
    indent: usize,
    width: usize,
    shown: impl Fn(&str) -> String,
) -> String {
    let length: usize = items.iter().map(|item| 2 + neutral(item).chars().count()).sum();
    let fits = indent + name.chars().count() + length <= width;
    let between = if fits { "  ".to_owned() } else { format!("\n{}", " ".repeat(indent + 2)) };
    items.iter().fold(name.to_owned(), |text, item| text + &between + &shown(item))
}

/// A task's pull request and where it stands, in one line where that has room, else with the address below.
pub(crate) fn pull_request(task: &str, url: &str, stage: Option<Stage>, width: usize) -> String {
    let stage = stage.map_or_else(String::new, |stage| format!("  {}", stage.label()));
    let (task, address) = (neutral(task), linked(&neutral(url), url));
    let length = 2 + task.chars().count() + 2 + neutral(url).chars().count() + stage.len();
    if length <= width {
        format!("{task}  {address}{stage}")
    } else {
        format!("{task}{stage}\n    {address}")
    }
}

/// The text in lines of at most this width, and not too long to read, the first of which begins in the column `indent`;
/// words are not cut.
fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let width = width.min(WIDEST);
    let further = " ".repeat(indent + 2);
    let mut out = String::new();
    let mut used = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        let is_first = out.is_empty() || out.ends_with(&further);
        if !is_first && used + 1 + length > width {
            let _ = write!(out, "\n{further}");
            used = further.len();
        } else if !is_first {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

/// What waits for a person, a command each that goes on with its session; `command` runs the manifest. A session that was put
/// away with its question takes no answer any more.
pub(crate) fn needs_person(record: &RunRecord, command: &str, width: usize) -> Vec<String> {
    let waiting = record.tasks.iter().filter_map(|(id, task)| {
        let attempt = task.last_attempt().filter(|attempt| !attempt.archived)?;
        let session = &attempt.session.as_ref()?.id;
        let state = attempt.state.as_deref().unwrap_or_default();
        let failed = match task.outcome_so_far() {
            Outcome::NeedsInput => " --failed",
            Outcome::Detached if state.starts_with("AWAITING") => "",
            _ => return None,
        };
        let act = match state {
            "AWAITING_PLAN_APPROVAL" => format!("approve {session}"),
            _ => format!("ask {session} '…'"),
        };
        let (id, first, then) =
            (neutral(id.as_str()), format!("jules-batch session {act} &&"), format!("{command}{failed}"));
        let line = format!("  {id}: {first} {then}");
        let is_short = line.chars().count() <= width;
        Some(if is_short { line } else { format!("  {id}:\n    {first}\n    {then}") })
    });
    let mut lines: Vec<String> = waiting.collect();
    let all = lines.len();
    lines.truncate(LISTED);
    if all > LISTED {
        lines.push(format!("  … and {} more", all - LISTED));
    }
    if all > 0 {
        lines.insert(0, "what waits for you; each command takes its session up again:".to_owned());
    }
    let asked = |task: &&TaskRecord| {
        task.outcome_so_far() == Outcome::NeedsInput && task.last_attempt().is_some_and(|it| it.archived)
    };
    let put_away = record.tasks.values().filter(asked).count();
    if put_away > 0 {
        let (sessions, verb) = (many(put_away, "session"), if put_away == 1 { "was" } else { "were" });
        let told = format!(
            "{sessions} that asked {verb} put away: answer in the prompt or by `waiting.user-feedback`; with `give-up: leave` \
             a question can be answered"
        );
        lines.push(wrapped(&told, width, 0));
    }
    lines
}

/// The pull requests of a task, oldest first.
fn pull_requests(task: &TaskRecord) -> impl DoubleEndedIterator<Item = &str> {
    task.pull_requests().map(|pull| pull.url.as_str())
}

/// The pull requests of a task, the last one first, else its session.
fn links(task: &TaskRecord) -> impl Iterator<Item = &str> {
    let session = task.last_attempt().and_then(|attempt| attempt.session.as_ref());
    let session = session.filter(|_| pull_requests(task).next().is_none());
    let session = session.map(SessionRef::link);
    pull_requests(task).rev().chain(session)
}

pub(crate) fn listed<T>(text: &mut String, heading: &str, items: &[T], line: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    let _ = write!(text, "\n{BOLD}{heading}{BOLD:#}");
    for item in items.iter().take(LISTED) {
        let _ = write!(text, "\n  {}", line(item));
    }
    if items.len() > LISTED {
        let _ = write!(text, "\n  {DIM}… and {} more{DIM:#}", items.len() - LISTED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;
    use crate::plan::OnNoChange;

    fn record() -> RunRecord {
        let mut events = sample::run_of(2);
        let at = sample::EVENTS_BEFORE_TASKS + 2 + sample::EVENTS_A_TASK;
        events.truncate(at + 3);
        events.extend([
            sample::event(90, sample::attempt_ended("task-1", 1, Outcome::Failed, Some("no\ntests"))),
            sample::event(90, sample::ended("task-1", Outcome::Failed, Some("no\ntests"))),
            sample::event(95, crate::outcome::EventKind::InvocationEnded { stopped: None }),
        ]);
        RunRecord::from_events(&events).unwrap()
    }

    #[test]
    fn a_summary_tells_totals_failures_and_pull_requests() {
        insta::assert_snapshot!(anstream::adapter::strip_str(&summary(&record(), 80)).to_string(), @r"
        run 20261122-020000-7c1f: 2 tasks in 1m 35s, 0 requests
               1  succeeded
               1  failed
        what failed
          failed: no tests
            task-1  https://jules.google.com/session/101
        pull requests
          task-0  https://github.com/my-org/web/pull/1
        ");
    }

    #[test]
    fn what_has_not_ended_is_live_or_waiting() {
        let mut events = sample::run_of(4);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 4 + sample::EVENTS_A_TASK + 3);
        events.push(sample::event(70, sample::intent("task-2", 1)));
        let record = RunRecord::from_events(&events).unwrap();
        let text = summary(&record, 80);
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @r"
        run 20261122-020000-7c1f: 4 tasks, 0 requests
               1  succeeded
               2  live
               1  waiting
        pull requests
          task-0  https://github.com/my-org/web/pull/1
        ");
    }

    #[test]
    fn no_change_has_failed_where_its_job_says_so() {
        let told = |rule| {
            let mut record = record();
            let task = record.tasks.values_mut().last().unwrap();
            task.outcome = Some(Outcome::NoChange);
            std::sync::Arc::make_mut(&mut task.planned).on_no_change = rule;
            summary(&record, 80)
        };
        assert!(told(OnNoChange::Fail).contains("what failed"));
        assert!(!told(OnNoChange::Pass).contains("what failed"));
    }

    #[test]
    fn every_pull_request_of_a_session_is_told() {
        let mut record = record();
        let work = &mut record.tasks[0].attempts.last_mut().unwrap().work;
        let mut earlier = work.pull_request.clone().unwrap();
        std::sync::Arc::make_mut(&mut earlier).url = "https://github.com/my-org/web/pull/0".to_owned();
        work.earlier_pull_requests.push(earlier);
        let told = anstream::adapter::strip_str(&summary(&record, 80)).to_string();
        assert!(
            told.ends_with(
                "task-0  https://github.com/my-org/web/pull/0\n  task-0  https://github.com/my-org/web/pull/1"
            ),
            "{told}"
        );
        let columns =
            "succeeded|task-0|https://github.com/my-org/web/pull/1|https://github.com/my-org/web/pull/0\n";
        assert!(result_lines(&record).replace('\t', "|").starts_with(columns));
    }

    #[test]
    fn a_result_line_has_three_columns() {
        insta::assert_snapshot!(result_lines(&record()).replace('\t', "|"), @r"
        succeeded|task-0|https://github.com/my-org/web/pull/1
        failed|task-1|https://jules.google.com/session/101
        ");
    }

    /// Six tasks: two that failed alike, one otherwise with much to say, one that asks, one whose plan waits.
    fn troubled() -> RunRecord {
        let mut events = sample::run_of(6);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 6 + sample::EVENTS_A_TASK);
        let long = "the tests do not pass: tests/it/limits.rs:73 expected 2 sessions and found 5, and the agent \
            has tried three times to mend it before it gave up and said so";
        for (n, outcome, state, reason) in [
            (1, Outcome::Failed, "FAILED", "no luck"),
            (2, Outcome::Failed, "FAILED", long),
            (3, Outcome::NeedsInput, "AWAITING_USER_FEEDBACK", "Left or right?"),
            (4, Outcome::Failed, "FAILED", "no luck"),
            (5, Outcome::Detached, "AWAITING_PLAN_APPROVAL", "the plan waits for a human's approval"),
        ] {
            let task = format!("task-{n}");
            events.extend([
                sample::event(80, sample::intent(&task, 1)),
                sample::event(81, sample::created(&task, 1, n)),
                sample::event(82, sample::state(&task, 1, state)),
                sample::event(83, sample::attempt_ended(&task, 1, outcome, Some(reason))),
                sample::event(84, sample::ended(&task, outcome, Some(reason))),
            ]);
        }
        events.push(sample::event(95, crate::outcome::EventKind::InvocationEnded { stopped: None }));
        RunRecord::from_events(&events).unwrap()
    }

    #[test]
    fn failures_stand_under_their_reasons_in_lines_that_can_be_read() {
        let told = |width| anstream::adapter::strip_str(&summary(&troubled(), width)).to_string();
        insta::assert_snapshot!("summary_60", told(60));
        insta::assert_snapshot!("summary_80", told(80));
        insta::assert_snapshot!("summary_200", told(200));
    }

    #[test]
    fn what_waits_for_a_person_has_its_command() {
        let mut record = troubled();
        insta::assert_snapshot!(needs_person(&record, "jules-batch run jobs.yaml", 80).join("\n"), @r"
        what waits for you; each command takes its session up again:
          task-3: jules-batch session ask 3 '…' && jules-batch run jobs.yaml --failed
          task-5: jules-batch session approve 5 && jules-batch run jobs.yaml
        ");
        record.tasks[3].attempts[0].archived = true;
        insta::assert_snapshot!(needs_person(&record, "jules-batch run jobs.yaml", 80).join("\n"), @r"
        what waits for you; each command takes its session up again:
          task-5: jules-batch session approve 5 && jules-batch run jobs.yaml
        1 session that asked was put away: answer in the prompt or by
          `waiting.user-feedback`; with `give-up: leave` a question can be answered
        ");
    }
}
