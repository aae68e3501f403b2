//! One event into its rows: itself, and what is looked up without folding.

use rusqlite::{Connection, params};

use super::{ManifestIdentity, pulls};
use crate::outcome::{EventKind, RunEvent, RunInfo, SessionRef, is_end};
use crate::plan::TaskId;

/// Enters a run with its first event; its row. The run's own name and service are the identity's.
pub(super) fn begin_run(
    conn: &Connection,
    identity: &ManifestIdentity,
    run: &RunInfo,
    event: &RunEvent,
) -> rusqlite::Result<i64> {
    let ts = event.ts.as_millisecond();
    conn.prepare_cached(
        "INSERT INTO runs (id, identity, manifest, name, simulated, started_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        run.id.as_str(),
        identity.path(),
        run.manifest,
        identity.name(),
        identity.is_simulated(),
        ts
    ])?;
    let row = conn.last_insert_rowid();
    insert(conn, row, event)?;
    Ok(row)
}

/// Enters an event of a run that has begun.
pub(super) fn add(conn: &Connection, run: i64, event: &RunEvent) -> rusqlite::Result<()> {
    insert(conn, run, event)?;
    let ts = event.ts.as_millisecond();
    match &event.kind {
        EventKind::TaskPlanned { planned } => {
            conn.prepare_cached(
                "INSERT INTO tasks (run, id, key, last) VALUES (?1, ?2, ?3, 'none') \
                 ON CONFLICT DO UPDATE SET key = excluded.key, outcome = NULL, ended_at = NULL, last = NULL, mark = NULL",
            )?
            .execute(params![run, planned.id.as_str(), planned.key.as_str()])?;
        }
        EventKind::TaskReopened { task } => set_outcome(conn, run, task, None, None)?,
        EventKind::TaskEnded { task, outcome, .. } => {
            set_outcome(conn, run, task, Some((outcome.as_str(), ts)), None)?;
        }
        EventKind::TaskMarked { task, mark, .. } => {
            let outcome = mark.outcome().map(|outcome| (outcome.as_str(), ts));
            set_outcome(conn, run, task, outcome, Some(mark.as_str()))?;
        }
        EventKind::IntentRecorded { task, .. } => set_last(conn, run, task, "'intent'")?,
        EventKind::CreateRefused { task, .. } | EventKind::SessionArchived { task, .. } => {
            set_last(conn, run, task, "'over'")?;
        }
        EventKind::SessionState { task, state, .. } if is_end(state) => {
            set_last(conn, run, task, "iif(last IN ('live', 'left'), 'ended', last)")?;
        }
        EventKind::SessionState { task, .. } => {
            set_last(conn, run, task, "iif(last = 'ended', 'live', last)")?;
        }
        EventKind::WorkFound { task, work, .. } => pulls::made(conn, run, task, work, ts)?,
        EventKind::AttemptEnded { task, outcome, work, .. } => {
            pulls::made(conn, run, task, work, ts)?;
            if outcome.is_failure() {
                set_last(conn, run, task, "iif(last IN ('live', 'left'), 'left', 'over')")?;
            } else if outcome.is_open() {
                // Its session was sent a message after its end.
                set_last(conn, run, task, "iif(last = 'over', 'live', last)")?;
            } else {
                set_last(conn, run, task, "'over'")?;
            }
        }
        EventKind::PullRequestAdopted { task, pull, session, .. } => {
            pulls::enter(conn, run, task, &pull.url, session.as_ref(), ts)?;
        }
        EventKind::PullRequestRead { task, pull } => pulls::read(conn, run, task, pull)?,
        EventKind::SessionCreated { task, session, created_at, .. } => {
            let ts = created_at.map_or(ts, jiff::Timestamp::as_millisecond);
            enter_session(conn, run, task, session, ts)?;
            set_last(conn, run, task, "'live'")?;
            pulls::session(conn, run, task, session)?;
        }
        EventKind::InvocationStarted { invocation, .. } => {
            conn.prepare_cached("UPDATE runs SET invocations = ?2, ended_at = NULL WHERE n = ?1")?
                .execute(params![run, invocation])?;
        }
        EventKind::InvocationEnded { .. } => {
            conn.prepare_cached("UPDATE runs SET ended_at = ?2 WHERE n = ?1")?.execute(params![run, ts])?;
        }
        EventKind::RunStarted { .. }
        | EventKind::RoundPlanned { .. }
        | EventKind::SessionsSurveyed { .. }
        | EventKind::CreateRepeated { .. }
        | EventKind::CreateDoubted { .. }
        | EventKind::AgentActive { .. }
        | EventKind::SessionDetails { .. }
        | EventKind::PlanApproved { .. }
        | EventKind::Replied { .. }
        | EventKind::Nudged { .. }
        | EventKind::SessionArchiving { .. }
        | EventKind::Noted { .. }
        | EventKind::ApiUsed { .. }
        | EventKind::GithubUsed { .. }
        | EventKind::WavesFixed { .. }
        | EventKind::WaveReleased { .. }
        | EventKind::PullRequestActing { .. }
        | EventKind::PullRequestActed { .. }
        | EventKind::StrayFound { .. }
        | EventKind::StraysUnknown { .. } => {}
    }
    Ok(())
}

fn insert(conn: &Connection, run: i64, event: &RunEvent) -> rusqlite::Result<()> {
    let body =
        serde_json::to_string(event).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    let task = event.kind.task().map(TaskId::as_str);
    conn.prepare_cached("INSERT INTO events (run, seq, ts, task, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![run, number(event)?, event.ts.as_millisecond(), task, body])?;
    Ok(())
}

fn set_outcome(
    conn: &Connection,
    run: i64,
    task: &TaskId,
    outcome: Option<(&str, i64)>,
    mark: Option<&str>,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE tasks SET outcome = ?3, ended_at = ?4, mark = ?5 WHERE run = ?1 AND id = ?2",
    )?
    .execute(params![
        run,
        task.as_str(),
        outcome.map(|(outcome, _)| outcome),
        outcome.map(|(_, ts)| ts),
        mark
    ])?;
    Ok(())
}

/// What is left of the task's last attempt, as an expression over what was left before.
fn set_last(conn: &Connection, run: i64, task: &TaskId, last: &'static str) -> rusqlite::Result<()> {
    conn.prepare_cached(&format!("UPDATE tasks SET last = {last} WHERE run = ?1 AND id = ?2"))?
        .execute(params![run, task.as_str()])?;
    Ok(())
}

/// A session that is adopted again was paid for when it was first seen.
fn enter_session(
    conn: &Connection,
    run: i64,
    task: &TaskId,
    session: &SessionRef,
    ts: i64,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO creations (session, ts, run, task_key, simulated) \
         SELECT ?1, ?2, ?3, (SELECT key FROM tasks WHERE run = ?3 AND id = ?4), simulated FROM runs WHERE n = ?3",
    )?
    .execute(params![session.id.as_str(), ts, run, task.as_str()])?;
    Ok(())
}

fn number(event: &RunEvent) -> rusqlite::Result<i64> {
    i64::try_from(event.seq).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}
