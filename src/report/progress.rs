//! How far a manifest is, over all its days and rounds: figures of the recorded run, at a time that is given.

use std::collections::BTreeMap;

use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::v1::{optional_time, outcome, time};
use super::{ReportV1, TaskV1, many};
use crate::outcome::{EarlierEnd, Outcome, RunRecord};

/// How long a session counts for `limits.sessions-per-day`.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How far the manifest's tasks are: those of this run, those that ended in earlier rounds and are not done again, and
/// those that were never run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressV1 {
    /// When it stood so: the last thing that is known to have happened in the run.
    #[schemars(schema_with = "time")]
    pub at: Timestamp,
    /// All of them.
    pub all: u64,
    /// Ended well, in this round or an earlier one.
    pub done: u64,
    /// Ended badly.
    pub failed: u64,
    /// Not to be done: a needed task failed, a person said so, or they have left the manifest.
    pub skipped: u64,
    /// The rest.
    pub open: u64,
    /// What sessions were and may be created.
    pub sessions: SessionsV1,
    /// Day by day, in UTC: those in which something began or ended.
    pub days: Vec<DayV1>,
}

/// Sessions, and the limit that there is on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionsV1 {
    /// How many were created within the last 24 hours; with a limit, whatever the manifest of the state folder.
    pub within_day: u64,
    /// How many may be (`limits.sessions-per-day`); null without a limit.
    pub per_day: Option<u64>,
    /// How many tasks have no session yet.
    pub to_start: u64,
    /// When the next may be created; null if one may now.
    #[schemars(schema_with = "optional_time")]
    pub free_at: Option<Timestamp>,
    /// How many more days of that limit these tasks take, 0 if what is left of today's is enough; null without a limit.
    pub days_left: Option<u64>,
}

/// A day of a run, in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayV1 {
    /// Which: `2026-11-22`.
    pub day: String,
    /// Attempts that began: at most a session each.
    pub started: u64,
    /// Tasks that ended well.
    pub succeeded: u64,
    /// Attempts that ended badly.
    pub failed: u64,
    /// Tasks that had no end at its end, of all that the manifest has by now.
    pub open: u64,
}

/// How a task ended in an earlier round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EarlierV1 {
    /// The task's id.
    pub id: String,
    /// The id of the run that knows more of it.
    pub run: String,
    /// How it ended.
    #[schemars(schema_with = "outcome")]
    pub outcome: Outcome,
    /// When.
    #[schemars(schema_with = "time")]
    pub ended_at: Timestamp,
}

/// What is left of a daily limit.
#[derive(Clone, Copy)]
struct Limit {
    per_day: u64,
    left: Option<u64>,
    free_at: Option<Timestamp>,
}

impl ProgressV1 {
    /// By what the record tells, at its last moment.
    pub(super) fn of(record: &RunRecord, tasks: &[TaskV1], earlier: &[EarlierV1]) -> Self {
        let (round, service) = (&record.round, &record.service);
        let limit = round.sessions_per_day.map(|per_day| Limit {
            per_day: per_day.into(),
            left: service.sessions_left.map(|left| left as u64),
            free_at: service.session_free_at,
        });
        // A task of the run is no other's.
        Self::count(
            tasks,
            round.untouched as u64,
            earlier,
            limit,
            super::record::millis(record.last_moment()),
        )
    }

    /// That of several reports together: each has a daily limit of its own.
    pub(super) fn merged(reports: &[ReportV1], tasks: &[TaskV1], earlier: &[EarlierV1]) -> Option<Self> {
        let parts: Option<Vec<&Self>> = reports.iter().map(|report| report.progress.as_ref()).collect();
        let parts = parts?;
        let at = parts.iter().map(|part| part.at).max()?;
        let known = |report: &ReportV1| (report.tasks.len() + report.earlier.len()) as u64;
        let untouched =
            reports.iter().zip(parts).map(|(report, part)| part.all.saturating_sub(known(report)));
        Some(Self::count(tasks, untouched.sum(), earlier, None, at))
    }

    fn count(
        tasks: &[TaskV1],
        untouched: u64,
        earlier: &[EarlierV1],
        limit: Option<Limit>,
        at: Timestamp,
    ) -> Self {
        let ends = tasks.iter().map(End::of).chain(earlier.iter().map(|end| End::by(end.outcome, false)));
        let mut counts = [0, 0, 0, untouched];
        ends.for_each(|end| counts[end as usize] += 1);
        let [done, failed, skipped, open] = counts;
        let all = (tasks.len() + earlier.len()) as u64 + untouched;
        let days = days(tasks, all - earlier.len() as u64);
        let attempts = tasks.iter().flat_map(|task| &task.attempts).filter(|it| it.session.is_some());
        let own = attempts.filter(|it| at.duration_since(it.started_at) < DAY).count() as u64;
        let mut sessions = SessionsV1 { within_day: own, ..SessionsV1::default() };
        if let Some(Limit { per_day, left, free_at }) = limit {
            let within_day = left.map_or(own, |left| per_day.saturating_sub(left));
            sessions = SessionsV1 { within_day, per_day: Some(per_day), free_at, ..sessions };
        }
        let live = tasks.iter().filter(|task| task.outcome == Outcome::Detached).count() as u64;
        sessions.to_start = open.saturating_sub(live);
        sessions.plan_days();
        Self { at, all, done, failed, skipped, open, sessions, days }
    }

    /// The same at another time, when sessions had come into being at these: the ledger knows those of all manifests.
    #[must_use]
    pub fn at(mut self, now: Timestamp, created: &[Timestamp]) -> Self {
        let mut young: Vec<_> = created.iter().filter(|at| now.duration_since(**at) < DAY).copied().collect();
        young.sort_unstable();
        self.at = now;
        self.sessions.within_day = young.len() as u64;
        if let Some(per_day) = self.sessions.per_day {
            // The session whose leaving makes room.
            let leaving = young.len().checked_sub(usize::try_from(per_day).unwrap_or(usize::MAX));
            let leaving = leaving.and_then(|at| young.get(at));
            self.sessions.free_at = leaving.and_then(|at| at.checked_add(DAY).ok());
            self.sessions.plan_days();
        }
        self
    }

    /// In words: how far it is, and what the daily limit allows.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let counts = [(self.failed, "failed"), (self.skipped, "skipped"), (self.open, "open")];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: String = counts.map(|(count, word)| format!(", {count} {word}")).collect();
        let mut lines = vec![format!("{} of {} done{counts}", self.done, many(self.all, "task"))];
        let SessionsV1 { within_day, per_day, to_start, free_at, days_left } = &self.sessions;
        let Some(per_day) = per_day else { return lines };
        let free = free_at.map(|at| format!("; the next is free at {}", minute(at, RoundMode::Ceil)));
        let left = days_left.filter(|_| *to_start > 0).map(|days| match days {
            0 => format!("; enough for the {to_start} to start"),
            days => format!("; {} for the {to_start} to start", many(days, "more day")),
        });
        lines.push(format!(
            "{within_day} of {per_day} sessions within 24 h{}{}",
            free.unwrap_or_default(),
            left.unwrap_or_default()
        ));
        lines
    }
}

impl SessionsV1 {
    fn plan_days(&mut self) {
        let left = |per_day: u64| per_day.saturating_sub(self.within_day);
        self.days_left =
            self.per_day.map(|per_day| self.to_start.saturating_sub(left(per_day)).div_ceil(per_day.max(1)));
    }
}

impl ReportV1 {
    /// Its progress, where that says more than the totals: of more days than one, more tasks than the run's, or with a
    /// daily limit.
    #[must_use]
    pub fn campaign(&self) -> Option<&ProgressV1> {
        let says_more = |progress: &&ProgressV1| {
            progress.days.len() > 1
                || progress.all > self.tasks.len() as u64
                || progress.sessions.per_day.is_some()
        };
        self.progress.as_ref().filter(says_more)
    }

    /// The words of its progress as it is now, and behind the counts what ended in earlier rounds.
    #[must_use]
    pub fn progress_words(&self, progress: &ProgressV1) -> Vec<String> {
        let mut words = progress.words();
        words.splice(1..1, self.earlier_words());
        words
    }

    /// What ended in earlier rounds, in words; none if nothing did.
    fn earlier_words(&self) -> Option<String> {
        let done = self.earlier.iter().filter(|end| End::by(end.outcome, false) == End::Done);
        let last = done.clone().max_by_key(|end| end.ended_at)?;
        let (count, at) = (many(done.count(), "task"), minute(last.ended_at, RoundMode::Trunc));
        Some(format!("{count} done in earlier rounds, the last at {at} (run {})", last.run))
    }
}

impl EarlierV1 {
    pub(super) fn of(end: &EarlierEnd) -> Self {
        Self {
            id: end.task.to_string(),
            run: end.run.to_string(),
            outcome: end.outcome,
            ended_at: super::record::millis(end.at),
        }
    }
}

/// What became of a task, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Failed,
    Skipped,
    Open,
}

impl End {
    fn of(task: &TaskV1) -> Self {
        Self::by(task.outcome, task.has_failed())
    }

    fn by(outcome: Outcome, has_failed: bool) -> Self {
        match outcome {
            outcome if has_failed || outcome.is_failure() => Self::Failed,
            outcome if outcome.is_open() => Self::Open,
            Outcome::Skipped => Self::Skipped,
            _ => Self::Done,
        }
    }
}

/// What began and ended on each day, of so many tasks that were open at first.
fn days(tasks: &[TaskV1], open: u64) -> Vec<DayV1> {
    /// A day's counts, and by how many the open ones became more.
    #[derive(Default)]
    struct Counts {
        started: u64,
        succeeded: u64,
        failed: u64,
        opened: i64,
    }
    let mut days: BTreeMap<_, Counts> = BTreeMap::new();
    for task in tasks {
        let mut is_open = true;
        for attempt in &task.attempts {
            let began = days.entry(day(attempt.started_at)).or_default();
            began.started += 1;
            began.opened += i64::from(!is_open);
            is_open = true;
            let end = attempt.outcome.zip(attempt.ended_at).filter(|(outcome, _)| !outcome.is_open());
            let Some((outcome, at)) = end else { continue };
            let ended = days.entry(day(at)).or_default();
            match outcome.counts_as_failed(task.on_no_change.into()) {
                true => ended.failed += 1,
                false => ended.succeeded += 1,
            }
            ended.opened -= 1;
            is_open = false;
        }
        // What became of it without an attempt: a person's word, or a rule.
        let ended_at = task.ended_at.or_else(|| task.attempts.last()?.ended_at);
        let Some(at) = ended_at.filter(|_| task.outcome.is_open() != is_open) else { continue };
        let counts = days.entry(day(at)).or_default();
        counts.opened += if is_open { -1 } else { 1 };
        counts.succeeded += u64::from(End::of(task) == End::Done);
    }
    let mut open = i64::try_from(open).unwrap_or(i64::MAX);
    let counted = days.into_iter().map(|(day, counts)| {
        open += counts.opened;
        let Counts { started, succeeded, failed, .. } = counts;
        DayV1 { day: day.to_string(), started, succeeded, failed, open: open.max(0).unsigned_abs() }
    });
    counted.filter(|day| day.started + day.succeeded + day.failed > 0).collect()
}

fn day(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// `2026-11-22 02:01 UTC`: the minute that it is in, or the one that it is over with.
fn minute(at: Timestamp, mode: RoundMode) -> String {
    let whole = TimestampRound::new().smallest(Unit::Minute).mode(mode);
    at.round(whole).unwrap_or(at).strftime("%F %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{EventKind, RoundInfo, RunEvent, ServiceStatus, sample};
    use crate::plan::TaskId;

    const HOUR: i64 = 3_600;

    /// A task that was begun in that hour and ended half an hour later.
    fn attempt(task: &str, number: u32, hour: i64, outcome: Outcome) -> Vec<RunEvent> {
        let (began, ended) = (hour * HOUR, hour * HOUR + HOUR / 2);
        let session = 100 * number + task.bytes().map(u32::from).sum::<u32>();
        vec![
            sample::event(began, sample::intent(task, number)),
            sample::event(began, sample::created(task, number, session)),
            sample::event(ended, sample::attempt_ended(task, number, outcome, None)),
            sample::event(ended, sample::ended(task, outcome, None)),
        ]
    }

    /// Five tasks of a manifest with nine: one ended in an earlier round, three were never run. The day is over at
    /// hour 22.
    fn record() -> RunRecord {
        let mut events = sample::run_of(5);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 5);
        let earlier = vec![EarlierEnd {
            task: TaskId::new("old"),
            run: sample::run_id(),
            outcome: Outcome::Succeeded,
            at: sample::at(-90 * HOUR),
        }];
        let round = RoundInfo { untouched: 3, earlier, sessions_per_day: Some(2), ..RoundInfo::default() };
        events.push(sample::event(0, EventKind::RoundPlanned { round: Box::new(round) }));
        events.extend(attempt("task-0", 1, 1, Outcome::Succeeded));
        events.extend(attempt("task-1", 1, 2, Outcome::Failed));
        events.push(sample::event(25 * HOUR, EventKind::TaskReopened { task: TaskId::new("task-1") }));
        events.extend(attempt("task-1", 2, 25, Outcome::NoChange));
        events.extend(attempt("task-2", 1, 26, Outcome::Failed));
        events.push(sample::event(27 * HOUR, sample::ended("task-3", Outcome::Deferred, None)));
        let service = ServiceStatus {
            sessions_left: Some(0),
            session_free_at: Some(sample::at(49 * HOUR)),
            ..ServiceStatus::default()
        };
        events.push(sample::event(28 * HOUR, EventKind::ApiUsed { usage: Box::default(), service }));
        events.push(sample::event(28 * HOUR, EventKind::InvocationEnded { stopped: None }));
        RunRecord::from_events(&events).unwrap()
    }

    fn table(progress: &ProgressV1) -> String {
        let row = |day: &DayV1| {
            format!("{} {} {} {} {}\n", day.day, day.started, day.succeeded, day.failed, day.open)
        };
        progress.days.iter().map(row).collect()
    }

    #[test]
    fn a_campaign_is_told_by_day_and_over_its_rounds() {
        let report = ReportV1::of(&record());
        let progress = report.campaign().unwrap();
        insta::assert_snapshot!(progress.words().join("\n"), @r"
        3 of 9 tasks done, 1 failed, 5 open
        2 of 2 sessions within 24 h; the next is free at 2026-11-24 03:00 UTC; 3 more days for the 5 to start
        ");
        insta::assert_snapshot!(report.earlier_words().unwrap(), @"1 task done in earlier rounds, the last at 2026-11-18 08:00 UTC (run 20261122-020000-7c1f)");
        insta::assert_snapshot!(table(progress), @r"
        2026-11-22 2 1 1 6
        2026-11-23 2 1 1 5
        ");
        assert_eq!(progress.days.last().unwrap().open, progress.open, "the last day is the state");
    }

    #[test]
    fn at_another_time_the_limit_goes_by_the_sessions_of_the_ledger() {
        let report = ReportV1::of(&record());
        let hours = |all: &[i64]| all.iter().map(|hour| sample::at(hour * HOUR)).collect::<Vec<_>>();
        let told = |now: i64, created: &[i64]| {
            let progress = report.progress.clone().unwrap();
            progress.at(sample::at(now * HOUR), &hours(created)).words()[1].clone()
        };
        insta::assert_snapshot!(told(48, &[1, 2, 25, 26]), @"2 of 2 sessions within 24 h; the next is free at 2026-11-24 03:00 UTC; 3 more days for the 5 to start");
        insta::assert_snapshot!(told(49, &[1, 2, 25, 26]), @"1 of 2 sessions within 24 h; 2 more days for the 5 to start");
        insta::assert_snapshot!(told(60, &[]), @"0 of 2 sessions within 24 h; 2 more days for the 5 to start");
        insta::assert_snapshot!(told(30, &[28, 29, 30]), @"3 of 2 sessions within 24 h; the next is free at 2026-11-24 07:00 UTC; 3 more days for the 5 to start");
    }

    #[test]
    fn one_day_without_a_limit_says_no_more_than_its_totals() {
        let report = ReportV1::of(&RunRecord::from_events(&sample::run_of(2)).unwrap());
        assert_eq!(report.campaign(), None);
        let progress = report.progress.unwrap();
        assert_eq!((progress.all, progress.done, progress.open), (2, 2, 0));
    }

    #[test]
    fn the_parts_of_a_campaign_are_added_up() {
        let mut other = ReportV1::of(&record());
        other.run.id = "20261122-020000-ffff".to_owned();
        other.tasks.iter_mut().for_each(|task| task.id += "-other");
        other.earlier.iter_mut().for_each(|end| end.id += "-other");
        let merged = super::super::merge(vec![ReportV1::of(&record()), other]).unwrap().progress.unwrap();
        assert_eq!((merged.all, merged.done, merged.failed, merged.open), (18, 6, 2, 10));
    }
}
