//! Which round a run goes on with, and which of the plan's tasks it works on: by the decision on each task.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::decision::{Asked, Because, Decision, Round, decide, is_round_over};
use super::existing;
use super::left_over::{self, Left};
use super::merges::Merges;
use super::outlook::Outlook;
use super::pulls::{PullsBefore, Records};
use super::waves;
use super::{Options, RunError};
use crate::engine::{self, Held, OpenPull, StopReason, patience};
use crate::ledger::{Facts, LedgerReader, Loose, ManifestIdentity, StoredRun};
use crate::outcome::{
    AttemptRecord, EventKind, Outcome, RunId, RunRecord, TaskRecord, is_decided_within, is_merged_within,
    is_waiting, verdicts,
};
use crate::plan::{Plan, Task, TaskId, TaskKey};
use jules::SessionId;

/// What there is to do, and what it rests on.
pub(super) struct Work {
    /// Without the tasks that are no business of this invocation.
    pub(super) plan: Plan,
    /// What becomes of each task of the whole plan.
    pub(super) outlook: Outlook,
    /// The round that is gone on with, or else the one before.
    pub(super) last: Option<StoredRun>,
    /// Whether that one is continued.
    pub(super) goes_on: bool,
    /// What is recorded first: of the tasks that end with the pull requests of earlier runs.
    pub(super) by_pulls: Vec<EventKind>,
    /// What is recorded of waves after that.
    pub(super) of_waves: Vec<EventKind>,
    /// The run with all of that, where it has waves.
    waved: Option<RunRecord>,
    /// How the engine is to run it.
    pub(super) engine: engine::Options,
}

impl Work {
    /// The tasks of which something from before is followed, by the keys that it stands under, since their prompts may be others
    /// now, and by its sessions, which may have been another manifest's.
    pub(super) fn followed(&self) -> Vec<(TaskId, TaskKey)> {
        let last = self.last.iter().filter(|_| self.goes_on).map(|last| &last.record);
        let last = last.flat_map(|record| record.tasks.values().chain(&record.superseded));
        let mut followed = Vec::new();
        for task in self.engine.earlier.values().chain(last) {
            let Some(attempt) = task.last_attempt().filter(|attempt| attempt.is_loose()) else { continue };
            let session = attempt.session.as_ref().map(|session| TaskKey::new(session.id.as_str()));
            let keys = session.into_iter().chain([task.planned.key.clone()]);
            followed.extend(keys.map(|key| (task.planned.id.clone(), key)));
        }
        followed
    }

    /// Decides by what the ledger says; none is an empty one.
    ///
    /// # Errors
    ///
    /// [`RunError::NothingFailed`], [`RunError::UnknownRun`], [`RunError::Ledger`].
    pub(super) fn decide(
        mut plan: Plan,
        identity: &ManifestIdentity,
        options: &Options,
        reader: Option<&LedgerReader>,
        pulls: &PullsBefore,
    ) -> Result<Self, RunError> {
        let now = Timestamp::now();
        let last = last_round(identity, options, reader)?;
        let rerun = last.as_ref().is_some_and(|last| is_rerun(&last.record, options));
        let failed = options.failed || rerun;
        let mut facts = match reader {
            Some(reader) => reader.facts(identity, &plan.tasks)?,
            None => plan.tasks.iter().map(|_| Facts::default()).collect(),
        };
        let round = last.as_ref().map(|last| round(&last.record, plan.settings.adoption.adopt_within, now));
        let terms = existing::Terms {
            existing: plan.settings.pull_requests.existing,
            is_written: plan.settings.relies_on_existing,
            look_back: plan.settings.pull_requests.look_back,
        };
        let mut decisions: Vec<Decision> = plan
            .tasks
            .iter()
            .zip(&facts)
            .map(|(task, facts)| {
                let asked = Asked {
                    failed,
                    new_too: rerun && !options.failed,
                    fresh: options.fresh,
                    again: options.again.iter().any(|filter| filter.matches(task)),
                    recreate: options.recreate.iter().any(|filter| filter.matches(task)),
                    redo_edited: options.redo_edited,
                    replace_live: options.replace_live,
                };
                decide(task, facts, round.as_ref(), asked, now)
            })
            .collect();
        // The GitHub of a simulated run begins with it: pull requests of earlier ones are not there.
        let on_github = reader.filter(|_| !identity.is_simulated());
        let starts = |decision: &Decision| matches!(decision, Decision::Start(_));
        let starting = plan.tasks.iter().zip(&decisions).filter(|(_, decision)| starts(decision));
        let starting = starting.map(|(task, _)| task);
        let earlier_pulls = pulls.of_tasks(starting, plan.former_names(), on_github)?;
        for (task, decision) in plan.tasks.iter().zip(&mut decisions) {
            if let Some(known) = earlier_pulls.get(&task.id).filter(|_| starts(decision)) {
                *decision = existing::beside(decision.clone(), known, &terms, now);
            }
        }
        let merges = Merges { identity, pulls, ignores_outside: options.ignore_needs };
        let until_merged = merges.judge(reader, &plan, &mut decisions)?;
        let is_due = |last: &Round| {
            let begins = |decision: &Decision| decision.is_work() || decision.by_pull_request().is_some();
            let mut work = plan.tasks.iter().zip(&decisions).filter(|(_, decision)| begins(decision));
            work.any(|(task, _)| is_round_over(task.repeat, last, now))
        };
        let begins =
            options.fresh || (!failed && options.run.is_none() && round.as_ref().is_some_and(is_due));
        let goes_on = last.is_some() && !begins;
        let known = last.as_ref().map(|last| &last.record).filter(|_| goes_on);

        let again = told_again(&plan, &decisions);
        let is_replaced = |(decision, facts): &(&Decision, &Facts)| {
            let last = facts.loose.as_ref().and_then(|loose| loose.record.last_attempt());
            let is_told = matches!(decision, Decision::Start(because) if *because != Because::Open);
            is_told && last.is_some_and(AttemptRecord::is_live)
        };
        let replaced = decisions.iter().zip(&facts).filter(is_replaced).count();
        let removed = left_over::removed(&plan, identity, options, reader, now)?;
        let left_over =
            left_over::left_over(plan.tasks.iter().zip(&facts).zip(&decisions), &removed, known, now);
        let earlier = earlier(&plan, &mut facts, &decisions, known, reader)?;
        let by_pulls = by_pulls(&plan, &decisions, known);
        let ended_by_pulls: Vec<_> = plan
            .tasks
            .iter()
            .zip(&decisions)
            .filter_map(|(task, decision)| Some((task.id.clone(), decision.by_pull_request()?)))
            .collect();
        let keeps = |(task, decision): (&Task, &Decision)| {
            let is_known = known.is_some_and(|known| known.tasks.contains_key(&task.id));
            // What a person has said, or a pull request, is not for the engine to judge again.
            let is_settled = *decision == Decision::Skipped || decision.by_pull_request().is_some();
            decision.is_work() || *decision == Decision::Needs || (is_known && !is_settled)
        };
        let kept: Vec<bool> = plan.tasks.iter().zip(&decisions).map(keeps).collect();
        let next_wave = options.next_wave.as_deref();
        let fixed = waves::fix(&plan, &decisions, known, (pulls, &by_pulls), next_wave)?;
        let (of_waves, waved) = fixed.map_or_else(Default::default, |it| (it.events, Some(it.record)));
        let mut tasks: Vec<_> = plan.tasks.iter().map(|task| task.id.clone()).zip(decisions).collect();
        let kept: Vec<usize> = (0..kept.len()).filter(|at| kept[*at]).collect();
        let is_empty = plan.tasks.is_empty();
        plan.keep(&kept);
        if options.ignore_needs {
            plan.tasks.iter_mut().for_each(|task| task.needs_outside = Arc::default());
            let free = plan.tasks.iter().filter(|task| task.needs.is_empty()).map(|task| &task.id);
            let free: HashSet<&TaskId> = free.collect();
            let waits = tasks.iter_mut().filter(|(_, decision)| *decision == Decision::Needs);
            for (_, decision) in waits.filter(|(task, _)| free.contains(task)) {
                *decision = Decision::Start(Because::Open);
            }
        }
        let is_bounded = plan.settings.strategy.max_parallel_per_repository.is_some();
        let this = last.as_ref().map(|last| &last.record.info.id).filter(|_| goes_on);
        let live_elsewhere = reader
            .filter(|_| is_bounded)
            .map(|reader| reader.live_sessions(this, None, identity.is_simulated()))
            .transpose()?
            .unwrap_or_default();
        // What is taken up, or was, is this run's.
        let taken_up = earlier.values().flat_map(|task: &TaskRecord| &task.attempts);
        let taken_up = taken_up.filter_map(|attempt| Some(&attempt.session.as_ref()?.id));
        let own: HashSet<_> = known.iter().flat_map(|known| known.sessions()).chain(taken_up).collect();
        let live_elsewhere =
            live_elsewhere.into_iter().filter(|(_, session)| !own.contains(session)).collect();
        let open_elsewhere = match plan.settings.pull_requests.bounds_open() {
            true => open_elsewhere(reader, identity, (this, &own), pulls, now)?,
            false => Vec::new(),
        };
        let left = last.as_ref().filter(|_| !goes_on).map(|last| Left::of(&last.record, &own, &earlier));
        let left = left.unwrap_or_default();
        let mut outside = outside(&plan, identity, reader)?;
        outside.extend(ended_by_pulls.into_iter().map(|(task, outcome)| (task, Some(outcome))));
        let engine = engine::Options {
            rerun_failed: failed,
            again,
            until_merged,
            open_elsewhere,
            replace_live: options.replace_live,
            earlier,
            outside,
            adopt_ended: !options.fresh,
            live_elsewhere,
            live_before: left.live,
            in_doubt_before: left.in_doubt,
            left_over,
            ..options.engine()
        };
        let holds = !engine.until_merged.is_empty() || plan.settings.pull_requests.bounds_open();
        if waved.is_some() || holds {
            let begun = || waves::begun(&plan, now);
            let record = waved.clone().or_else(|| known.cloned()).or_else(begun);
            let held = record.map(|it| engine::held(&Arc::new(plan.clone()), &it, engine.clone()));
            hold_back(&mut tasks, held.unwrap_or_default());
        }
        let outlook = Outlook { tasks, ..Outlook::default() };
        let mut work = Self { plan, outlook, last, goes_on, by_pulls, of_waves, waved, engine };
        (work.outlook.left_over, work.outlook.replaced) = (work.engine.left_over.len(), replaced);
        work.outlook.is_idle = !is_empty && work.is_idle(options);
        if options.failed && work.outlook.is_idle && work.outlook.in_later_waves() == 0 {
            return Err(RunError::NothingFailed);
        }
        Ok(work)
    }

    /// Whether nothing is left to do, and the last round was closed in order.
    fn is_idle(&self, options: &Options) -> bool {
        let Some(last) = &self.last else { return false };
        let record = &last.record;
        // Strays are looked at again.
        let is_closed = record.ended_at.is_some() && !was_interrupted(record) && record.strays.is_empty();
        let nothing = || !self.outlook.tasks.iter().any(|(_, decision)| decision.is_work());
        // What left the manifest is closed.
        let is_whole =
            || options.selection.is_partial() || record.removed(&self.outlook.ids()).next().is_none();
        let nothing = || self.by_pulls.is_empty() && self.of_waves.is_empty() && nothing();
        let is_left = |left: &engine::LeftOver| left.attempt.is_some();
        let nothing = || !self.engine.left_over.iter().any(is_left) && nothing();
        let record = self.waved.as_ref().unwrap_or(record);
        let waits = || self.holds_news(record) || self.waits_for_machines(record);
        self.goes_on && is_closed && nothing() && is_whole() && !waits() && self.starts(record).is_empty()
    }

    /// Whether the record does not tell yet of a task that is held why it is.
    fn holds_news(&self, record: &RunRecord) -> bool {
        let is_told = |task: &TaskId, why: &str| {
            let known = record.tasks.get(task).filter(|known| known.outcome == Some(Outcome::Deferred));
            known.and_then(|known| known.reason.as_deref()) == Some(why)
        };
        self.outlook.tasks.iter().any(|(task, decision)| match decision {
            Decision::LaterWave { why } | Decision::Held { why } => !is_told(task, why),
            _ => false,
        })
    }

    /// Whether machines are about to decide what is held.
    fn waits_for_machines(&self, record: &RunRecord) -> bool {
        let (time, now) = (patience(&self.plan.settings), Timestamp::now());
        let mut needs = self.engine.until_merged.values().flat_map(|needs| needs.iter());
        is_decided_within(time, &verdicts(record, now), now)
            || needs.any(|need| record.tasks.get(need).is_some_and(|it| is_merged_within(time, it, now)))
    }

    /// The tasks that the engine would start or take up, by their places in the plan.
    pub(super) fn starts(&self, record: &RunRecord) -> Vec<usize> {
        let record = self.waved.as_ref().unwrap_or(record);
        engine::preview(&Arc::new(self.plan.clone()), record, self.engine.clone())
    }

    /// Why nothing is started, where too many tasks have failed.
    pub(super) fn held_up(&self, record: &RunRecord) -> Option<String> {
        engine::held_up(&Arc::new(self.plan.clone()), record, self.engine.clone())
    }
}

/// Tells of the tasks that would start what holds them.
fn hold_back(tasks: &mut [(TaskId, Decision)], held: Vec<(TaskId, Held)>) {
    let mut held: HashMap<_, _> = held.into_iter().collect();
    let starts = |decision: &Decision| matches!(decision, Decision::Start(_) | Decision::Needs);
    for (task, decision) in tasks.iter_mut().filter(|(_, decision)| starts(decision)) {
        match held.remove(task) {
            Some(Held::ByWave(why)) => *decision = Decision::LaterWave { why },
            Some(Held::ByPulls(why)) => *decision = Decision::Held { why },
            None => {}
        }
    }
}

/// What the record does not tell yet of tasks that end with the pull requests of earlier runs.
fn by_pulls(plan: &Plan, decisions: &[Decision], known: Option<&RunRecord>) -> Vec<EventKind> {
    let mut events = Vec::new();
    for (task, decision) in plan.tasks.iter().zip(decisions) {
        let end = existing::end(task, decision);
        let known = known.and_then(|known| known.tasks.get(&task.id)).filter(|it| it.planned.key == task.key);
        let told = known.map(|known| (known.outcome, known.reason.as_deref()));
        if end.is_empty() || existing::is_told(told, &end, &task.id) {
            continue;
        }
        if known.is_none() {
            events.push(EventKind::TaskPlanned { planned: Arc::new(engine::planned(task)) });
        }
        events.extend(end);
    }
    events
}

/// The round that is named, or the manifest's last one.
pub(super) fn last_round(
    identity: &ManifestIdentity,
    options: &Options,
    reader: Option<&LedgerReader>,
) -> Result<Option<StoredRun>, RunError> {
    match (&options.run, reader) {
        (None, None) => Ok(None),
        (None, Some(reader)) => Ok(reader.last_run(identity, options.selection.shard)?),
        (Some(run), reader) => {
            let found = reader.map(|reader| reader.run(run)).transpose()?.flatten();
            let is_its = |found: &StoredRun| found.record.info.name == identity.name();
            found.filter(is_its).map(Some).ok_or_else(|| RunError::UnknownRun(run.clone()))
        }
    }
}

/// Tasks that are done once more although they have ended.
fn told_again(plan: &Plan, decisions: &[Decision]) -> HashSet<TaskId> {
    let is_again = |decision: &Decision| {
        let again = [
            Because::Due,
            Because::Again,
            Because::Edited,
            Because::Fresh,
            Because::Marked,
            Because::Recreated,
        ];
        matches!(decision, Decision::Start(because) if again.contains(because))
    };
    let tasks = plan.tasks.iter().zip(decisions).filter(|(_, decision)| is_again(decision));
    tasks.map(|(task, _)| task.id.clone()).collect()
}

/// What other runs know of tasks that are worked on, where that matters: what may be at work, and the sessions that had
/// failed, which may have ended well since.
fn earlier(
    plan: &Plan,
    facts: &mut [Facts],
    decisions: &[Decision],
    known: Option<&RunRecord>,
    reader: Option<&LedgerReader>,
) -> Result<HashMap<TaskId, TaskRecord>, RunError> {
    let is_here = |run: &RunId| known.is_some_and(|known| known.info.id == *run);
    let (mut earlier, mut failed) = (HashMap::new(), Vec::new());
    let work = plan.tasks.iter().zip(facts).zip(decisions).filter(|(_, decision)| decision.is_work());
    for ((task, Facts { latest, loose }), decision) in work {
        match (loose.take(), latest) {
            (Some(Loose { run, record }), _) if !is_here(&run) => {
                earlier.insert(task.id.clone(), record);
            }
            (None, Some(latest))
                if matches!(decision, Decision::Start(Because::Failed | Because::Needed))
                    && !is_here(&latest.run) =>
            {
                failed.push((&latest.run, &task.id));
            }
            _ => {}
        }
    }
    if let Some(reader) = reader {
        let records = Records::read(reader, failed.iter().copied())?;
        let known = |(run, task): (&RunId, &TaskId)| Some((task.clone(), records.task(run, task)?.clone()));
        earlier.extend(failed.into_iter().filter_map(known));
    }
    Ok(earlier)
}

/// How the tasks ended last that are needed and not in the plan; none for one that is open.
fn outside(
    plan: &Plan,
    identity: &ManifestIdentity,
    reader: Option<&LedgerReader>,
) -> Result<HashMap<TaskId, Option<Outcome>>, RunError> {
    let mut lists = HashSet::new();
    let needs: HashSet<&TaskId> = plan
        .tasks
        .iter()
        // Many tasks share a list.
        .filter(|task| lists.insert(task.needs_outside.as_ptr()))
        .flat_map(|task| task.needs_outside.iter())
        .collect();
    let Some(reader) = reader.filter(|_| !needs.is_empty()) else { return Ok(HashMap::new()) };
    let latest = reader.latest(identity, needs.into_iter())?;
    Ok(latest.into_iter().map(|(task, latest)| (task, latest.outcome)).collect())
}

/// What other runs of the manifest than `this` have open, and what may be at work there, given up or not, but for the
/// sessions that are `own`.
fn open_elsewhere(
    reader: Option<&LedgerReader>,
    identity: &ManifestIdentity,
    (this, own): (Option<&RunId>, &HashSet<&SessionId>),
    pulls: &PullsBefore,
    now: Timestamp,
) -> Result<Vec<OpenPull>, RunError> {
    // The GitHub of a simulated run begins with it.
    if identity.is_simulated() {
        return Ok(Vec::new());
    }
    let mut open = pulls.open(reader, identity)?;
    let Some(reader) = reader else { return Ok(open) };
    let live = reader.live_sessions(this, Some(identity), false)?;
    let live = live.into_iter().filter(|(_, session)| !own.contains(session));
    open.extend(live.map(|(repository, _)| OpenPull { url: None, repository }));
    let left = reader.left(identity, left_over::since(now), |_| true)?;
    let elsewhere = left.iter().filter(|left| this != Some(&left.run));
    open.extend(
        elsewhere.flat_map(|left| OpenPull::to_come_of(&left.record, |session| !own.contains(session))),
    );
    Ok(open)
}

pub(super) fn round(last: &RunRecord, adopt_within: Duration, now: Timestamp) -> Round {
    let is_open = |task: &TaskRecord| {
        let last = task.attempts.last();
        let waits_for_a_person = last.and_then(|last| last.state.as_deref()).is_some_and(is_waiting);
        let is_open = task.is_open() && !waits_for_a_person;
        // A task that left the manifest is skipped, and its doubt is nobody's.
        is_open || (task.open_intent().is_some() && task.outcome != Some(Outcome::Skipped))
    };
    let is_complete = !last.tasks.values().any(is_open) && !was_cut_short(last, adopt_within, now);
    Round { id: last.info.id.clone(), began: last.started_at, is_complete }
}

/// Whether this is another attempt at what the last run was begun for. Without that one's ledger it is a run like any
/// other: an older one knows nothing of what failed.
pub(super) fn is_rerun(last: &RunRecord, options: &Options) -> bool {
    options.is_rerun
        && !options.fresh
        && options.workflow_run.is_some()
        && last.workflow_run == options.workflow_run
}

/// Whether the run was killed or interrupted after its last task and before its last listing, not long ago. Whoever
/// starts it again then does not want all of it twice; by the next night it is another matter, as with sessions that
/// are adopted.
fn was_cut_short(last: &RunRecord, adopt_within: Duration, now: Timestamp) -> bool {
    let last_sign = last.tasks.values().filter_map(|task| task.ended_at).max();
    let within = SignedDuration::try_from(adopt_within).unwrap_or(SignedDuration::MAX);
    let is_closed = last.ended_at.is_some() && !was_interrupted(last);
    !is_closed && last_sign.is_some_and(|sign| now.duration_since(sign) <= within)
}

fn was_interrupted(last: &RunRecord) -> bool {
    let interrupted = [StopReason::Interrupt, StopReason::Terminate].map(StopReason::as_str);
    last.stopped.as_deref().is_some_and(|stopped| interrupted.contains(&stopped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    fn ended_with(outcome: Option<Outcome>) -> RunRecord {
        let mut events = sample::run_of(1);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 1);
        events.extend(outcome.map(|outcome| sample::event(9, sample::ended("task-0", outcome, None))));
        RunRecord::from_events(&events).unwrap()
    }

    /// The same after an end in order.
    fn closed_with(outcome: Option<Outcome>) -> RunRecord {
        let mut record = ended_with(outcome);
        record.apply(&sample::event(10, EventKind::InvocationEnded { stopped: None }));
        record
    }

    fn is_complete(record: &RunRecord) -> bool {
        round(record, Duration::from_secs(60), sample::at(20)).is_complete
    }

    #[test]
    fn a_round_is_complete_when_nothing_of_it_is_open() {
        for open in [None, Some(Outcome::Deferred), Some(Outcome::Detached)] {
            assert!(!is_complete(&closed_with(open)), "{open:?}");
        }
        assert!(is_complete(&closed_with(Some(Outcome::Succeeded))));
        assert!(is_complete(&closed_with(Some(Outcome::Failed))));
        assert!(!is_complete(&ended_with(Some(Outcome::Succeeded))), "it was killed just now");
    }

    #[test]
    fn a_question_that_nobody_answers_keeps_no_round_open() {
        let mut events = sample::run_of(1);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 3);
        events.push(sample::event(3, sample::state("task-0", 1, "AWAITING_USER_FEEDBACK")));
        events.push(sample::event(9, sample::ended("task-0", Outcome::Detached, None)));
        events.push(sample::event(10, EventKind::InvocationEnded { stopped: None }));
        assert!(is_complete(&RunRecord::from_events(&events).unwrap()));
    }

    #[test]
    fn a_run_that_died_at_its_very_end_is_closed_and_not_done_twice() {
        let died = ended_with(Some(Outcome::Succeeded));
        let end = died.tasks[0].ended_at.unwrap();
        let hour = Duration::from_secs(3_600);
        assert!(was_cut_short(&died, 6 * hour, end + hour));
        assert!(!was_cut_short(&died, 6 * hour, end + 7 * hour), "the next night does its own work");
        assert!(!was_cut_short(&closed_with(Some(Outcome::Succeeded)), 6 * hour, end + hour));
        let mut interrupted = closed_with(Some(Outcome::Succeeded));
        interrupted.stopped = Some("terminate".to_owned());
        assert!(was_cut_short(&interrupted, 6 * hour, end + hour));
        interrupted.stopped = Some("deadline".to_owned());
        assert!(!was_cut_short(&interrupted, 6 * hour, end + hour));
    }
}
