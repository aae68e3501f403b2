//! What a run goes on with, and which of the plan's tasks it works on: decided here alone, for `run` and its dry run.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Options, RunError};
use crate::engine::{self, StopReason};
use crate::ledger::{Latest, LedgerReader, ManifestIdentity, StoredRun};
use crate::outcome::{Outcome, RunId, RunRecord, TaskRecord};
use crate::plan::{Plan, Task, TaskId};

/// The decision, and what it rests on.
pub(super) struct Work {
    /// Without the tasks that are no business of this invocation.
    pub(super) plan: Plan,
    /// The manifest's last run.
    pub(super) last: Option<StoredRun>,
    /// Whether that one is continued.
    pub(super) goes_on: bool,
    /// How the engine is to run it.
    pub(super) engine: engine::Options,
}

impl Work {
    /// Decides by what the ledger says; none is an empty one.
    ///
    /// # Errors
    ///
    /// [`RunError::NothingFailed`], [`RunError::Ledger`].
    pub(super) fn decide(
        mut plan: Plan,
        identity: &ManifestIdentity,
        options: &Options,
        reader: Option<&LedgerReader>,
    ) -> Result<Self, RunError> {
        let last = reader.map(|reader| reader.last_run(identity)).transpose()?.flatten();
        let adopt_within = plan.settings.adoption.adopt_within;
        let failed = options.failed || last.as_ref().is_some_and(|last| is_rerun(&last.record, options));
        let goes_on =
            last.as_ref().is_some_and(|last| goes_on(&last.record, failed, options.fresh, adopt_within));
        let mut earlier = HashMap::new();
        let is_asked = failed || plan.tasks.iter().any(|task| !task.needs_outside.is_empty());
        let latest = reader.filter(|_| is_asked).map(|reader| reader.latest(identity)).transpose()?;
        let latest = latest.unwrap_or_default();
        if failed {
            let known = last.as_ref().map(|last| &last.record).filter(|_| goes_on);
            // Another attempt at a workflow begins what no attempt before has come to; `--failed` leaves it.
            let is_new = |task: &Task| !options.failed && latest_of(task, &latest).is_none();
            let again: BTreeSet<usize> = (0..plan.tasks.len())
                .filter(|&at| is_again(&plan.tasks[at], &latest) || is_new(&plan.tasks[at]))
                .collect();
            if again.is_empty() {
                return Err(RunError::NothingFailed);
            }
            let elsewhere = again.iter().map(|&at| &plan.tasks[at].id);
            let elsewhere = elsewhere.filter(|id| known.is_none_or(|known| !known.tasks.contains_key(*id)));
            if let Some(reader) = reader {
                earlier = records(reader, elsewhere, &latest)?;
            }
            let stays = |task: &Task| {
                known.and_then(|known| known.tasks.get(&task.id)).is_some_and(|t| t.planned.key == task.key)
            };
            let kept: Vec<usize> =
                (0..plan.tasks.len()).filter(|at| again.contains(at) || stays(&plan.tasks[*at])).collect();
            plan.keep(&kept);
        }
        if options.ignore_needs {
            plan.tasks.iter_mut().for_each(|task| task.needs_outside = Arc::default());
        }
        let outside = latest.into_iter().map(|(task, latest)| (task, latest.outcome)).collect();
        let is_bounded = plan.settings.strategy.max_parallel_per_repository.is_some();
        let this = last.as_ref().map(|last| &last.record.info.id).filter(|_| goes_on);
        let live_elsewhere = reader
            .filter(|_| is_bounded)
            .map(|reader| reader.live_sessions(this, identity.is_simulated()))
            .transpose()?
            .unwrap_or_default();
        let engine =
            engine::Options { rerun_failed: failed, earlier, outside, live_elsewhere, ..options.engine() };
        Ok(Self { plan, last, goes_on, engine })
    }
}

/// What `--failed` means: the task's latest outcome asks for another attempt, or it is open.
fn is_again(task: &Task, latest: &HashMap<TaskId, Latest>) -> bool {
    latest_of(task, latest).is_some_and(|latest| {
        latest.outcome.is_none_or(|outcome| outcome.is_open() || engine::runs_again(task, outcome))
    })
}

/// What became of the task when it was run last, perhaps before its branch was known.
fn latest_of<'l>(task: &Task, latest: &'l HashMap<TaskId, Latest>) -> Option<&'l Latest> {
    latest.get(&task.id).or_else(|| latest.get(&task.id_without_branch()?))
}

/// The records of these tasks in the runs that had them last.
fn records<'a>(
    reader: &LedgerReader,
    tasks: impl Iterator<Item = &'a TaskId>,
    latest: &HashMap<TaskId, Latest>,
) -> Result<HashMap<TaskId, TaskRecord>, RunError> {
    let mut by_run: HashMap<&RunId, Vec<&TaskId>> = HashMap::new();
    for (task, latest) in tasks.filter_map(|task| Some((task, latest.get(task)?))) {
        by_run.entry(&latest.run).or_default().push(task);
    }
    let mut records = HashMap::new();
    for (run, tasks) in by_run {
        let Some(StoredRun { mut record, .. }) = reader.run(run)? else { continue };
        let found =
            tasks.into_iter().filter_map(|task| Some((task.clone(), record.tasks.swap_remove(task)?)));
        records.extend(found);
    }
    Ok(records)
}

/// Whether this is another attempt at what the last run was begun for. Without that one's ledger it is a run like any
/// other: an older one knows nothing of what failed.
fn is_rerun(last: &RunRecord, options: &Options) -> bool {
    options.is_rerun
        && !options.fresh
        && options.workflow_run.is_some()
        && last.workflow_run == options.workflow_run
}

/// An earlier run is continued when it has open tasks or strays, or failed ones that are to be run again; never for a
/// fresh one.
fn goes_on(last: &RunRecord, failed: bool, fresh: bool, adopt_within: Duration) -> bool {
    let again = failed && last.tasks.values().any(TaskRecord::has_failed);
    // A task that left the manifest is skipped, and its doubt is nobody's.
    let is_in_doubt =
        |task: &TaskRecord| task.open_intent().is_some() && task.outcome != Some(Outcome::Skipped);
    let wanted = last.is_unfinished() || last.tasks.values().any(is_in_doubt) || again;
    !fresh && (wanted || was_cut_short(last, adopt_within, Timestamp::now()))
}

/// Whether the run was killed or interrupted after its last task and before its last listing, not long ago. Whoever
/// starts it again then does not want all of it twice; by the next night it is another matter, as with sessions that
/// are adopted.
fn was_cut_short(last: &RunRecord, adopt_within: Duration, now: Timestamp) -> bool {
    let last_sign = last.tasks.values().filter_map(|task| task.ended_at).max();
    let within = SignedDuration::try_from(adopt_within).unwrap_or(SignedDuration::MAX);
    let interrupted = [StopReason::Interrupt, StopReason::Terminate].map(StopReason::as_str);
    let stopped = last.stopped.as_deref().is_some_and(|stopped| interrupted.contains(&stopped));
    (last.ended_at.is_none() || stopped) && last_sign.is_some_and(|sign| now.duration_since(sign) <= within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{EventKind, sample};

    fn ended_with(outcome: Option<Outcome>) -> RunRecord {
        let mut events = sample::run_of(1);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 1);
        events.extend(outcome.map(|outcome| sample::event(9, sample::ended("task-0", outcome, None))));
        RunRecord::from_events(&events).unwrap()
    }

    /// The same after an end in order.
    fn closed_with(outcome: Outcome) -> RunRecord {
        let mut record = ended_with(Some(outcome));
        record.apply(&sample::event(10, EventKind::InvocationEnded { stopped: None }));
        record
    }

    fn goes_on(last: &RunRecord, options: &Options) -> bool {
        super::goes_on(last, options.failed, options.fresh, Duration::from_secs(60))
    }

    #[test]
    fn open_work_is_gone_on_with() {
        let plain = Options::default();
        let (fresh, failed) =
            (Options { fresh: true, ..plain.clone() }, Options { failed: true, ..plain.clone() });
        for open in [None, Some(Outcome::Deferred), Some(Outcome::Detached)] {
            assert!(goes_on(&ended_with(open), &plain), "{open:?}");
            assert!(!goes_on(&ended_with(open), &fresh), "{open:?}");
        }
        assert!(!goes_on(&closed_with(Outcome::Succeeded), &failed));
        assert!(!goes_on(&closed_with(Outcome::Failed), &plain));
        assert!(goes_on(&closed_with(Outcome::Failed), &failed));
    }

    #[test]
    fn a_run_that_died_at_its_very_end_is_closed_and_not_done_twice() {
        let died = ended_with(Some(Outcome::Succeeded));
        let end = died.tasks[0].ended_at.unwrap();
        let hour = Duration::from_secs(3_600);
        assert!(was_cut_short(&died, 6 * hour, end + hour));
        assert!(!was_cut_short(&died, 6 * hour, end + 7 * hour), "the next night does its own work");
        assert!(!was_cut_short(&closed_with(Outcome::Succeeded), 6 * hour, end + hour));
        let mut interrupted = closed_with(Outcome::Succeeded);
        interrupted.stopped = Some("terminate".to_owned());
        assert!(was_cut_short(&interrupted, 6 * hour, end + hour));
        interrupted.stopped = Some("deadline".to_owned());
        assert!(!was_cut_short(&interrupted, 6 * hour, end + hour));
    }
}
