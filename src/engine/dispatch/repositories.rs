//! `strategy.max-parallel-per-repository`: how many sessions one repository may have at once.
//!
//! A task whose repository has no place waits here and not in the queue of those that are ready, so that it holds up no other.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::action::TaskIx;
use crate::outcome::HeldBack;
use crate::plan::{Plan, Task};
use jules::SessionId;

/// A task's place in a queue: its turn, then its place in the plan.
pub(super) type Turn = (u64, TaskIx);

/// How many repositories are named to a person.
const NAMED: usize = 3;

/// The repositories of a plan; nothing is counted without a bound.
#[derive(Debug, Default)]
pub(super) struct Repositories {
    bound: Option<usize>,
    /// For each task, its repository.
    of: Vec<Option<usize>>,
    repositories: Vec<Repository>,
    by_name: HashMap<String, usize>,
    /// Those in which a place may have fallen free, or that have another task waiting.
    changed: BTreeSet<usize>,
    /// Those with sessions that this run does not follow: only these can be stuck.
    with_others: BTreeSet<usize>,
    /// How many tasks wait for a place.
    waiting: usize,
}

#[derive(Debug, Default)]
struct Repository {
    name: String,
    /// Tasks of it that hold a slot.
    held: usize,
    /// Sessions that were left live: they keep their places until the invocation ends.
    left: usize,
    /// Live sessions that are no task's of this invocation.
    others: BTreeSet<SessionId>,
    /// Tasks that may start; each has a place.
    ready: usize,
    /// Tasks that wait for a place.
    waiting: BTreeSet<Turn>,
    /// Since when they wait with none of ours at work.
    stuck_since: Option<Instant>,
    /// Whether [`Repository::others`] are polled.
    is_watched: bool,
}

impl Repository {
    fn taken(&self) -> usize {
        self.held + self.left + self.others.len()
    }

    /// Whether nothing that this invocation does makes room.
    fn is_stuck(&self, bound: usize) -> bool {
        !self.waiting.is_empty() && self.held + self.ready == 0 && self.taken() >= bound
    }
}

/// Which sessions of others are to be polled from now on, and which no more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Watch {
    pub(super) begin: Vec<SessionId>,
    pub(super) end: Vec<SessionId>,
}

impl Watch {
    /// Takes in these sessions if it changes whether they are polled.
    pub(super) fn switch(&mut self, is_watched: &mut bool, is_wanted: bool, sessions: &BTreeSet<SessionId>) {
        if is_wanted != std::mem::replace(is_watched, is_wanted) {
            let list = if is_wanted { &mut self.begin } else { &mut self.end };
            list.extend(sessions.iter().cloned());
        }
    }
}

impl Repositories {
    pub(super) fn new(plan: &Plan) -> Self {
        let bound = plan.settings.strategy.max_parallel_per_repository;
        let mut all = Self { bound, ..Self::default() };
        if bound.is_some() {
            all.of = plan.tasks.iter().map(|task| all.index_of(task)).collect();
        }
        all
    }

    fn index_of(&mut self, task: &Task) -> Option<usize> {
        let name = task.source.as_ref()?.github.to_ascii_lowercase();
        let next = self.repositories.len();
        let index = *self.by_name.entry(name).or_insert(next);
        if index == next {
            let name = task.source.as_ref()?.github.clone();
            self.repositories.push(Repository { name, ..Repository::default() });
        }
        Some(index)
    }

    fn repository(&mut self, ix: TaskIx) -> Option<(usize, &mut Repository)> {
        let index = (*self.of.get(ix.0)?)?;
        Some((index, &mut self.repositories[index]))
    }

    /// A task has taken a slot, or given it back.
    pub(super) fn on_slot(&mut self, ix: TaskIx, was_held: bool, is_held: bool) {
        let Some((index, repository)) = self.repository(ix).filter(|_| was_held != is_held) else { return };
        repository.held = repository.held + usize::from(is_held) - usize::from(was_held);
        self.changed.insert(index);
    }

    /// A task of it was left with a live session.
    pub(super) fn on_left(&mut self, ix: TaskIx) {
        if let Some((index, repository)) = self.repository(ix) {
            repository.left += 1;
            self.with_others.insert(index);
        }
    }

    /// A live session that nobody of this run follows.
    pub(super) fn add_other(&mut self, github: &str, session: SessionId) {
        if let Some(&index) = self.by_name.get(&github.to_ascii_lowercase()) {
            self.repositories[index].others.insert(session);
            self.with_others.insert(index);
        }
    }

    /// That session has ended, or is ours now.
    pub(super) fn drop_other(&mut self, session: &SessionId) -> bool {
        let mut of = self.with_others.iter().copied();
        let found = of.find(|&index| self.repositories[index].others.remove(session));
        self.changed.extend(found);
        found.is_some()
    }

    /// Takes a task into the queue of its repository; false where it is ready without. `old`: a session of its own, which is
    /// read again first. If that one may be live it has its place already.
    pub(super) fn queue(&mut self, ix: TaskIx, turn: u64, old: Option<&SessionId>) -> bool {
        let Some((index, repository)) = self.repository(ix) else { return false };
        if old.is_some_and(|old| repository.others.contains(old)) {
            repository.ready += 1;
            return false;
        }
        let is_new = repository.waiting.insert((turn, ix));
        self.waiting += usize::from(is_new);
        self.changed.insert(index);
        true
    }

    /// The task is in no queue any more. `was_ready`: it could have started.
    pub(super) fn unqueue(&mut self, ix: TaskIx, turn: u64, was_ready: bool) {
        let Some((index, repository)) = self.repository(ix) else { return };
        let was_waiting = repository.waiting.remove(&(turn, ix));
        repository.ready -= usize::from(was_ready);
        self.waiting -= usize::from(was_waiting);
        if was_ready || was_waiting {
            self.changed.insert(index);
        }
    }

    /// The tasks that have a place now.
    pub(super) fn admitted(&mut self) -> Vec<Turn> {
        let Some(bound) = self.bound else { return Vec::new() };
        let mut admitted = Vec::new();
        for index in std::mem::take(&mut self.changed) {
            let repository = &mut self.repositories[index];
            while repository.taken() + repository.ready < bound
                && let Some(first) = repository.waiting.pop_first()
            {
                repository.ready += 1;
                self.waiting -= 1;
                admitted.push(first);
            }
        }
        admitted
    }

    /// Which sessions of others are to be polled from now on, and which no more: only those that a task waits for.
    pub(super) fn watch(&mut self) -> Watch {
        let mut watch = Watch::default();
        for &index in &self.with_others {
            let Repository { waiting, others, is_watched, .. } = &mut self.repositories[index];
            watch.switch(is_watched, !waiting.is_empty(), others);
        }
        watch
    }

    /// Whether a session of others is polled.
    pub(super) fn watches(&self, session: &SessionId) -> bool {
        let mut of = self.with_others.iter().map(|&index| &self.repositories[index]);
        of.any(|repository| repository.is_watched && repository.others.contains(session))
    }

    /// The tasks that get no place in this invocation, and why: only sessions that nobody waits for are in their way
    /// (`waits` is off), or have been for so long.
    pub(super) fn given_up(
        &mut self,
        waits: bool,
        patience: Duration,
        now: Instant,
    ) -> Vec<(TaskIx, String)> {
        let Some(bound) = self.bound.filter(|_| self.waiting > 0) else { return Vec::new() };
        let mut given_up = Vec::new();
        for &index in &self.with_others {
            let repository = &mut self.repositories[index];
            if !repository.is_stuck(bound) {
                repository.stuck_since = None;
                continue;
            }
            let since = *repository.stuck_since.get_or_insert(now);
            if waits && repository.left < bound && now < since + patience {
                continue;
            }
            let name = &repository.name;
            let reason = match repository.taken() {
                1 => format!("not started: {name} has a live session that this run does not follow, and "),
                n => format!("not started: {name} has {n} live sessions that this run does not follow, and "),
            };
            let reason = format!("{reason}`max-parallel-per-repository` is {bound}");
            given_up.extend(repository.waiting.iter().map(|(_, ix)| (*ix, reason.clone())));
        }
        given_up
    }

    /// When [`Repositories::given_up`] has something to say by time alone.
    pub(super) fn wake_at(&self, patience: Duration) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        let stuck = self.with_others.iter().filter_map(|&index| self.repositories[index].stuck_since);
        stuck.min().map(|at| at + patience)
    }

    /// What waits for a place, for people.
    pub(super) fn held_back(&self) -> Option<HeldBack> {
        let bound = self.bound.filter(|_| self.waiting > 0)?;
        let mut longest: Vec<_> = self.repositories.iter().filter(|it| !it.waiting.is_empty()).collect();
        longest.sort_by_key(|repository| std::cmp::Reverse(repository.waiting.len()));
        let repositories = longest.iter().take(NAMED).map(|repository| repository.name.clone()).collect();
        Some(HeldBack { tasks: self.waiting, repositories, more: longest.len().saturating_sub(NAMED), bound })
    }

    /// For a dry run, in which every session ends: those of others as well. Whether there was one.
    pub(super) fn end_others(&mut self) -> bool {
        let with_others = std::mem::take(&mut self.with_others);
        with_others.iter().for_each(|&index| self.repositories[index].others.clear());
        self.changed.extend(&with_others);
        !with_others.is_empty()
    }
}
