//! Waves: which repositories belong to which, and whether the next may begin. The verdict is a pure function of the record
//! and the time: a run that was killed and taken up again comes to the same one.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::outcome::{
    Checks, Outcome, PullChange, PullRecord, PullState, RunRecord, Stage, TaskRecord, WaitsFor,
};
use crate::plan::{PassWhen, Then, WaveOrder, WavePass, WaveSize, Waves};

/// The repositories, each once and in the manifest's order, as waves. None is empty.
pub(crate) fn split(repositories: &[&str], terms: &Waves) -> Vec<Vec<String>> {
    let mut known = BTreeSet::new();
    let mut rest: Vec<&str> = repositories.iter().copied().filter(|name| known.insert(*name)).collect();
    if terms.order == WaveOrder::Spread {
        rest.sort_by_cached_key(|name| Sha256::digest(name.as_bytes()).to_vec());
    }
    let all = rest.len();
    let mut sizes = terms.sizes.iter();
    let (mut waves, mut size) = (Vec::new(), &WaveSize::Percent(100.0));
    while !rest.is_empty() {
        size = sizes.next().unwrap_or(size);
        let wave = rest.drain(..size.of(all).min(rest.len())).map(str::to_owned).collect();
        waves.push(wave);
    }
    waves
}

/// The same waves with those repositories that are in none: they join the last one that may begin, or the first. None if
/// all are in one.
pub(crate) fn joined(
    waves: &[Vec<String>],
    repositories: &[&str],
    verdicts: &[Wave],
) -> Option<Vec<Vec<String>>> {
    let mut known: BTreeSet<&str> = waves.iter().flatten().map(String::as_str).collect();
    let new: Vec<String> =
        repositories.iter().filter(|name| known.insert(**name)).map(|name| (*name).to_owned()).collect();
    let last = verdicts.iter().rposition(|wave| wave.began_at.is_some()).unwrap_or(0);
    let mut joined = waves.to_vec();
    joined.get_mut(last).filter(|_| !new.is_empty())?.extend(new);
    Some(joined)
}

impl WaveSize {
    fn of(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count.max(1),
            Self::Percent(share) => share_of(share, all).max(1),
        }
    }
}

/// So many of a hundred, rounded up.
fn share_of(share: f64, all: usize) -> usize {
    // What binary fractions add must not make one more.
    (share * all as f64 / 100.0 - 1e-9).ceil().max(0.0) as usize
}

/// How a wave stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wave {
    /// When its tasks could begin; none if they cannot yet.
    pub(crate) began_at: Option<Timestamp>,
    /// Its tasks by what became of them.
    pub(crate) figures: Figures,
    pub(crate) verdict: Verdict,
}

/// What is to be said of a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The one before has not passed, or a person has to say that it may begin.
    Waiting,
    /// It may still pass; at this time it is judged anew, whatever happens.
    Open {
        /// When its time is over.
        until: Timestamp,
        /// Whether only people can bring it further.
        people: bool,
    },
    /// Enough are a success; it passes if that lasts until then.
    Soaking {
        /// When.
        until: Timestamp,
    },
    /// It has passed.
    Passed {
        /// When.
        at: Timestamp,
    },
    /// It has not: too few can be a success, or its time is over.
    Failed {
        /// Whether its time was over.
        late: bool,
    },
}

/// A wave's tasks: those that do not count are in none of the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// A success.
    pub(crate) good: usize,
    /// None, for good.
    pub(crate) bad: usize,
    /// Begun, and neither so far.
    pub(crate) pending: usize,
    /// Not begun: they keep a wave open and count against nobody.
    pub(crate) unstarted: usize,
    /// How many have to be a success.
    pub(crate) needed: usize,
}

impl Wave {
    /// In one line, why later waves do not begin.
    pub(crate) fn reason(&self, number: usize) -> String {
        let Figures { good, bad, pending, unstarted, needed } = self.figures;
        let open = pending + unstarted;
        let figures = format!("{good} good, {bad} bad, {open} open, {needed} needed");
        match self.verdict {
            Verdict::Waiting => format!("wave {number} has not begun"),
            Verdict::Open { .. } => format!("wave {number} is at work: {figures}"),
            Verdict::Soaking { until } => {
                format!("wave {number} has to last until {}: {figures}", until.strftime("%Y-%m-%d %H:%M UTC"))
            }
            Verdict::Passed { .. } => format!("wave {number} has passed; a person has to let the next begin"),
            Verdict::Failed { late: true } => format!("wave {number} was not through in time: {figures}"),
            Verdict::Failed { late: false } => format!("wave {number} has failed: {figures}"),
        }
    }

    /// Whether we, and not people, have something left with it.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.verdict, Verdict::Soaking { .. } | Verdict::Open { people: false, .. })
    }
}

/// How all waves of the record stand at this time.
pub(crate) fn verdicts(record: &RunRecord, terms: &Waves, now: Timestamp) -> Vec<Wave> {
    let sets = record.waves.sets();
    let of: HashMap<&str, usize> = sets
        .iter()
        .enumerate()
        .flat_map(|(at, set)| set.iter().map(move |name| (name.as_str(), at)))
        .collect();
    let mut tasks: Vec<Vec<Standing>> = vec![Vec::new(); sets.len()];
    for task in record.tasks.values() {
        let wave = task.planned.source.as_ref().and_then(|source| of.get(source.github.as_str()));
        if let (Some(wave), Some(standing)) = (wave, Standing::of(task, terms.pass.when)) {
            tasks[*wave].push(standing);
        }
    }
    let mut may_begin = record.waves.fixed_at();
    let mut waves = Vec::with_capacity(sets.len());
    for (number, tasks) in (1..).zip(&tasks) {
        let began_at = [may_begin, record.waves.released_at(number)].into_iter().flatten().min();
        let began_at = began_at.filter(|began| *began <= now);
        let wave = Wave::judge(tasks, began_at, &terms.pass, now);
        may_begin = match (&wave.verdict, terms.then) {
            (Verdict::Passed { at }, Then::Continue) => Some(*at),
            _ => None,
        };
        waves.push(wave);
    }
    waves
}

/// Whether we, and not people, have something left that later waves wait for: a run that ends now is to be begun again.
pub(crate) fn is_left(waves: &[Wave]) -> bool {
    waves.windows(2).any(|pair| pair[0].is_ours() && pair[1].began_at.is_none())
}

/// Whether tasks of this repository may begin. What is in no wave is held by none.
pub(crate) fn may_begin(record: &RunRecord, waves: &[Wave], repository: Option<&str>) -> bool {
    let sets = record.waves.sets();
    let of = repository.and_then(|name| sets.iter().position(|set| set.iter().any(|it| it == name)));
    of.and_then(|wave| waves.get(wave)).is_none_or(|wave| wave.began_at.is_some())
}

impl Wave {
    fn judge(tasks: &[Standing], began_at: Option<Timestamp>, pass: &WavePass, now: Timestamp) -> Self {
        let count = |wanted: fn(&Standing) -> bool| tasks.iter().filter(|standing| wanted(standing)).count();
        let figures = Figures {
            good: count(|it| matches!(it, Standing::Good { .. })),
            bad: count(|it| *it == Standing::Bad),
            pending: count(|it| matches!(it, Standing::Pending { .. })),
            unstarted: count(|it| *it == Standing::Unstarted),
            // A wave without any success proves nothing, whatever share is asked for.
            needed: share_of(pass.min_success.0, tasks.len()).clamp(tasks.len().min(1), tasks.len()),
        };
        let verdict = began_at.map_or(Verdict::Waiting, |began| judge(tasks, &figures, began, pass, now));
        Self { began_at, figures, verdict }
    }
}

fn judge(
    tasks: &[Standing],
    figures: &Figures,
    began: Timestamp,
    pass: &WavePass,
    now: Timestamp,
) -> Verdict {
    let after = |time: Timestamp, span: std::time::Duration| {
        SignedDuration::try_from(span)
            .ok()
            .and_then(|span| time.checked_add(span).ok())
            .unwrap_or(Timestamp::MAX)
    };
    let until = after(began, pass.within);
    if let Some(met) = met_at(tasks, figures.needed, began).filter(|met| *met <= until) {
        let at = after(met, pass.soak);
        return if at <= now { Verdict::Passed { at } } else { Verdict::Soaking { until: at } };
    }
    if tasks.len() - figures.bad < figures.needed {
        return Verdict::Failed { late: false };
    }
    if until <= now {
        return Verdict::Failed { late: true };
    }
    let waits = |it: &Standing| matches!(it, Standing::Unstarted | Standing::Pending { people: false });
    Verdict::Open { until, people: !tasks.iter().any(waits) }
}

/// Since when enough of them are a success; at once where none has to be.
fn met_at(tasks: &[Standing], needed: usize, began: Timestamp) -> Option<Timestamp> {
    let since = |standing: &Standing| match standing {
        Standing::Good { since } => Some((*since).max(began)),
        _ => None,
    };
    let mut good: Vec<Timestamp> = tasks.iter().filter_map(since).collect();
    good.sort_unstable();
    needed.checked_sub(1).map_or(Some(began), |last| good.get(last).copied())
}

/// What became of a task, as its wave counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unstarted,
    Pending {
        /// Whether it waits for people.
        people: bool,
    },
    Good {
        since: Timestamp,
    },
    Bad,
}

impl Standing {
    /// None if it does not count.
    fn of(task: &TaskRecord, when: PassWhen) -> Option<Self> {
        let began = task.last_attempt().is_some();
        Some(match task.outcome {
            Some(Outcome::Skipped) => return None,
            None | Some(Outcome::Deferred | Outcome::Detached) if !began => Self::Unstarted,
            None | Some(Outcome::Deferred | Outcome::Detached) => Self::Pending { people: false },
            Some(_) if task.has_failed() => Self::Bad,
            Some(_) => {
                let ended = Self::Good { since: task.ended_at? };
                match (task.pull_request(), when) {
                    // Where nothing had to change there is nothing to check.
                    (_, PassWhen::Ended) | (None, _) => ended,
                    (Some(_), when) => {
                        task.pull().map_or(Self::Pending { people: false }, |pull| Self::of_pull(pull, when))
                    }
                }
            }
        })
    }

    fn of_pull(pull: &PullRecord, when: PassWhen) -> Self {
        let status = &pull.status;
        match (status.state, when) {
            (PullState::Closed, _) => Self::Bad,
            (PullState::Merged, _) => Self::Good {
                since: status
                    .merged_at
                    .unwrap_or_else(|| since(&pull.history, |stage| stage == Stage::Merged)),
            },
            (PullState::Open, PassWhen::Checks)
                if status.checks == Some(Checks::Success) && may_have_passed(status.stage) =>
            {
                Self::Good { since: since(&pull.history, may_have_passed) }
            }
            _ => {
                let people = matches!(
                    status.stage.waits_for(),
                    WaitsFor::Person | WaitsFor::Reviewer | WaitsFor::Token
                );
                // Ready ones are merged when a person says so.
                let people = people || (when == PassWhen::Merged && status.stage.waits_for() == WaitsFor::Us);
                Self::Pending { people }
            }
        }
    }
}

/// Whether the checks of what stands there can have passed: a head that moves, or that is none of ours, proves nothing.
const fn may_have_passed(stage: Stage) -> bool {
    match stage {
        Stage::Merged
        | Stage::Draft
        | Stage::ChangesRequested
        | Stage::Queued
        | Stage::ReviewRequired
        | Stage::Behind
        | Stage::Blocked
        | Stage::Checking
        | Stage::Ready => true,
        Stage::Closed
        | Stage::Unknown
        | Stage::Foreign
        | Stage::Working
        | Stage::Touched
        | Stage::Conflict
        | Stage::ChecksFailed
        | Stage::ChecksPending
        | Stage::Unchecked => false,
    }
}

/// Since when all stages up to the last are such.
fn since(history: &[PullChange], is_such: impl Fn(Stage) -> bool) -> Timestamp {
    let such = history.iter().rev().take_while(|change| is_such(change.stage));
    such.last().or(history.last()).map_or(Timestamp::MAX, |change| change.at)
}

#[cfg(test)]
mod tests;
