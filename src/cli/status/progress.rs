//! How far a campaign is, and what of it a script wants to know.

use std::collections::HashSet;
use std::fmt::Write as _;

use foreign_text::line as neutral;
use jiff::{SignedDuration, Timestamp};

use crate::cli::console::{BOLD, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::recorded;
use crate::ledger::LedgerReader;
use crate::outcome::RunRecord;
use crate::plan::TaskId;
use crate::report::{ProgressV1, ReportV1, many};
use crate::runner::{Because, Decision, Preview};

/// Days that are shown.
const DAYS: usize = 31;

/// How far the campaign is now, in lines; none where the totals say it all.
pub(super) fn text(
    record: &RunRecord,
    reader: &LedgerReader,
    now: Timestamp,
) -> Result<Option<String>, Failure> {
    let report = ReportV1::of(record);
    let Some(progress) = report.campaign() else { return Ok(None) };
    // In a simulator a day can be of any length: there the run's own word counts.
    let progress = if record.info.simulated {
        progress.clone()
    } else {
        let since = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let created = reader.created_since(since, false).map_err(recorded::unreadable)?;
        progress.clone().at(now, &created)
    };
    Ok(Some(lines(&progress, &report.progress_words(&progress))))
}

fn lines(progress: &ProgressV1, words: &[String]) -> String {
    let mut text = format!("{BOLD}progress{BOLD:#}");
    for line in words {
        let _ = write!(text, "\n  {}", neutral(line));
    }
    if progress.days.len() < 2 {
        return text;
    }
    let _ = write!(text, "\n  {DIM}day         started  succeeded  failed  still open{DIM:#}");
    let hidden = progress.days.len().saturating_sub(DAYS);
    if hidden > 0 {
        let _ = write!(text, "\n  {DIM}… {} before{DIM:#}", many(hidden, "day"));
    }
    for day in &progress.days[hidden..] {
        let _ = write!(
            text,
            "\n  {:<10}  {:>7}  {:>9}  {:>6}  {:>10}",
            day.day, day.started, day.succeeded, day.failed, day.open
        );
    }
    text
}

/// Whether a further `run` would do something; none where only the service can tell.
pub(super) fn is_left(preview: &Preview) -> Option<bool> {
    let Preview { plan, outlook, impossible, .. } = preview;
    let tasks: HashSet<&TaskId> = plan.tasks.iter().chain(impossible).map(|task| &task.id).collect();
    // A round that is due is the next one's work.
    let is_due = |decision: &Decision| *decision == Decision::Start(Because::Due);
    let mut left = outlook.tasks.iter().filter(|(task, decision)| tasks.contains(task) && !is_due(decision));
    let is_known = plan.unresolved.is_empty();
    left.next().map(|_| true).or_else(|| is_known.then_some(false))
}

/// What `--exit-code` ends with: work that a further `run` would do wins, then failures.
pub(super) fn exit(record: &RunRecord, is_left: Option<bool>) -> Exit {
    let report = ReportV1::of(record);
    let (failed, open) = report.progress.map_or((0, 0), |progress| (progress.failed, progress.open));
    if is_left.unwrap_or(open > 0) || !record.strays.is_empty() || record.ended_at.is_none() {
        Exit::WorkLeft
    } else if failed > 0 {
        Exit::TasksFailed
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{EventKind, Outcome, RoundInfo, sample};

    /// Two tasks that ended so, if at all, and so many that were never run.
    fn record(ends: [Option<Outcome>; 2], untouched: usize) -> RunRecord {
        let mut events = sample::run_of(2);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 2);
        let round = RoundInfo { untouched, ..RoundInfo::default() };
        events.push(sample::event(0, EventKind::RoundPlanned { round: Box::new(round) }));
        for (task, end) in ["task-0", "task-1"].into_iter().zip(ends) {
            events.extend(end.map(|outcome| sample::event(9, sample::ended(task, outcome, None))));
        }
        events.push(sample::event(10, EventKind::InvocationEnded { stopped: None }));
        RunRecord::from_events(&events).unwrap()
    }

    #[test]
    fn work_that_is_left_wins_over_failures() {
        let (good, bad) = (Some(Outcome::Succeeded), Some(Outcome::Failed));
        assert_eq!(exit(&record([good, good], 0), None), Exit::Done);
        assert_eq!(exit(&record([good, bad], 0), None), Exit::TasksFailed);
        assert_eq!(exit(&record([bad, Some(Outcome::Deferred)], 0), None), Exit::WorkLeft);
        assert_eq!(exit(&record([good, bad], 1), None), Exit::WorkLeft, "some of the manifest was never run");
        let mut killed = record([good, good], 0);
        killed.ended_at = None;
        assert_eq!(exit(&killed, None), Exit::WorkLeft);
    }

    #[test]
    fn what_the_manifest_says_now_wins_over_the_record() {
        let bad = Some(Outcome::Failed);
        assert_eq!(exit(&record([Some(Outcome::Succeeded); 2], 0), Some(true)), Exit::WorkLeft);
        assert_eq!(exit(&record([bad, Some(Outcome::Deferred)], 0), Some(false)), Exit::TasksFailed);
    }

    #[test]
    fn a_campaign_is_told_in_lines() {
        let mut record = record([Some(Outcome::Succeeded), None], 2);
        record.round.sessions_per_day = Some(1);
        let report = ReportV1::of(&record);
        let mut progress = report.campaign().unwrap().clone();
        progress.days = (1..=33)
            .map(|n| crate::report::DayV1 {
                day: format!("2026-11-{n:02}"),
                started: n,
                open: 99,
                ..Default::default()
            })
            .collect();
        let mut words = progress.words();
        words.insert(1, "1 task done in earlier rounds".to_owned());
        let told = lines(&progress, &words);
        let told = anstream::adapter::strip_str(&told).to_string();
        assert_eq!(told.lines().count(), 1 + 3 + 1 + 1 + DAYS);
        insta::assert_snapshot!(told.lines().take(7).collect::<Vec<_>>().join("\n"), @r"
        progress
          1 of 4 tasks done, 3 open
          1 task done in earlier rounds
          0 of 1 sessions within 24 h; 2 more days for the 3 to start
          day         started  succeeded  failed  still open
          … 2 days before
          2026-11-03        3          0       0          99
        ");
    }
}
