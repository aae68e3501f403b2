//! What a user is told at the end of a run.

use std::fmt::{Display, Write as _};

use anstyle::Style;
use foreign_text::line as neutral;
use jiff::Timestamp;

use super::console::{BOLD, DIM};
use super::progress::{RunView, standing, style_of};
use crate::outcome::{RunRecord, SessionRef, TaskRecord, Work};
use crate::plan::TaskId;
use crate::report::{duration, many};

/// How many failures and pull requests are listed; the reports have all of them.
const LISTED: usize = 20;

/// Totals, failures with their reasons, pull requests.
pub(crate) fn summary(record: &RunRecord) -> String {
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
    let failed: Vec<_> = record.tasks.iter().filter(|(_, task)| task.has_failed()).collect();
    listed(&mut text, "what failed", &failed, |(id, task)| failure(id, task));
    let pull_requests: Vec<_> =
        record.tasks.iter().flat_map(|(id, task)| pull_requests(task).map(move |url| (id, url))).collect();
    listed(&mut text, "pull requests", &pull_requests, |(id, url)| {
        format!("{}  {}", neutral(id.as_str()), neutral(url))
    });
    let strays: Vec<_> = record.strays.iter().collect();
    listed(&mut text, "stray sessions", &strays, |stray| {
        format!("{}  {}", neutral(stray.session.link()), neutral(&stray.title))
    });
    text
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

fn failure(id: &TaskId, task: &TaskRecord) -> String {
    let outcome = task.outcome_so_far();
    let style = style_of(outcome);
    let reason = task.reason.as_deref().map_or_else(String::new, |reason| format!(": {}", neutral(reason)));
    let links: String = links(task).map(|link| format!("\n      {DIM}{}{DIM:#}", neutral(link))).collect();
    format!("{}  {style}{}{style:#}{reason}{links}", neutral(id.as_str()), outcome.label())
}

/// The pull requests of a task, oldest first.
fn pull_requests(task: &TaskRecord) -> impl DoubleEndedIterator<Item = &str> {
    task.work().into_iter().flat_map(Work::pull_requests).map(|pull| pull.url.as_str())
}

/// The pull requests of a task, the last one first, else its session.
fn links(task: &TaskRecord) -> impl Iterator<Item = &str> {
    let session = task.last_attempt().and_then(|attempt| attempt.session.as_ref());
    let session = session.filter(|_| pull_requests(task).next().is_none());
    let session = session.map(SessionRef::link);
    pull_requests(task).rev().chain(session)
}

fn listed<T>(text: &mut String, heading: &str, items: &[T], line: impl Fn(&T) -> String) {
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
    use crate::outcome::Outcome;
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
        insta::assert_snapshot!(anstream::adapter::strip_str(&summary(&record())).to_string(), @r"
        run 20261122-020000-7c1f: 2 tasks in 1m 35s, 0 requests
               1  succeeded
               1  failed
        what failed
          task-1  failed: no tests
              https://jules.google.com/session/101
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
        let text = summary(&record);
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
            task.planned.on_no_change = rule;
            summary(&record)
        };
        assert!(told(OnNoChange::Fail).contains("what failed"));
        assert!(!told(OnNoChange::Pass).contains("what failed"));
    }

    #[test]
    fn every_pull_request_of_a_session_is_told() {
        let mut record = record();
        let work = &mut record.tasks[0].attempts.last_mut().unwrap().work;
        let mut earlier = work.pull_request.clone().unwrap();
        earlier.url = "https://github.com/my-org/web/pull/0".to_owned();
        work.earlier_pull_requests.push(earlier);
        let told = anstream::adapter::strip_str(&summary(&record)).to_string();
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
}
