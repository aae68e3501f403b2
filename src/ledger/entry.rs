//! One event into its rows: itself, and what is looked up without folding.

use rusqlite::{Connection, params};

use super::ManifestIdentity;
use crate::outcome::{EventKind, RunEvent, RunInfo, SessionRef};
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
                "INSERT INTO tasks (run, id, key) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET key = excluded.key, outcome = NULL",
            )?
            .execute(params![run, planned.id.as_str(), planned.key.as_str()])?;
        }
        EventKind::TaskReopened { task } => set_outcome(conn, run, task, None)?,
        EventKind::TaskEnded { task, outcome, .. } => set_outcome(conn, run, task, Some(outcome.as_str()))?,
        EventKind::SessionCreated { task, session, created_at, .. } => {
            let ts = created_at.map_or(ts, jiff::Timestamp::as_millisecond);
            enter_session(conn, run, task, session, ts)?;
        }
        EventKind::InvocationStarted { invocation, .. } => {
            conn.prepare_cached("UPDATE runs SET invocations = ?2, ended_at = NULL WHERE n = ?1")?
                .execute(params![run, invocation])?;
        }
        EventKind::InvocationEnded { .. } => {
            conn.prepare_cached("UPDATE runs SET ended_at = ?2 WHERE n = ?1")?.execute(params![run, ts])?;
        }
        EventKind::RunStarted { .. }
        | EventKind::SessionsSurveyed { .. }
        | EventKind::IntentRecorded { .. }
        | EventKind::CreateRefused { .. }
        | EventKind::CreateDoubted { .. }
        | EventKind::SessionState { .. }
        | EventKind::PlanApproved { .. }
        | EventKind::Replied { .. }
        | EventKind::Nudged { .. }
        | EventKind::SessionArchived { .. }
        | EventKind::AttemptEnded { .. }
        | EventKind::Noted { .. }
        | EventKind::ApiUsed { .. }
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

fn set_outcome(conn: &Connection, run: i64, task: &TaskId, outcome: Option<&str>) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE tasks SET outcome = ?3 WHERE run = ?1 AND id = ?2")?.execute(params![
        run,
        task.as_str(),
        outcome
    ])?;
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
