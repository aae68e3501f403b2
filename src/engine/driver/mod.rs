//! One task's session, from its creation to the end of the attempt: a state machine without any I/O.
//!
//! ```text
//! working ⇄ awaiting (approval | feedback) | paused | silent ──▶ settling ──▶ ended
//!    ▲                               time is over ──▶ last look ──┴──────────▶
//!    └── waking ◀── completed with a question, answered
//! ```
//!
//! Every way through it ends: approvals, replies and nudges are counted, `timeouts.task` is over everything that the
//! session does, and what is looked at after that has times of its own.

mod archived;
mod ending;
mod last_look;
mod reading;
mod showing;
mod step;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use self::showing::Shown;
pub(super) use self::step::{End, Step};
use super::action::Purpose;
use super::deadline::Deadline;
use super::input::{Act, Digest, FailureKind, Now, RequestFailure, Seen};
use super::judge::is_met;
use super::refusals::Refusals;
use crate::outcome::{Outcome, Work};
use crate::plan::{Expect, Timeouts, Waiting};
use jules::{Made, Options, SessionId, SessionState};

/// How many approvals one attempt may need; a revised plan needs another.
const MAX_APPROVALS: u32 = 10;

/// How long activities that only explain how things stand are waited for.
const EXPLANATION: Duration = Duration::from_secs(10);

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
    /// How long our own quota can hold up a look.
    pub(super) turn: Duration,
    /// How long 404s must last before the session counts as deleted.
    pub(super) gone_after: Duration,
    /// Seconds of service time in one of ours: messages tell the time that the manifest means.
    pub(super) speed: f64,
}

/// What an attempt has had of what its policies count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) approvals: u32,
    pub(super) replies: u32,
    pub(super) nudges: u32,
    /// Whether its session was sent a message after its end: it is shown as completed until it wakes.
    pub(super) woken: bool,
}

/// A live session.
#[derive(Debug)]
pub(super) struct Driver {
    terms: Terms,
    session: SessionId,
    known_since: Instant,
    /// Until then a 404 means that the service does not show it yet.
    fresh_until: Instant,
    deadline: Deadline,
    state: SessionState,
    /// It is in the archive, where it is paused for good.
    archived: bool,
    /// It may have been put there by us.
    may_be_given_up: bool,
    phase: Phase,
    /// The last sign of the agent, as far as we have read.
    quiet_since: Instant,
    last_agent: Option<Timestamp>,
    /// The user's last message, as far as we have read.
    last_user: Option<Timestamp>,
    work: Work,
    spent: Spent,
    /// An approval or a message is under way.
    acting: bool,
    /// What activities are being read for while the session goes on; an answer that is not waited for says nothing.
    reading: Option<Purpose>,
    /// What it asked last, as far as we have read.
    question: Option<String>,
    /// It has completed, and somebody has answered it since.
    may_wake: bool,
    /// What the activities of a waking session told then; a look after that must still show it completed.
    news: Option<(Instant, Box<Digest>)>,
    /// The agent's last activity before our last reply: an older one asks nothing new.
    replied_after: Option<Timestamp>,
    /// The last message surely did not arrive: the next one of its kind takes its place and is not counted again.
    owed: Option<Act>,
    /// How new what we know of the session is, by the service's clock.
    updated: Option<Timestamp>,
    absence: Refusals,
    last_failure: Option<String>,
    shown: Shown,
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
    /// Completed, and answered since: it is shown as completed until it wakes. Its activities were `read` when it had
    /// last changed then.
    Waking { read: Option<Timestamp> },
    /// Ended, or at its end for us; its activities are read, and read again at `again` if that failed, but not after
    /// `until`.
    Closing { purpose: Purpose, until: Instant, again: Option<Instant> },
    /// The attempt is over.
    Ended,
}

impl Driver {
    /// Takes up a session of an attempt that began then and has spent this so far.
    ///
    /// An earlier invocation's instants mean nothing: `begun.instant` counts the time in which it was followed, and only
    /// the wall clock knows its whole age.
    pub(super) fn new(session: SessionId, terms: Terms, spent: Spent, begun: Now, now: Now) -> Self {
        let answered = Phase::Answered { again_after: now.instant };
        Self {
            deadline: Deadline::at(begun.instant + terms.timeouts.task),
            terms,
            session,
            known_since: now.instant,
            fresh_until: now.instant + Options::FRESH_PATIENCE.saturating_sub(now.since(begun.wall)),
            state: SessionState::Unspecified,
            archived: false,
            may_be_given_up: false,
            // What was answered in an earlier invocation is not answered again: the question must be a newer one.
            phase: if spent.replies > 0 { answered } else { Phase::Working },
            may_wake: spent.woken,
            quiet_since: now.instant,
            last_agent: None,
            last_user: None,
            work: Work::default(),
            spent,
            acting: false,
            reading: None,
            question: None,
            news: None,
            replied_after: None,
            owed: None,
            updated: None,
            absence: Refusals::default(),
            last_failure: None,
            shown: Shown::default(),
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

    /// When the user last wrote, as far as we have read.
    pub(super) fn last_user(&self) -> Option<Timestamp> {
        self.last_user
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
            Phase::Closing { again: Some(at), .. } => Some(at),
            // What only explains the end does not hold it up.
            Phase::Closing { purpose: Purpose::Answer, until, .. } => Some(until),
            Phase::Closing { purpose: Purpose::Reason, until, .. } => {
                Some(until + self.patience().min(EXPLANATION))
            }
            Phase::Closing { until, .. } => Some(until + self.patience()),
            Phase::Waking { .. } => Some(self.asleep_at()),
            Phase::Working | Phase::Answered { .. } if self.acting || self.reading.is_some() => {
                Some(self.deadline.instant())
            }
            Phase::Working | Phase::Answered { .. } => Some(self.silent_at().min(self.deadline.instant())),
        }
    }

    /// The service showed the session, as it was at some time since `asked`.
    pub(super) fn on_seen(&mut self, seen: &Seen, asked: Instant, now: Now) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.phase == Phase::Ended {
            return steps;
        }
        self.absence = Refusals::default();
        self.last_failure = None;
        if self.is_outdated(seen) {
            steps.extend(self.is_to_be_seen().then_some(Step::LookAt(now.instant + self.terms.interval)));
            return steps;
        }
        self.learn(&seen.work);
        self.archived = seen.archived;
        if self.state != seen.state {
            self.enter(seen, now, &mut steps);
        }
        match (&self.phase, &self.state) {
            (Phase::LastLook { .. }, _) => steps.extend(self.on_last_look(asked, now)),
            // What it has made is known from the session, whatever is under way.
            (_, SessionState::Completed) if self.has_all() => steps.push(self.end_completed()),
            (Phase::Closing { .. }, _) => {}
            (_, SessionState::Failed) => self.close(Purpose::Reason, now, &mut steps),
            _ if self.acting => {}
            (Phase::Waking { read }, SessionState::Completed) => {
                let read = *read;
                self.on_still_completed(read, asked, now, &mut steps);
            }
            (_, SessionState::Completed) => self.on_completed(asked, now, &mut steps),
            _ if self.archived => self.close(Purpose::Question, now, &mut steps),
            _ if self.reading.is_some() => {}
            _ => self.answer_state(now, &mut steps),
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
            _ if self.is_to_be_seen() => vec![Step::LookAt(now.instant + self.terms.interval)],
            // A refusal may pass as well: what it means is seen when the time is over.
            FailureKind::Passing { .. } | FailureKind::Key | FailureKind::Refused | FailureKind::Lasting => {
                Vec::new()
            }
            FailureKind::Missing => {
                let is_young = now.instant < self.fresh_until;
                if is_young || !self.absence.add(self.terms.gone_after, now.instant) {
                    return Vec::new();
                }
                let reason =
                    format!("deleted: the service does not know the session any more: {}", failure.text);
                self.phase = Phase::Ended;
                let outcome = if self.is_met() { Outcome::Succeeded } else { Outcome::Failed };
                let end = End { work: self.work.clone(), ..End::new(outcome, Some(reason)) };
                // It was neither seen to end nor put away.
                vec![Step::End(End { lasting: true, ..end })]
            }
        }
    }

    /// The ledger is away, or there again: what cannot be answered meanwhile is not the session's time.
    pub(super) fn on_ledger(&mut self, is_away: bool, now: Now) {
        self.deadline.on_ledger(is_away, now.instant);
    }

    /// The time of [`Driver::wake_at`] has come.
    pub(super) fn on_wake(&mut self, now: Now) -> Vec<Step> {
        if self.wake_at().is_none_or(|at| now.instant < at) {
            return Vec::new();
        }
        match self.phase {
            Phase::LastLook { outcome, .. } => vec![self.end_unseen(outcome)],
            Phase::Settling { .. } => vec![self.end_closing(Purpose::Work)],
            Phase::Waking { .. } => self.give_up(Outcome::NeedsInput, now),
            Phase::Working | Phase::Answered { .. } if self.deadline.is_over(now.instant) => {
                self.give_up(Outcome::TimedOut, now)
            }
            Phase::Working | Phase::Answered { .. } => {
                self.reading = Some(Purpose::Silence);
                vec![Step::Read { purpose: Purpose::Silence, since: self.last_agent }]
            }
            Phase::Closing { purpose, until, again: Some(_) } => {
                self.phase = Phase::Closing { purpose, until, again: None };
                vec![Step::Read { purpose, since: None }]
            }
            Phase::Closing { purpose, again: None, .. } => self.end_reading(purpose, None, now),
            Phase::Ended => Vec::new(),
        }
    }

    /// Whether what was asked for is there, whatever becomes of the session.
    fn is_met(&self) -> bool {
        is_met(self.terms.expect, self.terms.asked, &self.work)
    }

    /// Whether it has ended, or its time is over: nobody answers or nudges it any more.
    fn is_over_for_us(&self) -> bool {
        !matches!(self.phase, Phase::Working | Phase::Answered { .. })
    }

    fn silent_at(&self) -> Instant {
        self.quiet_since + self.terms.timeouts.stall
    }

    /// When a completed session that was answered does not wake any more.
    fn asleep_at(&self) -> Instant {
        // A message that is under way, or surely did not arrive, wakes nobody yet.
        let is_sent = !self.acting && self.owed.is_none();
        let deadline = self.deadline.instant();
        if is_sent { self.silent_at().min(deadline) } else { deadline }
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

    fn enter(&mut self, seen: &Seen, now: Now, steps: &mut Vec<Step>) {
        let state = &seen.state;
        steps.push(Step::State { state: state.as_str().to_owned(), lag: self.lag(seen, now) });
        if let SessionState::Unknown(name) = state {
            steps
                .push(Step::Note(format!("the service reports the unknown state {name}; it counts as live")));
        }
        if self.state != SessionState::Unspecified {
            if matches!(self.phase, Phase::Answered { .. } | Phase::Settling { .. } | Phase::Waking { .. }) {
                self.phase = Phase::Working;
            }
            self.news = None;
            // Waiting for us is not the agent's silence, nor is the time before it.
            self.quiet_since = now.instant;
        }
        self.state = state.clone();
        if self.state != SessionState::Completed {
            // It has come to work.
            (self.may_wake, self.spent.woken) = (false, false);
        }
        if self.state == SessionState::Paused
            && !self.archived
            && !self.acting
            && self.reading.is_none()
            && !self.is_over_for_us()
            && self.has_nudges()
        {
            steps.extend(self.nudge());
        }
    }

    /// How long ago the session ended, if it did so after we took it up.
    fn lag(&self, seen: &Seen, now: Now) -> Option<Duration> {
        let ended = seen.updated.filter(|_| seen.state.is_terminal())?;
        let lag = now.since(ended);
        (lag <= now.instant - self.known_since).then_some(lag)
    }
}

#[cfg(test)]
mod tests;
