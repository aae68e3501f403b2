//! One attempt at a task: intent, create, session, end.

use std::time::Duration;

use tokio::time::Instant;

use super::Dispatch;
use super::task::State;
use crate::api::SessionId;
use crate::engine::Fault;
use crate::engine::action::Action;
use crate::engine::backoff;
use crate::engine::create::{self, Create};
use crate::engine::driver::{self, Driver, Terms};
use crate::engine::input::{Act, CreateFailure, FailureKind, Now, RequestFailure, Seen};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Marker, Outcome, SessionRef, Work};
use crate::plan::RetryOn;

impl Dispatch {
    /// Records the intent; its POST leaves when the turn's events are kept.
    pub(super) fn begin_attempt(&mut self, index: usize, now: Now) {
        let adoption = self.plan.settings.adoption;
        let deadline = now.instant + self.task(index).timeouts.task;
        let marker = Marker::new(&self.task(index).key, &self.run, self.tasks[index].attempt + 1);
        let task = self.task(index).id.clone();
        let state = &mut self.tasks[index];
        state.attempt += 1;
        state.intent = Some((now.instant, now.wall));
        state.state = State::Creating(Box::new(Create::post(now, adoption, deadline)));
        let attempt = state.attempt;
        self.held += 1;
        self.any_intent = true;
        self.admission.on_intent(now);
        self.tasks[index].reserved = true;
        let replaces = self.tasks[index].abandoned.take();
        self.arm(index);
        self.turn.events.push(EventKind::IntentRecorded { task, attempt, marker: marker.clone() });
        self.turn.actions.push(Action::Create { task: index, attempt, marker, replaces });
    }

    pub(super) fn on_posted(
        &mut self,
        index: usize,
        attempt: u32,
        result: Result<Box<Seen>, CreateFailure>,
        now: Now,
    ) {
        self.create_step(index, attempt, now, |create| create.on_posted(result, now));
    }

    pub(super) fn on_searched(
        &mut self,
        index: usize,
        attempt: u32,
        result: Result<Option<Box<Seen>>, RequestFailure>,
        now: Now,
    ) {
        // The marker holds a part of the key: a session that another task has is not ours.
        let result = result.map(|found| found.filter(|seen| !self.known.contains(&seen.id)));
        self.create_step(index, attempt, now, |create| create.on_searched(result, now));
    }

    pub(super) fn on_create_timer(&mut self, index: usize, now: Now) {
        let attempt = self.tasks[index].attempt;
        self.create_step(index, attempt, now, |create| create.on_wake(now));
    }

    fn create_step(
        &mut self,
        index: usize,
        attempt: u32,
        now: Now,
        step: impl FnOnce(&mut Create) -> create::Step,
    ) {
        if self.tasks[index].attempt != attempt {
            return;
        }
        let State::Creating(create) = &mut self.tasks[index].state else { return };
        let step = step(create);
        let task = self.task(index).id.clone();
        match step {
            create::Step::Wait => {}
            create::Step::Doubt(cause) => {
                self.turn.events.push(EventKind::CreateDoubted { task, attempt, cause });
                self.search(index);
            }
            create::Step::Search => self.search(index),
            create::Step::Post if self.stop.is_none() => {
                let marker = Marker::new(&self.task(index).key, &self.run, attempt);
                self.turn.actions.push(Action::Create { task: index, attempt, marker, replaces: None });
            }
            create::Step::Post => self.void_intent(index, "stopping; nothing was created".to_owned(), false),
            create::Step::Created { seen, adopted } => {
                self.admission.on_created(self.live + 1);
                if !self.tasks[index].reserved {
                    self.admission.on_adopted(seen.created.unwrap_or(now.wall));
                }
                self.on_session(index, &seen, adopted, now);
            }
            create::Step::NeverCreated => {
                self.void_intent(index, "an earlier invocation's create came to nothing".to_owned(), false);
            }
            create::Step::NoCapacity { cause, retry_after } => {
                self.void_intent(index, cause, true);
                self.admission.on_refused(self.live, retry_after, now);
                if self.left > 0 {
                    // Nobody waits for what is live, so nothing makes room.
                    self.stop_for(StopReason::NoWait, now);
                }
            }
            create::Step::Unknown { reason } => {
                // The intent stays open: whoever takes the task up again looks for its session first.
                self.release_slot(index);
                self.end_task(index, Outcome::Error, Some(reason), now);
            }
            create::Step::Failed { reason, lasting } => self.fail_create(index, reason, lasting, now),
            create::Step::KeyRefused(cause) => {
                self.void_intent(index, cause.clone(), false);
                self.lose_key(cause, now);
            }
            create::Step::Blind(cause) => self.lose_key(cause, now),
        }
        self.arm(index);
    }

    /// No session came of the intent, for certain: the task is where it was before.
    fn void_intent(&mut self, index: usize, cause: String, capacity: bool) {
        let task = self.task(index).id.clone();
        let attempt = self.tasks[index].attempt;
        self.turn.events.push(EventKind::CreateRefused { task, attempt, cause, capacity });
        self.release_reservation(index);
        self.tasks[index].attempt = attempt.saturating_sub(1);
        self.start_over(index);
    }

    pub(super) fn start_over(&mut self, index: usize) {
        self.release_slot(index);
        self.requeue(index);
    }

    fn fail_create(&mut self, index: usize, reason: String, lasting: bool, now: Now) {
        self.release_reservation(index);
        self.end_attempt(index, Outcome::Error, Some(reason), Work::default(), lasting, now);
    }

    fn release_reservation(&mut self, index: usize) {
        if std::mem::take(&mut self.tasks[index].reserved) {
            self.admission.on_void();
        }
    }

    pub(super) fn search(&mut self, index: usize) {
        let State::Creating(create) = &self.tasks[index].state else { return };
        let attempt = self.tasks[index].attempt;
        let since = create.search_since();
        let marker = Marker::new(&self.task(index).key, &self.run, attempt);
        self.turn.actions.push(Action::Search { task: index, attempt, marker, since });
    }

    /// The session exists: from here on it is followed.
    pub(super) fn on_session(&mut self, index: usize, seen: &Seen, adopted: bool, now: Now) {
        self.record_session(index, seen, adopted);
        self.follow(index, seen.id.clone(), !adopted, (0, 0), now);
        let attempt = self.tasks[index].attempt;
        self.drive(index, Some(attempt), now, |driver| driver.on_seen(seen, now));
        self.leave_if_nobody_waits(index, now);
        self.detach_if_leaving(index);
    }

    pub(super) fn record_session(&mut self, index: usize, seen: &Seen, adopted: bool) {
        let task = self.task(index).id.clone();
        let attempt = self.tasks[index].attempt;
        let session = SessionRef { id: seen.id.clone(), url: seen.url.clone() };
        let created_at = seen.created.filter(|_| adopted);
        self.turn.events.push(EventKind::SessionCreated { task, attempt, session, adopted, created_at });
    }

    /// With `--no-wait` a session that has not ended is left as soon as it was seen; its slot stays taken.
    pub(super) fn leave_if_nobody_waits(&mut self, index: usize, now: Now) {
        if self.options.wait || !matches!(self.tasks[index].state, State::Live(_)) {
            return;
        }
        self.left += 1;
        let reason = Some("started; nobody waits for it (`--no-wait`)".to_owned());
        self.end_attempt(index, Outcome::Detached, reason, Work::default(), true, now);
    }

    /// Follows a session; the slot is held already.
    pub(super) fn follow(
        &mut self,
        index: usize,
        session: SessionId,
        newest: bool,
        (replies, nudges): (u32, u32),
        now: Now,
    ) {
        let task = self.task(index);
        let terms = Terms {
            expect: task.expect,
            waiting: task.waiting.clone(),
            timeouts: task.timeouts,
            interval: self.poller.interval(),
        };
        let intent = self.tasks[index].intent;
        let age = intent.map_or(Duration::ZERO, |(began, _)| now.instant - began);
        // An earlier invocation's instants mean nothing: only the wall clock knows a session's whole age.
        let whole_age = intent.map(|(_, began)| now.wall.duration_since(began)).unwrap_or_default();
        let driver = Driver::new(session.clone(), terms, now, age, replies, nudges);
        self.tasks[index].state = State::Live(Box::new(driver));
        self.live += 1;
        self.known.insert(session.clone());
        self.by_session.insert(session.clone(), index);
        self.poller.track(session, newest, whole_age.try_into().unwrap_or_default(), now.instant);
        self.arm(index);
    }

    /// Lets a task's driver decide and carries its steps out. `attempt`: only if it is still this one.
    pub(super) fn drive(
        &mut self,
        index: usize,
        attempt: Option<u32>,
        now: Now,
        decide: impl FnOnce(&mut Driver) -> Vec<driver::Step>,
    ) {
        if attempt.is_some_and(|attempt| attempt != self.tasks[index].attempt) {
            return;
        }
        let State::Live(driver) = &mut self.tasks[index].state else { return };
        let steps = decide(driver);
        let session = driver.session().clone();
        for step in steps {
            self.driver_step(index, &session, step, now);
        }
        self.arm(index);
    }

    fn driver_step(&mut self, index: usize, session: &SessionId, step: driver::Step, now: Now) {
        let task = self.task(index).id.clone();
        let attempt = self.tasks[index].attempt;
        let (events, actions) = (&mut self.turn.events, &mut self.turn.actions);
        let session = session.clone();
        match step {
            driver::Step::State { state, lag } => {
                let detected_after_ms = lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
                events.push(EventKind::SessionState { task, attempt, state, detected_after_ms });
            }
            driver::Step::Note(note) => events.push(EventKind::Noted { task: Some(task), note }),
            driver::Step::ReadAt(at) => self.poller.read_at(&session, at),
            driver::Step::Read { purpose, since } => {
                actions.push(Action::Read { task: index, attempt, session, purpose, since });
            }
            driver::Step::Approve => actions.push(Action::Approve { task: index, attempt, session }),
            driver::Step::Approved => events.push(EventKind::PlanApproved { task, attempt }),
            driver::Step::Send { act, text, again } => {
                match act {
                    Act::Reply if !again => events.push(EventKind::Replied { task, attempt }),
                    Act::Nudge if !again => events.push(EventKind::Nudged { task, attempt }),
                    Act::Reply | Act::Nudge | Act::Approve => {}
                }
                actions.push(Action::Send { task: index, attempt, session, act, text });
            }
            driver::Step::End { outcome, reason, work } => {
                self.end_attempt(index, outcome, reason, work, false, now);
            }
        }
    }

    /// The attempt is over. `lasting`: another one would end the same way.
    pub(super) fn end_attempt(
        &mut self,
        index: usize,
        outcome: Outcome,
        reason: Option<String>,
        work: Work,
        lasting: bool,
        now: Now,
    ) {
        let task = self.task(index).id.clone();
        let attempt = self.tasks[index].attempt;
        let event = EventKind::AttemptEnded { task, attempt, outcome, reason: reason.clone(), work };
        self.turn.events.push(event);
        let live = match &self.tasks[index].state {
            State::Live(driver) if !driver.state().is_terminal() => Some(driver.session().clone()),
            _ => None,
        };
        self.release_slot(index);
        if let Some(at) = self.retry_at(index, outcome, lasting, now) {
            self.tasks[index].abandoned = live;
            self.tasks[index].state = State::Pausing;
            self.tasks[index].last_end = Some((outcome, reason));
            self.timers.set(index, Some(at));
        } else {
            self.end_task(index, outcome, reason, now);
        }
    }

    /// When the next attempt is due, if there is to be one.
    fn retry_at(&mut self, index: usize, outcome: Outcome, lasting: bool, now: Now) -> Option<Instant> {
        let policy = self.task(index).retries.clone();
        let retry = self.tasks[index].attempt - self.tasks[index].attempts_before;
        if lasting || self.stop.is_some() || retry > policy.count {
            return None;
        }
        if !policy.on.iter().any(|on| retries(*on) == outcome) {
            return None;
        }
        Some(now.instant + backoff::pause(&policy, retry, self.rng.f64()))
    }

    pub(super) fn release_slot(&mut self, index: usize) {
        let state = std::mem::take(&mut self.tasks[index].state);
        if state.holds_slot() {
            self.held -= 1;
        }
        if let State::Live(driver) = state {
            self.live -= 1;
            self.by_session.remove(driver.session());
            self.poller.untrack(driver.session(), driver.state().is_terminal());
        }
        self.timers.set(index, None);
    }

    pub(super) fn queue_if_free(&mut self, index: usize) {
        if matches!(self.tasks[index].state, State::Waiting) && self.needs.are_met(index) {
            self.ready.insert(index);
        }
    }

    /// Sets the task's timer to what its state wants next.
    fn arm(&mut self, index: usize) {
        let at = match &self.tasks[index].state {
            State::Live(driver) => driver.wake_at(),
            State::Creating(create) => create.wake_at(),
            State::Pausing | State::Waiting | State::Rechecking(_) | State::Ended(_) => return,
        };
        self.timers.set(index, at);
    }

    pub(super) fn lost_key_of(&mut self, failure: Option<&RequestFailure>, now: Now) {
        if let Some(failure) = failure.filter(|failure| failure.kind == FailureKind::Key) {
            self.lose_key(failure.text.clone(), now);
        }
    }

    fn lose_key(&mut self, cause: String, now: Now) {
        self.fault.get_or_insert(Fault::KeyRefused(cause));
        self.stop_for(StopReason::Key, now);
    }
}

const fn retries(on: RetryOn) -> Outcome {
    match on {
        RetryOn::Failed => Outcome::Failed,
        RetryOn::NeedsInput => Outcome::NeedsInput,
        RetryOn::TimedOut => Outcome::TimedOut,
        RetryOn::Stalled => Outcome::Stalled,
        RetryOn::Error => Outcome::Error,
        RetryOn::NoChange => Outcome::NoChange,
    }
}
