//! The dispatcher: the whole state of a run and every decision in it, without any I/O.
//!
//! [`Dispatch::handle`] takes an input and fills a [`Turn`]: events to keep first, then actions to start.

mod archiving;
mod attempt;
mod breaker;
mod creating;
mod details;
mod ending;
mod further;
mod held;
mod held_back;
mod kept;
mod key;
mod late;
mod late_sessions;
mod later_waves;
mod look;
mod merges;
mod old;
mod open_pulls;
mod opening;
mod others;
mod overlap;
mod polled;
mod preview;
mod put_away;
mod reopening;
mod repositories;
mod rivals;
mod showing;
mod shown;
mod surveyed;
mod tasks;
mod telling;
mod timers;
mod titles;
mod waves;

#[cfg(test)]
pub(super) mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use self::archiving::Archiving;
use self::breaker::Breaker;
use self::further::Further;
pub(crate) use self::held::Held;
use self::kept::NotAgain;
use self::key::Key;
use self::late_sessions::LateSessions;
use self::merges::UntilMerged;
pub(crate) use self::open_pulls::OpenPull;
use self::open_pulls::OpenPulls;
use self::others::Others;
use self::rivals::Rivals;
use self::showing::Showing;
use self::tasks::{State, Tasks};
use self::telling::Telling;
use self::titles::Titles;
use super::action::{Action, Purpose, TaskIx};
use super::admission::{Admission, Answer};
use super::create;
use super::input::{Input, Now};
use super::needs::Needs;
use super::poller::{Counts, Poller};
use super::refusals::Refusals;
use super::status::{ACCOUNT, Plans};
use super::stop::StopReason;
use super::{Fault, Options};
use crate::outcome::{AttemptRecord, EventKind, Marker, RunId, RunRecord};
use crate::plan::{Plan, TaskKey};
use jules::{KnownSession, SessionId};

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
    /// Tasks are started and followed. Those with an intent of an earlier invocation are looked for meanwhile.
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
    options: Options,
    run: Run,
    stage: Stage,
    tasks: Tasks,
    titles: Titles,
    key: Key,
    admission: Admission,
    archiving: Archiving,
    late: LateSessions,
    further: Further,
    others: Others,
    rivals: Rivals,
    poller: Poller,
    /// Creates on a repository that were refused, with none taken between; those without a repository together.
    refused: HashMap<Option<String>, Refusals>,
    breaker: Breaker,
    showing: Showing,
    telling: Telling,
    /// Turns of creates that were had and are not used.
    spare_turns: usize,
    /// Tasks that were to be done once more, and keep the end that they had; the first ones are told.
    not_again: Vec<NotAgain>,
    told_not_again: usize,
    stop: Stop,
    rng: fastrand::Rng,
    turn: Turn,
}

/// The run, whose sessions are checked once more when all tasks have ended.
#[derive(Debug)]
struct Run {
    id: RunId,
    started: Timestamp,
    /// Every session that it has ever had.
    sessions: HashSet<SessionId>,
    /// The newest one that the run has created, by the answer to its POST.
    newest: Option<KnownSession>,
    /// The markers of intents that are left to another invocation, in doubt or by a selection.
    left_intents: HashSet<Marker>,
    /// Strays that the invocation before has told.
    strays: HashSet<SessionId>,
    /// How often the last listing was asked for.
    audits: u32,
    /// When the first or the last listing is asked for again.
    list_at: Option<Instant>,
    /// First and last listings that were refused.
    refusals: Refusals,
    /// Whether it has ever had an intent: then the last listing is worth its requests.
    had_intent: bool,
}

/// Whether the invocation ends before its time, and what may make it.
#[derive(Debug, Default)]
struct Stop {
    reason: Option<StopReason>,
    fault: Option<Fault>,
    deadline: Option<Instant>,
}

impl Dispatch {
    /// A run that goes on from `record`; [`Dispatch::open`] begins it.
    pub(super) fn new(mut plan: Arc<Plan>, record: &RunRecord, options: Options, now: Now) -> Self {
        take_known_keys(&mut plan, record, &options);
        let settings = &plan.settings;
        let deadline = settings.run_timeout.map(|timeout| now.instant + timeout);
        Self {
            run: Run {
                id: record.info.id.clone(),
                started: options.clocks.earliest(first_sign(record)),
                sessions: record.sessions().cloned().collect(),
                newest: create::newest_of(record),
                left_intents: HashSet::new(),
                strays: record.strays.iter().map(|stray| stray.session.id.clone()).collect(),
                audits: 0,
                list_at: None,
                refusals: Refusals::default(),
                had_intent: !record.strays.is_empty(),
            },
            stage: Stage::Surveying,
            tasks: Tasks::new(
                &plan,
                Needs::new(&plan, &options.outside),
                UntilMerged::new(&plan, &options.until_merged),
                OpenPulls::new(&plan, record, &options.open_elsewhere),
            ),
            titles: Titles::default(),
            key: Key::new(options.key_has_worked),
            admission: Admission::new(settings, created_within_day(&options, now)),
            further: Further::default(),
            archiving: Archiving::of(options.left_over.clone()),
            late: LateSessions::default(),
            others: Others::default(),
            rivals: Rivals::new(now.wall),
            poller: Poller::new(settings.poll),
            refused: HashMap::new(),
            breaker: Breaker::default(),
            showing: Showing::new(options.show_activities, settings),
            telling: Telling::new(options.details),
            spare_turns: 0,
            not_again: Vec::new(),
            told_not_again: 0,
            stop: Stop { deadline, ..Stop::default() },
            rng: fastrand::Rng::with_seed(options.seed),
            turn: Turn::default(),
            options,
            plan,
        }
    }

    /// Takes what happened and decides what follows.
    pub(super) fn handle(&mut self, input: Input, now: Now) {
        let mut lost_key = self.lost_key(&input, now);
        match input {
            Input::Surveyed(result) => self.on_surveyed(result, now),
            Input::Audited(result) => self.on_audited(result, lost_key.take().is_some(), now),
            Input::Turned { attempt, result } => self.on_turned(attempt, result, now),
            Input::Posted { attempt, result } => self.on_posted(attempt, result, now),
            Input::Searched { attempt, result } => self.on_searched(attempt, result, now),
            Input::Polled(polled) => self.on_polled(polled, now),
            Input::Read { attempt, purpose: Purpose::Answer, result }
                if matches!(self.tasks.state(attempt.task), State::Rechecking(_)) =>
            {
                self.on_answer_read(attempt.task, result, now);
            }
            Input::Read { attempt, purpose: Purpose::Show, result } => self.on_shown(attempt, result, now),
            Input::Read { attempt, purpose, mut result } => {
                let told = result.as_mut().ok().and_then(|digest| digest.told_of.take());
                self.telling.hear(attempt, told);
                self.drive(attempt, now, |driver| driver.on_read(purpose, result.as_deref(), now));
                self.telling.hear(attempt, None);
            }
            Input::Told { attempt, told } => self.on_told(attempt, told),
            Input::Acted { attempt, act, result } => {
                self.drive(attempt, now, |driver| driver.on_acted(act, result.as_ref().copied(), now));
            }
            Input::Archived { session, result } => self.on_archived(&session, result, now),
            Input::Looked { session, result } => self.on_looked(&session, result, now),
            Input::Rechecked { task, asked, result } => self.on_rechecked(task, asked, result, now),
            Input::Usage(usage, service) => self.on_usage(usage, *service),
            Input::Stop(reason) => self.stop_for(reason, now),
            Input::Late(told) => self.on_late(told),
            Input::Ledger { is_away } => self.tasks.on_ledger(is_away, now),
            Input::Tick => {}
        }
        if let Some(cause) = lost_key {
            self.lose_key(cause, now);
        }
        self.advance(now);
        self.tell_not_again();
    }

    /// The events and actions since the last call.
    pub(super) fn take_turn(&mut self) -> Turn {
        std::mem::take(&mut self.turn)
    }

    /// The events among them.
    pub(super) fn events(&self) -> &[EventKind] {
        &self.turn.events
    }

    /// When to call [`Dispatch::handle`] with a tick if nothing else happens.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let leaving = match self.stage {
            Stage::Leaving { until } => Some(until),
            Stage::Done => return None,
            Stage::Surveying | Stage::Working | Stage::Auditing => None,
        };
        let deadline = self.stop.deadline.filter(|_| !self.stop.reason.is_some_and(StopReason::leaves_live));
        let admission = self.admission.wake_at.filter(|_| self.stop.reason.is_none());
        let held_back = self.tasks.repositories.wake_at(self.plan.settings.limits.capacity_wait);
        let held_back = held_back.filter(|_| self.stop.reason.is_none());
        let others = self.others.wake_at(self.plan.settings.limits.capacity_wait);
        let others = others.filter(|_| self.stop.reason.is_none());
        [
            self.tasks.wake_at(),
            self.poller.next_due(),
            leaving,
            deadline,
            admission,
            self.archiving.wake_at(),
            self.show_at(),
            self.telling.wake_at(),
            self.run.list_at,
            held_back,
            others,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How punctual the polls were so far.
    pub(super) fn polls(&self) -> Counts {
        self.poller.counts()
    }

    /// What is known of the requests to come.
    pub(super) fn plans(&self, now: Now) -> Plans {
        let sessions_left = self.admission.sessions_left(now);
        let reason = match self.admission.waits_for_account() {
            Some(false) => ACCOUNT,
            None if sessions_left != Some(0) => StopReason::Capacity.as_str(),
            Some(true) | None => StopReason::Budget.as_str(),
        };
        let starts = self.admission.wake_at.map(|at| (at, reason));
        let blind = self.poller.blind().map(|(span, error)| (span, error.to_owned()));
        let is_held_back = self.has_slot() && self.stop.reason.is_none();
        let held_back = self.tasks.held_back().filter(|_| is_held_back);
        let is_held_up = self.admission.wake_at.is_some() || self.stop.reason.is_some();
        let session_free = self.admission.budget_free_at(now).filter(|_| is_held_up);
        Plans { starts, sessions_left, session_free, next_poll: self.poller.next_due(), blind, held_back }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    pub(super) fn stopped(&self) -> Option<StopReason> {
        self.stop.reason
    }

    pub(super) fn fault(&self) -> Option<&Fault> {
        self.stop.fault.as_ref()
    }

    /// Everything that time and room allow.
    fn advance(&mut self, now: Now) {
        if self.stage == Stage::Done {
            return;
        }
        if self.stop.deadline.is_some_and(|deadline| now.instant >= deadline) {
            self.stop_for(StopReason::Deadline, now);
        }
        while let Some(ix) = self.tasks.pop_due(now.instant) {
            self.on_timer(ix, now);
        }
        self.drop_late_archives(now);
        self.look_at_left(now);
        self.see_to_late(now);
        if self.run.list_at.take_if(|at| now.instant >= *at).is_some() {
            match self.stage {
                Stage::Surveying => self.survey(),
                Stage::Auditing => self.audit(),
                Stage::Working | Stage::Leaving { .. } | Stage::Done => {}
            }
        }
        self.start_ready(now);
        if self.stage == Stage::Working && self.stop.reason.is_none() {
            self.see_to_held_back(now);
            self.see_to_others(now);
        }
        self.show_activities(now);
        self.tell_more();
        self.turn.actions.extend(self.poller.requests(now.instant).into_iter().map(Action::Poll));
        self.conclude(now);
    }

    fn start_ready(&mut self, now: Now) {
        self.admission.wake_at = None;
        if let Some(reason) = self.stop.reason {
            // What came back to the queue after the stop, such as a refused create.
            while let Some(ix) = self.tasks.first_ready() {
                self.end_unstarted(ix, reason, now);
            }
        }
        // What is begun here is not in doubt yet.
        let mut doubts = None;
        while self.stage == Stage::Working
            && self.stop.reason.is_none()
            && self.has_slot()
            && let Some(next) = self.tasks.first_ready()
        {
            if self.tasks[next].old.as_ref().is_some_and(|old| old.over_at.is_none()) {
                self.recheck(next, now);
                continue;
            }
            if self.end_if_impossible(next, now) {
                continue;
            }
            let doubts = *doubts.get_or_insert_with(|| self.tasks.doubts());
            match self.admission.ask(self.tasks.slots(), doubts, self.stop.deadline, now) {
                // It waited since the last look.
                Answer::Granted if self.is_look_old(next, now) => self.recheck(next, now),
                Answer::Granted => self.begin_attempt(next, now),
                Answer::Later(at) => {
                    self.admission.wake_at = Some(at);
                    return;
                }
                Answer::Full => return,
                Answer::Denied(reason) => return self.stop_for(reason, now),
            }
        }
        let others = self.others.count();
        let nothing_ends = self.tasks.slots().held == 0 && self.admission.left > 0 && others == 0;
        if nothing_ends && self.stage == Stage::Working && self.tasks.first_ready().is_some() {
            // Nobody waits for what is live, so no slot will fall free.
            self.stop_for(self.left_for(), now);
        }
    }

    fn on_timer(&mut self, ix: TaskIx, now: Now) {
        let attempt = self.tasks.last_attempt(ix);
        match self.tasks.state(ix) {
            State::Live(_) => self.drive(attempt, now, |driver| driver.on_wake(now)),
            State::Creating(_) => self.create_step(attempt, now, |create| create.on_wake(now)),
            State::Pausing(_) => self.requeue(ix),
            State::Rechecking(_) => self.recheck_failed(ix, "no answer", now),
            State::Waiting | State::Ended(_) => {}
        }
    }
}

/// A task whose prompt cannot be had keeps the key, and with it all that is known of it. So does one that the run has planned
/// before its ledger was one that projects share.
fn take_known_keys(plan: &mut Arc<Plan>, record: &RunRecord, options: &Options) {
    if plan.tasks.iter().all(|task| task.has_prompt() && task.project.is_none()) {
        return;
    }
    let Plan { name, tasks, .. } = Arc::make_mut(plan);
    for task in tasks {
        let known = record.tasks.get(&task.id).or_else(|| options.earlier.get(&task.id));
        let is_its = |key: &TaskKey| !task.has_prompt() || task.has_key_under(name, key.as_str());
        if let Some(key) = known.map(|known| &known.planned.key).filter(|key| is_its(key)) {
            task.key = key.clone();
        }
    }
}

/// When the run began, or an attempt of it by the service's clock, whatever this machine's clock told then.
fn first_sign(record: &RunRecord) -> Timestamp {
    let attempts = record.tasks.values().flat_map(|task| &task.attempts);
    attempts
        .map(AttemptRecord::asked_at)
        .min()
        .map_or(record.started_at, |first| first.min(record.started_at))
}

fn created_within_day(options: &Options, now: Now) -> Vec<Timestamp> {
    options.created_within_day.iter().map(|created| options.clocks.latest(*created, now)).collect()
}
