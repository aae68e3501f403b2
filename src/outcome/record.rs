//! A run, as its events tell it.

use indexmap::IndexMap;
use jiff::Timestamp;

use super::{
    ApiUsage, EventKind, Marker, Outcome, PlannedTask, RunEvent, RunInfo, ServiceStatus, SessionRef, Stray,
    Totals, Work,
};
use crate::plan::{Shard, TaskId, TaskKey};

/// The fold of a run's events: what reports show and what the next invocation goes on from.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Which run.
    pub info: RunInfo,
    /// When its first invocation began.
    pub started_at: Timestamp,
    /// When its last invocation ended; none while one is at work, or after one was killed.
    pub ended_at: Option<Timestamp>,
    /// How many invocations it has had.
    pub invocations: u32,
    /// The part of the manifest that the last one was for.
    pub shard: Option<Shard>,
    /// The run of the CI workflow that the last one belonged to.
    pub workflow_run: Option<String>,
    /// Why the last invocation ended before its time.
    pub stopped: Option<String>,
    /// Up to when the record is sure to hold every session of its tasks: the last event of an invocation that had
    /// looked for the sessions which the service held already. None before the first such look.
    pub complete_until: Option<Timestamp>,
    /// Whether the current invocation has had that look.
    surveyed: bool,
    /// Its tasks in the order in which they were planned.
    pub tasks: IndexMap<TaskId, TaskRecord>,
    /// Tasks whose prompt was edited while the run had work left, as they stood then.
    pub superseded: Vec<TaskRecord>,
    /// What ended invocations asked of the API.
    earlier_usage: ApiUsage,
    /// What the current one has asked so far.
    current_usage: ApiUsage,
    /// What keeps requests from being answered, as far as the current invocation has told.
    pub service: ServiceStatus,
    /// Sessions with this run's marker that it does not know.
    pub strays: Vec<Stray>,
    /// Why the last invocation could not tell whether there are more.
    pub strays_unknown: Option<String>,
    /// The `seq` of the last event.
    pub last_seq: u64,
}

/// A task, as its events tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRecord {
    /// What was planned.
    pub planned: PlannedTask,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// When creates came into doubt whose sessions nobody has found: each may have made one.
    pub doubts: Vec<Timestamp>,
    /// Whether the sessions that the service held already were looked for since it was planned.
    pub surveyed: bool,
    /// Its outcome, once it has one.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Option<String>,
    /// The first intent.
    pub started_at: Option<Timestamp>,
    /// When its outcome was known.
    pub ended_at: Option<Timestamp>,
    /// How often we answered the agent, all attempts together.
    pub replies: u32,
    /// How often we nudged it, all attempts together.
    pub nudges: u32,
}

/// One attempt: at most one session.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// From 1.
    pub number: u32,
    /// What its session's title ends with.
    pub marker: Marker,
    /// Its session, once known.
    pub session: Option<SessionRef>,
    /// The session's last known state, in the service's words.
    pub state: Option<String>,
    /// Whether the session was found by its marker.
    pub adopted: bool,
    /// Whether its session was given up and put into the archive.
    pub archived: bool,
    /// Whether the create was refused for certain: the intent is void.
    pub refused: bool,
    /// The intent.
    pub started_at: Timestamp,
    /// Its end.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Option<String>,
    /// What it made.
    pub work: Work,
    /// Answers given in this attempt.
    pub replies: u32,
    /// Nudges sent in this attempt.
    pub nudges: u32,
    /// Milliseconds from the session's end until we saw it, if it ended while we followed it.
    pub detected_after_ms: Option<u64>,
}

impl AttemptRecord {
    /// An intent that nobody knows the end of: its POST may have created a session.
    #[must_use]
    pub fn is_open_intent(&self) -> bool {
        self.session.is_none() && self.outcome.is_none() && !self.refused
    }

    /// A session that had not ended when we last looked.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.session.is_some() && self.outcome.is_none_or(Outcome::is_open)
    }
}

impl TaskRecord {
    /// The outcome, or what it would be if the run stopped here: what is or may be live is detached, the rest deferred.
    #[must_use]
    pub fn outcome_so_far(&self) -> Outcome {
        self.outcome.unwrap_or_else(|| match self.attempts.last() {
            Some(attempt) if attempt.is_live() || attempt.is_open_intent() => Outcome::Detached,
            _ => Outcome::Deferred,
        })
    }

    /// Its last intent, if nobody knows whether that has a session. It outlives the task's end.
    #[must_use]
    pub fn open_intent(&self) -> Option<&AttemptRecord> {
        self.last_attempt().filter(|attempt| attempt.is_open_intent())
    }

    /// Whether it has ended in a way that counts as failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome.counts_as_failed(self.planned.on_no_change))
    }

    /// The last attempt, refused intents aside.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&AttemptRecord> {
        self.attempts.iter().rev().find(|attempt| !attempt.refused)
    }

    /// What the last attempt made.
    #[must_use]
    pub fn work(&self) -> Option<&Work> {
        self.last_attempt().map(|attempt| &attempt.work)
    }
}

impl RunRecord {
    /// The record of these events; none if the first is not [`EventKind::RunStarted`].
    #[must_use]
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Option<Self> {
        let mut events = events.into_iter();
        let mut record = Self::begin(events.next()?)?;
        for event in events {
            record.apply(event);
        }
        Some(record)
    }

    /// The record after a run's first event; none if that is not [`EventKind::RunStarted`].
    #[must_use]
    pub fn begin(first: &RunEvent) -> Option<Self> {
        let EventKind::RunStarted { run } = &first.kind else { return None };
        Some(Self {
            info: run.clone(),
            started_at: first.ts,
            ended_at: None,
            invocations: 0,
            shard: None,
            workflow_run: None,
            stopped: None,
            complete_until: None,
            surveyed: false,
            tasks: IndexMap::new(),
            superseded: Vec::new(),
            earlier_usage: ApiUsage::default(),
            current_usage: ApiUsage::default(),
            service: ServiceStatus::default(),
            strays: Vec::new(),
            strays_unknown: None,
            last_seq: first.seq,
        })
    }

    /// What the whole run has asked of the API, all invocations together.
    #[must_use]
    pub fn usage(&self) -> ApiUsage {
        let mut usage = self.earlier_usage.clone();
        usage.add(&self.current_usage);
        usage
    }

    /// How many tasks stand how, open ones as if the run stopped here.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.tasks.values().map(TaskRecord::outcome_so_far).collect()
    }

    /// Takes the next event. Events of tasks that were never planned are passed over: an older program may
    /// read a newer one's ledger.
    pub fn apply(&mut self, event: &RunEvent) {
        self.last_seq = event.seq;
        let ts = event.ts;
        self.apply_kind(&event.kind, ts);
        if self.surveyed {
            self.complete_until = Some(ts);
        }
    }

    /// The task of this id as it stood when its prompt was edited, if it had this key then.
    #[must_use]
    pub fn superseded(&self, id: &TaskId, key: &TaskKey) -> Option<&TaskRecord> {
        self.superseded.iter().rev().find(|task| task.planned.id == *id && task.planned.key == *key)
    }

    /// A task with another prompt takes the place of the one before; with an earlier prompt it is that one again, but
    /// for its outcome: that is told again.
    fn plan(&mut self, planned: &PlannedTask) {
        let back =
            self.superseded.iter().rposition(|t| t.planned.id == planned.id && t.planned.key == planned.key);
        let mut record = TaskRecord::new(planned.clone());
        if let Some(back) = back {
            let earlier = self.superseded.remove(back);
            record = TaskRecord {
                outcome: None,
                reason: None,
                ended_at: None,
                planned: record.planned,
                ..earlier
            };
        }
        let before = self.tasks.insert(planned.id.clone(), record);
        self.superseded.extend(before.filter(|task| !task.attempts.is_empty()));
    }

    fn apply_kind(&mut self, kind: &EventKind, ts: Timestamp) {
        if let EventKind::SessionCreated { session, .. } = kind {
            self.strays.retain(|stray| stray.session.id != session.id);
        }
        match kind {
            EventKind::RunStarted { .. } | EventKind::Noted { .. } => {}
            EventKind::InvocationStarted { invocation, shard, workflow_run } => {
                self.invocations = *invocation;
                self.shard = *shard;
                self.workflow_run.clone_from(workflow_run);
                self.surveyed = false;
                self.ended_at = None;
                self.stopped = None;
                self.strays_unknown = None;
                self.service = ServiceStatus::default();
                let ended = std::mem::take(&mut self.current_usage);
                self.earlier_usage.add(&ended);
            }
            EventKind::SessionsSurveyed { .. } => {
                self.surveyed = true;
                self.tasks.values_mut().for_each(|task| task.surveyed = true);
            }
            EventKind::TaskPlanned { planned } => self.plan(planned),
            EventKind::ApiUsed { usage, service } => {
                self.current_usage.clone_from(usage);
                self.service.clone_from(service);
            }
            EventKind::StrayFound { stray } => {
                if !self.strays.iter().any(|known| known.session.id == stray.session.id) {
                    self.strays.push(stray.clone());
                }
            }
            EventKind::StraysUnknown { reason } => self.strays_unknown = Some(reason.clone()),
            EventKind::InvocationEnded { stopped } => {
                self.ended_at = Some(ts);
                self.stopped.clone_from(stopped);
            }
            EventKind::TaskReopened { task }
            | EventKind::IntentRecorded { task, .. }
            | EventKind::CreateRefused { task, .. }
            | EventKind::CreateDoubted { task, .. }
            | EventKind::SessionCreated { task, .. }
            | EventKind::SessionState { task, .. }
            | EventKind::PlanApproved { task, .. }
            | EventKind::Replied { task, .. }
            | EventKind::Nudged { task, .. }
            | EventKind::SessionArchived { task, .. }
            | EventKind::AttemptEnded { task, .. }
            | EventKind::TaskEnded { task, .. } => {
                if let Some(record) = self.tasks.get_mut(task) {
                    record.apply(kind, ts);
                }
            }
        }
    }
}

impl TaskRecord {
    fn new(planned: PlannedTask) -> Self {
        Self {
            planned,
            attempts: Vec::new(),
            doubts: Vec::new(),
            surveyed: false,
            outcome: None,
            reason: None,
            started_at: None,
            ended_at: None,
            replies: 0,
            nudges: 0,
        }
    }

    fn apply(&mut self, event: &EventKind, ts: Timestamp) {
        match event {
            EventKind::TaskReopened { .. } => {
                self.outcome = None;
                self.reason = None;
                self.ended_at = None;
            }
            EventKind::IntentRecorded { attempt, marker, .. } => self.intend(*attempt, marker, ts),
            EventKind::TaskEnded { outcome, reason, .. } => {
                self.outcome = Some(*outcome);
                self.reason.clone_from(reason);
                self.ended_at = Some(ts);
            }
            EventKind::Replied { attempt, .. } => {
                self.replies += 1;
                self.with_attempt(*attempt, |a| a.replies += 1);
            }
            EventKind::Nudged { attempt, .. } => {
                self.nudges += 1;
                self.with_attempt(*attempt, |a| a.nudges += 1);
            }
            EventKind::CreateDoubted { .. } => self.doubts.push(ts),
            EventKind::CreateRefused { attempt, capacity, .. } => {
                if *capacity {
                    self.doubts.pop();
                }
                self.with_attempt(*attempt, |a| {
                    a.refused = true;
                    a.ended_at = Some(ts);
                });
            }
            EventKind::SessionCreated { attempt, session, adopted, .. } => {
                if *adopted {
                    self.doubts.pop();
                }
                self.with_attempt(*attempt, |a| {
                    // One that is told again is taken up again: it was live after all.
                    a.adopted |= *adopted;
                    a.session = Some(session.clone());
                    (a.refused, a.archived) = (false, false);
                    a.outcome = None;
                    a.reason = None;
                    a.ended_at = None;
                });
            }
            EventKind::SessionState { attempt, state, detected_after_ms, .. } => {
                self.with_attempt(*attempt, |a| {
                    a.state = Some(state.clone());
                    a.detected_after_ms = a.detected_after_ms.or(*detected_after_ms);
                });
            }
            EventKind::SessionArchived { attempt, .. } => self.with_attempt(*attempt, |a| a.archived = true),
            EventKind::AttemptEnded { attempt, outcome, reason, work, .. } => {
                self.with_attempt(*attempt, |a| {
                    a.outcome = Some(*outcome);
                    a.reason.clone_from(reason);
                    a.work.clone_from(work);
                    a.ended_at = Some(ts);
                });
            }
            // What concerns the run as a whole never comes here; the rest leaves no trace in the record.
            EventKind::PlanApproved { .. }
            | EventKind::RunStarted { .. }
            | EventKind::InvocationStarted { .. }
            | EventKind::SessionsSurveyed { .. }
            | EventKind::TaskPlanned { .. }
            | EventKind::Noted { .. }
            | EventKind::ApiUsed { .. }
            | EventKind::StrayFound { .. }
            | EventKind::StraysUnknown { .. }
            | EventKind::InvocationEnded { .. } => {}
        }
    }

    /// A refused intent is written over by the next one: it was no attempt at the task.
    fn intend(&mut self, number: u32, marker: &Marker, ts: Timestamp) {
        self.started_at.get_or_insert(ts);
        self.attempts.retain(|attempt| !(attempt.refused && attempt.number == number));
        if self.attempts.iter().any(|attempt| attempt.number == number) {
            return;
        }
        // Most tasks have one attempt, and a thousand of them should not take the room of four thousand.
        self.attempts.reserve_exact(1);
        self.attempts.push(AttemptRecord {
            number,
            marker: marker.clone(),
            session: None,
            state: None,
            adopted: false,
            archived: false,
            refused: false,
            started_at: ts,
            ended_at: None,
            outcome: None,
            reason: None,
            work: Work::default(),
            replies: 0,
            nudges: 0,
            detected_after_ms: None,
        });
    }

    fn with_attempt(&mut self, number: u32, change: impl FnOnce(&mut AttemptRecord)) {
        if let Some(attempt) = self.attempts.iter_mut().rev().find(|attempt| attempt.number == number) {
            change(attempt);
        }
    }
}
