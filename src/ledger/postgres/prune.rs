//! What is let go of, by the rules of the file (`ledger/prune.rs`), when an administrator asks for it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Postgres;
use super::link::values;
use crate::ledger::LedgerError;
use crate::ledger::prune::{KEPT_DAYS, KEPT_RUNS, KEPT_SESSION_DAYS};

/// Runs that are past their time. Those whose manifest somebody is at work on are left alone.
const OLD: &str = "
    WITH ranked AS (
        SELECT n, coalesce(ended_at, started_at) AS over_at, name, simulated, project, lease,
               row_number() OVER (PARTITION BY project, identity, name, simulated ORDER BY n DESC) AS place
        FROM @runs
    )
    SELECT n FROM ranked
    WHERE place > 1 AND (place > $1 OR over_at < $2)
      AND ($3::text IS NULL OR project = $3)
      AND NOT EXISTS (
          SELECT FROM @leases AS held
          WHERE held.n = ranked.lease AND held.holder IS NOT NULL AND held.lease_until > clock_timestamp()
      )
      AND NOT EXISTS (SELECT FROM @pulls AS open WHERE open.run = ranked.n AND open.state = 'open')
      AND NOT EXISTS (
          SELECT FROM @tasks AS of WHERE of.run = ranked.n AND NOT EXISTS (
              SELECT FROM @tasks AS newer JOIN @runs AS its ON its.n = newer.run
              WHERE newer.id = of.id AND newer.run > ranked.n AND its.project = ranked.project
                AND its.name = ranked.name AND its.simulated = ranked.simulated
                AND (newer.last <> 'none' OR of.last IN ('none', 'over') OR of.outcome NOT IN ('deferred', 'detached'))
          )
      )
    ORDER BY n";

const REMOVE: &str = "
    WITH events AS (DELETE FROM @events WHERE run = ANY($1)), tasks AS (DELETE FROM @tasks WHERE run = ANY($1))
    DELETE FROM @runs WHERE n = ANY($1)";

const ORPHANS: &str = "
    WITH sessions AS (
        DELETE FROM @creations AS it WHERE ts < $1 AND NOT EXISTS (SELECT FROM @runs WHERE n = it.run)
    )
    DELETE FROM @pulls AS it WHERE greatest(made_at, coalesce(closed_at, 0)) < $2
        AND NOT EXISTS (SELECT FROM @runs WHERE n = it.run)";

/// Behind the lock of those who claim, by a statement of its own: what they have claimed meanwhile is seen.
const CLAIMS: &str = "
    SELECT pg_advisory_xact_lock(hashtext('jules-batch claims ~'));
    DELETE FROM @claims AS it
    WHERE NOT EXISTS (SELECT FROM @leases WHERE n = it.lease AND epoch = it.epoch AND holder IS NOT NULL)";

/// How many runs go with one statement.
const AT_ONCE: usize = 20;

impl Postgres {
    /// Deletes what is past its time; how many runs.
    pub(super) fn prune(&self, now: Timestamp) -> Result<usize, LedgerError> {
        let before = |days| now.as_millisecond() - SignedDuration::from_hours(24 * days).as_millis() as i64;
        let project = self.link.database().project().map(str::to_owned);
        let old = self.rows(OLD, values![i64::from(KEPT_RUNS), before(KEPT_DAYS), project])?;
        let old: Vec<i64> = old.iter().map(|row| row.get(0)).collect();
        let carry_out = |sql, values| {
            let done = self.link.ask(sql, &Arc::new(values));
            done.map(drop).map_err(|error| self.link.failed("remove old runs from the ledger", error))
        };
        for runs in old.chunks(AT_ONCE) {
            carry_out(REMOVE, values![runs.to_vec()])?;
        }
        carry_out(ORPHANS, values![before(KEPT_SESSION_DAYS), before(KEPT_DAYS)])?;
        let claims = self.link.script(&CLAIMS.replace('~', &self.link.database().schema));
        claims.map_err(|error| self.link.failed("remove old runs from the ledger", error))?;
        Ok(old.len())
    }
}
