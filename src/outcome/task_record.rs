//! A task and its attempts, as a run's events tell them.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    AttemptRecord, Details, EventKind, Mark, Marker, Outcome, PlannedTask, PullRecord, PullRecords,
    PullRequest, Work,
};
use crate::plan::TaskId;
use jules::SessionId;

/// A task, as its events tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRecord {
    /// What was planned.
    pub planned: Arc<PlannedTask>,
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
    /// What a person has said of it, if that is what its outcome goes by.
    pub marked: Option<Marked>,
    /// The first intent.
    pub started_at: Option<Timestamp>,
    /// When its outcome was known.
    pub ended_at: Option<Timestamp>,
    /// How often we answered the agent, all attempts together.
    pub replies: u32,
    /// How often we nudged it, all attempts together.
    pub nudges: u32,
    /// How its pull requests stand, as far as they were read, and what was done to them.
    pub pulls: PullRecords,
}

/// A person's word on a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// What they said.
    pub mark: Mark,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub reason: Option<String>,
}

impl Marked {
    /// In one line: `marked done by ada: merged by hand`.
    #[must_use]
    pub fn text(&self) -> String {
        let why = self.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("marked {} by {}{why}", self.mark.as_str(), self.by)
    }
}

impl TaskRecord {
    /// The outcome, or what it would be if the run stopped here: what is or may be live is detached, the rest deferred.
    #[must_use]
    pub fn outcome_so_far(&self) -> Outcome {
        self.outcome.unwrap_or_else(|| match self.attempts.last() {
            Some(attempt) if attempt.is_at_work() => Outcome::Detached,
            _ => Outcome::Deferred,
        })
    }

    /// Its session that had not ended when we last looked.
    pub(crate) fn live(&self) -> Option<&SessionId> {
        let live = self.last_attempt().filter(|attempt| attempt.is_live())?;
        live.session.as_ref().map(|session| &session.id)
    }

    /// The same, and the repository that it works on.
    pub(crate) fn live_session(&self) -> Option<(String, SessionId)> {
        let source = self.planned.source.as_ref()?;
        self.live().map(|session| (source.github.clone(), session.clone()))
    }

    /// The last attempt before the one of this number that has ended, if there is one.
    pub(crate) fn ended_before(&self, number: u32) -> Option<&AttemptRecord> {
        let has_ended = |attempt: &&AttemptRecord| attempt.outcome.is_some_and(|outcome| !outcome.is_open());
        self.attempts.iter().rev().filter(|attempt| attempt.number < number).find(has_ended)
    }

    /// How many attempts it has had, refused intents aside.
    pub(crate) fn attempts_made(&self) -> u32 {
        self.attempts
            .iter()
            .filter(|attempt| !attempt.refused)
            .map(|attempt| attempt.number)
            .max()
            .unwrap_or(0)
    }

    /// Its last intent, if nobody knows whether that has a session. It outlives the task's end.
    #[must_use]
    pub fn open_intent(&self) -> Option<&AttemptRecord> {
        self.last_attempt().filter(|attempt| attempt.is_open_intent())
    }

    /// Whether the next run has something to do for it: it has no outcome, or one that is none for good.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.outcome.is_none_or(Outcome::is_open)
    }

    /// Whether it is one of those planned now. One that stands there without its branch, which nobody can tell just now, is.
    pub(crate) fn is_among(&self, planned: &HashSet<&TaskId>) -> bool {
        let PlannedTask { id, job, source, .. } = &*self.planned;
        let without_branch = || id.without_branch(job, source.as_ref()?);
        planned.contains(id) || without_branch().is_some_and(|id| planned.contains(&id))
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

    /// All that its attempts have made, and the one of an earlier run that stands for a session.
    pub(crate) fn every_pull_request(&self) -> impl Iterator<Item = &PullRequest> {
        let adopted = self.pulls.adopted().map(|adopted| &adopted.pull);
        self.attempts.iter().flat_map(|attempt| attempt.work.pull_requests()).chain(adopted)
    }

    /// The pull requests that it ended with, oldest first: those of its last attempt, or the one of an earlier run that
    /// stands for a session.
    pub fn pull_requests(&self) -> impl DoubleEndedIterator<Item = &PullRequest> {
        let adopted = self.pulls.adopted().map(|adopted| &adopted.pull);
        let own = self.work().filter(|_| adopted.is_none());
        own.into_iter().flat_map(Work::pull_requests).chain(adopted)
    }

    /// The pull request that it ended with, the last one if there are several.
    #[must_use]
    pub fn pull_request(&self) -> Option<&PullRequest> {
        self.pull_requests().next_back()
    }

    /// How that stands, if it was read.
    #[must_use]
    pub fn pull(&self) -> Option<&PullRecord> {
        self.pull_request().and_then(|pull| self.pulls.of(&pull.url))
    }
}

impl TaskRecord {
    pub(super) fn new(planned: Arc<PlannedTask>) -> Self {
        Self {
            planned,
            attempts: Vec::new(),
            doubts: Vec::new(),
            surveyed: false,
            outcome: None,
            reason: None,
            marked: None,
            started_at: None,
            ended_at: None,
            replies: 0,
            nudges: 0,
            pulls: PullRecords::default(),
        }
    }

    pub(super) fn apply(&mut self, event: &EventKind, ts: Timestamp) {
        match event {
            EventKind::TaskReopened { .. } => {
                self.outcome = None;
                self.reason = None;
                self.marked = None;
                self.ended_at = None;
                self.pulls.reopen();
                self.on_last_attempt(|attempt| attempt.follow(ts));
            }
            EventKind::TaskMarked { mark, by, reason, .. } => {
                let marked = Marked { mark: *mark, by: by.clone(), at: ts, reason: reason.clone() };
                self.outcome = mark.outcome();
                self.reason = self.outcome.map(|_| marked.text());
                self.ended_at = self.outcome.map(|_| ts);
                self.marked = Some(marked);
            }
            EventKind::IntentRecorded { attempt, marker, service_time, send_by, .. } => {
                self.intend(*attempt, marker, *service_time, ts);
                self.with_attempt(*attempt, |a| a.send_by = a.send_by.max(*send_by));
            }
            EventKind::CreateRepeated { attempt, send_by, .. } => {
                self.with_attempt(*attempt, |a| a.send_by = a.send_by.max(Some(*send_by)));
            }
            EventKind::TaskEnded { outcome, reason, .. } => {
                self.outcome = Some(*outcome);
                self.reason.clone_from(reason);
                self.marked = None;
                self.ended_at = Some(ts);
                self.on_last_attempt(|attempt| attempt.rest(ts));
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
                    if !adopted || a.outcome.is_some() {
                        a.follow_anew(ts);
                    }
                    a.session = Some(session.clone());
                    (a.refused, a.archiving, a.archived) = (false, false, false);
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
            EventKind::SessionArchiving { attempt, .. } => {
                self.with_attempt(*attempt, |a| a.archiving = true);
            }
            EventKind::SessionArchived { attempt, .. } => self.with_attempt(*attempt, |a| a.archived = true),
            EventKind::WorkFound { attempt, work, .. } => {
                self.with_attempt(*attempt, |a| a.work = Work { change: a.work.change, ..work.clone() });
            }
            EventKind::AttemptEnded { attempt, outcome, reason, work, .. } => {
                self.with_attempt(*attempt, |a| {
                    a.end_as(*outcome);
                    a.reason.clone_from(reason);
                    a.work.clone_from(work);
                    a.ended_at = Some(ts);
                    a.rest(ts);
                });
            }
            EventKind::PullRequestRead { .. }
            | EventKind::PullRequestAdopted { .. }
            | EventKind::PullRequestActing { .. }
            | EventKind::PullRequestActed { .. } => self.pulls.apply(event, ts),
            // What concerns the run as a whole never comes here; the rest leaves no trace in the record.
            EventKind::AgentActive { .. }
            | EventKind::PlanApproved { .. }
            | EventKind::RunStarted { .. }
            | EventKind::RoundPlanned { .. }
            | EventKind::InvocationStarted { .. }
            | EventKind::SessionsSurveyed { .. }
            | EventKind::TaskPlanned { .. }
            | EventKind::SessionDetails { .. }
            | EventKind::Noted { .. }
            | EventKind::ApiUsed { .. }
            | EventKind::GithubUsed { .. }
            | EventKind::WavesFixed { .. }
            | EventKind::WaveReleased { .. }
            | EventKind::StrayFound { .. }
            | EventKind::StraysUnknown { .. }
            | EventKind::InvocationEnded { .. } => {}
        }
    }

    /// A refused intent is written over by the next one: it was no attempt at the task.
    fn intend(&mut self, number: u32, marker: &Marker, service_time: Option<Timestamp>, ts: Timestamp) {
        self.started_at.get_or_insert(ts);
        self.attempts.retain(|attempt| !(attempt.refused && attempt.number == number));
        if self.attempts.iter().any(|attempt| attempt.number == number) {
            return;
        }
        // Most tasks have one attempt, and a thousand of them should not take the room of four thousand.
        self.attempts.reserve_exact(1);
        self.attempts.push(AttemptRecord::new(number, marker.clone(), service_time, ts));
    }

    /// Another invocation begins now. The one before may have been killed: then `last` is the last that was heard of it.
    pub(super) fn on_invocation(&mut self, last: Timestamp, now: Timestamp) {
        if self.outcome.is_none() {
            self.on_last_attempt(|attempt| {
                attempt.rest(last);
                attempt.follow(now);
            });
        }
    }

    /// What the attempt's session has said and done; `diff` is the event that holds its change.
    pub(super) fn learn(&mut self, attempt: u32, details: &Arc<Details>, diff: Option<u64>) {
        self.with_attempt(attempt, |a| (a.details, a.diff) = (Some(Arc::clone(details)), diff));
    }

    fn on_last_attempt(&mut self, change: impl FnOnce(&mut AttemptRecord)) {
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| attempt.is_at_work()) {
            change(attempt);
        }
    }

    fn with_attempt(&mut self, number: u32, change: impl FnOnce(&mut AttemptRecord)) {
        if let Some(attempt) = self.attempts.iter_mut().rev().find(|attempt| attempt.number == number) {
            change(attempt);
        }
    }
}
