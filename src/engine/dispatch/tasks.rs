//! The tasks of a run: where each stands, which may start, and how many hold a slot.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Index, IndexMut};

use jiff::Timestamp;
use tokio::time::Instant;

use super::kept::Kept;
use super::later_waves::LaterWaves;
use super::merges::UntilMerged;
use super::old::OldSession;
use super::open_pulls::OpenPulls;
use super::repositories::Repositories;
use super::timers::Timers;
use crate::engine::action::{Attempt, TaskIx};
use crate::engine::admission::Slots;
use crate::engine::create::Create;
use crate::engine::driver::Driver;
use crate::engine::input::Now;
use crate::engine::needs::Needs;
use crate::outcome::{HeldBack, Marker, Outcome};
use crate::plan::Plan;
use jules::SessionId;

/// Every task of the plan. What can be told by states (timers, slots, sessions) follows each [`Tasks::put`].
#[derive(Debug, Default)]
pub(super) struct Tasks {
    tasks: Vec<TaskState>,
    pub(super) needs: Needs,
    pub(super) repositories: Repositories,
    /// Those that wait for their wave.
    pub(super) later: LaterWaves,
    /// Those that wait for merges.
    pub(super) merges: UntilMerged,
    /// Those that wait until fewer pull requests are open.
    pub(super) open_pulls: OpenPulls,
    /// What was told last that the run waits for.
    pub(super) told: Option<String>,
    /// Tasks that wait for nothing but a slot, those that were refused behind the others.
    ready: BTreeSet<(u64, TaskIx)>,
    /// How many refusals there were.
    refusals: u64,
    /// Tasks whose creates were refused for capacity: when, and how many other sessions there may have been at most.
    refused: BTreeMap<TaskIx, (Instant, usize)>,
    timers: Timers,
    /// The attempts whose sessions are followed.
    by_session: HashMap<SessionId, Attempt>,
    slots: Slots,
    /// Tasks without an outcome.
    open: usize,
}

/// A task's state, and what its attempts leave to the next one.
#[derive(Debug, Default)]
pub(super) struct TaskState {
    /// Changed by [`Tasks::put`] alone.
    state: State,
    /// The number of the last attempt that had an intent; 0 before the first.
    pub(super) attempts: u32,
    /// Attempts of earlier lives of the task, which its retries do not count.
    pub(super) attempts_before: u32,
    /// The marker of an intent that another run, or the prompt before an edit, has left.
    pub(super) marker: Option<Marker>,
    /// What the last attempt ended as: the task's outcome, should there be no session of another.
    pub(super) owed: Option<(Outcome, Option<String>)>,
    /// How it had ended well before it was to be done once more; none from when it has another session.
    pub(super) kept: Option<Kept>,
    /// Its place in the queue: that of its last refusal.
    turn: u64,
    /// How often it was refused where another task was then taken: it is not for capacity.
    pub(super) own_refusals: u32,
    /// A POST of it was in doubt, its session was not found, and a later one was refused: since when to look once more.
    pub(super) lost: Option<Timestamp>,
    /// When the last attempt began.
    pub(super) begun: Option<Now>,
    /// The session of the last attempt that had one: it is read again before there is another attempt.
    pub(super) old: Option<OldSession>,
}

/// Where a task stands.
#[derive(Debug, Default)]
pub(super) enum State {
    /// It has no slot: it waits for its needs or for one.
    #[default]
    Waiting,
    /// Its next attempt waits for the end of a pause.
    Pausing(Instant),
    /// Its old session is being read again; it may still be at work.
    Rechecking(Instant),
    /// Its session is being created.
    Creating(Box<Create>),
    /// Its session is followed.
    Live(Box<Driver>),
    /// It has its outcome.
    Ended(Outcome),
}

impl State {
    fn wake_at(&self) -> Option<Instant> {
        match self {
            Self::Pausing(until) | Self::Rechecking(until) => Some(*until),
            Self::Creating(create) => create.wake_at(),
            Self::Live(driver) => driver.wake_at(),
            Self::Waiting | Self::Ended(_) => None,
        }
    }

    /// What it adds to the slots that are held, to the live sessions and to the open tasks.
    fn counts(&self) -> [usize; 3] {
        let live = matches!(self, Self::Live(_));
        let held = live || matches!(self, Self::Rechecking(_) | Self::Creating(_));
        [held, live, !matches!(self, Self::Ended(_))].map(usize::from)
    }
}

impl Index<TaskIx> for Tasks {
    type Output = TaskState;

    fn index(&self, TaskIx(place): TaskIx) -> &TaskState {
        &self.tasks[place]
    }
}

impl IndexMut<TaskIx> for Tasks {
    fn index_mut(&mut self, TaskIx(place): TaskIx) -> &mut TaskState {
        &mut self.tasks[place]
    }
}

impl Tasks {
    pub(super) fn new(plan: &Plan, needs: Needs, merges: UntilMerged, open_pulls: OpenPulls) -> Self {
        Self {
            tasks: plan.tasks.iter().map(|_| TaskState::default()).collect(),
            needs,
            merges,
            open_pulls,
            repositories: Repositories::new(plan),
            open: plan.tasks.len(),
            ..Self::default()
        }
    }

    /// In the order of the plan.
    pub(super) fn all(&self) -> impl Iterator<Item = TaskIx> + use<> {
        (0..self.tasks.len()).map(TaskIx)
    }

    pub(super) fn state(&self, ix: TaskIx) -> &State {
        &self[ix].state
    }

    pub(super) fn slots(&self) -> Slots {
        self.slots
    }

    pub(super) fn is_any_open(&self) -> bool {
        self.open > 0
    }

    /// Whether the task may not be started yet, whatever slot is free: it waits for its wave, or for what becomes of pull
    /// requests.
    pub(super) fn is_held(&self, ix: TaskIx) -> bool {
        self.later.held.contains_key(&ix) || self.merges.holds(ix) || self.open_pulls.holds(ix)
    }

    /// Whether no task is open but those that are held, and what needs them.
    pub(super) fn is_all_held(&self) -> bool {
        let waits = |ix: &TaskIx| self.is_held(*ix) || !self.needs.are_met(*ix);
        self.all().all(|ix| match self.state(ix) {
            State::Waiting => waits(&ix),
            State::Ended(_) => true,
            State::Pausing(_) | State::Rechecking(_) | State::Creating(_) | State::Live(_) => false,
        })
    }

    pub(super) fn is_any(&self, is: impl Fn(&State) -> bool) -> bool {
        self.tasks.iter().any(|task| is(&task.state))
    }

    /// Sessions that are looked for. Nothing is counted where every task in a slot has its session.
    pub(super) fn doubts(&self) -> usize {
        let is_looked_for =
            |task: &&TaskState| matches!(&task.state, State::Creating(create) if create.is_looked_for());
        let unsettled = self.slots.held > self.slots.live;
        if unsettled { self.tasks.iter().filter(is_looked_for).count() } else { 0 }
    }

    /// Moves a task from one state to another.
    pub(super) fn put(&mut self, ix: TaskIx, state: State) -> State {
        let [held, live, open] = state.counts();
        if let State::Live(driver) = &state {
            self.by_session.insert(driver.session().clone(), self.last_attempt(ix));
        }
        let old = std::mem::replace(&mut self[ix].state, state);
        let [was_held, was_live, was_open] = old.counts();
        if let State::Live(driver) = &old {
            self.by_session.remove(driver.session());
        }
        self.slots.held = self.slots.held + held - was_held;
        self.slots.live = self.slots.live + live - was_live;
        self.open = self.open + open - was_open;
        let turn = self[ix].turn;
        let was_ready = self.ready.remove(&(turn, ix));
        self.repositories.unqueue(ix, turn, was_ready);
        self.repositories.on_slot(ix, was_held > 0, held > 0);
        self.arm(ix);
        old
    }

    /// Another attempt has an intent.
    pub(super) fn begin(&mut self, ix: TaskIx, now: Now) -> Attempt {
        self[ix].attempts += 1;
        self[ix].begun = Some(now);
        self.last_attempt(ix)
    }

    pub(super) fn last_attempt(&self, ix: TaskIx) -> Attempt {
        Attempt { task: ix, number: self[ix].attempts }
    }

    /// The attempt whose session this is, while it is followed.
    pub(super) fn of_session(&self, session: &SessionId) -> Option<Attempt> {
        self.by_session.get(session).copied()
    }

    /// The create of this attempt, while it is under way. [`Tasks::arm`] is due after a change.
    pub(super) fn create_of(&mut self, attempt: Attempt) -> Option<&mut Create> {
        let task = &mut self[attempt.task];
        let State::Creating(create) = &mut task.state else { return None };
        (task.attempts == attempt.number).then_some(create)
    }

    /// The driver of this attempt's session, while it is followed. [`Tasks::arm`] is due after a change.
    pub(super) fn driver_of(&mut self, attempt: Attempt) -> Option<&mut Driver> {
        let task = &mut self[attempt.task];
        let State::Live(driver) = &mut task.state else { return None };
        (task.attempts == attempt.number).then_some(driver)
    }

    /// The ledger does not answer, or does again.
    pub(super) fn on_ledger(&mut self, is_away: bool, now: Now) {
        for ix in (0..self.tasks.len()).map(TaskIx) {
            match &mut self[ix].state {
                State::Live(driver) => driver.on_ledger(is_away, now),
                State::Creating(create) => create.on_ledger(is_away, now),
                _ => continue,
            }
            self.arm(ix);
        }
    }

    /// Sets the task's timer to what its state wants next.
    pub(super) fn arm(&mut self, ix: TaskIx) {
        let at = self[ix].state.wake_at();
        self.timers.set(ix, at);
    }

    /// When the first task is to be woken.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// A task that is to be woken by now.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<TaskIx> {
        self.timers.pop_due(now)
    }

    /// How many tasks wait for nothing but a slot.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The first task that waits for nothing but a slot.
    pub(super) fn first_ready(&mut self) -> Option<TaskIx> {
        self.ready.extend(self.repositories.admitted());
        self.ready.first().map(|(_, ix)| *ix)
    }

    /// Its create was refused for capacity: others come first now.
    pub(super) fn on_refused(&mut self, ix: TaskIx, now: Instant) {
        self.refusals += 1;
        self[ix].turn = self.refusals;
        // Once it is known not to be for capacity, a further refusal with no session beside it is not either.
        let (others, is_own) = (self.slots.held.saturating_sub(1), self[ix].own_refusals > 0);
        self[ix].own_refusals += u32::from(is_own && others == 0);
        self.refused.insert(ix, (now, others));
    }

    /// Its create was taken. What was refused before it began, with no more sessions than there are now, was not refused
    /// for capacity.
    pub(super) fn on_taken(&mut self, ix: TaskIx) {
        self.refused.remove(&ix);
        self[ix].own_refusals = 0;
        let Some(begun) = self[ix].begun else { return };
        let live = self.slots.live;
        let is_own =
            |_: &TaskIx, (at, others): &mut (Instant, usize)| *at <= begun.instant && *others <= live;
        let own: Vec<TaskIx> = self.refused.extract_if(.., is_own).map(|(ix, _)| ix).collect();
        own.into_iter().for_each(|ix| self[ix].own_refusals += 1);
    }

    /// What waits for a place in its repository, while nothing else could start.
    pub(super) fn held_back(&self) -> Option<HeldBack> {
        self.repositories.held_back().filter(|_| self.ready.is_empty())
    }

    pub(super) fn queue_if_free(&mut self, ix: TaskIx) {
        if matches!(self[ix].state, State::Waiting) && !self.is_held(ix) && self.needs.are_met(ix) {
            let turn = self[ix].turn;
            let is_ready = self.ready.contains(&(turn, ix));
            let old = self.tasks[ix.0].old.as_ref().filter(|old| old.over_at.is_none()).map(OldSession::id);
            if !is_ready && !self.repositories.queue(ix, turn, old) {
                self.ready.insert((turn, ix));
            }
        }
    }
}
