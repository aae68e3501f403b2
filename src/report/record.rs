//! From the run's record to the report's model.

use std::sync::Arc;

use jiff::{Timestamp, Unit};

use super::v1::{
    ApiV1, AttemptV1, ChangeV1, DetailsV1, DetectionV1, GithubApiV1, MarkedV1, PollsV1, PreviousV1,
    PullChangeV1, PullRequestV1, ReportV1, RunV1, SessionV1, ShardV1, SourceV1, StrayV1, TaskV1, TrendV1,
    WaveV1,
};
use super::{EarlierV1, ProgressV1};
use crate::outcome::{
    AttemptRecord, Change, EarlierEnd, GithubUsage, Marked, Outcome, PullChange, PullRecord, PullRequest,
    RunRecord, Stray, TaskRecord,
};

impl ReportV1 {
    /// The report of a run as it stands.
    #[must_use]
    pub fn of(record: &RunRecord) -> Self {
        let task = |task| TaskV1::of(task, record.info.file.as_deref());
        let tasks: Vec<TaskV1> = record.tasks.values().map(task).collect();
        let superseded = record.superseded.iter().map(task).collect();
        let run = RunV1 {
            id: record.info.id.to_string(),
            name: record.info.name.clone(),
            manifest: record.info.manifest.clone(),
            started_at: millis(record.started_at),
            ended_at: record.ended_at.map(millis),
            invocations: record.invocations,
            simulated: record.info.simulated,
            stopped: record.stopped.clone(),
            merged_from: Vec::new(),
            shard: record.shard.map(|shard| ShardV1 { index: shard.number(), total: shard.count() }),
            merged_shards: Vec::new(),
        };
        let strays = record.strays.iter().map(StrayV1::of).collect();
        let strays_unknown = record.strays_unknown.clone();
        let is_other = |end: &&EarlierEnd| !record.tasks.contains_key(&end.task);
        let earlier = record.round.earlier.iter().filter(is_other).map(EarlierV1::of).collect::<Vec<_>>();
        let progress = Some(ProgressV1::of(record, &tasks, &earlier));
        let previous = PreviousV1::of(record, &tasks);
        let report = Self::with_totals(run, tasks, ApiV1::of(record), strays);
        Self {
            superseded,
            strays_unknown,
            progress,
            earlier,
            previous,
            trend: record.round.before.iter().map(TrendV1::of).collect(),
            waves: WaveV1::all(record, record.last_moment()),
            ..report
        }
    }

    /// Counts the tasks.
    pub(super) fn with_totals(run: RunV1, tasks: Vec<TaskV1>, api: ApiV1, strays: Vec<StrayV1>) -> Self {
        let totals = tasks.iter().map(|task| task.outcome).collect::<super::totals::TotalsV1>();
        Self {
            schema_version: Self::VERSION,
            run,
            totals,
            remaining: totals.open(),
            pulls: super::totals::PullTotalsV1::of(tasks.iter().flat_map(TaskV1::pulls)),
            waves: Vec::new(),
            tasks,
            api,
            strays,
            strays_unknown: None,
            superseded: Vec::new(),
            progress: None,
            previous: None,
            trend: Vec::new(),
            earlier: Vec::new(),
        }
    }
}

impl TaskV1 {
    fn of(record: &TaskRecord, file: Option<&str>) -> Self {
        let planned = &record.planned;
        let work = record.work();
        let pull = |pull: &PullRequest| Arc::new(PullRequestV1::read(pull, record.pulls.of(&pull.url)));
        let pull_requests = exactly(record.pull_requests().map(pull));
        Self {
            id: planned.id.to_string(),
            key: planned.key.to_string(),
            job: planned.job.to_string(),
            source: planned
                .source
                .as_ref()
                .map(|s| SourceV1 { github: s.github.clone(), branch: s.branch.clone() }),
            matrix: planned.matrix.clone(),
            tags: planned.tags.clone(),
            outcome: record.outcome_so_far(),
            reason: record.reason.clone(),
            marked: record.marked.as_ref().map(MarkedV1::of),
            // A create that was refused for certain was no attempt.
            attempts: exactly(record.attempts.iter().filter(|a| !a.refused).map(AttemptV1::of)),
            pull_request: pull_requests.last().cloned(),
            pull_requests,
            adopted: record.pulls.adopted().is_some() && record.outcome == Some(Outcome::Succeeded),
            change: work.and_then(|w| w.change).map(ChangeV1::of),
            details: record.last_attempt().and_then(DetailsV1::of),
            started_at: record.started_at.map(millis),
            ended_at: record.ended_at.map(millis),
            replies: record.replies,
            nudges: record.nudges,
            file: file.unwrap_or_default().to_owned(),
            // A line of no file is nobody's.
            line: file.map_or(0, |_| planned.place.line),
            on_no_change: planned.on_no_change.into(),
        }
    }
}

/// Most have one, and ten thousand of them should not take the room of forty thousand.
fn exactly<T>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    for item in items {
        all.reserve_exact(1);
        all.push(item);
    }
    all
}

impl MarkedV1 {
    fn of(marked: &Marked) -> Self {
        Self {
            mark: marked.mark.as_str().to_owned(),
            by: marked.by.clone(),
            at: millis(marked.at),
            reason: marked.reason.clone(),
        }
    }
}

impl AttemptV1 {
    fn of(record: &AttemptRecord) -> Self {
        let session = record.session.as_ref().map(|session| SessionV1 {
            id: session.id.to_string(),
            url: session.url.clone(),
            state: record.state.clone(),
        });
        let pull_requests =
            exactly(record.work.pull_requests().map(|pull| Arc::new(PullRequestV1::of(pull))));
        Self {
            number: record.number,
            session,
            started_at: millis(record.started_at),
            ended_at: record.ended_at.map(millis),
            outcome: record.outcome,
            reason: record.reason.clone(),
            adopted: record.adopted,
            archived: record.archived,
            pull_request: pull_requests.last().cloned(),
            pull_requests,
            change: record.work.change.map(ChangeV1::of),
        }
    }
}

impl PullRequestV1 {
    fn of(pull: &PullRequest) -> Self {
        Self {
            url: pull.url.clone(),
            number: pull.number,
            title: pull.title.clone(),
            base_ref: pull.base_ref.clone(),
            head_ref: pull.head_ref.clone(),
            id: None,
            state: None,
            stage: None,
            since: None,
            reason: None,
            head: None,
            checks: None,
            review: None,
            merged_at: None,
            closed_at: None,
            closed_by: None,
            touched_by: None,
            checked_at: None,
            history: Vec::new(),
        }
    }

    /// With how it stands, if it was read.
    fn read(pull: &PullRequest, record: Option<&PullRecord>) -> Self {
        let told = Self::of(pull);
        let Some(PullRecord { status, history }) = record else { return told };
        Self {
            id: status.id.clone(),
            state: Some(status.state),
            stage: Some(status.stage),
            since: Some(millis(status.since)),
            reason: status.reason.clone(),
            head: status.head.clone(),
            checks: status.checks.as_ref().map(|checks| checks.as_str().to_owned()),
            review: status.review.as_ref().map(|review| review.as_str().to_owned()),
            merged_at: status.merged_at.map(millis),
            closed_at: status.closed_at.map(millis),
            closed_by: status.closed_by.clone(),
            touched_by: status.touched_by.clone(),
            checked_at: Some(millis(status.checked_at)),
            history: history.iter().map(PullChangeV1::of).collect(),
            ..told
        }
    }
}

impl PullChangeV1 {
    fn of(change: &PullChange) -> Self {
        Self { at: millis(change.at), state: change.state, stage: change.stage }
    }
}

impl GithubApiV1 {
    fn of(usage: GithubUsage) -> Option<Self> {
        let GithubUsage { requests, points, writes } = usage;
        (requests > 0).then_some(Self { requests, points, writes })
    }
}

impl ChangeV1 {
    fn of(change: Change) -> Self {
        let Change { files, additions, deletions, unread } = change;
        Self { files, additions, deletions, unread }
    }
}

impl ApiV1 {
    fn of(record: &RunRecord) -> Self {
        let usage = record.usage();
        let attempts = record.tasks.values().flat_map(|task| &task.attempts);
        Self {
            polls: PollsV1 { looks: usage.looks, late: usage.late_looks },
            detection: DetectionV1::of(attempts.filter_map(|attempt| attempt.detected_after_ms).collect()),
            requests: usage.requests,
            retries: usage.retries,
            throttled: usage.throttled,
            waited_ms: usage.waited_ms,
            reconnects: usage.reconnects,
            github: GithubApiV1::of(record.github),
        }
    }
}

impl DetectionV1 {
    fn of(mut delays: Vec<u64>) -> Option<Self> {
        delays.sort_unstable();
        // The smallest delay that this percentage of all do not exceed.
        let within = |hundredths: usize| {
            delays.get((delays.len() * hundredths).div_ceil(100).checked_sub(1)?).copied()
        };
        Some(Self { p50_ms: within(50)?, p99_ms: within(99)? })
    }
}

impl StrayV1 {
    fn of(stray: &Stray) -> Self {
        Self {
            id: stray.session.id.to_string(),
            url: stray.session.url.clone(),
            title: stray.title.clone(),
            task: stray.task.as_ref().map(ToString::to_string),
        }
    }
}

/// Times in reports are exact to the millisecond.
pub(super) fn millis(time: Timestamp) -> Timestamp {
    time.round(Unit::Millisecond).unwrap_or(time)
}
