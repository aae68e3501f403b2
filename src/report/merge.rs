//! Several reports as one: what the shards of a run did.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    ApiV1, DetectionV1, EarlierV1, GithubApiV1, ProgressV1, ReportError, ReportV1, RunV1, ShardV1, StrayV1,
    TaskV1,
};

/// The reports as one, whatever their order. Tasks stand in the order of their jobs in the manifest, those of one job
/// by their ids; of a task in several reports the one that is further on counts.
///
/// # Errors
///
/// When there is no report, or when they are of different manifests.
pub fn merge(reports: Vec<ReportV1>) -> Result<ReportV1, ReportError> {
    let mut reports = current(reports);
    reports.sort_by(|a, b| (a.run.started_at, &a.run.id).cmp(&(b.run.started_at, &b.run.id)));
    let Some(first) = reports.first() else { return Err(ReportError::NothingToMerge) };
    if let Some(other) = reports.iter().find(|report| report.run.name != first.run.name) {
        return Err(ReportError::Different { one: first.run.name.clone(), other: other.run.name.clone() });
    }
    let run = run(&reports, first);
    let api = reports.iter().fold(ApiV1::default(), |sum, report| sum.plus(&report.api));
    let strays: Vec<StrayV1> = reports.iter().flat_map(|report| report.strays.iter().cloned()).collect();
    let superseded = reports.iter_mut().flat_map(|report| std::mem::take(&mut report.superseded)).collect();
    let strays_unknown = reports.iter().find_map(|report| report.strays_unknown.clone());
    let merged = tasks(reports.iter().flat_map(|report| report.tasks.iter().cloned()));
    let earlier = earlier(&reports, &merged);
    let progress = match reports.as_slice() {
        [only] => only.progress.clone(),
        reports => ProgressV1::merged(reports, &merged, &earlier),
    };
    let strays = still_astray(strays, &merged);
    // Waves are not divided into shards: those of the last report count.
    let waves = reports.iter().rev().map(|report| &report.waves).find(|waves| !waves.is_empty());
    let waves = waves.cloned().unwrap_or_default();
    let report = ReportV1::with_totals(run, merged, api, strays);
    Ok(ReportV1 { superseded, strays_unknown, progress, earlier, waves, ..report })
}

/// Without earlier reports of a run that a later one continues: their requests would count twice.
fn current(reports: Vec<ReportV1>) -> Vec<ReportV1> {
    let mut kept: Vec<ReportV1> = Vec::new();
    for report in reports {
        if kept.iter().any(|other| continues(other, &report)) {
            continue;
        }
        kept.retain(|other| !continues(&report, other));
        kept.push(report);
    }
    kept
}

/// Whether `later` is of the same run as `earlier`, at least as far, and leaves none of its tasks out.
fn continues(later: &ReportV1, earlier: &ReportV1) -> bool {
    let known: BTreeSet<&str> = later.tasks.iter().map(|task| task.id.as_str()).collect();
    later.run.id == earlier.run.id
        && (later.run.invocations, later.last_moment(), later.last_reading())
            >= (earlier.run.invocations, earlier.last_moment(), earlier.last_reading())
        && earlier.tasks.iter().all(|task| known.contains(task.id.as_str()))
}

fn run(reports: &[ReportV1], first: &ReportV1) -> RunV1 {
    if let [only] = reports {
        return only.run.clone();
    }
    let ends: Option<Vec<Timestamp>> = reports.iter().map(|report| report.run.ended_at).collect();
    let ids = reports.iter().flat_map(|report| match report.run.merged_from.as_slice() {
        [] => vec![report.run.id.clone()],
        merged => merged.to_vec(),
    });
    let stopped: BTreeSet<&str> = reports.iter().filter_map(|report| report.run.stopped.as_deref()).collect();
    RunV1 {
        id: first.run.id.clone(),
        name: first.run.name.clone(),
        manifest: first.run.manifest.clone(),
        started_at: first.run.started_at,
        ended_at: ends.and_then(|ends| ends.into_iter().max()),
        invocations: reports.iter().map(|report| report.run.invocations).sum(),
        simulated: reports.iter().any(|report| report.run.simulated),
        stopped: (!stopped.is_empty()).then(|| stopped.into_iter().collect::<Vec<_>>().join(", ")),
        merged_from: ids.collect::<BTreeSet<_>>().into_iter().collect(),
        shard: None,
        merged_shards: reports
            .iter()
            .flat_map(|report| report.run.shards())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    }
}

impl RunV1 {
    /// The parts of the manifest that the report holds; none where the manifest was not divided.
    fn shards(&self) -> impl Iterator<Item = ShardV1> {
        self.shard.into_iter().chain(self.merged_shards.iter().copied())
    }

    /// The parts that it lacks: of a manifest that was divided, the report holds some and not all.
    #[must_use]
    pub fn missing_shards(&self) -> Vec<ShardV1> {
        let held: BTreeSet<ShardV1> = self.shards().collect();
        let totals: BTreeSet<usize> = held.iter().map(|shard| shard.total).collect();
        let all = totals.into_iter().flat_map(|total| (1..=total).map(move |index| ShardV1 { index, total }));
        all.filter(|shard| !held.contains(shard)).collect()
    }
}

fn tasks(all: impl Iterator<Item = TaskV1>) -> Vec<TaskV1> {
    let mut by_id: BTreeMap<String, TaskV1> = BTreeMap::new();
    for task in all {
        match by_id.get(&task.id) {
            Some(known) if progress(known) >= progress(&task) => {}
            _ => {
                by_id.insert(task.id.clone(), task);
            }
        }
    }
    let mut tasks: Vec<TaskV1> = by_id.into_values().collect();
    tasks.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    tasks
}

/// What ended in earlier rounds, each task once, and none that one of these runs has.
fn earlier(reports: &[ReportV1], tasks: &[TaskV1]) -> Vec<EarlierV1> {
    let mut known: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    reports.iter().flat_map(|report| &report.earlier).filter(|end| known.insert(&end.id)).cloned().collect()
}

/// How far a task is: an outcome for good counts more than a later time, and that more than how lately its pull requests
/// were read.
fn progress(task: &TaskV1) -> (bool, Option<Timestamp>, usize, Option<Timestamp>, Option<Timestamp>) {
    (!task.outcome.is_open(), task.ended_at, task.attempts.len(), task.started_at, task.last_reading())
}

/// Each once, and none that another report's task claims.
fn still_astray(strays: Vec<StrayV1>, tasks: &[TaskV1]) -> Vec<StrayV1> {
    let attempts = tasks.iter().flat_map(|task| &task.attempts);
    let mut known: BTreeSet<String> =
        attempts.filter_map(|attempt| attempt.session.as_ref()).map(|session| session.id.clone()).collect();
    strays.into_iter().filter(|stray| known.insert(stray.id.clone())).collect()
}

impl ApiV1 {
    fn plus(mut self, other: &Self) -> Self {
        for (method, count) in &other.requests {
            *self.requests.entry(method.clone()).or_default() += count;
        }
        self.retries += other.retries;
        self.throttled += other.throttled;
        self.waited_ms += other.waited_ms;
        self.reconnects += other.reconnects;
        self.polls.looks += other.polls.looks;
        self.polls.late += other.polls.late;
        self.detection = match (self.detection, other.detection) {
            (Some(one), Some(two)) => Some(one.slower(two)),
            (one, two) => one.or(two),
        };
        self.github = match (self.github, other.github) {
            (Some(one), Some(two)) => Some(one.plus(two)),
            (one, two) => one.or(two),
        };
        self
    }
}

impl GithubApiV1 {
    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            points: self.points + other.points,
            writes: self.writes + other.writes,
        }
    }
}

impl DetectionV1 {
    /// Percentiles cannot be added up: the larger ones hold for both.
    fn slower(self, other: Self) -> Self {
        Self { p50_ms: self.p50_ms.max(other.p50_ms), p99_ms: self.p99_ms.max(other.p99_ms) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::sample::{SampleRun, campaign, every_outcome};
    use super::*;
    use crate::outcome::Outcome;

    /// A shard with every third task of the sample.
    fn shard(number: usize) -> ReportV1 {
        let whole = every_outcome();
        let mut run = whole.run.clone();
        run.id = format!("20261122-02000{number}-000{number}");
        let tasks = whole.tasks.into_iter().skip(number).step_by(3).collect();
        ReportV1::with_totals(run, tasks, whole.api, whole.strays)
    }

    #[test]
    fn shards_make_the_whole() {
        let whole = every_outcome();
        let merged = merge(vec![shard(2), shard(0), shard(1)]).unwrap();
        assert_eq!(merged.tasks, whole.tasks);
        assert_eq!((merged.totals, merged.remaining), (whole.totals, whole.remaining));
        assert_eq!(merged.api.requests["create"], 39);
        assert_eq!(merged.strays.len(), 1);
        assert_eq!(merged.run.merged_from.len(), 3);
        assert_eq!(merged.run.invocations, 3);
        assert_eq!(merged.run.stopped.as_deref(), Some("deadline"));
    }

    #[test]
    fn shards_that_are_not_there_are_named() {
        let part = |index, total| {
            let mut report = shard(index);
            report.run.id = format!("run-{index}");
            report.run.shard = Some(ShardV1 { index, total });
            report
        };
        let missing = |reports: Vec<ReportV1>| -> Vec<usize> {
            merge(reports).unwrap().run.missing_shards().iter().map(|shard| shard.index).collect()
        };
        assert_eq!(missing(vec![part(1, 3)]), [2, 3]);
        assert_eq!(missing(vec![part(3, 3), part(1, 3), part(2, 3)]), [0; 0]);
        let some = merge(vec![part(3, 4), part(1, 4)]).unwrap();
        assert_eq!(missing(vec![some, part(2, 4)]), [4], "a merged report holds its parts");
        assert_eq!(missing(vec![shard(1), shard(2)]), [0; 0], "nobody divided it");
    }

    #[test]
    fn the_task_that_is_further_on_counts() {
        let open = every_outcome();
        let mut done = every_outcome();
        done.run.id = "20261123-020000-1234".to_owned();
        done.tasks[9].outcome = Outcome::Succeeded;
        for order in [vec![open.clone(), done.clone()], vec![done.clone(), open.clone()]] {
            let merged = merge(order).unwrap();
            assert_eq!(merged.tasks[9].outcome, Outcome::Succeeded);
            assert_eq!((merged.totals.total, merged.remaining), (12, 1));
        }
    }

    #[test]
    fn a_continued_run_counts_once() {
        let mut early = every_outcome();
        early.tasks.truncate(4);
        early.run.ended_at = None;
        for order in [vec![early.clone(), every_outcome()], vec![every_outcome(), early.clone()]] {
            assert_eq!(merge(order).unwrap(), every_outcome());
        }
    }

    #[test]
    fn the_latest_reading_of_a_pull_request_counts() {
        let late = campaign();
        let mut early = campaign();
        for task in &mut early.tasks {
            for pull in task.pull_requests.iter_mut().chain(&mut task.pull_request) {
                let pull = Arc::make_mut(pull);
                if pull.checked_at.is_some() {
                    pull.checked_at = Some(early.run.started_at);
                    pull.stage = Some(crate::outcome::Stage::Checking);
                }
            }
        }
        for order in [vec![early.clone(), late.clone()], vec![late.clone(), early.clone()]] {
            assert_eq!(merge(order).unwrap(), late);
        }
        early.run.id = "20261122-020009-0009".to_owned();
        for order in [vec![early.clone(), late.clone()], vec![late.clone(), early]] {
            let merged = merge(order).unwrap();
            assert_eq!((&merged.pulls, &merged.tasks), (&late.pulls, &late.tasks));
            assert_eq!(merged.api.github.unwrap().points, 280);
        }
    }

    #[test]
    fn a_stray_of_one_is_a_task_of_another() {
        let mut other = shard(1);
        other.tasks[0].attempts[0].session.as_mut().unwrap().id = "999".to_owned();
        assert!(merge(vec![shard(0), other]).unwrap().strays.is_empty());
    }

    #[test]
    fn an_unfinished_shard_leaves_the_end_open() {
        let mut running = shard(0);
        running.run.ended_at = None;
        assert_eq!(merge(vec![running, shard(1)]).unwrap().run.ended_at, None);
    }

    #[test]
    fn refuses_nothing_and_strangers() {
        assert_eq!(merge(Vec::new()).unwrap_err().to_string(), "there is no report to merge");
        let mut other = SampleRun::new().report();
        other.run.name = "other".to_owned();
        other.run.id = "20261122-020005-ffff".to_owned();
        assert_eq!(
            merge(vec![every_outcome(), other]).unwrap_err().to_string(),
            "the reports are of different manifests, `nightly-maintenance` and `other`"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn order_does_not_matter(order in Just(vec![0usize, 1, 2, 3]).prop_shuffle()) {
            let reports = [shard(0), shard(1), shard(2), every_outcome()];
            let shuffled: Vec<ReportV1> = order.into_iter().map(|number| reports[number].clone()).collect();
            prop_assert_eq!(merge(shuffled).unwrap(), merge(reports.to_vec()).unwrap());
        }
    }
}
