//! A run for tests of this layer and of those above.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    EventKind, Marker, Outcome, PlannedTask, PullRequest, PullState, PullStatus, RunEvent, RunId, RunInfo,
    SessionRef, Stage, Work,
};
use crate::plan::{JobId, OnNoChange, Place, TaskId, TaskKey, TaskSource};

/// `RunStarted` and `InvocationStarted`.
pub(crate) const EVENTS_BEFORE_TASKS: usize = 2;
/// What [`run_of`] makes for each task after it is planned.
pub(crate) const EVENTS_A_TASK: usize = 5;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_312_800 + second).unwrap()
}

pub(crate) fn run_id() -> RunId {
    RunId::new(at(0), 0x7c1f)
}

pub(crate) fn event(second: i64, kind: EventKind) -> RunEvent {
    RunEvent { seq: 1, ts: at(second), kind }
}

pub(crate) fn planned(id: &str) -> PlannedTask {
    PlannedTask {
        id: TaskId::new(id),
        key: TaskKey::new("0123456789abcdef"),
        job: JobId::new("upgrade"),
        source: Some(TaskSource { github: "my-org/web".into(), branch: "main".into() }),
        matrix: Default::default(),
        tags: Vec::new(),
        place: Place { line: 3, column: 5 },
        on_no_change: OnNoChange::Pass,
    }
}

pub(crate) fn info() -> RunInfo {
    RunInfo {
        id: run_id(),
        name: "nightly".into(),
        manifest: "jobs.yaml".into(),
        file: Some("jobs.yaml".into()),
        simulated: false,
    }
}

pub(crate) fn intent(task: &str, attempt: u32) -> EventKind {
    EventKind::IntentRecorded {
        task: TaskId::new(task),
        attempt,
        marker: Marker::new(&TaskKey::new("0123456789abcdef"), &run_id(), attempt),
        service_time: None,
        send_by: None,
    }
}

pub(crate) fn created(task: &str, attempt: u32, session: u32) -> EventKind {
    EventKind::SessionCreated {
        task: TaskId::new(task),
        attempt,
        session: SessionRef {
            id: session.to_string().parse().unwrap(),
            url: Some(format!("https://jules.google.com/session/{session}")),
        },
        adopted: false,
        created_at: None,
    }
}

pub(crate) fn state(task: &str, attempt: u32, state: &str) -> EventKind {
    EventKind::SessionState { task: TaskId::new(task), attempt, state: state.into(), detected_after_ms: None }
}

pub(crate) fn attempt_ended(task: &str, attempt: u32, outcome: Outcome, reason: Option<&str>) -> EventKind {
    let pull_request = (outcome == Outcome::Succeeded).then(|| PullRequest {
        url: format!("https://github.com/my-org/web/pull/{attempt}"),
        number: Some(attempt.into()),
        title: Some("Upgrade".into()),
        base_ref: None,
        head_ref: None,
    });
    EventKind::AttemptEnded {
        task: TaskId::new(task),
        attempt,
        outcome,
        reason: reason.map(str::to_owned),
        work: Work { pull_request: pull_request.map(Arc::new), ..Work::default() },
    }
}

pub(crate) fn ended(task: &str, outcome: Outcome, reason: Option<&str>) -> EventKind {
    EventKind::TaskEnded { task: TaskId::new(task), outcome, reason: reason.map(str::to_owned) }
}

/// Whether a pull request is open that stands at this stage.
pub(crate) fn state_at(stage: Stage) -> PullState {
    match stage {
        Stage::Merged => PullState::Merged,
        Stage::Closed => PullState::Closed,
        Stage::Unknown => PullState::Unknown,
        _ => PullState::Open,
    }
}

/// The pull request of this page, which has come to this stage when it was read; nothing more is known of it.
pub(crate) fn pull_status(url: &str, stage: Stage, read: Timestamp) -> PullStatus {
    PullStatus {
        url: url.to_owned(),
        id: None,
        repository: None,
        state: state_at(stage),
        stage,
        since: read,
        reason: None,
        head: None,
        head_since: None,
        checks: None,
        review: None,
        merged_at: None,
        closed_at: None,
        closed_by: None,
        touched_by: None,
        checked_at: read,
    }
}

/// A run of this many tasks, `task-0` and on, one after the other, each of them a success after 60 s.
pub(crate) fn run_of(tasks: u32) -> Vec<RunEvent> {
    let mut events = vec![
        event(0, EventKind::RunStarted { run: info() }),
        event(0, EventKind::InvocationStarted { invocation: 1, shard: None, workflow_run: None }),
    ];
    for n in 0..tasks {
        events.push(event(0, EventKind::TaskPlanned { planned: Arc::new(planned(&format!("task-{n}"))) }));
    }
    for n in 0..tasks {
        let (id, begin) = (format!("task-{n}"), i64::from(n) * 60);
        events.extend([
            event(begin, intent(&id, 1)),
            event(begin + 1, created(&id, 1, 100 + n)),
            event(begin + 2, state(&id, 1, "IN_PROGRESS")),
            event(begin + 60, attempt_ended(&id, 1, Outcome::Succeeded, None)),
            event(begin + 60, ended(&id, Outcome::Succeeded, None)),
        ]);
    }
    for (index, event) in events.iter_mut().enumerate() {
        event.seq = index as u64 + 1;
    }
    events
}
