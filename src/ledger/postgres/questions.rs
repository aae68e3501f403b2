//! What the ledger can be asked, in PostgreSQL's words: the same answers as the file gives (`reader.rs`).

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::Row;

use super::Postgres;
use super::link::values;
use crate::ledger::fold::{Fold, RunRow};
use crate::ledger::stored::decode;
use crate::ledger::{LedgerError, ManifestIdentity, RunOverview, StoredEvents, StoredRun, before, overview};
use crate::outcome::{EarlierRun, Outcome, RunEvent, RunId, RunInfo, RunRecord, TaskRecord};
use crate::plan::{Shard, TaskId};
use jules::SessionId;

/// How many events come in one answer.
const PAGE: i64 = 10_000;
/// How many runs are read to find the last one of a shard.
const SHARDS_LOOKED_AT: usize = 64;

pub(super) type Answer<T> = Result<T, LedgerError>;

/// A run's row.
pub(super) struct Run {
    pub n: i64,
    pub identity: String,
    pub info: RunInfo,
    pub started_at: Timestamp,
}

const RUN: &str = "n, id, identity, manifest, name, simulated, started_at";

impl Postgres {
    pub(super) fn project(&self) -> Option<String> {
        self.link.database().project().map(str::to_owned)
    }

    pub(super) fn damaged(&self, what: &str) -> LedgerError {
        let source = format!("{what} in it is not understood").into();
        LedgerError::Database { doing: "read the ledger", database: self.link.database().to_string(), source }
    }

    fn read_run(&self, row: &Row) -> Answer<Run> {
        let id: &str = row.get(1);
        Ok(Run {
            n: row.get(0),
            identity: row.get(2),
            info: RunInfo {
                id: id.parse().map_err(|_| self.damaged("a run's id"))?,
                manifest: row.get(3),
                file: None,
                name: row.get(4),
                simulated: row.get(5),
            },
            started_at: moment(row.get(6)),
        })
    }

    /// The project's, the newest first.
    pub(super) fn all_runs(&self, simulated: bool) -> Answer<Vec<Run>> {
        let sql = format!(
            "SELECT {RUN} FROM @runs WHERE simulated = $1 AND ($2::text IS NULL OR project = $2) ORDER BY n DESC"
        );
        let rows = self.rows(&sql, values![simulated, self.project()])?;
        rows.iter().map(|row| self.read_run(row)).collect()
    }

    /// The manifest's, the newest first.
    pub(super) fn runs_of(&self, manifest: &ManifestIdentity) -> Answer<Vec<Run>> {
        let mut runs = self.all_runs(manifest.is_simulated())?;
        runs.retain(|run| manifest.covers(&run.identity, &run.info.name));
        Ok(runs)
    }

    fn run_row(&self, id: &RunId) -> Answer<Option<Run>> {
        let sql = format!("SELECT {RUN} FROM @runs WHERE id = $1");
        let rows = self.rows(&sql, values![id.as_str().to_owned()])?;
        rows.first().map(|row| self.read_run(row)).transpose()
    }

    /// Hands out a run's events behind the `after`th, or those of one task: number, task, body.
    fn each_event(
        &self,
        run: i64,
        (after, task): (u64, Option<&TaskId>),
        mut take: impl FnMut(u64, Option<&str>, &str),
    ) -> Answer<u64> {
        let sql = "SELECT seq, task, body FROM @events \
                   WHERE run = $1 AND seq > $2 AND ($3::text IS NULL OR task = $3) ORDER BY seq LIMIT $4";
        let mut last = after;
        loop {
            let task = task.map(|task| task.as_str().to_owned());
            let behind = i64::try_from(last).unwrap_or(i64::MAX);
            let rows = self.rows(sql, values![run, behind, task, PAGE])?;
            for row in &rows {
                last = row.get::<_, i64>(0).unsigned_abs();
                take(last, row.get(1), row.get(2));
            }
            if (rows.len() as i64) < PAGE {
                return Ok(last);
            }
        }
    }

    fn fold(&self, run: Run, tasks: Option<&HashSet<TaskId>>) -> Answer<StoredRun> {
        let n = run.n;
        let mut fold = Fold::of(run.into_row());
        let last = self.each_event(n, (0, None), |seq, task, body| {
            if tasks.zip(task).is_none_or(|(tasks, task)| tasks.contains(task)) {
                fold.take(decode(seq, body.as_bytes()));
            }
        })?;
        Ok(fold.end(last))
    }

    pub(in crate::ledger) fn last_run(
        &self,
        manifest: &ManifestIdentity,
        shard: Option<Shard>,
    ) -> Answer<Option<StoredRun>> {
        for run in self.runs_of(manifest)?.into_iter().take(SHARDS_LOOKED_AT) {
            let run = self.fold(run, None)?;
            if shard.is_none() || run.record.shard == shard {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    pub(in crate::ledger) fn task(&self, run: &RunId, task: &TaskId) -> Answer<Option<TaskRecord>> {
        let Some(run) = self.run_row(run)? else { return Ok(None) };
        let n = run.n;
        let Some(mut record): Option<RunRecord> = run.into_row().begin(None) else { return Ok(None) };
        self.each_event(n, (0, Some(task)), |seq, _, body| {
            if let Ok(event) = decode(seq, body.as_bytes()) {
                record.apply(&event);
            }
        })?;
        Ok(record.tasks.swap_remove(task))
    }

    pub(in crate::ledger) fn runs_before(
        &self,
        manifest: &ManifestIdentity,
        run: &RunId,
        most: usize,
    ) -> Answer<(Vec<EarlierRun>, Vec<TaskId>)> {
        let all = self.runs_of(manifest)?;
        let this = all.iter().find(|it| it.info.id == *run).map_or(i64::MAX, |it| it.n);
        let (mut runs, mut failed) = (Vec::new(), Vec::new());
        for earlier in all.into_iter().filter(|it| it.n < this) {
            if runs.len() == most {
                break;
            }
            let rows =
                self.rows("SELECT id, outcome FROM @tasks WHERE run = $1 ORDER BY id", values![earlier.n])?;
            let outcome = |row: &Row| row.get::<_, Option<&str>>(1).and_then(Outcome::from_name);
            let totals = rows.iter().filter_map(outcome).collect();
            let Some(told) = before::told(earlier.info.id, earlier.started_at, totals) else { continue };
            if runs.is_empty() {
                let bad = rows.iter().filter(|row| before::has_failed(row.get(1)));
                failed = bad.map(|row| TaskId::new(row.get::<_, String>(0))).collect();
            }
            runs.push(told);
        }
        Ok((runs, failed))
    }

    pub(in crate::ledger) fn event(&self, run: &RunId, seq: u64) -> Answer<Option<RunEvent>> {
        let sql = "SELECT body FROM @events WHERE run = (SELECT n FROM @runs WHERE id = $1) AND seq = $2";
        let number = i64::try_from(seq).unwrap_or(i64::MAX);
        let rows = self.rows(sql, values![run.as_str().to_owned(), number])?;
        Ok(rows.first().and_then(|row| decode(seq, row.get::<_, &str>(0).as_bytes()).ok()))
    }

    pub(in crate::ledger) fn tasks(&self, run: &RunId, tasks: &HashSet<TaskId>) -> Answer<Option<RunRecord>> {
        let row = self.run_row(run)?;
        Ok(row.map(|row| self.fold(row, Some(tasks))).transpose()?.map(|stored| stored.record))
    }

    pub(in crate::ledger) fn last_active(&self) -> Answer<Option<RunId>> {
        let sql = "SELECT id FROM @runs WHERE $1::text IS NULL OR project = $1 \
                   ORDER BY coalesce(ended_at, updated_at) DESC, n DESC LIMIT 1";
        let rows = self.rows(sql, values![self.project()])?;
        let id = rows.first().map(|row| row.get::<_, &str>(0).parse::<RunId>());
        id.transpose().map_err(|_| self.damaged("a run's id"))
    }

    pub(in crate::ledger) fn run(&self, id: &RunId) -> Answer<Option<StoredRun>> {
        self.run_row(id)?.map(|row| self.fold(row, None)).transpose()
    }

    pub(in crate::ledger) fn runs(&self) -> Answer<Vec<RunOverview>> {
        let of_project = "($1::text IS NULL OR project = $1)";
        let mut counts: BTreeMap<i64, Vec<(Option<String>, usize)>> = BTreeMap::new();
        let sql = format!(
            "SELECT run, outcome, count(*) FROM @tasks JOIN @runs ON n = run WHERE {of_project} GROUP BY run, outcome"
        );
        for row in self.rows(&sql, values![self.project()])? {
            let count = usize::try_from(row.get::<_, i64>(2)).unwrap_or(usize::MAX);
            counts.entry(row.get(0)).or_default().push((row.get(1), count));
        }
        let sql = format!(
            "SELECT it.run, count(*) FROM @tasks AS it JOIN @runs AS its ON n = it.run \
             WHERE {of_project} AND (outcome IS NULL OR outcome IN ('deferred', 'detached')) AND EXISTS ( \
                 SELECT FROM @tasks AS newer JOIN @runs AS of_newer ON of_newer.n = newer.run \
                 WHERE newer.id = it.id AND newer.run > it.run AND of_newer.simulated = its.simulated \
                   AND of_newer.project = its.project \
                   AND (of_newer.name = its.name OR of_newer.identity = its.identity)) \
             GROUP BY it.run"
        );
        let rows = self.rows(&sql.replace("project = $1", "its.project = $1"), values![self.project()])?;
        let taken_up: BTreeMap<i64, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let sql = format!(
            "SELECT {RUN}, coalesce(ended_at, updated_at), ended_at, invocations FROM @runs \
             WHERE {of_project} ORDER BY n DESC"
        );
        let overview = |row: &Row| {
            let run = self.read_run(row)?;
            let tasks = counts.get(&run.n).map_or(&[][..], Vec::as_slice);
            Ok(RunOverview {
                id: run.info.id,
                name: run.info.name,
                manifest: run.info.manifest,
                simulated: run.info.simulated,
                started_at: run.started_at,
                updated_at: moment(row.get(7)),
                ended_at: row.get::<_, Option<i64>>(8).map(moment),
                invocations: row.get::<_, i32>(9).unsigned_abs(),
                tasks: tasks.iter().map(|(_, n)| n).sum(),
                totals: overview::totals(tasks),
                taken_up: taken_up.get(&run.n).map_or(0, |count| *count as usize),
            })
        };
        self.rows(&sql, values![self.project()])?.iter().map(overview).collect()
    }

    #[cfg(feature = "serve")]
    pub(in crate::ledger) fn last_events(&self) -> Answer<BTreeMap<RunId, u64>> {
        let sql = "SELECT id, last_seq FROM @runs WHERE $1::text IS NULL OR project = $1";
        let last = |row: &Row| {
            let run = row.get::<_, &str>(0).parse().map_err(|_| self.damaged("a run's id"))?;
            Ok((run, row.get::<_, i64>(1).unsigned_abs()))
        };
        self.rows(sql, values![self.project()])?.iter().map(last).collect()
    }

    #[cfg(feature = "serve")]
    pub(in crate::ledger) fn last_marks(&self) -> Answer<BTreeMap<RunId, Timestamp>> {
        let sql = "SELECT its.id, max(it.ended_at) FROM @tasks AS it JOIN @runs AS its ON n = it.run \
                   WHERE ($1::text IS NULL OR project = $1) AND it.mark IS NOT NULL AND it.ended_at IS NOT NULL \
                   GROUP BY its.id";
        let last = |row: &Row| {
            let run = row.get::<_, &str>(0).parse().map_err(|_| self.damaged("a run's id"))?;
            Ok((run, moment(row.get(1))))
        };
        self.rows(sql, values![self.project()])?.iter().map(last).collect()
    }

    pub(in crate::ledger) fn events(&self, run: &RunId, after: u64) -> Answer<StoredEvents> {
        let mut stored = StoredEvents::default();
        let Some(run) = self.run_row(run)? else { return Ok(stored) };
        self.each_event(run.n, (after, None), |seq, _, body| match decode(seq, body.as_bytes()) {
            Ok(event) => stored.events.push(event),
            Err(skipped) => stored.skipped.push(skipped),
        })?;
        Ok(stored)
    }

    /// Of all projects: they share the account's day.
    pub(in crate::ledger) fn created_since(
        &self,
        since: Timestamp,
        simulated: bool,
    ) -> Answer<Vec<Timestamp>> {
        let sql = "SELECT ts FROM @creations WHERE ts >= $1 AND simulated = $2 ORDER BY ts";
        let rows = self.rows(sql, values![since.as_millisecond(), simulated])?;
        Ok(rows.iter().map(|row| moment(row.get(0))).collect())
    }

    pub(in crate::ledger) fn sessions_since(&self, since: Timestamp) -> Answer<HashSet<SessionId>> {
        let sql = "SELECT session FROM @creations WHERE ts >= $1";
        let rows = self.rows(sql, values![since.as_millisecond()])?;
        Ok(rows.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect())
    }

    /// The runs, of our project or of any, that may have sessions at work: their ids, paths and names.
    pub(in crate::ledger) fn at_work(
        &self,
        but: Option<&RunId>,
        of_project: bool,
        simulated: bool,
    ) -> Answer<Vec<[String; 3]>> {
        let sql = "SELECT DISTINCT its.id, its.identity, its.name FROM @tasks AS it JOIN @runs AS its ON n = run \
                   WHERE simulated = $1 AND its.id <> $2 AND (outcome IS NULL OR outcome = 'detached') \
                     AND ($3::text IS NULL OR its.project = $3)";
        let but = but.map_or("", RunId::as_str).to_owned();
        let project = of_project.then(|| self.project()).flatten();
        let named = |row: &Row| [row.get(0), row.get(1), row.get(2)];
        Ok(self.rows(sql, values![simulated, but, project])?.iter().map(named).collect())
    }

    pub(in crate::ledger) fn first_run_at(&self, manifest: &ManifestIdentity) -> Answer<Option<Timestamp>> {
        Ok(self.runs_of(manifest)?.last().map(|run| run.started_at))
    }

    /// Whether it answers, and is of a version that we know.
    pub(in crate::ledger) fn check(&self) -> Answer<()> {
        super::schema::check(&self.link)
    }
}

impl Run {
    fn into_row(self) -> RunRow {
        RunRow { n: self.n, info: self.info, started_at: self.started_at }
    }
}

/// Milliseconds since 1970. Nobody writes what is none.
pub(super) fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}
