//! What the ledger can be asked.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::fold::{RunRow, for_each_event, run_id, session_id, time};
use super::folder::StateFolder;
use super::lock::Lock;
#[cfg(feature = "postgres")]
use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::stored::decode;
use super::{
    Facts, Latest, LedgerError, Location, Loose, ManifestIdentity, RunOverview, StoredEvents, StoredRun,
    before, database, facts, overview,
    pulls::{self, LedgerPull, WhichPulls},
};
use crate::outcome::{EarlierRun, PullWrite, RunEvent, RunId, RunRecord, TaskRecord};
use crate::plan::{Shard, Task, TaskId, TaskKey, TaskSource};
use jules::SessionId;

/// How many runs are read to find the last one of a shard.
const SHARDS_LOOKED_AT: usize = 64;

/// Answers questions about the runs of a ledger. Each answer is of one moment, also while another process writes.
#[derive(Debug)]
pub(crate) struct LedgerReader {
    location: Location,
    store: Store,
}

/// What a ledger is kept in.
#[derive(Debug)]
pub(super) enum Store {
    /// A file of the state folder.
    Folder(Sqlite),
    /// A database that machines share.
    #[cfg(feature = "postgres")]
    Database(Box<Postgres>),
}

/// What the ledger says: the question in the words of either.
macro_rules! ask {
    ($reader:expr, |$conn:ident| $folder:expr, |$database:ident| $shared:expr) => {
        match $reader.store() {
            Store::Folder(file) => file.snapshot(|$conn| $folder),
            #[cfg(feature = "postgres")]
            Store::Database($database) => $shared,
        }
    };
}
pub(super) use ask;

impl LedgerReader {
    /// Opens the ledger there without the lock.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Missing`] if nothing was run there; when the file is damaged, of another version, or
    /// not to be read.
    pub(crate) fn open(location: impl Into<Location>) -> Result<Self, LedgerError> {
        let location = location.into();
        let store = match &location {
            Location::Folder(folder) => {
                Store::Folder(Sqlite::new(database::open_to_read(folder)?, folder.join("ledger.db")))
            }
            #[cfg(feature = "postgres")]
            Location::Database(database) => Store::Database(Box::new(Postgres::open(database)?)),
        };
        Ok(Self::new(location, store))
    }

    /// The same where there is one that can be read: a run would begin another in place of a damaged one.
    ///
    /// # Errors
    ///
    /// As there, but for a ledger that is missing or damaged.
    pub(crate) fn open_if_sound(location: impl Into<Location>) -> Result<Option<Self>, LedgerError> {
        match Self::open(location) {
            Err(error) if error.is_missing() || error.is_corrupt() => Ok(None),
            opened => opened.map(Some),
        }
    }

    pub(super) fn new(location: Location, store: Store) -> Self {
        Self { location, store }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    #[cfg(test)]
    pub(super) fn conn(&self) -> &rusqlite::Connection {
        match &self.store {
            Store::Folder(file) => file.conn(),
            #[cfg(feature = "postgres")]
            Store::Database(database) => panic!("{database:?} has no file"),
        }
    }

    /// Where it is.
    #[must_use]
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// The database, for people.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        match &self.store {
            Store::Folder(file) => file.path().display().to_string(),
            #[cfg(feature = "postgres")]
            Store::Database(_) => self.location.to_string(),
        }
    }

    /// Who is at work on this run now, in words; none if nobody is, or if it cannot be told.
    #[must_use]
    pub(crate) fn holder(
        &self,
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a folder has one writer"))]
        run: &RunId,
    ) -> Option<String> {
        match (&self.store, &self.location) {
            #[cfg(feature = "postgres")]
            (Store::Database(database), _) => database.holder_of(run).ok().flatten(),
            (_, Location::Folder(folder)) => {
                Lock::holder(&StateFolder::at(folder)).map(|holder| holder.to_string())
            }
            #[cfg(feature = "postgres")]
            (Store::Folder(_), Location::Database(_)) => None,
        }
    }

    /// Whether somebody has this lease and is there, and the last run that was written by it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    #[cfg(feature = "postgres")]
    pub(crate) fn lease(&self, lease: i64) -> Result<(bool, Option<RunId>), LedgerError> {
        match &self.store {
            Store::Folder(_) => Ok((false, None)),
            Store::Database(database) => database.lease(lease),
        }
    }

    /// The manifest's last run; where a shard is named, the last one of it: each shard tells of its own tasks alone.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn last_run(
        &self,
        manifest: &ManifestIdentity,
        shard: Option<Shard>,
    ) -> Result<Option<StoredRun>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                    "SELECT n, id, manifest, name, simulated, started_at, identity FROM runs \
                 WHERE simulated = ?1 ORDER BY n DESC",
                )?;
                let mut rows = find.query([manifest.is_simulated()])?;
                let mut to_read = SHARDS_LOOKED_AT;
                while let Some(row) = rows.next()?.filter(|_| to_read > 0) {
                    if manifest.covers(&row.get::<_, String>(6)?, &row.get::<_, String>(3)?) {
                        let run = RunRow::read(row)?.fold(conn)?;
                        if shard.is_none() || run.record.shard == shard {
                            return Ok(Some(run));
                        }
                        to_read -= 1;
                    }
                }
                Ok(None)
            },
            |database| database.last_run(manifest, shard)
        )
    }

    /// What is known of each of these tasks, in their order.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn facts(
        &self,
        manifest: &ManifestIdentity,
        tasks: &[Task],
    ) -> Result<Vec<Facts>, LedgerError> {
        ask!(self, |conn| facts::of_tasks(conn, manifest, tasks), |database| database.facts(manifest, tasks))
    }

    /// How these tasks of the manifest stand in the last run that had them; those that no run had are missing.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn latest<'a>(
        &self,
        manifest: &ManifestIdentity,
        tasks: impl Iterator<Item = &'a TaskId>,
    ) -> Result<HashMap<TaskId, Latest>, LedgerError> {
        ask!(self, |conn| facts::latest(conn, manifest, tasks), |database| database
            .latest(manifest, &tasks.collect::<Vec<_>>()))
    }

    /// What was given up of the manifest's tasks since then, was neither seen to end nor put away, and is the last that any
    /// run has of its task.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn left(
        &self,
        manifest: &ManifestIdentity,
        since: Timestamp,
        is_wanted: impl Fn(&TaskId) -> bool,
    ) -> Result<Vec<Loose>, LedgerError> {
        ask!(self, |conn| facts::left(conn, manifest, since, is_wanted), |database| database
            .left(manifest, since, is_wanted))
    }

    /// On which branches the manifest's tasks stood, the newest run's first, until one of each of these repositories (in
    /// lower case) is known.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn branches(
        &self,
        manifest: &ManifestIdentity,
        wanted: HashSet<String>,
    ) -> Result<Vec<(TaskId, TaskSource)>, LedgerError> {
        ask!(self, |conn| facts::branches(conn, manifest, wanted), |database| database
            .branches(manifest, wanted))
    }

    /// What a run knows of a task.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn task(&self, run: &RunId, task: &TaskId) -> Result<Option<TaskRecord>, LedgerError> {
        ask!(self, |conn| facts::record_in(conn, run, task), |database| database.task(run, task))
    }

    /// What a run knows of itself and of these of its tasks: one pass over its events, however many the tasks are.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn tasks(
        &self,
        run: &RunId,
        tasks: &HashSet<TaskId>,
    ) -> Result<Option<RunRecord>, LedgerError> {
        ask!(
            self,
            |conn| {
                let row = RunRow::of(conn, run)?;
                Ok(row.map(|row| row.fold_of(conn, Some(tasks))).transpose()?.map(|stored| stored.record))
            },
            |database| database.tasks(run, tasks)
        )
    }

    /// The run that was at work last. What was read of its pull requests since is none of its work.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn last_active(&self) -> Result<Option<RunId>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                "SELECT id, coalesce(ended_at, (SELECT ts FROM events WHERE run = n ORDER BY seq DESC LIMIT 1), started_at) AS at \
                 FROM runs ORDER BY at DESC, n DESC LIMIT 1",
            )?;
                find.query_row([], |row| run_id(row, 0)).optional()
            },
            |database| database.last_active()
        )
    }

    /// The run of this id.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn run(&self, id: &RunId) -> Result<Option<StoredRun>, LedgerError> {
        ask!(self, |conn| RunRow::of(conn, id)?.map(|row| row.fold(conn)).transpose(), |database| database
            .run(id))
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn runs(&self) -> Result<Vec<RunOverview>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut counts: BTreeMap<i64, Vec<(Option<String>, usize)>> = BTreeMap::new();
                let mut stmt =
                    conn.prepare_cached("SELECT run, outcome, count(*) FROM tasks GROUP BY run, outcome")?;
                let mut rows = stmt.query([])?;
                while let Some(row) = rows.next()? {
                    let count = usize::try_from(row.get::<_, u32>(2)?).unwrap_or(usize::MAX);
                    counts.entry(row.get(0)?).or_default().push((row.get(1)?, count));
                }
                let mut stmt = conn.prepare_cached(
                    "SELECT run, count(*) FROM tasks JOIN runs ON n = run \
                 WHERE (outcome IS NULL OR outcome IN ('deferred', 'detached')) AND EXISTS ( \
                     SELECT 1 FROM tasks AS newer JOIN runs AS its ON its.n = newer.run \
                     WHERE newer.id = tasks.id AND newer.run > tasks.run AND its.simulated = runs.simulated \
                       AND (its.name = runs.name OR its.identity = runs.identity)) \
                 GROUP BY run",
                )?;
                let taken_up: BTreeMap<i64, u32> = stmt
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                let mut stmt = conn.prepare_cached(
                "SELECT n, id, name, manifest, simulated, started_at, \
                 coalesce(ended_at, (SELECT ts FROM events WHERE run = n ORDER BY seq DESC LIMIT 1), started_at), ended_at, invocations \
                 FROM runs ORDER BY n DESC",
            )?;
                let rows = stmt.query_map([], |row| {
                    let tasks = counts.get(&row.get(0)?).map_or(&[][..], Vec::as_slice);
                    Ok(RunOverview {
                        id: run_id(row, 1)?,
                        name: row.get(2)?,
                        manifest: row.get(3)?,
                        simulated: row.get(4)?,
                        started_at: time(row, 5)?,
                        updated_at: time(row, 6)?,
                        ended_at: row.get::<_, Option<i64>>(7)?.map(|_| time(row, 7)).transpose()?,
                        invocations: row.get(8)?,
                        tasks: tasks.iter().map(|(_, n)| n).sum(),
                        totals: overview::totals(tasks),
                        taken_up: taken_up.get(&row.get(0)?).map_or(0, |count| *count as usize),
                    })
                })?;
                rows.collect()
            },
            |database| database.runs()
        )
    }

    /// The number of each run's last event: whatever happens in a run, also after its end, raises it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    #[cfg(feature = "serve")]
    pub(crate) fn last_events(&self) -> Result<BTreeMap<RunId, u64>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                    "SELECT id, coalesce((SELECT max(seq) FROM events WHERE run = n), 0) FROM runs",
                )?;
                find.query_map([], |row| Ok((run_id(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
                    .collect()
            },
            |database| database.last_events()
        )
    }

    /// When a person's word on a task of a run, done or skip, came last; runs without one are missing.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    #[cfg(feature = "serve")]
    pub(crate) fn last_marks(&self) -> Result<BTreeMap<RunId, Timestamp>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                    "SELECT runs.id, max(tasks.ended_at) FROM tasks JOIN runs ON n = run \
                     WHERE mark IS NOT NULL AND tasks.ended_at IS NOT NULL GROUP BY run",
                )?;
                find.query_map([], |row| Ok((run_id(row, 0)?, time(row, 1)?)))?.collect()
            },
            |database| database.last_marks()
        )
    }

    /// A run's events behind the `after`th, in order; zero for all.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn events(&self, run: &RunId, after: u64) -> Result<StoredEvents, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut stored = StoredEvents::default();
                let find = "SELECT n FROM runs WHERE id = ?1";
                let Some(n) = conn.query_row(find, [run.as_str()], |row| row.get(0)).optional()? else {
                    return Ok(stored);
                };
                for_each_event(
                    conn,
                    n,
                    (after, None),
                    |_| true,
                    |event| match event {
                        Ok(event) => stored.events.push(event),
                        Err(skipped) => stored.skipped.push(skipped),
                    },
                )?;
                Ok(stored)
            },
            |database| database.events(run, after)
        )
    }

    /// One event of a run; none if there is none of this number, or it is not understood.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn event(&self, run: &RunId, seq: u64) -> Result<Option<RunEvent>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                    "SELECT body FROM events WHERE run = (SELECT n FROM runs WHERE id = ?1) AND seq = ?2",
                )?;
                let number = i64::try_from(seq).unwrap_or(i64::MAX);
                let body = find.query_row(params![run.as_str(), number], |row| row.get::<_, String>(0));
                Ok(body.optional()?.and_then(|body| decode(seq, body.as_bytes()).ok()))
            },
            |database| database.event(run, seq)
        )
    }

    /// The manifest's runs before this one in which anything has ended, the newest first, so many at most; and the tasks that
    /// have failed in the newest of them.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn runs_before(
        &self,
        manifest: &ManifestIdentity,
        run: &RunId,
        most: usize,
    ) -> Result<(Vec<EarlierRun>, Vec<TaskId>), LedgerError> {
        ask!(self, |conn| before::before(conn, manifest, run, most), |database| database
            .runs_before(manifest, run, most))
    }

    /// When sessions came into being since then, whichever the run, oldest first: what the daily budget counts.
    /// Simulated ones and real ones are counted apart.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn created_since(
        &self,
        since: Timestamp,
        simulated: bool,
    ) -> Result<Vec<Timestamp>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut stmt = conn.prepare_cached(
                    "SELECT ts FROM creations WHERE ts >= ?1 AND simulated = ?2 ORDER BY ts",
                )?;
                let rows = stmt.query_map(params![since.as_millisecond(), simulated], |row| time(row, 0))?;
                rows.collect()
            },
            |database| database.created_since(since, simulated)
        )
    }

    /// The sessions that came into the ledger since then, whichever the run.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn sessions_since(&self, since: Timestamp) -> Result<HashSet<SessionId>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut stmt = conn.prepare_cached("SELECT session FROM creations WHERE ts >= ?1")?;
                let rows = stmt.query_map([since.as_millisecond()], |row| session_id(row, 0))?;
                rows.collect()
            },
            |database| database.sessions_since(since)
        )
    }

    /// The pull requests of the manifest's runs that were open when they were last read, or never were read, or were closed
    /// since then; the newest run's first, each once.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn open_pulls(
        &self,
        manifest: &ManifestIdentity,
        closed_since: Timestamp,
    ) -> Result<Vec<LedgerPull>, LedgerError> {
        ask!(self, |conn| pulls::open(conn, manifest, closed_since), |database| database
            .open_pulls(manifest, closed_since))
    }

    /// The pull requests of the manifest's runs, or, without one, of all that are not simulated, each once.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn known_pulls(
        &self,
        manifest: Option<&ManifestIdentity>,
        which: WhichPulls,
    ) -> Result<Vec<LedgerPull>, LedgerError> {
        ask!(self, |conn| pulls::known(conn, manifest, which), |database| database
            .known_pulls(manifest, which))
    }

    /// How many of the same are merged, and how many closed without that.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn pulls_over(
        &self,
        manifest: Option<&ManifestIdentity>,
    ) -> Result<(usize, usize), LedgerError> {
        ask!(self, |conn| pulls::over(conn, manifest), |database| database.pulls_over(manifest))
    }

    /// What was done to pull requests, in whatever run, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn pull_writes(&self) -> Result<Vec<PullWrite>, LedgerError> {
        ask!(self, |conn| pulls::writes(conn), |database| database.pull_writes())
    }

    /// The pull requests that tasks of these keys have made, in whatever run; of each key the newest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn pulls_of_keys(
        &self,
        keys: &[TaskKey],
        simulated: bool,
    ) -> Result<Vec<LedgerPull>, LedgerError> {
        ask!(self, |conn| pulls::of_keys(conn, keys, simulated), |database| database
            .pulls_of_keys(keys, simulated))
    }

    /// The pull requests that a session has made.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn pulls_of_session(&self, session: &SessionId) -> Result<Vec<LedgerPull>, LedgerError> {
        ask!(self, |conn| pulls::of_session(conn, session), |database| database.pulls_of_session(session))
    }

    /// When the manifest's oldest run that is still in the ledger began.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn first_run_at(&self, manifest: &ManifestIdentity) -> Result<Option<Timestamp>, LedgerError> {
        ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                    "SELECT started_at, identity, name FROM runs WHERE simulated = ?1 ORDER BY n",
                )?;
                let mut rows = find.query([manifest.is_simulated()])?;
                while let Some(row) = rows.next()? {
                    if manifest.covers(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?) {
                        return time(row, 0).map(Some);
                    }
                }
                Ok(None)
            },
            |database| database.first_run_at(manifest)
        )
    }

    /// Reads every page of the database once: a second for some hundred megabytes.
    ///
    /// # Errors
    ///
    /// When it is damaged or cannot be read; [`LedgerError::is_corrupt`] tells which.
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        match &self.store {
            Store::Folder(file) => file.check(),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.check(),
        }
    }
}
