//! `pull-requests.max-open` and `max-open-per-repository`: how many pull requests of ours may be open. A session at work
//! counts as the one that it may make, and so does a task that is to start: it has a place.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::engine::action::TaskIx;
use crate::outcome::{AttemptRecord, Outcome, RunRecord, TaskRecord};
use crate::plan::{Plan, Task, TaskId};
use jules::SessionId;

/// A pull request that is open, or one that a session may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenPull {
    /// Its page, once it has one.
    pub url: Option<String>,
    /// The repository that it is in, `owner/repo`.
    pub repository: String,
}

impl OpenPull {
    /// What sessions of a task may make that were given up in another run and may be at work still: those that are `wanted`.
    pub(crate) fn to_come_of(
        task: &TaskRecord,
        is_wanted: impl Fn(&SessionId) -> bool,
    ) -> impl Iterator<Item = Self> {
        let repository = task.planned.source.as_ref().map(|source| &source.github);
        let is_wanted = move |attempt: &&AttemptRecord| {
            attempt.session.as_ref().is_some_and(|session| is_wanted(&session.id))
        };
        let to_come = given_up(task).filter(has_made_none).filter(is_wanted);
        to_come.filter_map(move |_| Some(Self { url: None, repository: repository?.clone() }))
    }
}

/// Who has a place, and what is open beside. Nothing is counted without a bound.
#[derive(Debug, Default)]
pub(super) struct OpenPulls {
    most: Option<usize>,
    most_in_one: Option<usize>,
    /// What other runs have open, and what may be at work there.
    elsewhere: Vec<OpenPull>,
    /// For each task that may open one, its repository.
    of: HashMap<TaskIx, String>,
    /// Pages that are there no more: a simulated GitHub begins with its invocation.
    gone: HashSet<String>,
    /// Tasks that open none.
    never: HashSet<TaskId>,
    /// Tasks that have a place.
    placed: BTreeSet<TaskIx>,
    /// Tasks that have none yet.
    waiting: BTreeSet<TaskIx>,
    open: Counts,
}

/// How many are open or being made.
#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_repository: HashMap<String, usize>,
}

impl Counts {
    fn add(&mut self, repository: &str, count: usize) {
        if count > 0 {
            *self.by_repository.entry(repository.to_ascii_lowercase()).or_default() += count;
            self.all += count;
        }
    }

    fn of(&self, repository: &str) -> usize {
        self.by_repository.get(&repository.to_ascii_lowercase()).copied().unwrap_or_default()
    }
}

impl OpenPulls {
    pub(super) fn new(plan: &Plan, record: &RunRecord, elsewhere: &[OpenPull]) -> Self {
        let bounds = &plan.settings.pull_requests;
        let (most, most_in_one) = (bounds.max_open, bounds.max_open_per_repository);
        if most.is_none() && most_in_one.is_none() {
            return Self::default();
        }
        let opens = |task: &Task| task.source.as_ref().filter(|_| task.auto_pr).map(|it| it.github.clone());
        let of: HashMap<TaskIx, String> =
            (0..).map(TaskIx).zip(&plan.tasks).filter_map(|(ix, task)| Some((ix, opens(task)?))).collect();
        let waiting = of.keys().copied().collect();
        let none = plan.tasks.iter().filter(|task| opens(task).is_none());
        let never = none.map(|task| task.id.clone()).collect();
        let earlier = record.tasks.values().filter(|_| plan.settings.simulated.is_some());
        let gone = earlier.flat_map(|task| task.every_pull_request().map(|pull| pull.url.clone())).collect();
        Self { most, most_in_one, elsewhere: elsewhere.to_vec(), of, gone, never, waiting, ..Self::default() }
    }

    /// Whether tasks wait for a place.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn holds(&self, ix: TaskIx) -> bool {
        self.waiting.contains(&ix)
    }

    /// The task has ended an attempt that may have opened one: another needs another place.
    pub(super) fn leave(&mut self, ix: TaskIx) {
        if self.placed.remove(&ix) {
            self.waiting.insert(ix);
        }
    }

    /// Counts anew what is open by the record. Tasks that are `over` need no place, and those `at_work` have one, whatever
    /// the bounds say.
    pub(super) fn count(
        &mut self,
        record: &RunRecord,
        plan: &Plan,
        is_over: impl Fn(TaskIx) -> bool,
        is_at_work: impl Fn(TaskIx) -> bool,
    ) {
        for ix in self.of.keys().copied() {
            if is_over(ix) {
                self.placed.remove(&ix);
                self.waiting.remove(&ix);
            } else if is_at_work(ix) {
                self.waiting.remove(&ix);
                self.placed.insert(ix);
            } else if !self.placed.contains(&ix) {
                self.waiting.insert(ix);
            }
        }
        self.open = Counts::default();
        let mut told: HashSet<&str> = HashSet::new();
        for task in record.tasks.values().chain(&record.superseded) {
            told.extend(task.every_pull_request().map(|pull| &*pull.url));
            let Some(source) = &task.planned.source else { continue };
            let to_come = if self.never.contains(&task.planned.id) { 0 } else { to_come(task) };
            let open = urls_open(task).filter(|url| !self.gone.contains(*url)).count();
            self.open.add(&source.github, open + to_come);
        }
        let unknown = |pull: &&OpenPull| pull.url.as_deref().is_none_or(|url| !told.contains(url));
        for pull in self.elsewhere.iter().filter(unknown) {
            self.open.add(&pull.repository, 1);
        }
        for ix in &self.placed {
            let known = record.tasks.get(&plan[*ix].id);
            if !known.and_then(TaskRecord::last_attempt).is_some_and(AttemptRecord::is_at_work) {
                self.open.add(&self.of[ix], 1);
            }
        }
    }

    /// Gives the task a place if there is one.
    pub(super) fn place(&mut self, ix: TaskIx) -> bool {
        let Some(repository) = self.of.get(&ix).filter(|repository| self.full(repository).is_none()) else {
            return false;
        };
        self.open.add(repository, 1);
        self.waiting.remove(&ix);
        self.placed.insert(ix);
        true
    }

    /// Those that wait for a place, in the order of the plan.
    pub(super) fn waiting(&self) -> Vec<TaskIx> {
        self.waiting.iter().copied().collect()
    }

    /// Why the task does not start; none for one that waits for no place.
    pub(super) fn why(&self, ix: TaskIx) -> Option<String> {
        let why = self.full(self.of.get(&ix).filter(|_| self.holds(ix))?)?;
        Some(format!("not started: {why}"))
    }

    fn full(&self, repository: &str) -> Option<String> {
        let pulls = |count| match count {
            1 => "1 pull request open or being made".to_owned(),
            _ => format!("{count} pull requests open or being made"),
        };
        let here = self.open.of(repository);
        if let Some(bound) = self.most_in_one.filter(|bound| here >= *bound) {
            let bound = format!("`pull-requests.max-open-per-repository` is {bound}");
            return Some(format!("{repository} has {}, and {bound}", pulls(here)));
        }
        let bound = self.most.filter(|bound| self.open.all >= *bound)?;
        let are = if self.open.all == 1 { "is" } else { "are" };
        Some(format!("there {are} {}, and `pull-requests.max-open` is {bound}", pulls(self.open.all)))
    }
}

/// The pages of the task's pull requests that are open, as far as anybody knows.
fn urls_open(task: &TaskRecord) -> impl Iterator<Item = &str> {
    let is_over = |url: &str| task.pulls.of(url).is_some_and(|pull| pull.status.state.is_over());
    let urls: HashSet<&str> = task.every_pull_request().map(|pull| &*pull.url).collect();
    urls.into_iter().filter(move |url| !is_over(url))
}

/// How many sessions may be at work for it that have made none yet.
fn to_come(task: &TaskRecord) -> usize {
    let at_work = task.last_attempt().filter(|last| last.is_at_work());
    at_work.into_iter().chain(given_up(task)).filter(has_made_none).count()
}

/// What was given up goes on with `give-up: leave`, or until it is archived.
fn given_up(task: &TaskRecord) -> impl Iterator<Item = &AttemptRecord> {
    let outcomes = [Outcome::TimedOut, Outcome::Stalled, Outcome::NeedsInput];
    let is_given_up = move |attempt: &&AttemptRecord| {
        attempt.is_left() && attempt.outcome.is_some_and(|outcome| outcomes.contains(&outcome))
    };
    task.attempts.iter().filter(is_given_up)
}

fn has_made_none(attempt: &&AttemptRecord) -> bool {
    attempt.work.pull_requests().next().is_none()
}
