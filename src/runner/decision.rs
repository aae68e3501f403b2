//! What a `run` does with a task, by what the ledger says of it: decided here alone, for `plan`, `run -n`, `status` and
//! `run` alike, before anything is asked of the service.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::existing::EarlierPull;
use crate::engine::runs_again;
use crate::ledger::{Facts, Latest};
use crate::outcome::{Mark, Outcome, RunId};
use crate::plan::{Repeat, Task};
use jules::SessionId;

/// What becomes of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// A session is created for it, once the tasks that it needs have ended well.
    Start(Because),
    /// Its session is at work, or was when it was last looked at: it is followed.
    GoOn {
        /// The run that the session stands in.
        run: RunId,
        /// The session.
        session: SessionId,
    },
    /// It is not known whether its session was created: that is found out first.
    Settle {
        /// The run that the intent stands in.
        run: RunId,
    },
    /// It has ended well, and that still counts.
    Done {
        /// Since when.
        since: Timestamp,
        /// As what.
        outcome: Outcome,
        /// Whether its prompt has been edited since.
        edited: bool,
        /// The run that it was done in.
        run: RunId,
    },
    /// It has ended badly, and waits for `--failed`.
    Failed {
        /// Since when.
        since: Timestamp,
        /// As what.
        outcome: Outcome,
        /// Whether its prompt has been edited since.
        edited: bool,
        /// The run that it was done in.
        run: RunId,
    },
    /// It was skipped because of what it needs, and starts when that has ended well since.
    Needs,
    /// A person has said that it is not to be done.
    Skipped,
    /// It ends well with the pull request of an earlier run, and no session is created.
    Adopt(Box<EarlierPull>),
    /// It is skipped because of the pull request of an earlier run.
    SkipFor(Box<EarlierPull>),
    /// It waits for a later run: for what has to become of pull requests first.
    Held {
        /// What it waits for, in one line.
        why: String,
    },
    /// It is in a wave that may not begin yet.
    LaterWave {
        /// Why not, in one line.
        why: String,
    },
    /// It is skipped because what it needs has not ended well, was never run, or will not be merged.
    Unmet {
        /// Which need, and why not.
        why: String,
    },
    /// It was never run, and only what failed or is open was asked for.
    NotAsked,
    /// It cannot be run as it is written: it ends with an error, and no session is created.
    Impossible,
}

/// Why a session is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Because {
    /// It was never run.
    New,
    /// It belongs to a round, and was not started there, or not to its end.
    Open,
    /// A person has marked it open.
    Marked,
    /// It has ended badly, and `--failed` was given.
    Failed,
    /// It was skipped because of what it needs, and `--failed` was given.
    Needed,
    /// It has ended, and its `repeat` is over.
    Due,
    /// `--again` names it.
    Again,
    /// Its prompt was edited, and `--redo-edited` was given.
    Edited,
    /// `--fresh` was given.
    Fresh,
    /// `--recreate` names it.
    Recreated,
}

impl Because {
    /// Whether a word of the command line asks for it, in spite of an end that counts.
    #[must_use]
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Again | Self::Edited | Self::Fresh | Self::Recreated)
    }
}

impl Decision {
    /// Whether a `run` has something to do for it.
    #[must_use]
    pub const fn is_work(&self) -> bool {
        matches!(self, Self::Start(_) | Self::GoOn { .. } | Self::Settle { .. })
    }

    /// The outcome that it has without a session, by the pull requests of earlier runs.
    #[must_use]
    pub const fn by_pull_request(&self) -> Option<Outcome> {
        match self {
            Self::Adopt(_) => Some(Outcome::Succeeded),
            Self::SkipFor(_) | Self::Unmet { .. } => Some(Outcome::Skipped),
            _ => None,
        }
    }
}

/// What is asked for, as far as a task is concerned.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// Only what failed, and what is open.
    pub(super) failed: bool,
    /// With `failed`: tasks that were never run as well.
    pub(super) new_too: bool,
    /// A round of all tasks.
    pub(super) fresh: bool,
    /// This task once more.
    pub(super) again: bool,
    /// The same, whatever became of its pull requests.
    pub(super) recreate: bool,
    /// Tasks whose prompt was edited once more.
    pub(super) redo_edited: bool,
    /// What is live is archived and done once more.
    pub(super) replace_live: bool,
}

/// The round that a run would go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) id: RunId,
    pub(super) began: Timestamp,
    /// Whether all of its tasks have ended, or wait for a person.
    pub(super) is_complete: bool,
}

/// What becomes of a task.
pub(super) fn decide(
    task: &Task,
    facts: &Facts,
    last: Option<&Round>,
    asked: Asked,
    now: Timestamp,
) -> Decision {
    let once_more = match asked {
        Asked { recreate: true, .. } => Some(Because::Recreated),
        Asked { again: true, .. } => Some(Because::Again),
        Asked { fresh, .. } => fresh.then_some(Because::Fresh),
    };
    let mark = facts.latest.as_ref().and_then(|latest| latest.mark);
    if mark == Some(Mark::Skip) && once_more.is_none() {
        return Decision::Skipped;
    }
    let is_marked_done = mark == Some(Mark::Done) && once_more.is_none();
    let at_work = at_work(facts);
    if let Some(decision) = at_work.clone().filter(|_| !is_marked_done) {
        return match (once_more, decision) {
            (Some(because), Decision::GoOn { .. }) if asked.replace_live => Decision::Start(because),
            (_, decision) => decision,
        };
    }
    let Some(latest) = &facts.latest else {
        let left = asked.failed && !asked.new_too && once_more.is_none();
        return if left { Decision::NotAsked } else { Decision::Start(Because::New) };
    };
    let Some(outcome) = latest.outcome.filter(|outcome| !outcome.is_open()) else {
        let is_marked = mark == Some(Mark::Open);
        return Decision::Start(if is_marked { Because::Marked } else { Because::Open });
    };
    if let Some(because) = once_more {
        return Decision::Start(because);
    }
    match (ended(task, latest, outcome, last, asked, now), at_work) {
        // The word that it is done counts no more, and its session may be at work yet.
        (Decision::Start(_), Some(at_work)) => at_work,
        (decision, _) => decision,
    }
}

/// What may be at work of its last attempt. What was given up is only looked at before the next one.
fn at_work(facts: &Facts) -> Option<Decision> {
    let loose = facts.loose.as_ref()?;
    let last = loose.record.last_attempt()?;
    let run = loose.run.clone();
    match &last.session {
        None => Some(Decision::Settle { run }),
        // One that was about to be replaced is put away first.
        Some(session) if last.is_live() && !last.is_to_be_replaced() => {
            Some(Decision::GoOn { run, session: session.id.clone() })
        }
        Some(_) => None,
    }
}

fn ended(
    task: &Task,
    latest: &Latest,
    outcome: Outcome,
    last: Option<&Round>,
    asked: Asked,
    now: Timestamp,
) -> Decision {
    let has_needs = !task.needs.is_empty() || !task.needs_outside.is_empty();
    // In a manifest of another name it had another key.
    let is_same = latest.key == task.key || task.has_key_under(&latest.name, latest.key.as_str());
    // Of a prompt that cannot be had nobody knows whether it was edited.
    let edited = task.has_prompt() && !is_same;
    let (since, run) = (latest.ended_at.unwrap_or(latest.began), latest.run.clone());
    if !asked.failed && is_due(task.repeat, latest, last, now) {
        Decision::Start(Because::Due)
    } else if outcome == Outcome::Skipped {
        // A task that is back in the manifest was skipped for having left it.
        match has_needs {
            true if asked.failed => Decision::Start(Because::Needed),
            true => Decision::Needs,
            false => Decision::Start(Because::Open),
        }
    } else if outcome.counts_as_failed(task.on_no_change) {
        let again = asked.failed && runs_again(task, outcome);
        if again {
            Decision::Start(Because::Failed)
        } else {
            Decision::Failed { since, outcome, edited, run }
        }
    } else if edited && asked.redo_edited {
        Decision::Start(Because::Edited)
    } else {
        Decision::Done { since, outcome, edited, run }
    }
}

/// Whether what has ended in a round is to be done again: its time counts from the beginning of that round, so that a
/// night that took long is a night all the same.
fn is_due(repeat: Repeat, latest: &Latest, last: Option<&Round>, now: Timestamp) -> bool {
    match repeat {
        Repeat::Never => false,
        Repeat::Every(time) => is_over(latest.began, time, now),
        Repeat::Always => last.is_none_or(|last| last.id != latest.run || last.is_complete),
    }
}

/// Whether a task of this `repeat` that is to be worked on belongs to a new round.
pub(super) fn is_round_over(repeat: Repeat, last: &Round, now: Timestamp) -> bool {
    match repeat {
        Repeat::Never => false,
        Repeat::Every(time) => is_over(last.began, time, now),
        Repeat::Always => last.is_complete,
    }
}

/// One that begins later than that was dated by a clock that was wrong: nobody waits for its day.
pub(super) fn is_over(began: Timestamp, time: Duration, now: Timestamp) -> bool {
    now.duration_since(began).abs() >= SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::Loose;
    use crate::manifest::{LoadOptions, parse};
    use crate::outcome::{EventKind, RunRecord, sample};
    use crate::plan::{TaskKey, expand};

    const NIGHT: Repeat = Repeat::Every(Duration::from_secs(20 * 3_600));

    fn task(repeat: Repeat) -> Task {
        let text = "name: nightly\njobs: [{ id: a, prompt: Do it. }]";
        let manifest = parse(text, std::path::Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
        Task { repeat, ..expand(&manifest, None).unwrap().tasks.remove(0) }
    }

    fn hours(hours: i64) -> Timestamp {
        sample::at(hours * 3_600)
    }

    /// It stands so in the last run, which began at hour 0; the prompt is the one of today, or another.
    fn stands(outcome: Option<Outcome>, mark: Option<Mark>, edited: bool) -> Facts {
        let key = if edited { TaskKey::new("another") } else { task(Repeat::Never).key };
        let (run, name) = (sample::run_id(), "nightly".to_owned());
        let ended_at = outcome.map(|_| hours(6));
        Facts {
            latest: Some(Latest { run, began: hours(0), name, key, outcome, ended_at, mark }),
            loose: None,
        }
    }

    fn round(is_complete: bool) -> Round {
        Round { id: sample::run_id(), began: hours(0), is_complete }
    }

    fn word(decision: &Decision) -> &'static str {
        match decision {
            Decision::Start(Because::New) => "new",
            Decision::Start(Because::Open) => "open",
            Decision::Start(Because::Marked) => "marked",
            Decision::Start(Because::Failed) => "failed again",
            Decision::Start(Because::Needed) => "needed",
            Decision::Start(Because::Due) => "due",
            Decision::Start(Because::Again) => "again",
            Decision::Start(Because::Edited) => "edited",
            Decision::Start(Because::Fresh) => "fresh",
            Decision::Start(Because::Recreated) => "recreated",
            Decision::GoOn { .. } => "go on",
            Decision::Settle { .. } => "settle",
            Decision::Done { edited: false, .. } => "done",
            Decision::Done { edited: true, .. } => "kept",
            Decision::Failed { .. } => "waits",
            Decision::Needs => "needs",
            Decision::Skipped => "skipped",
            Decision::Adopt(_) | Decision::SkipFor(_) | Decision::Held { .. } | Decision::Unmet { .. } => {
                "by pull requests"
            }
            Decision::LaterWave { .. } => "later wave",
            Decision::NotAsked => "not asked",
            Decision::Impossible => "impossible",
        }
    }

    #[test]
    fn what_becomes_of_a_task_is_a_table() {
        let plain = Asked::default();
        let asked = [
            plain,
            Asked { failed: true, ..plain },
            Asked { fresh: true, ..plain },
            Asked { again: true, ..plain },
            Asked { redo_edited: true, ..plain },
        ];
        let good = Some(Outcome::Succeeded);
        let bad = Some(Outcome::TimedOut);
        // run, --failed, --fresh, --again, --redo-edited
        let table = [
            (Facts::default(), Repeat::Never, ["new", "not asked", "new", "new", "new"]),
            (stands(None, None, false), Repeat::Never, ["open"; 5]),
            (stands(Some(Outcome::Deferred), None, true), Repeat::Never, ["open"; 5]),
            (stands(good, None, false), Repeat::Never, ["done", "done", "fresh", "again", "done"]),
            (stands(good, None, true), Repeat::Never, ["kept", "kept", "fresh", "again", "edited"]),
            (stands(good, None, false), NIGHT, ["due", "done", "fresh", "again", "due"]),
            (stands(good, None, false), Repeat::Always, ["due", "done", "fresh", "again", "due"]),
            (stands(bad, None, false), Repeat::Never, ["waits", "failed again", "fresh", "again", "waits"]),
            (stands(bad, None, true), Repeat::Never, ["waits", "failed again", "fresh", "again", "waits"]),
            (stands(bad, None, false), NIGHT, ["due", "failed again", "fresh", "again", "due"]),
            (
                stands(Some(Outcome::Skipped), None, false),
                Repeat::Never,
                ["open", "open", "fresh", "again", "open"],
            ),
            (
                stands(Some(Outcome::Skipped), Some(Mark::Skip), false),
                NIGHT,
                ["skipped", "skipped", "fresh", "again", "skipped"],
            ),
            (
                stands(good, Some(Mark::Done), true),
                Repeat::Never,
                ["kept", "kept", "fresh", "again", "edited"],
            ),
            (stands(None, Some(Mark::Open), false), Repeat::Never, ["marked"; 5]),
        ];
        for (facts, repeat, expected) in table {
            let decided =
                asked.map(|asked| word(&decide(&task(repeat), &facts, Some(&round(true)), asked, hours(24))));
            assert_eq!(decided, expected, "{facts:?} {repeat:?}");
        }
    }

    #[test]
    fn a_night_counts_from_its_beginning_and_a_step_from_its_end() {
        let good = stands(Some(Outcome::Succeeded), None, false);
        let decided = |repeat, is_complete, hour| {
            word(&decide(&task(repeat), &good, Some(&round(is_complete)), Asked::default(), hours(hour)))
        };
        assert_eq!(decided(NIGHT, true, 19), "done");
        assert_eq!(decided(NIGHT, false, 20), "due", "it took until hour 6, and is due at hour 20");
        assert_eq!(decided(Repeat::Always, false, 1_000), "done", "its round is gone on with");
        assert_eq!(decided(Repeat::Always, true, 7), "due");
        assert_eq!(decided(Repeat::Never, true, 100_000), "done");
        for (repeat, is_complete, hour, is_over) in [
            (NIGHT, true, 19, false),
            (NIGHT, false, 20, true),
            (Repeat::Always, false, 1_000, false),
            (Repeat::Always, true, 0, true),
            (Repeat::Never, true, 100_000, false),
        ] {
            assert_eq!(is_round_over(repeat, &round(is_complete), hours(hour)), is_over, "{repeat:?}");
        }
    }

    /// What is left of an attempt that had this far.
    fn loose(events: &[EventKind]) -> Facts {
        let mut run = sample::run_of(1);
        run.truncate(sample::EVENTS_BEFORE_TASKS + 1);
        run.extend(events.iter().map(|kind| sample::event(9, kind.clone())));
        let record = RunRecord::from_events(&run).unwrap().tasks.swap_remove("task-0").unwrap();
        let mut facts = stands(record.outcome, None, true);
        facts.loose = Some(Loose { run: sample::run_id(), record });
        facts
    }

    #[test]
    fn what_may_be_at_work_is_taken_up_whatever_is_asked_for() {
        let intent = sample::intent("task-0", 1);
        let created = sample::created("task-0", 1, 7);
        let ended = |outcome| sample::ended("task-0", outcome, None);
        let left = [
            intent.clone(),
            created.clone(),
            sample::attempt_ended("task-0", 1, Outcome::TimedOut, None),
            ended(Outcome::TimedOut),
        ];
        let in_doubt = loose(&[intent.clone(), ended(Outcome::Detached)]);
        let live = loose(&[intent, created, ended(Outcome::Detached)]);
        let plain = Asked::default();
        for asked in [
            plain,
            Asked { failed: true, ..plain },
            Asked { fresh: true, ..plain },
            Asked { again: true, ..plain },
            Asked { redo_edited: true, ..plain },
        ] {
            for repeat in [Repeat::Never, NIGHT, Repeat::Always] {
                let decided =
                    |facts| word(&decide(&task(repeat), facts, Some(&round(true)), asked, hours(24)));
                assert_eq!(decided(&in_doubt), "settle", "{asked:?}");
                assert_eq!(decided(&live), "go on", "{asked:?}");
            }
        }
        let replace = Asked { fresh: true, replace_live: true, ..plain };
        let decided = |facts, asked| word(&decide(&task(Repeat::Never), facts, None, asked, hours(24)));
        assert_eq!(decided(&live, replace), "fresh");
        assert_eq!(decided(&in_doubt, replace), "settle");
        let marked = Facts {
            latest: stands(Some(Outcome::Succeeded), Some(Mark::Done), false).latest,
            ..live.clone()
        };
        let decided_by = |repeat| word(&decide(&task(repeat), &marked, Some(&round(true)), plain, hours(24)));
        assert_eq!(decided_by(Repeat::Never), "done");
        assert_eq!(
            decided_by(NIGHT),
            "go on",
            "the word is of the night before, and the session may be at work"
        );
        let left = loose(&left);
        assert_eq!(decided(&left, plain), "waits", "a look comes before its next attempt");
        assert_eq!(decided(&left, Asked { failed: true, ..plain }), "failed again");
    }

    #[test]
    fn what_was_skipped_for_a_need_starts_when_that_allows_it() {
        let mut task = task(Repeat::Never);
        task.needs_outside = Arc::from([crate::plan::TaskId::new("before")]);
        let skipped = stands(Some(Outcome::Skipped), None, false);
        let decided = |asked| word(&decide(&task, &skipped, Some(&round(true)), asked, hours(24)));
        assert_eq!(decided(Asked::default()), "needs");
        assert_eq!(decided(Asked { failed: true, ..Asked::default() }), "needed", "it has not failed");
    }
}
