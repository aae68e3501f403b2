//! One attempt at a task: intent, create, session, end.

use jiff::Timestamp;
use tokio::time::Instant;

use super::Dispatch;
use super::old::OldSession;
use super::tasks::State;
use crate::engine::Fault;
use crate::engine::action::{Action, Attempt, TaskIx};
use crate::engine::backoff;
use crate::engine::driver::{self, Driver, End, Spent, Terms};
use crate::engine::input::{Act, Input, Now, Seen};
use crate::engine::judge::{asked, gone_after, own_turn};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Marker, Outcome, SessionRef};
use crate::plan::{GiveUp, RetryOn, TaskId};
use jules::SessionId;

impl Dispatch {
    pub(super) fn record_intent(
        &mut self,
        attempt: Attempt,
        marker: Marker,
        asked_at: Timestamp,
        send_by: Option<Timestamp>,
        now: Now,
    ) {
        self.run.had_intent = true;
        self.reopen_kept(attempt.task);
        let (task, attempt) = self.names(attempt);
        self.turn.events.push(EventKind::IntentRecorded {
            task,
            attempt,
            marker,
            service_time: self.options.clocks.to_record(asked_at, now),
            send_by,
        });
    }

    pub(super) fn marker(&self, attempt: Attempt) -> Marker {
        Marker::new(&self.plan[attempt.task].key, &self.run.id, attempt.number)
    }

    /// The marker that the session of a create in doubt carries.
    pub(super) fn sought(&self, attempt: Attempt) -> Marker {
        self.tasks[attempt.task].marker.clone().unwrap_or_else(|| self.marker(attempt))
    }

    /// The attempt in events.
    pub(super) fn names(&self, attempt: Attempt) -> (TaskId, u32) {
        (self.plan[attempt.task].id.clone(), attempt.number)
    }

    pub(super) fn start_over(&mut self, ix: TaskIx) {
        self.release_slot(ix);
        self.requeue(ix);
    }

    /// The session exists: from here on it is followed.
    pub(super) fn on_session(&mut self, ix: TaskIx, seen: &Seen, adopted: bool, now: Now) {
        self.record_session(ix, seen, adopted);
        if !adopted {
            // What passed before its POST left, for a quota or a pause, is not the session's time.
            self.tasks[ix].begun = Some(now);
        }
        self.follow(ix, &seen.id, !adopted, Spent::default(), now);
        if adopted && seen.is_over() {
            // Listings do not tell what it has made.
            self.poller.read_at(&seen.id, now.instant);
        } else {
            self.drive(self.tasks.last_attempt(ix), now, |driver| driver.on_seen(seen, now.instant, now));
        }
        self.leave_if_nobody_waits(ix, now);
        self.detach_if_leaving(ix);
    }

    pub(super) fn record_session(&mut self, ix: TaskIx, seen: &Seen, adopted: bool) {
        self.reopen_kept(ix);
        self.tasks[ix].kept = None;
        let (task, attempt) = self.names(self.tasks.last_attempt(ix));
        let session = SessionRef { id: seen.id.clone(), url: seen.url.clone() };
        let created_at = seen.created.filter(|_| adopted);
        self.turn.events.push(EventKind::SessionCreated { task, attempt, session, adopted, created_at });
    }

    /// With `--no-wait` a session that has not ended is left as soon as it was seen; its slot stays taken.
    pub(super) fn leave_if_nobody_waits(&mut self, ix: TaskIx, now: Now) {
        if self.options.wait || !matches!(self.tasks.state(ix), State::Live(_)) {
            return;
        }
        self.admission.left += 1;
        self.tasks.repositories.on_left(ix);
        let reason = Some("started; nobody waits for it (`--no-wait`)".to_owned());
        self.end_attempt(ix, End { lasting: true, ..End::new(Outcome::Detached, reason) }, now);
    }

    /// Why sessions are left in their slots.
    pub(super) fn left_for(&self) -> StopReason {
        match self.options.wait {
            false => StopReason::NoWait,
            true if self.admission.unsettled > 0 => StopReason::Doubts,
            true => StopReason::Unseen,
        }
    }

    /// Follows a session of the last attempt. `newest`: it was created just now.
    pub(super) fn follow(&mut self, ix: TaskIx, session: &SessionId, newest: bool, spent: Spent, now: Now) {
        let task = &self.plan[ix];
        let begun = self.tasks[ix].begun.unwrap_or(now);
        let terms = Terms {
            expect: task.expect,
            asked: asked(task),
            waiting: task.waiting.clone(),
            timeouts: task.timeouts,
            interval: self.poller.interval(),
            turn: own_turn(&self.plan.settings),
            gone_after: gone_after(&self.plan.settings),
            speed: self.plan.settings.simulated.unwrap_or(1.0),
        };
        let driver = Driver::new(session.clone(), terms, spent, begun, now);
        self.tasks.put(ix, State::Live(Box::new(driver)));
        (self.tasks[ix].old, self.tasks[ix].owed) = (None, None);
        self.run.sessions.insert(session.clone());
        self.is_ours(session);
        // An earlier invocation's instants mean nothing: only the wall clock knows a session's whole age.
        self.poller.track(session.clone(), newest, now.since(begun.wall), now.instant);
    }

    /// Lets the driver of an attempt's session decide and carries its steps out, if the attempt is not over.
    pub(super) fn drive(
        &mut self,
        attempt: Attempt,
        now: Now,
        decide: impl FnOnce(&mut Driver) -> Vec<driver::Step>,
    ) {
        let Some(driver) = self.tasks.driver_of(attempt) else { return };
        let steps = decide(driver);
        let session = driver.session().clone();
        for step in steps {
            self.driver_step(attempt, session.clone(), step, now);
        }
        self.tasks.arm(attempt.task);
    }

    fn driver_step(&mut self, attempt: Attempt, session: SessionId, step: driver::Step, now: Now) {
        let (task, number) = self.names(attempt);
        let (events, actions) = (&mut self.turn.events, &mut self.turn.actions);
        match step {
            driver::Step::State { state, lag } => {
                let detected_after_ms = lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
                events.push(EventKind::SessionState { task, attempt: number, state, detected_after_ms });
            }
            driver::Step::Active { activity, ago } => {
                let ago_ms = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
                events.push(EventKind::AgentActive { task, attempt: number, activity, ago_ms });
            }
            driver::Step::Note(note) => events.push(EventKind::Noted { task: Some(task), note }),
            driver::Step::ReadAt(at) => self.poller.read_at(&session, at),
            driver::Step::LookAt(at) => self.poller.look_at(&session, at),
            driver::Step::Read { purpose, since } => {
                actions.push(Action::Read { attempt, session, purpose, since });
            }
            driver::Step::Approve => actions.push(Action::Approve { attempt, session }),
            driver::Step::Approved => events.push(EventKind::PlanApproved { task, attempt: number }),
            driver::Step::Send { act, text, again } => {
                match act {
                    Act::Reply if !again => events.push(EventKind::Replied { task, attempt: number }),
                    Act::Nudge if !again => events.push(EventKind::Nudged { task, attempt: number }),
                    Act::Reply | Act::Nudge | Act::Approve => {}
                }
                actions.push(Action::Send { attempt, session, act, text });
            }
            driver::Step::End(end) => self.end_attempt(attempt.task, end, now),
        }
    }

    /// The attempt is over.
    pub(super) fn end_attempt(&mut self, ix: TaskIx, end: End, now: Now) {
        let last = self.tasks.last_attempt(ix);
        let (task, attempt) = self.names(last);
        let retry_at = self.retry_at(ix, &end, now);
        let End { outcome, reason, work, lasting, unseen } = end;
        if unseen {
            self.admission.left += 1;
            self.tasks.repositories.on_left(ix);
        }
        let event =
            EventKind::AttemptEnded { task, attempt, outcome, reason: reason.clone(), work: work.clone() };
        self.turn.events.push(event);
        if let State::Live(driver) = self.tasks.state(ix) {
            let (ended, is_over) = (driver.state().is_terminal(), driver.is_over());
            let session = driver.session().clone();
            self.further.add(driver.session(), last, outcome, &work);
            self.tasks[ix].old = Some(OldSession::new(driver.session(), ended, driver.last_user()));
            if !ended && is_over {
                let (task, attempt) = self.names(self.tasks.last_attempt(ix));
                self.turn.events.push(EventKind::SessionArchived { task, attempt });
            } else if !ended && !lasting && outcome.is_failure() && self.plan[ix].give_up == GiveUp::Archive {
                self.put_away(ix, now);
            }
            self.tell_details(last, session, (outcome, &work), retry_at.is_none());
        }
        self.release_slot(ix);
        if let Some(until) = retry_at {
            self.tasks[ix].owed = Some((outcome, reason));
            self.tasks.put(ix, State::Pausing(until));
            if work.pull_requests().next().is_some() {
                self.tasks.open_pulls.leave(ix);
            }
        } else {
            self.end_task(ix, outcome, reason, now);
        }
    }

    /// When the next attempt is due, if there is to be one.
    fn retry_at(&mut self, ix: TaskIx, end: &End, now: Now) -> Option<Instant> {
        let policy = &self.plan[ix].retries;
        let retry = self.tasks[ix].attempts.saturating_sub(self.tasks[ix].attempts_before);
        let is_left = self.plan[ix].give_up == GiveUp::Leave
            && matches!(self.tasks.state(ix), State::Live(driver) if !driver.is_over());
        if end.lasting || is_left || self.stop.reason.is_some() || retry > policy.count {
            return None;
        }
        if !policy.on.iter().any(|on| retries(*on) == end.outcome) {
            return None;
        }
        Some(now.instant + backoff::pause(policy, retry, self.rng.f64()))
    }

    /// The task has no session to care for any more.
    pub(super) fn release_slot(&mut self, ix: TaskIx) {
        if let State::Live(driver) = self.tasks.put(ix, State::Waiting) {
            self.poller.untrack(driver.session(), driver.state().is_terminal());
        }
    }

    /// Why the key is lost, if this answer makes it so.
    pub(super) fn lost_key(&mut self, input: &Input, now: Now) -> Option<String> {
        match input.on_key()? {
            Ok(()) => {
                self.key.was_taken();
                None
            }
            Err(cause) => self.key.is_lost(now.instant).then(|| cause.to_owned()),
        }
    }

    pub(super) fn lose_key(&mut self, cause: String, now: Now) {
        self.stop.fault.get_or_insert(Fault::KeyRefused(cause));
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
