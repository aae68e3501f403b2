//! A run's events into the database: each call is one statement, which does nothing unless the lease is ours and the run is
//! where we left it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lease::Lease;
use super::link::{Value, values};
use super::projection::{Projection, PullRow, TaskRow};
use super::{Postgres, link::LinkError};
use crate::ledger::{LedgerError, ManifestIdentity};
use crate::outcome::{RunEvent, RunId, RunInfo};
use crate::plan::TaskId;

/// How long a write is tried at least: a connection that was cut is made again.
const GRACE: Duration = Duration::from_secs(1);
/// How long after one that failed it is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// How many events are kept in memory for a database that has lost its last commits, as one that failed over may.
const KEPT: usize = 20_000;

/// The lease is locked first: whoever takes it over waits for this statement, or this statement finds that it is gone.
const OWN: &str = "
    WITH own AS (
        SELECT n FROM @leases WHERE n = $1 AND holder = $2 AND epoch = $3 FOR NO KEY UPDATE
    ), ";

const BEGIN: &str = "run AS (
        INSERT INTO @runs (id, project, lease, identity, manifest, name, simulated, started_at, last_seq,
                           updated_at, ended_at, invocations, account)
        SELECT $4, $5, own.n, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM own
        ON CONFLICT (id) DO NOTHING RETURNING n, simulated, account, false AS is_copied
    ), ";
const GO_ON: &str = "run AS (
        UPDATE @runs AS it SET last_seq = $6, updated_at = $7, ended_at = $8, invocations = $9, account = $10
        FROM own WHERE it.n = $4 AND it.lease = own.n AND it.last_seq = $5
        RETURNING it.n, it.simulated, it.account, false AS is_copied
    ), ";

/// The numbers are put behind those of what stands before.
pub(super) const REST: &str = "kept AS (
        INSERT INTO @events (run, seq, ts, task, body)
        SELECT run.n, it.* FROM run, unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS it
    ), of_tasks AS (
        INSERT INTO @tasks (run, id, key, outcome, ended_at, last, mark, session)
        SELECT run.n, it.* FROM run,
            unnest($5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[]) AS it
        ON CONFLICT (run, id) DO UPDATE SET key = excluded.key, outcome = excluded.outcome,
            ended_at = excluded.ended_at, last = excluded.last, mark = excluded.mark, session = excluded.session
    ), of_sessions AS (
        INSERT INTO @creations (session, ts, task_key, run, simulated, account, counted_at)
        SELECT it.*, run.n, run.simulated, run.account,
               CASE WHEN is_copied THEN least(to_timestamp(it.ts / 1000.0), clock_timestamp()) ELSE clock_timestamp() END
        FROM run, unnest($12::text[], $13::bigint[], $14::text[]) AS it (session, ts, task_key)
        ON CONFLICT DO NOTHING
    ), of_pulls AS (
        INSERT INTO @pulls (task, url, node, key, session, state, stage, made_at, checked_at, closed_at, run, simulated)
        SELECT it.*, run.n, run.simulated FROM run,
            unnest($15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[],
                   $22::bigint[], $23::bigint[], $24::bigint[]) AS it
        ON CONFLICT (run, task, url) DO UPDATE SET node = excluded.node, state = excluded.state,
            stage = excluded.stage, checked_at = excluded.checked_at, closed_at = excluded.closed_at
    ), of_late AS (
        UPDATE @late SET dealt_with = clock_timestamp()
        FROM run WHERE session = ANY($25::text[]) AND dealt_with IS NULL
    )
    SELECT n";
/// What comes last of a statement that tells the account of the tasks as well.
const FOLLOW: &str =
    ", @account_follow($1::text, n, $2::bigint, $3::text[], $4::text[], $5::text[]) FROM run";

/// How the run stands, whoever has its lease.
const STANDS: &str = "SELECT it.n, it.last_seq, own.holder, own.epoch, own.holder_text \
                      FROM @leases AS own LEFT JOIN @runs AS it ON it.lease = own.n AND it.id = $2 WHERE own.n = $1";

/// A run that is being written.
#[derive(Debug)]
pub(super) struct Writing {
    run: RunInfo,
    lease: Lease,
    /// Its row; none before its first event is kept.
    row: Option<i64>,
    /// The last event that the database has kept.
    kept: u64,
    projection: Projection,
    recent: VecDeque<RunEvent>,
    /// It has not answered the last time.
    is_away: bool,
}

impl Writing {
    pub(super) fn new(run: RunInfo, lease: Lease) -> Self {
        let (projection, recent) = Default::default();
        Self { run, lease, row: None, kept: 0, projection, recent, is_away: false }
    }

    /// A run that is there, as the database has it.
    pub(super) fn resume(
        postgres: &Postgres,
        run: RunInfo,
        lease: Lease,
        row: i64,
    ) -> Result<Self, LedgerError> {
        let mut writing = Self { row: Some(row), ..Self::new(run, lease) };
        writing.load(postgres)?;
        Ok(writing)
    }

    pub(super) fn is_of(&self, run: &RunId) -> bool {
        self.run.id == *run
    }

    /// The lease that it is written by, and its row once it has one.
    pub(super) fn place(&self) -> (Lease, Option<i64>) {
        (self.lease, self.row)
    }

    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    pub(super) fn run_id(&self) -> &RunId {
        &self.run.id
    }

    pub(super) fn epoch(&self) -> i64 {
        self.lease.epoch
    }

    /// The last events that were kept, oldest first.
    pub(super) fn recent(&self) -> impl Iterator<Item = &RunEvent> {
        self.recent.iter()
    }

    /// As if the answer to what came behind this event had never come.
    #[cfg(test)]
    pub(super) fn forget(&mut self, kept: u64) {
        self.kept = kept;
        self.recent.retain(|event| event.seq <= kept);
    }

    fn load(&mut self, postgres: &Postgres) -> Result<(), LedgerError> {
        let Some(row) = self.row else { return Ok(()) };
        let known = "SELECT last_seq, ended_at, invocations FROM @runs WHERE n = $1";
        let known = postgres.rows(known, values![row])?;
        let Some(known) = known.first() else { return Ok(()) };
        let mut projection = Projection {
            seq: known.get::<_, i64>(0).unsigned_abs(),
            ended_at: known.get(1),
            invocations: known.get(2),
            ..Projection::default()
        };
        let Projection { tasks, pulls, .. } = Projection::load(postgres, row)?;
        (projection.tasks, projection.pulls) = (tasks, pulls);
        if postgres.account.is_some() {
            // What the run has live may have begun before the account was counted.
            let at_work = projection.tasks.iter().filter(|(_, row)| row.is_at_work());
            projection.changed.tasks = at_work.map(|(id, _)| id.clone()).collect();
        }
        self.kept = projection.seq;
        self.projection = projection;
        Ok(())
    }

    /// Keeps these; they follow what was kept. When it fails none of them is, or all are and nobody knows: another call with
    /// them, and perhaps more, finds out.
    pub(super) fn save(
        &mut self,
        postgres: &Postgres,
        manifest: Option<&ManifestIdentity>,
        events: &[RunEvent],
        wait: Duration,
    ) -> Result<i64, LedgerError> {
        let Some(last) = events.last().map(|event| event.seq) else {
            return Ok(self.row.unwrap_or_default());
        };
        let give_up = Instant::now() + wait.max(GRACE);
        // A connection that was cut is made again at once.
        let (mut asked, mut again) = (false, Duration::ZERO);
        if std::mem::take(&mut self.is_away) {
            // What waits may be much: whether anybody answers is asked first.
            self.is_there(postgres)?;
        }
        loop {
            let behind: Vec<&RunEvent> =
                self.recent.iter().chain(events).filter(|event| event.seq > self.kept).collect();
            behind.iter().for_each(|event| self.projection.apply(event));
            let (sql, values) = self.statement(postgres, manifest, &behind)?;
            let answer = postgres.link.ask(&sql, &Arc::new(values));
            let failure = match answer {
                Ok(rows) => match rows.first() {
                    Some(row) => return Ok(self.has_kept(row.get(0), last, events)),
                    None => None,
                },
                Err(error) if error.is_of_connection() => Some(error),
                Err(error) => return Err(postgres.link.failed("write to the ledger", error)),
            };
            // It may have been carried out: the run's row tells.
            match self.stands(postgres, last)? {
                Stands::Kept(row) => return Ok(self.has_kept(row, last, events)),
                Stands::Partly(row, seq) => self.has_kept_up_to(row, seq, events),
                Stands::Unknown(error) if Instant::now() >= give_up => {
                    return Err(self.away(postgres, failure.unwrap_or(error)));
                }
                Stands::Unknown(_) => std::thread::sleep(PAUSE),
                Stands::Here => match failure {
                    // It answers, and cannot keep anything: it is as good as away.
                    Some(error) if Instant::now() >= give_up => return Err(self.away(postgres, error)),
                    Some(_) => {
                        asked = false;
                        std::thread::sleep(again);
                        again = PAUSE;
                    }
                    None if asked => return Err(self.moved(postgres)),
                    None => asked = true,
                },
                Stands::Before => self.load(postgres)?,
                Stands::Lost => return Err(self.moved(postgres)),
                Stands::Taken(holder) => return Err(self.deposed(postgres, holder, events)),
            }
        }
    }

    fn is_there(&mut self, postgres: &Postgres) -> Result<(), LedgerError> {
        match postgres.link.ask("SELECT 1", &Arc::new(values![])) {
            Err(error) if error.is_of_connection() => Err(self.away(postgres, error)),
            _ => Ok(()),
        }
    }

    /// The next call asks first whether anybody answers.
    fn away(&mut self, postgres: &Postgres, error: LinkError) -> LedgerError {
        self.is_away = true;
        postgres.link.failed("write to the ledger", error)
    }

    fn has_kept(&mut self, row: i64, last: u64, events: &[RunEvent]) -> i64 {
        self.has_kept_up_to(row, last, events);
        self.projection.changed = Default::default();
        row
    }

    /// The rows that have changed since are told again with what follows.
    fn has_kept_up_to(&mut self, row: i64, seq: u64, events: &[RunEvent]) {
        let new = |event: &&RunEvent| self.kept < event.seq && event.seq <= seq;
        self.recent.extend(events.iter().filter(new).cloned());
        (self.row, self.kept) = (Some(row), seq);
        let surplus = self.recent.len().saturating_sub(KEPT);
        self.recent.drain(..surplus);
    }

    /// Where the run is, against what we have sent and know to be kept.
    fn stands(&self, postgres: &Postgres, last: u64) -> Result<Stands, LedgerError> {
        let values = values![self.lease.row, self.run.id.as_str().to_owned()];
        let rows = match postgres.link.ask(STANDS, &Arc::new(values)) {
            Ok(rows) => rows,
            Err(error) if error.is_of_connection() => return Ok(Stands::Unknown(error)),
            Err(error) => return Err(postgres.link.failed("read the ledger", error)),
        };
        let Some(row) = rows.first() else { return Ok(Stands::Lost) };
        let holder: Option<String> = row.get(2);
        if holder.as_deref() != Some(postgres.holder()) || row.get::<_, i64>(3) != self.lease.epoch {
            return Ok(Stands::Taken(row.get(4)));
        }
        let stands = row.get::<_, Option<i64>>(1).unwrap_or_default().unsigned_abs();
        Ok(match row.get::<_, Option<i64>>(0) {
            Some(row) if stands == last => Stands::Kept(row),
            _ if stands == self.kept => Stands::Here,
            Some(row) if self.kept < stands && stands < last => Stands::Partly(row, stands),
            Some(_) if stands < self.kept && self.remembers(stands + 1) => Stands::Before,
            _ => Stands::Lost,
        })
    }

    fn remembers(&self, seq: u64) -> bool {
        self.recent.front().is_some_and(|first| first.seq <= seq)
    }

    fn moved(&self, postgres: &Postgres) -> LedgerError {
        LedgerError::Moved { run: self.run.id.clone(), database: postgres.link.database().to_string() }
    }

    /// Whoever goes on does not know of sessions that were created meanwhile.
    fn deposed(&self, postgres: &Postgres, holder: Option<String>, events: &[RunEvent]) -> LedgerError {
        self.tell_late(postgres, events);
        LedgerError::Deposed { run: self.run.id.clone(), holder }
    }

    fn statement(
        &self,
        postgres: &Postgres,
        manifest: Option<&ManifestIdentity>,
        events: &[&RunEvent],
    ) -> Result<(String, Vec<Value>), LedgerError> {
        let last = events.last().map_or(0, |event| event.seq as i64);
        let updated = events.last().map_or(0, |event| event.ts.as_millisecond());
        let mut values = values![self.lease.row, postgres.holder().to_owned(), self.lease.epoch];
        let Projection { ended_at, invocations, .. } = self.projection;
        let head = match (self.row, manifest) {
            (Some(row), _) => {
                values.extend(values![row, self.kept as i64, last, updated, ended_at, invocations]);
                values.extend(values![postgres.account().to_owned()]);
                GO_ON
            }
            (None, Some(manifest)) => {
                let project = postgres.link.database().project().unwrap_or_default().to_owned();
                let run = &self.run;
                let started = events.first().map_or(0, |event| event.ts.as_millisecond());
                let (id, path) = (run.id.as_str().to_owned(), manifest.path().to_owned());
                let (name, simulated) = (manifest.name().to_owned(), manifest.is_simulated());
                values.extend(values![id, project, path, run.manifest.clone(), name, simulated]);
                values.extend(values![started, last, updated, ended_at, invocations]);
                values.extend(values![postgres.account().to_owned()]);
                BEGIN
            }
            (None, None) => return Err(self.moved(postgres)),
        };
        let rest = numbered(REST, values.len());
        values.extend(of_events(events)?);
        values.extend(self.of_rows());
        let told = self.of_slots();
        let last = if postgres.account.is_some() && !told.is_empty() {
            let last = numbered(FOLLOW, values.len());
            values.extend(values![postgres.account().to_owned(), self.lease.epoch]);
            values.extend(values![
                told.iter().map(|(id, _)| (*id).clone()).collect::<Vec<String>>(),
                told.iter().map(|(_, row)| row.last.clone()).collect::<Vec<Option<String>>>(),
                told.iter().map(|(_, row)| row.session.clone()).collect::<Vec<Option<String>>>(),
            ]);
            last
        } else {
            " FROM run".to_owned()
        };
        Ok((format!("{OWN}{head}{rest}{last}"), values))
    }

    /// The tasks that have changed, as far as they may have a session.
    fn of_slots(&self) -> Vec<(&String, &TaskRow)> {
        let Projection { changed, tasks, .. } = &self.projection;
        let rows = changed.tasks.iter().filter_map(|id| Some((id, tasks.get(id)?)));
        rows.filter(|(_, row)| row.last.as_deref().is_some_and(|last| last != "none")).collect()
    }

    /// The rows that have changed, column by column.
    fn of_rows(&self) -> Vec<Value> {
        let Projection { changed, tasks, pulls, .. } = &self.projection;
        let tasks: Vec<_> = changed.tasks.iter().filter_map(|id| Some((id, tasks.get(id)?))).collect();
        let pulls: Vec<_> = changed.pulls.iter().filter_map(|at| Some((at, pulls.get(at)?))).collect();
        let mut values = columns(&tasks, &changed.creations, &pulls);
        values.extend(values![changed.seen_to.clone()]);
        values
    }
}

/// Rows, column by column, as [`REST`] takes them behind the events; the late sessions that are seen to follow.
pub(super) fn columns(
    tasks: &[(&String, &TaskRow)],
    creations: &[(String, i64, Option<String>)],
    pulls: &[(&(String, String), &PullRow)],
) -> Vec<Value> {
    let task = |of: fn(&TaskRow) -> Option<String>| tasks.iter().map(|(_, row)| of(row)).collect::<Vec<_>>();
    let mut values = values![
        tasks.iter().map(|(id, _)| (*id).clone()).collect::<Vec<String>>(),
        tasks.iter().map(|(_, row)| row.key.clone()).collect::<Vec<String>>(),
        task(|row| row.outcome.clone()),
        tasks.iter().map(|(_, row)| row.ended_at).collect::<Vec<Option<i64>>>(),
        task(|row| row.last.clone()),
        task(|row| row.mark.clone()),
        task(|row| row.session.clone()),
    ];
    values.extend(values![
        creations.iter().map(|it| it.0.clone()).collect::<Vec<String>>(),
        creations.iter().map(|it| it.1).collect::<Vec<i64>>(),
        creations.iter().map(|it| it.2.clone()).collect::<Vec<Option<String>>>(),
    ]);
    let pull = |of: fn(&PullRow) -> Option<String>| pulls.iter().map(|(_, row)| of(row)).collect::<Vec<_>>();
    values.extend(values![
        pulls.iter().map(|(at, _)| at.0.clone()).collect::<Vec<String>>(),
        pulls.iter().map(|(at, _)| at.1.clone()).collect::<Vec<String>>(),
        pull(|row| row.node.clone()),
        pulls.iter().map(|(_, row)| row.key.clone()).collect::<Vec<String>>(),
        pull(|row| row.session.clone()),
        pull(|row| row.state.clone()),
        pull(|row| row.stage.clone()),
        pulls.iter().map(|(_, row)| row.made_at).collect::<Vec<i64>>(),
        pulls.iter().map(|(_, row)| row.checked_at).collect::<Vec<Option<i64>>>(),
        pulls.iter().map(|(_, row)| row.closed_at).collect::<Vec<Option<i64>>>(),
    ]);
    values
}

/// What a look at the run's row says of a statement that had no effect, or no answer.
enum Stands {
    /// It was carried out.
    Kept(i64),
    /// An earlier one was, whose answer was lost: up to this event.
    Partly(i64, u64),
    /// It was not.
    Here,
    /// The database has lost what it had kept, and we have it still.
    Before,
    /// Neither.
    Lost,
    Taken(Option<String>),
    Unknown(LinkError),
}

fn of_events(events: &[&RunEvent]) -> Result<Vec<Value>, LedgerError> {
    let bodies = events.iter().map(serde_json::to_string).collect::<Result<Vec<String>, _>>();
    let bodies = bodies.map_err(|error| LedgerError::Database {
        doing: "write to the ledger",
        database: "an event".to_owned(),
        source: Box::new(error),
    })?;
    let task = |event: &&RunEvent| event.kind.task().map(TaskId::as_str).map(str::to_owned);
    Ok(values![
        events.iter().map(|event| event.seq as i64).collect::<Vec<i64>>(),
        events.iter().map(|event| event.ts.as_millisecond()).collect::<Vec<i64>>(),
        events.iter().map(task).collect::<Vec<Option<String>>>(),
        bodies,
    ])
}

/// The same with every `$n` so much further on.
pub(super) fn numbered(sql: &str, behind: usize) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().unwrap_or_default() + behind;
        text += &format!("${number}{rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_values_are_moved_on() {
        assert_eq!(numbered("a $1::x, $12 b", 9), "a $10::x, $21 b");
    }
}
