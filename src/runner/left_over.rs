//! What earlier invocations left: sessions that were given up and not put away, as a deadline or a signal came first, and
//! what the round before has at work that nobody takes up.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::decision::Decision;
use crate::engine::LeftOver;
use crate::ledger::Facts;
use crate::outcome::{Marker, RunRecord, TaskRecord};
use crate::plan::{GiveUp, Task, TaskId};
use jules::SessionId;

/// What was given up longer ago is left alone: so far back runs look for sessions as well.
const OLDEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A run looks at so many: the others are left to the next one.
const MOST: usize = 100;

/// Those of tasks that the run does not work on; another attempt sees to the session before by itself.
pub(super) fn left_over<'t>(
    tasks: impl Iterator<Item = ((&'t Task, &'t Facts), &'t Decision)>,
    known: Option<&RunRecord>,
    now: Timestamp,
) -> Vec<LeftOver> {
    let of = |((task, facts), decision): ((&Task, &Facts), &Decision)| {
        let is_over = !decision.is_work() && *decision != Decision::Needs;
        let loose = facts.loose.as_ref().filter(|_| is_over && task.give_up == GiveUp::Archive)?;
        let last = loose.record.last_attempt().filter(|last| last.is_left())?;
        let at = last.ended_at.filter(|at| now.duration_since(*at) < OLDEST)?;
        let session = last.session.as_ref()?.id.clone();
        let is_here = known.is_some_and(|known| known.info.id == loose.run);
        let (attempt, state) = (is_here.then_some(last.number), last.state.clone());
        Some(LeftOver { task: loose.record.planned.id.clone(), attempt, session, state, at })
    };
    tasks.filter_map(of).take(MOST).collect()
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
