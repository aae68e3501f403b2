//! What the progress display knows of a run: a light fold of its events.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::left::{Facts, Left, Pace};
use crate::outcome::{EventKind, Outcome, PullRequest, RunEvent, RunRecord, ServiceStatus, SessionRef, Work};
use crate::plan::TaskId;

/// The state of a session that may not exist yet.
const CREATING: &str = "creating";

/// How a run stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunView {
    tasks: HashMap<TaskId, Entry>,
    /// How many tasks have which outcome; kept up to date, because every line of the display shows it.
    counts: BTreeMap<Outcome, usize>,
    live: HashMap<TaskId, Live>,
    /// When this invocation began.
    began: Option<Timestamp>,
    /// Attempts that ended in this invocation, and how long they took in seconds.
    ended_attempts: u32,
    ended_seconds: f64,
    service: ServiceStatus,
}

/// What is remembered of a task between its events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) outcome: Option<Outcome>,
    /// The last attempt's end, for the line that announces the next one.
    pub(crate) last_end: Option<(Outcome, Option<String>)>,
    pub(crate) work: Work,
    pub(crate) session: Option<SessionRef>,
    /// When its last attempt began.
    pub(crate) began: Option<Timestamp>,
}

/// A live session.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) state: String,
    pub(crate) since: Timestamp,
    pub(crate) url: Option<String>,
    pub(crate) attempt: u32,
    /// What happened last, and when.
    pub(crate) last: (String, Timestamp),
}

impl Live {
    fn new(state: &str, since: Timestamp, attempt: u32) -> Self {
        Self { state: state.to_owned(), since, url: None, attempt, last: (state.to_owned(), since) }
    }

    fn set_state(&mut self, state: &str, ts: Timestamp) {
        state.clone_into(&mut self.state);
        self.last = (state.to_owned(), ts);
    }

    /// Whether it goes no further without a person, unless the policy of its task has an answer.
    pub(crate) fn waits_for_person(&self) -> bool {
        self.state.starts_with("awaiting") || self.state == "paused"
    }
}

/// A task that the live table shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) task: &'a TaskId,
    pub(crate) live: &'a Live,
}

impl Row<'_> {
    /// Its state, in words.
    pub(crate) fn state(&self) -> &str {
        &self.live.state
    }
}

impl RunView {
    /// The view of a run that has begun before.
    pub(crate) fn of(record: &RunRecord) -> Self {
        let service = record.service.clone();
        let mut view = Self { began: Some(record.started_at), service, ..Self::default() };
        for (id, task) in &record.tasks {
            let last = task.last_attempt();
            if let (None, Some(attempt)) = (task.outcome, last.filter(|attempt| attempt.is_at_work())) {
                let known = if attempt.session.is_some() { "started" } else { CREATING };
                let state = attempt.state.as_deref().map_or_else(|| known.to_owned(), words);
                let mut live = Live::new(&state, attempt.started_at, attempt.number);
                live.url = attempt.session.as_ref().and_then(|session| session.url.clone());
                view.live.insert(id.clone(), live);
            }
            if let Some(outcome) = task.outcome {
                *view.counts.entry(outcome).or_default() += 1;
            }
            view.tasks.insert(
                id.clone(),
                Entry {
                    outcome: task.outcome,
                    session: last.and_then(|a| a.session.clone()),
                    work: last.map(|a| a.work.clone()).unwrap_or_default(),
                    began: last.map(|a| a.started_at),
                    last_end: None,
                },
            );
        }
        view
    }

    /// Takes the next event.
    pub(crate) fn apply(&mut self, event: &RunEvent) {
        let ts = event.ts;
        match &event.kind {
            EventKind::InvocationStarted { .. } => {
                self.began = Some(ts);
                self.service = ServiceStatus::default();
            }
            EventKind::ApiUsed { service, .. } => self.service.clone_from(service),
            EventKind::SessionsSurveyed { .. } => {}
            EventKind::TaskPlanned { planned } => {
                self.set_outcome(&planned.id, None);
                self.tasks.insert(planned.id.clone(), Entry::default());
            }
            EventKind::TaskReopened { task } => {
                let entry = self.entry(task);
                // An attempt that is over is not the one that may come.
                entry.began = entry.began.filter(|_| entry.outcome.is_none_or(Outcome::is_open));
                self.set_outcome(task, None);
            }
            EventKind::TaskMarked { task, mark, .. } => self.set_outcome(task, mark.outcome()),
            EventKind::IntentRecorded { task, attempt, .. } => {
                self.entry(task).began = Some(ts);
                self.live.insert(task.clone(), Live::new(CREATING, ts, *attempt));
                if self.waiting() == 0 {
                    // What is told of it now and then is over.
                    self.service.held_back = None;
                }
            }
            EventKind::CreateRepeated { task, attempt, .. } => {
                self.live_entry(task, *attempt, ts).set_state(CREATING, ts);
            }
            EventKind::CreateDoubted { task, attempt, .. } => {
                self.live_entry(task, *attempt, ts).set_state("in doubt", ts);
            }
            EventKind::CreateRefused { task, .. } => {
                self.live.remove(task);
            }
            EventKind::SessionCreated { task, attempt, session, .. } => {
                self.entry(task).session = Some(session.clone());
                let live = self.live_entry(task, *attempt, ts);
                live.url.clone_from(&session.url);
                live.set_state("started", ts);
            }
            EventKind::SessionState { task, attempt, state, .. } => {
                // A session may be live already when an invocation takes the run up.
                let url = self.entry(task).session.as_ref().and_then(|s| s.url.clone());
                let live = self.live_entry(task, *attempt, ts);
                live.set_state(&words(state), ts);
                live.url = live.url.take().or(url);
            }
            EventKind::AttemptEnded { task, outcome, reason, work, .. } => {
                if let Some(live) = self.live.remove(task)
                    && !outcome.is_open()
                {
                    self.ended_attempts += 1;
                    self.ended_seconds += ts.duration_since(live.since).as_secs_f64().max(0.0);
                }
                let entry = self.entry(task);
                entry.last_end = Some((*outcome, reason.clone()));
                entry.work.clone_from(work);
            }
            EventKind::TaskEnded { task, outcome, .. } => {
                self.live.remove(task);
                self.set_outcome(task, Some(*outcome));
            }
            EventKind::AgentActive { task, activity, ago_ms, .. } => {
                let ago = jiff::SignedDuration::from_millis(i64::try_from(*ago_ms).unwrap_or(i64::MAX));
                self.happened(task, activity, ts.saturating_sub(ago).unwrap_or(ts));
            }
            EventKind::PlanApproved { task, .. } => self.happened(task, "plan approved", ts),
            EventKind::Replied { task, .. } => self.happened(task, "answered", ts),
            EventKind::Nudged { task, .. } => self.happened(task, "nudged", ts),
            EventKind::PullRequestAdopted { task, pull, .. } => {
                self.entry(task).work.pull_request = Some(Arc::new(PullRequest::clone(pull)));
            }
            EventKind::RunStarted { .. }
            | EventKind::RoundPlanned { .. }
            | EventKind::PullRequestRead { .. }
            | EventKind::PullRequestActing { .. }
            | EventKind::PullRequestActed { .. }
            | EventKind::GithubUsed { .. }
            | EventKind::WavesFixed { .. }
            | EventKind::WaveReleased { .. }
            | EventKind::SessionArchiving { .. }
            | EventKind::SessionArchived { .. }
            | EventKind::SessionDetails { .. }
            | EventKind::WorkFound { .. }
            | EventKind::Noted { .. }
            | EventKind::StrayFound { .. }
            | EventKind::StraysUnknown { .. }
            | EventKind::InvocationEnded { .. } => {}
        }
    }

    /// How many tasks the run has.
    pub(crate) fn total(&self) -> usize {
        self.tasks.len()
    }

    /// The outcomes that occurred, with their counts, from best to worst.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Outcome, usize)> {
        self.counts.iter().filter(|(_, n)| **n > 0).map(|(outcome, n)| (*outcome, *n))
    }

    /// How many tasks have their outcome.
    pub(crate) fn ended(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many tasks have an outcome that leaves nothing to do for another run.
    pub(crate) fn done(&self) -> usize {
        self.counts.iter().filter(|(outcome, _)| !outcome.is_open()).map(|(_, n)| n).sum()
    }

    /// How many tasks have neither an outcome nor a live session.
    pub(crate) fn waiting(&self) -> usize {
        self.total().saturating_sub(self.ended() + self.live_count())
    }

    /// How long this invocation has been at work, in seconds.
    pub(crate) fn elapsed(&self, now: Timestamp) -> f64 {
        self.began.map_or(0.0, |began| now.duration_since(began).as_secs_f64().max(0.0))
    }

    /// How long the rest may take.
    pub(super) fn left(&self, pace: Pace, now: Timestamp) -> Left {
        let age = |live: &Live| now.duration_since(live.since).as_secs_f64();
        let facts = Facts {
            mean: (self.ended_attempts > 0).then(|| self.ended_seconds / f64::from(self.ended_attempts)),
            ages: self.rows().iter().map(|row| age(row.live)).collect(),
            waiting: self.waiting(),
            pace,
            service: &self.service,
            now,
        };
        facts.left()
    }

    /// What keeps requests from being answered.
    pub(crate) fn service(&self) -> &ServiceStatus {
        &self.service
    }

    pub(crate) fn task(&self, id: &TaskId) -> Option<&Entry> {
        self.tasks.get(id)
    }

    /// Whether the task has a session, or one may be about to come.
    pub(crate) fn is_live(&self, task: &TaskId) -> bool {
        self.live.contains_key(task)
    }

    /// How many sessions are live or being created.
    pub(crate) fn live_count(&self) -> usize {
        self.live.len()
    }

    /// The tasks with a live session or with a create under way: first those that wait for a person, then the oldest.
    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let row = |(task, live)| Row { task, live };
        let mut rows: Vec<_> = self.live.iter().map(row).collect();
        let place = |row: &Row<'_>| (!row.live.waits_for_person(), row.live.since);
        rows.sort_unstable_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.task.cmp(b.task)));
        rows
    }

    fn set_outcome(&mut self, task: &TaskId, outcome: Option<Outcome>) {
        let before = std::mem::replace(&mut self.entry(task).outcome, outcome);
        if let Some(count) = before.and_then(|before| self.counts.get_mut(&before)) {
            *count -= 1;
        }
        if let Some(outcome) = outcome {
            *self.counts.entry(outcome).or_default() += 1;
        }
    }

    fn entry(&mut self, task: &TaskId) -> &mut Entry {
        self.tasks.entry(task.clone()).or_default()
    }

    fn live_entry(&mut self, task: &TaskId, attempt: u32, ts: Timestamp) -> &mut Live {
        self.live.entry(task.clone()).or_insert_with(|| Live::new("", ts, attempt))
    }

    fn happened(&mut self, task: &TaskId, what: &str, ts: Timestamp) {
        if let Some(live) = self.live.get_mut(task) {
            what.clone_into(&mut live.last.0);
            live.last.1 = ts;
        }
    }
}

/// A state of the service for people: `IN_PROGRESS` is `in progress`.
pub(crate) fn words(state: &str) -> String {
    match state {
        "AWAITING_PLAN_APPROVAL" => "awaiting approval".into(),
        "AWAITING_USER_FEEDBACK" => "awaiting answer".into(),
        _ => state.to_lowercase().replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    #[test]
    fn a_task_is_waiting_then_live_then_done() {
        let events = sample::run_of(3);
        let mut view = RunView::default();
        let mut seen = Vec::new();
        for event in &events {
            view.apply(event);
            seen.push((view.waiting(), view.live_count(), view.ended()));
        }
        assert_eq!(seen.first(), Some(&(0, 0, 0)));
        assert!(seen.contains(&(3, 0, 0)), "{seen:?}");
        assert!(seen.contains(&(2, 1, 0)), "{seen:?}");
        assert_eq!(seen.last(), Some(&(0, 0, 3)), "{seen:?}");
    }

    #[test]
    fn a_record_gives_the_same_board_as_its_events() {
        let events = sample::run_of(3);
        for n in sample::EVENTS_BEFORE_TASKS..events.len() {
            let record = RunRecord::from_events(&events[..n]).unwrap();
            let (known, mut folded) = (RunView::of(&record), RunView::default());
            events[..n].iter().for_each(|event| folded.apply(event));
            let numbers = |view: &RunView| (view.total(), view.ended(), view.live_count());
            assert_eq!(numbers(&known), numbers(&folded), "after {n} events");
        }
    }

    #[test]
    fn a_create_in_doubt_says_so_until_its_session_is_found() {
        let mut view = RunView::default();
        let mut state = |kind| {
            view.apply(&sample::event(5, kind));
            view.rows()[0].state().to_owned()
        };
        let task = TaskId::new("task-0");
        assert_eq!(state(sample::intent("task-0", 1)), "creating");
        let cause = "HTTP 503".to_owned();
        assert_eq!(state(EventKind::CreateDoubted { task, attempt: 1, cause }), "in doubt");
        assert_eq!(state(sample::created("task-0", 1, 7)), "started");
    }

    #[test]
    fn a_create_that_is_repeated_is_under_way_again() {
        let mut view = RunView::default();
        let task = TaskId::new("task-0");
        view.apply(&sample::event(1, sample::intent("task-0", 1)));
        let cause = "HTTP 503".to_owned();
        view.apply(&sample::event(2, EventKind::CreateDoubted { task: task.clone(), attempt: 1, cause }));
        let send_by = sample::at(13);
        view.apply(&sample::event(3, EventKind::CreateRepeated { task, attempt: 1, post: 2, send_by }));
        assert_eq!(view.rows()[0].state(), "creating");
    }

    #[test]
    fn a_refused_create_waits_again() {
        let mut view = RunView::default();
        for event in &sample::run_of(1)[..sample::EVENTS_BEFORE_TASKS + 1] {
            view.apply(event);
        }
        view.apply(&sample::event(5, sample::intent("task-0", 1)));
        assert_eq!(view.waiting(), 0);
        let refused = EventKind::CreateRefused {
            task: TaskId::new("task-0"),
            attempt: 1,
            cause: "quota".into(),
            capacity: true,
            withdrawn: false,
        };
        view.apply(&sample::event(6, refused));
        assert_eq!(view.waiting(), 1);
    }
}
