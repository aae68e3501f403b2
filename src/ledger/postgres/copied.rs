//! Whole runs, out of a database and into it.

use std::sync::Arc;

use super::append::{REST, columns, numbered};
use super::link::values;
use super::projection::{Projection, PullRow, TaskRow};
use super::{Postgres, lease};
use crate::ledger::LedgerError;
use crate::outcome::RunId;

/// A run with its rows.
#[derive(Clone, Debug, Default)]
pub(in crate::ledger) struct Copied {
    pub(in crate::ledger) id: String,
    pub(in crate::ledger) identity: String,
    pub(in crate::ledger) manifest: String,
    pub(in crate::ledger) name: String,
    pub(in crate::ledger) simulated: bool,
    pub(in crate::ledger) started_at: i64,
    pub(in crate::ledger) ended_at: Option<i64>,
    pub(in crate::ledger) invocations: i32,
    pub(in crate::ledger) events: Vec<OfEvent>,
    pub(in crate::ledger) tasks: Vec<(String, TaskRow)>,
    /// Session, time, key of the task.
    pub(in crate::ledger) creations: Vec<(String, i64, Option<String>)>,
    /// By task and page.
    pub(in crate::ledger) pulls: Vec<((String, String), PullRow)>,
}

/// An event's row.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct OfEvent {
    pub(in crate::ledger) seq: i64,
    pub(in crate::ledger) ts: i64,
    pub(in crate::ledger) task: Option<String>,
    pub(in crate::ledger) body: String,
}

/// Nobody has the lease of a run that was copied before somebody goes on with it.
const TAKE_IN: &str = "
    WITH own AS (
        INSERT INTO @leases (project, manifest, shard, simulated) VALUES ($1, $2, 'copied', $3)
        ON CONFLICT (project, manifest, shard, simulated) DO UPDATE SET epoch = leases.epoch RETURNING n
    ), run AS (
        INSERT INTO @runs (id, project, lease, identity, manifest, name, simulated, started_at, last_seq,
                           updated_at, ended_at, invocations)
        SELECT $4, $1, own.n, $5, $6, $7, $3, $8, $9, $10, $11, $12 FROM own
        ON CONFLICT (id) DO NOTHING RETURNING n, simulated, account, true AS is_copied
    ), ";

impl Postgres {
    /// Fails where somebody is at work in the project.
    pub(in crate::ledger) fn is_idle(&self) -> Result<(), LedgerError> {
        match lease::holders(&self.link)?.into_iter().next() {
            Some(holder) => Err(LedgerError::Owned { holder, since: None, until: None, lease: 0 }),
            None => Ok(()),
        }
    }

    /// A run with its rows.
    pub(in crate::ledger) fn copied(&self, run: &RunId) -> Result<Option<Copied>, LedgerError> {
        let sql = "SELECT n, identity, manifest, name, simulated, started_at, ended_at, invocations \
                   FROM @runs WHERE id = $1";
        let found = self.rows(sql, values![run.as_str().to_owned()])?;
        let Some(row) = found.first() else { return Ok(None) };
        let n: i64 = row.get(0);
        let mut copied = Copied {
            id: run.as_str().to_owned(),
            identity: row.get(1),
            manifest: row.get(2),
            name: row.get(3),
            simulated: row.get(4),
            started_at: row.get(5),
            ended_at: row.get(6),
            invocations: row.get(7),
            ..Copied::default()
        };
        let sql =
            "SELECT seq, ts, task, body FROM @events WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT 10000";
        loop {
            let after = copied.events.last().map_or(0, |event| event.seq);
            let rows = self.rows(sql, values![n, after])?;
            if rows.is_empty() {
                break;
            }
            let event = |row: &tokio_postgres::Row| OfEvent {
                seq: row.get(0),
                ts: row.get(1),
                task: row.get(2),
                body: row.get(3),
            };
            copied.events.extend(rows.iter().map(event));
        }
        let Projection { tasks, pulls, .. } = Projection::load(self, n)?;
        (copied.tasks, copied.pulls) = (tasks.into_iter().collect(), pulls.into_iter().collect());
        let sql = "SELECT session, ts, task_key FROM @creations WHERE run = $1";
        let creations = self.rows(sql, values![n])?;
        copied.creations = creations.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        Ok(Some(copied))
    }

    /// Takes a run in that is not there; in one statement. Where it is there by now, as the server may still have been
    /// carrying out what a killed process had sent, it stays as it is.
    pub(in crate::ledger) fn take_in(&self, run: &Copied) -> Result<(), LedgerError> {
        let project = self.link.database().project().unwrap_or_default().to_owned();
        let (last, updated) = run.events.last().map_or((0, run.started_at), |event| (event.seq, event.ts));
        let mut values = values![project, format!("{} {}", run.identity, run.name), run.simulated];
        values.extend(values![run.id.clone(), run.identity.clone(), run.manifest.clone(), run.name.clone()]);
        values.extend(values![run.started_at, last, updated, run.ended_at, run.invocations]);
        let sql = format!("{TAKE_IN}{} FROM run", numbered(REST, values.len()));
        values.extend(values![
            run.events.iter().map(|event| event.seq).collect::<Vec<i64>>(),
            run.events.iter().map(|event| event.ts).collect::<Vec<i64>>(),
            run.events.iter().map(|event| event.task.clone()).collect::<Vec<Option<String>>>(),
            run.events.iter().map(|event| event.body.clone()).collect::<Vec<String>>(),
        ]);
        let tasks: Vec<_> = run.tasks.iter().map(|(id, row)| (id, row)).collect();
        let pulls: Vec<_> = run.pulls.iter().map(|(at, row)| (at, row)).collect();
        values.extend(columns(&tasks, &run.creations, &pulls));
        values.extend(values![Vec::<String>::new()]);
        let taken = self.link.ask(&sql, &Arc::new(values));
        taken.map(drop).map_err(|error| self.link.failed("write to the ledger", error))
    }
}
