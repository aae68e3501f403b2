//! What the progress display knows of a run: a light fold of its events.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::outcome::{EventKind, Outcome, RunEvent, RunRecord, SessionRef, Work};
use crate::plan::TaskId;

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
}

/// What is remembered of a task between its events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) outcome: Option<Outcome>,
    /// The last attempt's end, for the line that announces the next one.
    pub(crate) last_end: Option<(Outcome, Option<String>)>,
    pub(crate) work: Work,
    pub(crate) session: Option<SessionRef>,
    pub(crate) started: Option<Timestamp>,
}

/// A live session.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) state: String,
    pub(crate) since: Timestamp,
    pub(crate) url: Option<String>,
    pub(crate) attempt: u32,
}

impl RunView {
    /// The view of a run that has begun before.
    pub(crate) fn of(record: &RunRecord) -> Self {
        let mut view = Self { began: Some(record.started_at), ..Self::default() };
        for (id, task) in &record.tasks {
            let last = task.last_attempt();
            if let (None, Some(attempt)) = (task.outcome, last.filter(|attempt| attempt.is_live())) {
                let live = Live {
                    state: attempt.state.as_deref().map_or_else(|| "started".to_owned(), words),
                    since: attempt.started_at,
                    url: attempt.session.as_ref().and_then(|session| session.url.clone()),
                    attempt: attempt.number,
                };
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
                    started: task.started_at,
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
            EventKind::InvocationStarted { .. } => self.began = Some(ts),
            EventKind::SessionsSurveyed { .. } => {}
            EventKind::TaskPlanned { planned } => {
                self.set_outcome(&planned.id, None);
                self.tasks.insert(planned.id.clone(), Entry::default());
            }
            EventKind::TaskReopened { task } => self.set_outcome(task, None),
            EventKind::IntentRecorded { task, attempt, .. } => {
                self.entry(task).started.get_or_insert(ts);
                let live = Live { state: "creating".into(), since: ts, url: None, attempt: *attempt };
                self.live.insert(task.clone(), live);
            }
            EventKind::CreateRefused { task, .. } => {
                self.live.remove(task);
            }
            EventKind::SessionCreated { task, attempt, session, .. } => {
                self.entry(task).session = Some(session.clone());
                let live = self.live_entry(task, *attempt, ts);
                live.url.clone_from(&session.url);
                live.state = "started".into();
            }
            EventKind::SessionState { task, attempt, state, .. } => {
                // A session may be live already when an invocation takes the run up.
                let url = self.entry(task).session.as_ref().and_then(|s| s.url.clone());
                let live = self.live_entry(task, *attempt, ts);
                live.state = words(state);
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
            EventKind::RunStarted { .. }
            | EventKind::CreateDoubted { .. }
            | EventKind::PlanApproved { .. }
            | EventKind::Replied { .. }
            | EventKind::Nudged { .. }
            | EventKind::SessionArchived { .. }
            | EventKind::Noted { .. }
            | EventKind::ApiUsed { .. }
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

    /// How many tasks have neither an outcome nor a live session.
    pub(crate) fn waiting(&self) -> usize {
        self.total().saturating_sub(self.ended() + self.live.len())
    }

    /// How long this invocation has been at work, in seconds.
    pub(crate) fn elapsed(&self, now: Timestamp) -> f64 {
        self.began.map_or(0.0, |began| now.duration_since(began).as_secs_f64().max(0.0))
    }

    /// How long the rest takes if what is left is like what has ended, in seconds; none before the first end.
    pub(crate) fn left(&self, now: Timestamp) -> Option<f64> {
        if self.ended_attempts == 0 || self.live.is_empty() {
            return None;
        }
        let mean = self.ended_seconds / f64::from(self.ended_attempts);
        // The sum of floats depends on their order, and a hash map has none of its own.
        let live = self.live();
        let rest = |live: &Live| (mean - now.duration_since(live.since).as_secs_f64()).max(0.0);
        let longest = live.iter().map(|(_, live)| rest(live)).fold(0.0, f64::max);
        let work: f64 = live.iter().map(|(_, live)| rest(live)).sum::<f64>() + mean * self.waiting() as f64;
        Some((work / live.len() as f64).max(longest))
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

    /// The tasks with a live session, the oldest first.
    pub(crate) fn live(&self) -> Vec<(&TaskId, &Live)> {
        let mut live: Vec<_> = self.live.iter().collect();
        live.sort_unstable_by(|(a, x), (b, y)| (x.since, a).cmp(&(y.since, b)));
        live
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
        self.live.entry(task.clone()).or_insert_with(|| Live {
            state: String::new(),
            since: ts,
            url: None,
            attempt,
        })
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
            let creating = matches!(events[n - 1].kind, EventKind::IntentRecorded { .. });
            if !creating {
                assert_eq!(numbers(&known), numbers(&folded), "after {n} events");
            }
        }
    }

    #[test]
    fn the_rest_is_guessed_from_what_has_ended() {
        let mut view = RunView::default();
        for event in &sample::run_of(3)[..sample::EVENTS_BEFORE_TASKS + 3 + sample::EVENTS_A_TASK] {
            view.apply(event);
        }
        // One task of 60 s is done, nothing is live: nobody can tell.
        let now = sample::at(120);
        assert_eq!(view.left(now), None);
        view.apply(&sample::event(120, sample::intent("task-1", 1)));
        assert_eq!(view.left(now), Some(120.0));
        assert_eq!(view.left(sample::at(150)), Some(90.0));
        assert_eq!(view.left(sample::at(1_000)), Some(60.0));
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
        };
        view.apply(&sample::event(6, refused));
        assert_eq!(view.waiting(), 1);
    }
}
