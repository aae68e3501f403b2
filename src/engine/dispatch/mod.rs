//! The dispatcher: the whole state of a run and every decision in it, without any I/O.
//!
//! [`Dispatch::handle`] takes an input and fills a [`Turn`]: events to keep first, then actions to start.

mod attempt;
mod ending;
mod old;
mod opening;
mod task;
mod timers;

#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use self::task::{State, TaskState};
use self::timers::Timers;
use super::action::Action;
use super::admission::{Admission, Answer};
use super::input::{Input, Now, Polled, Seen};
use super::needs::Needs;
use super::poller::{Counts, Liveness, Poller};
use super::stop::StopReason;
use super::{Fault, Options};
use crate::api::{SessionId, SessionState};
use crate::outcome::{EventKind, Outcome, RunId, RunRecord};
use crate::plan::{MaxFailures, Plan, Task};

/// How many creates may be unsettled at once, however many slots are free. The service has been seen to refuse most of
/// ten creates that came together.
const MAX_CREATING: usize = 16;

/// What a decision leads to: the events are kept before the actions start.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) events: Vec<EventKind>,
    pub(super) actions: Vec<Action>,
}

/// Where the run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The first listing is under way: nothing is created before it is back.
    Surveying,
    /// Intents of an earlier invocation are being settled: nothing is created before they are.
    Settling,
    /// Tasks are started and followed.
    Working,
    /// Live sessions are left; the answers of creates under way are waited for until then.
    Leaving { until: Instant },
    /// The last listing is under way.
    Auditing,
    /// Nothing is left to do.
    Done,
}

/// A run in progress.
#[derive(Debug)]
pub(super) struct Dispatch {
    plan: Arc<Plan>,
    run: RunId,
    run_started: Timestamp,
    invocation: u32,
    options: Options,
    stage: Stage,
    tasks: Vec<TaskState>,
    ready: BTreeSet<usize>,
    needs: Needs,
    admission: Admission,
    admission_wake: Option<Instant>,
    poller: Poller,
    timers: Timers,
    by_session: HashMap<SessionId, usize>,
    /// Every session that this run has ever had.
    known: HashSet<SessionId>,
    /// Tasks that hold a slot.
    held: usize,
    /// Of these, the ones whose session exists.
    live: usize,
    /// Sessions that were left live (`--no-wait`): they keep their slots until the invocation ends.
    left: usize,
    /// Tasks without an outcome.
    open: usize,
    failures: usize,
    /// Whether this run has ever had an intent: then the last listing is worth its requests.
    any_intent: bool,
    deadline: Option<Instant>,
    stop: Option<StopReason>,
    fault: Option<Fault>,
    rng: fastrand::Rng,
    turn: Turn,
}

impl Dispatch {
    /// A run that goes on from `record`; [`Dispatch::open`] begins it.
    pub(super) fn new(plan: Arc<Plan>, record: &RunRecord, options: Options, now: Now) -> Self {
        let settings = &plan.settings;
        let admission = Admission::new(settings, options.created_within_day.clone());
        Self {
            run: record.info.id.clone(),
            run_started: record.started_at,
            invocation: record.invocations + 1,
            stage: Stage::Surveying,
            tasks: vec![TaskState::default(); plan.tasks.len()],
            ready: BTreeSet::new(),
            needs: Needs::new(&plan),
            admission,
            admission_wake: None,
            poller: Poller::new(settings.poll),
            timers: Timers::default(),
            by_session: HashMap::new(),
            known: sessions_of(record),
            held: 0,
            live: 0,
            left: 0,
            open: plan.tasks.len(),
            failures: 0,
            any_intent: false,
            deadline: settings.run_timeout.map(|timeout| now.instant + timeout),
            stop: None,
            fault: None,
            rng: fastrand::Rng::with_seed(options.seed),
            turn: Turn::default(),
            options,
            plan,
        }
    }

    /// Takes what happened and decides what follows.
    pub(super) fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Surveyed(result) => self.on_surveyed(result, now),
            Input::Audited(result) => self.on_audited(result),
            Input::Posted { task, attempt, result } => self.on_posted(task, attempt, result, now),
            Input::Searched { task, attempt, result } => self.on_searched(task, attempt, result, now),
            Input::Polled(polled) => self.on_polled(polled, now),
            Input::Read { task, attempt, purpose, result } => {
                self.lost_key_of(result.as_ref().err(), now);
                self.drive(task, Some(attempt), now, |driver| {
                    driver.on_read(purpose, result.as_deref(), now)
                });
            }
            Input::Acted { task, attempt, act, result } => {
                self.lost_key_of(result.as_ref().err(), now);
                self.drive(task, Some(attempt), now, |driver| {
                    driver.on_acted(act, result.as_ref().copied(), now)
                });
            }
            Input::Rechecked { task, result } => self.on_rechecked(task, result, now),
            Input::Usage(usage) => self.turn.events.push(EventKind::ApiUsed { usage }),
            Input::Stop(reason) => self.stop_for(reason, now),
            Input::Tick => {}
        }
        self.advance(now);
    }

    /// The events and actions since the last call.
    pub(super) fn take_turn(&mut self) -> Turn {
        std::mem::take(&mut self.turn)
    }

    /// When to call [`Dispatch::handle`] with a tick if nothing else happens.
    pub(super) fn wake_at(&mut self) -> Option<Instant> {
        let leaving = match self.stage {
            Stage::Leaving { until } => Some(until),
            Stage::Done => return None,
            Stage::Surveying | Stage::Settling | Stage::Working | Stage::Auditing => None,
        };
        let deadline = self.deadline.filter(|_| !self.stop.is_some_and(StopReason::leaves_live));
        let admission = self.admission_wake.filter(|_| self.stop.is_none());
        [self.timers.next(), self.poller.next_due(), leaving, deadline, admission].into_iter().flatten().min()
    }

    /// How punctual the polls were so far.
    pub(super) fn polls(&self) -> Counts {
        self.poller.counts()
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    pub(super) fn stopped(&self) -> Option<StopReason> {
        self.stop
    }

    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Everything that time and room allow.
    fn advance(&mut self, now: Now) {
        if self.stage == Stage::Done {
            return;
        }
        if self.deadline.is_some_and(|deadline| now.instant >= deadline) {
            self.stop_for(StopReason::Deadline, now);
        }
        while let Some(task) = self.timers.pop_due(now.instant) {
            self.on_timer(task, now);
        }
        if self.stage == Stage::Settling && !self.tasks.iter().any(TaskState::is_settling) {
            self.stage = Stage::Working;
        }
        self.start_ready(now);
        self.turn.actions.extend(self.poller.requests(now.instant).into_iter().map(Action::Poll));
        self.conclude(now);
    }

    fn start_ready(&mut self, now: Now) {
        self.admission_wake = None;
        if let Some(reason) = self.stop {
            // What came back to the queue after the stop, such as a refused create.
            while let Some(task) = self.ready.pop_first() {
                self.defer(task, reason);
            }
        }
        while self.stage == Stage::Working
            && self.stop.is_none()
            && self.held + self.left < self.plan.settings.strategy.max_parallel
            && let Some(next) = self.ready.first().copied()
        {
            if let Some(old) = self.tasks[next].old.take() {
                self.ready.remove(&next);
                self.recheck(next, old);
                continue;
            }
            match self.admission.ask(self.live, self.deadline, now) {
                Answer::Granted => {}
                Answer::Later(at) => {
                    self.admission_wake = Some(at);
                    return;
                }
                Answer::Denied(reason) => return self.stop_for(reason, now),
            }
            // Each create under way has a connection of its own.
            if self.held - self.live >= MAX_CREATING {
                return;
            }
            // After a refusal one create at a time finds out what the service bears.
            if self.held > self.live && self.admission.ceiling().is_some_and(|ceiling| self.held >= ceiling) {
                return;
            }
            self.ready.remove(&next);
            self.begin_attempt(next, now);
        }
        if self.held == 0 && self.left > 0 && self.stage == Stage::Working && !self.ready.is_empty() {
            // Nobody waits for what is live (`--no-wait`), so no slot will fall free.
            self.stop_for(StopReason::NoWait, now);
        }
    }

    fn on_timer(&mut self, task: usize, now: Now) {
        match &self.tasks[task].state {
            State::Live(_) => self.drive(task, None, now, |driver| driver.on_wake(now)),
            State::Creating(_) => self.on_create_timer(task, now),
            State::Pausing => self.requeue(task),
            State::Waiting | State::Rechecking(_) | State::Ended(_) => {}
        }
    }

    fn on_polled(&mut self, polled: Polled, now: Now) {
        match polled {
            Polled::Page { place, lean, took, result } => {
                self.lost_key_of(result.as_ref().err(), now);
                let page = result.ok();
                self.poller.on_page(place, page.as_ref(), took, now.instant);
                for (_, seen) in page.iter().flat_map(|page| &page.found) {
                    if lean && seen.state.is_terminal() {
                        self.poller.read_at(&seen.id, now.instant);
                    } else {
                        self.show(seen, now);
                    }
                }
            }
            Polled::One { session, took, result } => {
                self.poller.on_one(&session, took, now.instant);
                match result {
                    Ok(seen) => self.show(&seen, now),
                    Err(failure) => {
                        self.lost_key_of(Some(&failure), now);
                        if let Some(task) = self.by_session.get(&session).copied() {
                            self.drive(task, None, now, |driver| driver.on_failure(&failure, now));
                        }
                    }
                }
            }
        }
    }

    fn show(&mut self, seen: &Seen, now: Now) {
        self.poller.note(&seen.id, liveness(&seen.state));
        if let Some(task) = self.by_session.get(&seen.id).copied() {
            self.drive(task, None, now, |driver| driver.on_seen(seen, now));
            self.leave_if_nobody_waits(task, now);
        }
    }

    fn task(&self, task: usize) -> &Task {
        &self.plan.tasks[task]
    }

    fn count_failure(&mut self, index: usize, outcome: Outcome, now: Now) {
        if !outcome.counts_as_failed(self.task(index).on_no_change) {
            return;
        }
        self.failures += 1;
        let strategy = &self.plan.settings.strategy;
        let too_many = strategy.fail_fast
            || match strategy.max_failures {
                None => false,
                Some(MaxFailures::Count(count)) => self.failures >= count,
                Some(MaxFailures::Percent(percent)) => {
                    self.failures as f64 * 100.0 >= percent * self.plan.tasks.len() as f64
                }
            };
        if too_many {
            self.stop_for(StopReason::Failures, now);
        }
    }
}

/// Whether a session in this state may end any time.
fn liveness(state: &SessionState) -> Liveness {
    match state {
        SessionState::Queued
        | SessionState::Paused
        | SessionState::AwaitingPlanApproval
        | SessionState::AwaitingUserFeedback => Liveness::Waiting,
        _ => Liveness::Working,
    }
}

fn sessions_of(record: &RunRecord) -> HashSet<SessionId> {
    let attempts = record.tasks.values().chain(&record.superseded).flat_map(|task| &task.attempts);
    attempts.filter_map(|attempt| attempt.session.as_ref()).map(|session| session.id.clone()).collect()
}
