//! How a run lies in its manifest: what of that was never run, and what ended in earlier rounds.

use std::collections::HashSet;

use jiff::Timestamp;

use super::decision::{Decision, is_over};
use super::outlook::Outlook;
use crate::ledger::{Latest, LedgerError, LedgerReader, ManifestIdentity};
use crate::outcome::{EarlierEnd, Mark, Moved, Outcome, RoundInfo, RunRecord};
use crate::plan::{Plan, Repeat, Selection, TaskId};

/// How many earlier runs a run is told beside.
const RUNS_BEFORE: usize = 10;

/// The manifest's tasks that a selection leaves out.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut(Vec<(TaskId, Repeat)>);

impl LeftOut {
    /// All of the plan, before the selection. A shard tells of its own tasks alone.
    pub(super) fn before(plan: &Plan, selection: &Selection) -> Self {
        let tasks = plan.tasks.iter().filter(|_| selection.is_partial() && selection.shard.is_none());
        Self(tasks.map(|task| (task.id.clone(), task.repeat)).collect())
    }

    /// Without what was selected.
    pub(super) fn without(mut self, plan: &Plan) -> Self {
        if !self.0.is_empty() {
            let selected: HashSet<&TaskId> = plan.tasks.iter().map(|task| &task.id).collect();
            self.0.retain(|(task, _)| !selected.contains(task));
        }
        self
    }
}

/// What is known of the manifest beside the tasks of the run: those that it has, and those of the plan.
pub(super) fn info(
    reader: &LedgerReader,
    identity: &ManifestIdentity,
    (record, plan, file): (&RunRecord, &Plan, Option<&str>),
    (outlook, left_out, is_shard): (&Outlook, &LeftOut, bool),
    now: Timestamp,
) -> Result<RoundInfo, LedgerError> {
    let planned: HashSet<&TaskId> = plan.tasks.iter().map(|task| &task.id).collect();
    let is_other = |task: &TaskId| !planned.contains(task) && !record.tasks.contains_key(task);
    let selected = outlook.tasks.iter().map(|(task, decision)| (task, *decision != Decision::NotAsked, None));
    let left_out = left_out.0.iter().map(|(task, repeat)| (task, true, Some(*repeat)));
    let others: Vec<_> = selected.chain(left_out).filter(|(task, ..)| is_other(task)).collect();
    let latest = reader.latest(identity, others.iter().map(|(task, ..)| *task))?;
    let known = &record.info;
    let is_moved = known.manifest != plan.manifest || known.file.as_deref() != file;
    let here = || Moved { manifest: plan.manifest.clone(), file: file.map(str::to_owned) };
    let moved = if is_moved { Some(here()) } else { record.round.moved.clone() };
    let mut info =
        RoundInfo { moved, sessions_per_day: plan.settings.limits.sessions_per_day, ..RoundInfo::default() };
    if !is_shard {
        (info.before, info.failed_before) = reader.runs_before(identity, &known.id, RUNS_BEFORE)?;
        info.before.reverse();
    }
    for (task, may_have_ended, repeat) in others {
        let latest = latest.get(task).filter(|_| may_have_ended);
        let end = latest.and_then(|latest| end(task, latest, repeat.unwrap_or_default(), now));
        match end {
            Some(end) => info.earlier.push(end),
            None => info.untouched += 1,
        }
    }
    Ok(info)
}

/// How it ended last, if that still counts.
fn end(task: &TaskId, latest: &Latest, repeat: Repeat, now: Timestamp) -> Option<EarlierEnd> {
    let outcome = latest.outcome.filter(|outcome| !outcome.is_open())?;
    let is_due = match repeat {
        Repeat::Never => false,
        Repeat::Every(time) => is_over(latest.began, time, now),
        Repeat::Always => true,
    };
    // What was skipped for a need, or because it had left the manifest, is open.
    let is_open = outcome == Outcome::Skipped && latest.mark != Some(Mark::Skip);
    let at = latest.ended_at.unwrap_or(latest.began);
    (!is_due && !is_open).then(|| EarlierEnd { task: task.clone(), run: latest.run.clone(), outcome, at })
}
