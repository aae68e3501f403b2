//! What earlier invocations left: sessions that were given up and not put away, as a deadline or a signal came first, and
//! what the round before has at work that nobody takes up.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::decision::Decision;
use super::{Options, RunError};
use crate::engine::{GivenUp, LeftOver};
use crate::ledger::{Facts, LedgerReader, Loose, ManifestIdentity};
use crate::outcome::{Marker, RunRecord, TaskRecord};
use crate::plan::{GiveUp, Plan, Task, TaskId};
use jules::SessionId;

/// What was given up longer ago is left alone: so far back runs look for sessions as well.
const OLDEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A run looks at so many: the others are left to the next one.
const MOST: usize = 100;

/// Those of tasks that the run does not work on; another attempt sees to the session before by itself.
pub(super) fn left_over<'t>(
    tasks: impl Iterator<Item = ((&'t Task, &'t Facts), &'t Decision)>,
    removed: &[Loose],
    known: Option<&RunRecord>,
    now: Timestamp,
) -> Vec<LeftOver> {
    let is_to_be_seen_to = |((task, facts), decision): ((&'t Task, &'t Facts), &Decision)| {
        let is_over = !decision.is_work() && *decision != Decision::Needs;
        facts.loose.as_ref().filter(|_| is_over && task.give_up == GiveUp::Archive)
    };
    let of = |loose: &Loose| {
        let last = loose.record.last_attempt()?;
        let given_up = GivenUp::of(last).filter(|left| now.duration_since(left.at) < OLDEST)?;
        let session = last.session.as_ref()?.id.clone();
        let is_here = known.is_some_and(|known| known.info.id == loose.run);
        let (task, attempt) = (loose.record.planned.id.clone(), is_here.then_some(last.number));
        Some(LeftOver { task, attempt, session, given_up })
    };
    tasks.filter_map(is_to_be_seen_to).chain(removed).filter_map(of).take(MOST).collect()
}

/// What was given up of tasks that the manifest does not hold any more, and is to be put away: by its present word on the
/// job, if that is still there, or else by what was begun. Of a part of the manifest nobody can tell what has left it.
pub(super) fn removed(
    plan: &Plan,
    identity: &ManifestIdentity,
    options: &Options,
    reader: Option<&LedgerReader>,
    now: Timestamp,
) -> Result<Vec<Loose>, RunError> {
    let is_whole = !options.selection.is_partial() && plan.unresolved.is_empty();
    let Some(reader) = reader.filter(|_| is_whole) else { return Ok(Vec::new()) };
    let planned: HashSet<&TaskId> = plan.tasks.iter().map(|task| &task.id).collect();
    let is_to_be_put_away = |loose: &Loose| {
        let job = plan.tasks.iter().find(|task| task.job == loose.record.planned.job);
        let was_begun = || loose.record.last_attempt().is_some_and(|last| last.archiving);
        let is_word = job.map_or_else(was_begun, |job| job.give_up == GiveUp::Archive);
        is_word && !loose.record.is_among(&planned)
    };
    let mut left = reader.left(identity, since(now), |task| !planned.contains(task))?;
    left.retain(is_to_be_put_away);
    Ok(left)
}

/// What was given up before that is looked at no more.
pub(super) fn since(now: Timestamp) -> Timestamp {
    now.saturating_sub(OLDEST).unwrap_or(Timestamp::MIN)
}

/// What of the round before holds slots in the next one.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Live sessions.
    pub(super) live: Vec<SessionId>,
    /// Creates in doubt.
    pub(super) in_doubt: Vec<Marker>,
}

impl Left {
    /// But for what is this run's `own`: the sessions, and the tasks with what is taken up of them.
    pub(super) fn of(
        last: &RunRecord,
        own: &HashSet<&SessionId>,
        taken_up: &HashMap<TaskId, TaskRecord>,
    ) -> Self {
        let tasks = || last.tasks.values().chain(&last.superseded);
        let live = tasks().filter_map(TaskRecord::live).filter(|session| !own.contains(session));
        let left = tasks().filter(|task| !taken_up.contains_key(&task.planned.id));
        let in_doubt = left.filter_map(|task| Some(task.open_intent()?.marker.clone()));
        Self { live: live.cloned().collect(), in_doubt: in_doubt.collect() }
    }
}
