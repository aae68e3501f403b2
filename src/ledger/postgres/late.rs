//! Sessions of which an owner heard when the run was another's already: it writes them down where no lease is needed, and
//! whoever has the lease sees to them.

use std::sync::Arc;

use tokio_postgres::Row;

use super::Postgres;
use super::append::Writing;
use super::link::values;
use crate::ledger::LedgerError;
use crate::outcome::{EventKind, LateReader, LateSession, Marker, RunEvent};
use crate::plan::TaskId;

const TELL: &str = "INSERT INTO @late (run, task, attempt, session, holder, marker, epoch) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";

/// What somebody has taken up is seen to. A session is in `creations` from when the ledger knows it.
const READ: &str = "
    WITH known AS (
        UPDATE @late AS it SET dealt_with = clock_timestamp()
        WHERE dealt_with IS NULL AND EXISTS (SELECT FROM @creations AS kept WHERE kept.session = it.session)
    )
    SELECT it.task, it.session, it.marker FROM @late AS it JOIN @runs AS its ON its.id = it.run
    WHERE its.lease = ANY($1) AND dealt_with IS NULL
      AND NOT EXISTS (SELECT FROM @creations AS kept WHERE kept.session = it.session)
    ORDER BY it.at, it.session";

impl Writing {
    /// Tells whoever has the run now of the sessions among these events.
    pub(super) fn tell_late(&self, postgres: &Postgres, events: &[RunEvent]) {
        for event in events {
            let EventKind::SessionCreated { task, attempt, session, .. } = &event.kind else { continue };
            let marker = self.marker_of(task, *attempt, events);
            let (run, task) = (self.run_id().as_str().to_owned(), task.as_str().to_owned());
            let (session, holder) = (session.id.as_str().to_owned(), postgres.holder().to_owned());
            let values = values![run, task, i64::from(*attempt), session, holder, marker, self.epoch()];
            if let Err(error) = postgres.link.ask(TELL, &Arc::new(values)) {
                tracing::warn!("a session that came late is not told: {error}");
            }
        }
    }

    fn marker_of(&self, task: &TaskId, attempt: u32, events: &[RunEvent]) -> Option<String> {
        let is_it = |event: &&RunEvent| {
            matches!(&event.kind, EventKind::IntentRecorded { task: of, attempt: number, .. }
                if of == task && *number == attempt)
        };
        match &self.recent().chain(events).filter(is_it).last()?.kind {
            EventKind::IntentRecorded { marker, .. } => Some(marker.to_string()),
            _ => None,
        }
    }
}

impl Postgres {
    /// The sessions that owners of our leases before us have heard of too late, and that nobody has seen to.
    pub(in crate::ledger) fn late(&self) -> Result<Vec<LateSession>, LedgerError> {
        let rows = self.rows(READ, values![self.leases.rows()])?;
        Ok(rows.iter().filter_map(read).collect())
    }

    /// The same, as long as the leases are ours.
    pub(in crate::ledger) fn late_reader(&self) -> LateReader {
        let (link, leases) = (self.link.another(), self.leases.rows());
        let (runtime, sql) = (link.runtime().clone(), link.sql(READ));
        let link = link.handle();
        Arc::new(move || {
            let (link, sql, values) = (link.clone(), sql.clone(), values![leases.clone()]);
            // The connection belongs to its own thread.
            let asked = runtime.spawn(async move { link.ask(&sql, &values).await });
            Box::pin(async move {
                match asked.await {
                    Ok(Ok(rows)) => rows.iter().filter_map(read).collect(),
                    Ok(Err(error)) => {
                        tracing::debug!("what came late is not read: {error}");
                        Vec::new()
                    }
                    // Its thread has ended with the run.
                    Err(_) => Vec::new(),
                }
            })
        })
    }
}

/// What cannot be read as a session was not written by us.
fn read(row: &Row) -> Option<LateSession> {
    Some(LateSession {
        task: TaskId::new(row.get::<_, String>(0)),
        session: row.get::<_, &str>(1).parse().ok()?,
        marker: row.get::<_, Option<&str>>(2).and_then(|marker| marker.parse::<Marker>().ok()),
    })
}
