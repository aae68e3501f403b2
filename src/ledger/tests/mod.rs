//! Tests of the ledger as a whole.

mod crash;
mod failing;
mod opening;
mod pulls;
mod queries;
mod round_trip;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::outcome::{
    EventKind, Marker, Outcome, PlannedTask, RunEvent, RunId, RunInfo, SessionRef, Stray, Work,
};
use crate::plan::{JobId, OnNoChange, Place, TaskId, TaskKey};

/// The server that tests may use.
#[cfg(feature = "postgres")]
pub(in crate::ledger) const SERVER: &str = "JULES_BATCH_TEST_POSTGRES";

/// Tests a ledger in a folder, and one in the database of the server that is named.
pub(in crate::ledger) fn each(test: impl Fn(&Location)) {
    let dir = tempfile::tempdir().unwrap();
    test(&dir.path().into());
    #[cfg(feature = "postgres")]
    if let Some(database) = postgres::TestDatabase::new() {
        test(&database.location());
    }
}

#[test]
#[cfg(feature = "postgres")]
fn without_a_server_its_tests_are_skipped_and_say_so() {
    use std::io::Write as _;

    if std::env::var_os(SERVER).is_none() {
        // Not through `eprintln`, which is kept from those who look on.
        writeln!(std::io::stderr(), "skipped: the ledger in PostgreSQL, as {SERVER} names no server")
            .unwrap();
    }
}

/// A second of the year 2026, this many after the tests' first.
pub(in crate::ledger) fn second(n: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + n).unwrap()
}

pub(in crate::ledger) fn run_id(random: u16) -> RunId {
    RunId::new(second(0), random)
}

pub(in crate::ledger) fn identity(name: &str) -> ManifestIdentity {
    ManifestIdentity::new(Path::new(".jules-batch"), Path::new("no-such.yaml"), name, false)
}

pub(in crate::ledger) fn key(task: &str) -> TaskKey {
    let hash =
        task.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    TaskKey::new(format!("{hash:016x}"))
}

pub(in crate::ledger) fn started(run: &RunId) -> EventKind {
    let info = RunInfo {
        id: run.clone(),
        name: "nightly".into(),
        manifest: "jobs.yaml".into(),
        file: Some("jobs.yaml".into()),
        simulated: false,
    };
    EventKind::RunStarted { run: info }
}

pub(in crate::ledger) fn planned(task: &str) -> EventKind {
    EventKind::TaskPlanned {
        planned: Arc::new(PlannedTask {
            id: TaskId::new(task),
            key: key(task),
            job: JobId::new("job"),
            source: None,
            matrix: Arc::new([("crate".to_owned(), task.into())].into()),
            tags: vec!["deps".into()],
            place: Place { line: 3, column: 5 },
            on_no_change: OnNoChange::Pass,
        }),
    }
}

pub(in crate::ledger) fn intent(run: &RunId, task: &str, attempt: u32) -> EventKind {
    EventKind::IntentRecorded {
        task: TaskId::new(task),
        attempt,
        marker: Marker::new(&key(task), run, attempt),
        service_time: None,
        send_by: None,
    }
}

pub(in crate::ledger) fn created(task: &str, attempt: u32, session: &str) -> EventKind {
    EventKind::SessionCreated {
        task: TaskId::new(task),
        attempt,
        session: SessionRef { id: session.parse().unwrap(), url: Some(format!("https://jules/{session}")) },
        adopted: false,
        created_at: None,
    }
}

pub(in crate::ledger) fn state(task: &str, attempt: u32, state: &str) -> EventKind {
    EventKind::SessionState { task: TaskId::new(task), attempt, state: state.into(), detected_after_ms: None }
}

pub(in crate::ledger) fn attempt_ended(task: &str, attempt: u32, outcome: Outcome) -> EventKind {
    EventKind::AttemptEnded {
        task: TaskId::new(task),
        attempt,
        outcome,
        reason: Some("so it goes".into()),
        work: Work::default(),
    }
}

pub(in crate::ledger) fn ended(task: &str, outcome: Outcome) -> EventKind {
    EventKind::TaskEnded { task: TaskId::new(task), outcome, reason: None }
}

pub(in crate::ledger) fn stray(session: &str) -> EventKind {
    let session = SessionRef { id: session.parse().unwrap(), url: None };
    EventKind::StrayFound { stray: Stray { session, title: String::new(), task: None } }
}

pub(in crate::ledger) fn left() -> EventKind {
    EventKind::InvocationEnded { stopped: None }
}

/// Numbers events from `first`, a second apart.
pub(in crate::ledger) fn numbered(first: u64, kinds: impl IntoIterator<Item = EventKind>) -> Vec<RunEvent> {
    (first..).zip(kinds).map(|(seq, kind)| RunEvent { seq, ts: second(seq as i64), kind }).collect()
}

/// A run of one task that ended well.
pub(in crate::ledger) fn short_run(run: &RunId) -> Vec<RunEvent> {
    numbered(
        1,
        [
            started(run),
            EventKind::InvocationStarted { invocation: 1, shard: None, workflow_run: None },
            planned("a"),
            intent(run, "a", 1),
            created("a", 1, &format!("1{}", run.short())),
            state("a", 1, "COMPLETED"),
            attempt_ended("a", 1, Outcome::Succeeded),
            ended("a", Outcome::Succeeded),
            left(),
        ],
    )
}
