//! Whether the next wave may begin. The verdict is a pure function of the record and the time: a run that was killed and
//! taken up again comes to the same one.

use jiff::{SignedDuration, Timestamp};

use super::{Checks, Outcome, PullChange, PullState, RunRecord, Stage, TaskRecord, WaitsFor, WaveTerms};
use crate::plan::{PassWhen, TaskId, Then};

/// So many of a hundred, rounded up.
pub(crate) fn share_of(share: f64, all: usize) -> usize {
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
    /// Since when the last of those stands that machines alone may bring further, such as checks; none if there is none.
    moves_since: Option<Timestamp>,
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
            Verdict::Open { .. } if good + bad + pending == 0 => {
                format!("wave {number} comes first: {figures}")
            }
            Verdict::Open { .. } => format!("wave {number} is at work: {figures}"),
            Verdict::Soaking { until } => {
                format!("wave {number} has to last until {}: {figures}", until.strftime("%Y-%m-%d %H:%M UTC"))
            }
            Verdict::Passed { .. } => format!("wave {number} has passed"),
            Verdict::Failed { late: true } => format!("wave {number} was not through in time: {figures}"),
            Verdict::Failed { late: false } => format!("wave {number} has failed: {figures}"),
        }
    }

    /// Whether it may be decided without people within this time: it has to last no longer than that, or its time is over
    /// then, or checks came no longer ago than that.
    fn is_decided_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        match self.verdict {
            Verdict::Soaking { until } => until.duration_since(now) <= time,
            Verdict::Open { until, people: false } => {
                let moves = self.moves_since.is_some_and(|since| now.duration_since(since) <= time);
                moves || until.duration_since(now) <= time
            }
            Verdict::Open { people: true, .. }
            | Verdict::Waiting
            | Verdict::Passed { .. }
            | Verdict::Failed { .. } => false,
        }
    }

    /// Whether we, and not people, have something left with it.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.verdict, Verdict::Soaking { .. } | Verdict::Open { people: false, .. })
    }
}

/// How all waves of the record stand at this time.
pub(crate) fn verdicts(record: &RunRecord, now: Timestamp) -> Vec<Wave> {
    let Some(terms) = record.waves.terms() else { return Vec::new() };
    let sets = record.waves.sets();
    let of = record.waves.by_repository();
    let wave_of = |name: &str| of.get(&*name.to_ascii_lowercase()).copied();
    let mut tasks: Vec<Vec<Standing>> = vec![Vec::new(); sets.len()];
    for task in record.tasks.values() {
        let wave = task.planned.source.as_ref().and_then(|source| wave_of(&source.github));
        if let (Some(wave), Some(standing)) = (wave, Standing::of(task, terms.when)) {
            tasks[wave].push(standing);
        }
    }
    for wave in record.waves.untouched().iter().filter_map(|name| wave_of(name)) {
        tasks[wave].push(Standing::Unstarted);
    }
    let mut may_begin = record.waves.fixed_at();
    let mut waves = Vec::with_capacity(sets.len());
    for (number, tasks) in (1..).zip(&tasks) {
        let began_at = [may_begin, record.waves.released_at(number)].into_iter().flatten().min();
        let began_at = began_at.filter(|began| *began <= now);
        let wave = Wave::judge(tasks, began_at, terms, now);
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

/// Whether a wave that later ones wait for, as they stand now, may be decided within this time without people. Where a
/// person is asked before the next one begins, that is what is told them.
pub(crate) fn is_decided_within(time: SignedDuration, waves: &[Wave], now: Timestamp) -> bool {
    waves.windows(2).any(|pair| pair[1].began_at.is_none() && pair[0].is_decided_within(time, now))
}

/// The tasks for which the wave that has begun last does not pass, where later ones wait for it and machines alone bring it no
/// further; with its number, from 1.
pub(crate) fn held_up(record: &RunRecord, now: Timestamp) -> Option<(usize, Vec<(&TaskId, &TaskRecord)>)> {
    let waves = verdicts(record, now);
    let at = waves.iter().position(|wave| wave.began_at.is_none())?.checked_sub(1)?;
    if !matches!(waves[at].verdict, Verdict::Failed { .. } | Verdict::Open { people: true, .. }) {
        return None;
    }
    let (when, of) = (record.waves.terms()?.when, record.waves.by_repository());
    let is_in = |task: &TaskRecord| {
        let source = task.planned.source.as_ref();
        source.is_some_and(|source| of.get(&*source.github.to_ascii_lowercase()) == Some(&at))
    };
    let holds = |task: &TaskRecord| {
        matches!(Standing::of(task, when), Some(Standing::Bad | Standing::Pending { .. }))
    };
    let tasks = record.tasks.iter().filter(|(_, task)| is_in(task) && holds(task));
    Some((at + 1, tasks.collect()))
}

impl Wave {
    fn judge(tasks: &[Standing], began_at: Option<Timestamp>, terms: &WaveTerms, now: Timestamp) -> Self {
        let count = |wanted: fn(&Standing) -> bool| tasks.iter().filter(|standing| wanted(standing)).count();
        let figures = Figures {
            good: count(|it| matches!(it, Standing::Good { .. })),
            bad: count(|it| *it == Standing::Bad),
            pending: count(|it| matches!(it, Standing::Pending { .. })),
            unstarted: count(|it| *it == Standing::Unstarted),
            // A wave without any success proves nothing, whatever share is asked for.
            needed: share_of(terms.min_success, tasks.len()).clamp(tasks.len().min(1), tasks.len()),
        };
        let verdict = began_at.map_or(Verdict::Waiting, |began| judge(tasks, &figures, began, terms, now));
        let moves_since = tasks.iter().filter_map(|standing| match standing {
            Standing::Pending { moves_since, .. } => *moves_since,
            Standing::Unstarted | Standing::Good { .. } | Standing::Bad => None,
        });
        Self { began_at, figures, verdict, moves_since: moves_since.max() }
    }
}

fn judge(
    tasks: &[Standing],
    figures: &Figures,
    began: Timestamp,
    terms: &WaveTerms,
    now: Timestamp,
) -> Verdict {
    let after = |time: Timestamp, span: SignedDuration| time.checked_add(span).unwrap_or(Timestamp::MAX);
    let until = after(began, terms.within());
    // When checks passed is when that was read: a wave whose time is over has failed only while too few are a success.
    if let Some(met) = met_at(tasks, figures.needed, began) {
        let at = after(met, terms.soak());
        return if at <= now { Verdict::Passed { at } } else { Verdict::Soaking { until: at } };
    }
    if tasks.len() - figures.bad < figures.needed {
        return Verdict::Failed { late: false };
    }
    if until <= now {
        return Verdict::Failed { late: true };
    }
    let waits = |it: &Standing| matches!(it, Standing::Unstarted | Standing::Pending { people: false, .. });
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
        /// Since when machines alone may bring it further, such as its checks.
        moves_since: Option<Timestamp>,
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
            None | Some(Outcome::Deferred | Outcome::Detached) => {
                Self::Pending { people: false, moves_since: None }
            }
            Some(_) if task.has_failed() => Self::Bad,
            Some(_) => {
                let ended = Self::Good { since: task.ended_at? };
                // Where nothing had to change there is nothing to check.
                let pulls = task.pull_requests().filter(|_| when != PassWhen::Ended);
                pulls.map(|pull| Self::of_pull(task, &pull.url, when)).reduce(Self::and).unwrap_or(ended)
            }
        })
    }

    /// A session may open several: all that are open have to be good, and one that was closed counts where no other is one.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bad, other) | (other, Self::Bad) => other,
            (Self::Good { since: one }, Self::Good { since: other }) => Self::Good { since: one.max(other) },
            (Self::Good { .. }, open) | (open, Self::Good { .. }) => open,
            // What waits for people waits for them whatever machines do beside it.
            (open @ Self::Pending { people: true, .. }, _) | (_, open) => open,
        }
    }

    fn of_pull(task: &TaskRecord, url: &str, when: PassWhen) -> Self {
        // It has not been read yet.
        let Some(pull) = task.pulls.of(url) else {
            return Self::Pending { people: false, moves_since: task.ended_at };
        };
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
                // Where it has to be merged, checks that pass leave it to people.
                let moves = !people && (when == PassWhen::Checks || status.stage == Stage::Queued);
                Self::Pending { people, moves_since: moves.then_some(status.since) }
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
