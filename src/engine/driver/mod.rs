//! One task's session, from its creation to the end of the attempt: a state machine without any I/O.
//!
//! ```text
//! working ⇄ awaiting (approval | feedback) | paused | silent ──▶ settling ──▶ ended
//!                                    time is over ──▶ last look ──┴──────────▶
//! ```
//!
//! Every way through it ends: approvals, replies and nudges are counted, `timeouts.task` is over everything that the
//! session does, and what is looked at after that has times of its own.

mod archived;
mod ending;
mod last_look;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::action::Purpose;
use super::input::{Act, Digest, FailureKind, Now, RequestFailure, Seen};
use crate::outcome::{Outcome, Work};
use crate::plan::{Expect, Timeouts, Waiting};
use jules::{Absence, Made, Options, SessionId, SessionState};

/// How many approvals one attempt may need; a revised plan needs another.
const MAX_APPROVALS: u32 = 10;

/// What the task wants of its session.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) expect: Expect,
    /// What the session is to make.
    pub(super) asked: Made,
    pub(super) waiting: Arc<Waiting>,
    pub(super) timeouts: Timeouts,
    /// The usual distance between two polls.
    pub(super) interval: Duration,
}

/// What an attempt has had of what its policies count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) approvals: u32,
    pub(super) replies: u32,
    pub(super) nudges: u32,
}

/// A live session.
#[derive(Debug)]
pub(super) struct Driver {
    terms: Terms,
    session: SessionId,
    known_since: Instant,
    deadline: Instant,
    state: SessionState,
    /// It is in the archive, where it is paused for good.
    archived: bool,
    phase: Phase,
    /// The last sign of the agent, as far as we have read.
    quiet_since: Instant,
    last_agent: Option<Timestamp>,
    work: Work,
    spent: Spent,
    /// An approval or a message is under way, or activities are being read.
    busy: bool,
    /// The last message surely did not arrive: the next one of its kind takes its place and is not counted again.
    owed: Option<Act>,
    /// How new what we know of the session is, by the service's clock.
    updated: Option<Timestamp>,
    absence: Absence,
    last_failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// The agent has the word.
    Working,
    /// We approved or answered in this state; asked again only after this time.
    Answered { again_after: Instant },
    /// It is to be given up as this, when a look asked for after `since` does not show better; none until `until` is no
    /// verdict.
    LastLook { outcome: Outcome, since: Instant, until: Instant },
    /// Completed, as was first seen then; more outputs may come.
    Settling { since: Instant },
    /// Ended; its activities are read, and read again at `again` if that failed, but not after `until`.
    Closing { purpose: Purpose, until: Instant, again: Option<Instant> },
    /// The attempt is over.
    Ended,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The state changed; `lag` after the session's end, if it has ended while we followed it.
    State { state: String, lag: Option<Duration> },
    /// Something a person should know.
    Note(String),
    /// Read the session soon, on its own.
    ReadAt(Instant),
    /// Read its activities.
    Read { purpose: Purpose, since: Option<Timestamp> },
    /// Approve its plan.
    Approve,
    /// Our approval arrived.
    Approved,
    /// Send it a message. `again`: the last one surely did not arrive, this one does not count.
    Send { act: Act, text: String, again: bool },
    /// The attempt is over.
    End(End),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    pub(super) work: Work,
    /// Another attempt would end the same way.
    pub(super) lasting: bool,
    /// It may be at work, and nobody follows it any more: it keeps its slot.
    pub(super) unseen: bool,
}

impl End {
    /// The end of an attempt that made nothing and may be followed by another.
    pub(super) fn new(outcome: Outcome, reason: Option<String>) -> Self {
        Self { outcome, reason, work: Work::default(), lasting: false, unseen: false }
    }
}

impl Driver {
    /// Takes up a session of an attempt that began then and has spent this so far.
    pub(super) fn new(session: SessionId, terms: Terms, spent: Spent, begun: Instant, now: Now) -> Self {
        let answered = Phase::Answered { again_after: now.instant };
        Self {
            deadline: begun + terms.timeouts.task,
            terms,
            session,
            known_since: now.instant,
            state: SessionState::Unspecified,
            archived: false,
            // What was answered in an earlier invocation is not answered again: the question must be a newer one.
            phase: if spent.replies > 0 { answered } else { Phase::Working },
            quiet_since: now.instant,
            last_agent: None,
            work: Work::default(),
            spent,
            busy: false,
            owed: None,
            updated: None,
            absence: Absence::default(),
            last_failure: None,
        }
    }

    /// The session it follows.
    pub(super) fn session(&self) -> &SessionId {
        &self.session
    }

    /// Its last known state.
    pub(super) fn state(&self) -> &SessionState {
        &self.state
    }

    /// Whether it can make nothing any more by itself: it has ended, or was put away.
    pub(super) fn is_over(&self) -> bool {
        self.archived || self.state.is_terminal()
    }

    /// What the session has made so far.
    pub(super) fn work(&self) -> &Work {
        &self.work
    }

    /// When [`Driver::on_wake`] has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Ended => None,
            Phase::LastLook { until, .. } => Some(until),
            Phase::Settling { since } => Some(since + self.terms.timeouts.settle + self.patience()),
            Phase::Closing { until, again, .. } => Some(again.unwrap_or(until + self.patience())),
            Phase::Working | Phase::Answered { .. } if self.busy => Some(self.deadline),
            Phase::Working | Phase::Answered { .. } => Some(self.silent_at().min(self.deadline)),
        }
    }

    /// The service showed the session, as it was at some time since `asked`.
    pub(super) fn on_seen(&mut self, seen: &Seen, asked: Instant, now: Now) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.phase == Phase::Ended {
            return steps;
        }
        self.absence.end();
        self.last_failure = None;
        if self.is_outdated(seen) {
            steps.extend(self.is_to_be_seen().then_some(Step::ReadAt(now.instant + self.terms.interval)));
            return steps;
        }
        self.learn(&seen.work);
        self.archived = seen.archived;
        if self.state != seen.state {
            self.enter(seen, now, &mut steps);
        }
        if self.is_to_be_seen() {
            steps.extend(self.on_last_look(asked, now));
        } else if !self.busy && !matches!(self.phase, Phase::Closing { .. }) {
            match &self.state {
                SessionState::Completed => self.on_completed(asked, now, &mut steps),
                SessionState::Failed => self.close(Purpose::Reason, now, &mut steps),
                _ if self.archived => self.close(Purpose::Question, now, &mut steps),
                _ => self.answer_state(now, &mut steps),
            }
        }
        steps
    }

    fn is_to_be_seen(&self) -> bool {
        matches!(self.phase, Phase::LastLook { .. })
    }

    /// What a live session waits for.
    fn answer_state(&mut self, now: Now, steps: &mut Vec<Step>) {
        match &self.state {
            SessionState::AwaitingPlanApproval => self.on_plan(now, steps),
            SessionState::AwaitingUserFeedback => self.on_question(now, steps),
            _ => {}
        }
    }

    /// Whether we know better: answers can overtake each other, and a page shows what was true when it was begun.
    fn is_outdated(&mut self, seen: &Seen) -> bool {
        let older = seen.updated.is_some() && seen.updated < self.updated && !seen.state.is_terminal();
        self.updated = self.updated.max(seen.updated);
        older
    }

    /// The session could not be read.
    pub(super) fn on_failure(&mut self, failure: &RequestFailure, now: Now) -> Vec<Step> {
        self.last_failure = Some(failure.text.clone());
        match failure.kind {
            _ if self.is_to_be_seen() => vec![Step::ReadAt(now.instant + self.terms.interval)],
            // A refusal may pass as well: what it means is seen when the time is over.
            FailureKind::Passing { .. } | FailureKind::Key | FailureKind::Lasting => Vec::new(),
            FailureKind::Missing => {
                let fresh = now.instant < self.known_since + Options::FRESH_PATIENCE;
                if self.absence.is_tolerated(fresh) {
                    return Vec::new();
                }
                let reason = format!("the service does not know the session any more: {}", failure.text);
                self.phase = Phase::Ended;
                let end = End { work: self.work.clone(), ..End::new(Outcome::Error, Some(reason)) };
                // It was neither seen to end nor put away.
                vec![Step::End(End { lasting: true, ..end })]
            }
        }
    }

    /// Its activities were read, or could not be.
    pub(super) fn on_read(
        &mut self,
        purpose: Purpose,
        result: Result<&Digest, &RequestFailure>,
        now: Now,
    ) -> Vec<Step> {
        self.busy = false;
        if self.phase == Phase::Ended {
            return Vec::new();
        }
        if let Ok(digest) = result {
            self.hear(digest, now);
        }
        match (purpose, result) {
            // The activities of a young session can be late (404) although it has ended.
            (Purpose::Reason | Purpose::Work | Purpose::Question, Err(_)) if self.closes_later(now) => {
                Vec::new()
            }
            (Purpose::Reason, result) => {
                let reason = result.ok().and_then(|digest| digest.told.failure_reason.clone());
                let reason = reason.unwrap_or_else(|| "the session failed without saying why".to_owned());
                vec![self.end(Outcome::Failed, Some(reason))]
            }
            (Purpose::Work, Ok(digest)) => {
                if self.work.change.is_none() {
                    self.work.change = digest.change;
                }
                vec![self.end_completed()]
            }
            (Purpose::Work, Err(failure)) => {
                self.last_failure = Some(failure.text.clone());
                vec![self.end_closing(purpose)]
            }
            (Purpose::Question, result) if matches!(self.phase, Phase::Closing { .. }) => {
                vec![self.end_archived(result.ok())]
            }
            (Purpose::Question | Purpose::Silence, _) if self.is_over_for_us() => Vec::new(),
            (Purpose::Question, Ok(digest)) => self.on_question_read(digest, now),
            (Purpose::Silence, Ok(_)) => self.on_silence_read(now),
            (Purpose::Question, Err(_)) => Vec::new(),
            (Purpose::Silence, Err(failure)) => {
                // Not knowing is not silence: ask again when the next poll is due.
                self.last_failure = Some(failure.text.clone());
                self.quiet_since = (now.instant + self.terms.interval)
                    .checked_sub(self.terms.timeouts.stall)
                    .unwrap_or(now.instant);
                Vec::new()
            }
        }
    }

    /// An approval or a message was answered, or not.
    pub(super) fn on_acted(&mut self, act: Act, result: Result<(), &RequestFailure>, now: Now) -> Vec<Step> {
        self.busy = false;
        if self.phase == Phase::Ended {
            return Vec::new();
        }
        let soon = now.instant + self.terms.interval;
        match (act, result) {
            (Act::Approve, Ok(())) => {
                self.answered(now.instant + 3 * self.terms.interval);
                vec![Step::Approved, Step::ReadAt(soon)]
            }
            // It may have arrived: the state is given time to show it.
            (Act::Approve, Err(failure)) => {
                let unsent = matches!(failure.kind, FailureKind::Passing { unsent: true });
                let patience = if unsent { 1 } else { 3 };
                self.answered(now.instant + patience * self.terms.interval);
                vec![Step::Note(format!("the plan could not be approved: {}", failure.text))]
            }
            (Act::Reply | Act::Nudge, Ok(())) => {
                self.quiet_since = now.instant;
                self.answered(soon);
                vec![Step::ReadAt(soon)]
            }
            // A message is not idempotent: it is sent again only when it surely did not arrive.
            (Act::Reply | Act::Nudge, Err(failure)) => {
                let unsent = matches!(
                    failure.kind,
                    FailureKind::Passing { unsent: true } | FailureKind::Missing | FailureKind::Key
                );
                if unsent {
                    self.owed = Some(act);
                } else {
                    self.quiet_since = now.instant;
                }
                self.answered(soon);
                vec![Step::Note(format!("a message could not be sent: {}", failure.text))]
            }
        }
    }

    /// The time of [`Driver::wake_at`] has come.
    pub(super) fn on_wake(&mut self, now: Now) -> Vec<Step> {
        if self.wake_at().is_none_or(|at| now.instant < at) {
            return Vec::new();
        }
        match self.phase {
            Phase::LastLook { outcome, .. } => vec![self.end_unseen(outcome)],
            Phase::Settling { .. } => vec![self.end_closing(Purpose::Work)],
            Phase::Working | Phase::Answered { .. } if now.instant >= self.deadline => {
                self.give_up(Outcome::TimedOut, now)
            }
            Phase::Working | Phase::Answered { .. } => {
                self.busy = true;
                vec![Step::Read { purpose: Purpose::Silence, since: self.last_agent }]
            }
            Phase::Closing { purpose, until, again: Some(_) } => {
                self.phase = Phase::Closing { purpose, until, again: None };
                vec![Step::Read { purpose, since: None }]
            }
            Phase::Closing { purpose, again: None, .. } => vec![self.end_closing(purpose)],
            Phase::Ended => Vec::new(),
        }
    }

    /// Whether it has ended, or its time is over: nobody answers or nudges it any more.
    fn is_over_for_us(&self) -> bool {
        !matches!(self.phase, Phase::Working | Phase::Answered { .. })
    }

    fn answered(&mut self, again_after: Instant) {
        if !self.is_over_for_us() {
            self.phase = Phase::Answered { again_after };
        }
    }

    fn silent_at(&self) -> Instant {
        self.quiet_since + self.terms.timeouts.stall
    }

    fn learn(&mut self, work: &Work) {
        if work.pull_request.is_some() {
            self.work.pull_request.clone_from(&work.pull_request);
            self.work.earlier_pull_requests.clone_from(&work.earlier_pull_requests);
        }
        if work.change.is_some() {
            self.work.change = work.change;
        }
    }

    /// The agent's newest activity cannot be older than what we knew, nor younger than now.
    fn hear(&mut self, digest: &Digest, now: Now) {
        if digest.told.last_agent.is_none() || digest.told.last_agent <= self.last_agent {
            return;
        }
        self.last_agent = digest.told.last_agent;
        let silence = digest.told.last_agent.map_or(Duration::ZERO, |at| {
            Duration::try_from(now.wall.duration_since(at)).unwrap_or(Duration::ZERO)
        });
        let heard = now.instant.checked_sub(silence).unwrap_or(self.quiet_since);
        self.quiet_since = heard.clamp(self.quiet_since, now.instant.max(self.quiet_since));
    }

    fn enter(&mut self, seen: &Seen, now: Now, steps: &mut Vec<Step>) {
        let state = &seen.state;
        steps.push(Step::State { state: state.as_str().to_owned(), lag: self.lag(seen, now) });
        if let SessionState::Unknown(name) = state {
            steps
                .push(Step::Note(format!("the service reports the unknown state {name}; it counts as live")));
        }
        if self.state != SessionState::Unspecified {
            if matches!(self.phase, Phase::Answered { .. } | Phase::Settling { .. }) {
                self.phase = Phase::Working;
            }
            // Waiting for us is not the agent's silence, nor is the time before it.
            self.quiet_since = now.instant;
        }
        self.state = state.clone();
        if self.state == SessionState::Paused
            && !self.archived
            && !self.busy
            && !self.is_over_for_us()
            && self.has_nudges()
        {
            steps.extend(self.nudge());
        }
    }

    /// How long ago the session ended, if it did so after we took it up. Clocks differ: less than nothing is nothing.
    fn lag(&self, seen: &Seen, now: Now) -> Option<Duration> {
        let ended = seen.updated.filter(|_| seen.state.is_terminal())?;
        let lag = Duration::try_from(now.wall.duration_since(ended)).unwrap_or_default();
        (lag <= now.instant - self.known_since).then_some(lag)
    }
}

#[cfg(test)]
mod tests;
