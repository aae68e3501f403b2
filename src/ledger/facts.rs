//! What the ledger knows of a manifest's tasks before a run begins: asked task by task, over all runs, without a fold.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, params};

use super::ManifestIdentity;
use super::fold::{RunRow, for_each_event, run_id, time};
use crate::outcome::{AttemptRecord, Mark, Outcome, RunId, RunRecord, TaskRecord};
use crate::plan::{Task, TaskId, TaskKey, TaskSource};

/// What is known of a task, whichever the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// The manifest's last run that had it.
    pub latest: Option<Latest>,
    /// What may still be at work of its last attempt, whatever manifest and path that stands under: an intent in doubt,
    /// a session that is live or was left.
    pub loose: Option<Loose>,
}

/// How a task stands in the manifest's last run that had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    /// That run.
    pub run: RunId,
    /// When it began.
    pub began: Timestamp,
    /// The manifest's name in it.
    pub name: String,
    /// The task's key there.
    pub key: TaskKey,
    /// Its outcome there; none if it has none, or one that only a newer program knows.
    pub outcome: Option<Outcome>,
    /// When it had that.
    pub ended_at: Option<Timestamp>,
    /// A person's word on it.
    pub mark: Option<Mark>,
}

/// What may still be at work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loose {
    /// The run that it stands in.
    pub run: RunId,
    /// The task as that run knows it.
    pub record: TaskRecord,
}

/// A run's row.
pub(super) struct Head {
    pub(super) id: RunId,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) began: Timestamp,
}

/// The facts of each of these tasks.
pub(super) fn of_tasks(
    conn: &Connection,
    manifest: &ManifestIdentity,
    tasks: &[Task],
) -> rusqlite::Result<Vec<Facts>> {
    let runs = heads(conn, manifest.is_simulated())?;
    let mut rows = Rows {
        conn,
        manifest,
        runs: &runs,
        of_id: conn.prepare_cached(
            "SELECT run, key, outcome, ended_at, mark, last IS 'none' FROM tasks WHERE id = ?1 ORDER BY run DESC",
        )?,
        loose: conn.prepare_cached(
            "SELECT run, key FROM tasks AS it \
             WHERE id = ?1 AND (last IS NULL OR last IN ('intent', 'live', 'ended', 'left')) \
                 AND NOT EXISTS (SELECT 1 FROM tasks AS newer WHERE newer.id = it.id AND newer.run > it.run \
                     AND newer.session = it.session AND newer.last NOT IN ('intent', 'live', 'ended', 'left')) \
             ORDER BY run DESC",
        )?,
    };
    if runs.is_empty() {
        return Ok(tasks.iter().map(|_| Facts::default()).collect());
    }
    tasks.iter().map(|task| rows.facts(task)).collect()
}

/// How tasks of the manifest stand that have no place in the plan, by their ids alone.
pub(super) fn latest<'a>(
    conn: &Connection,
    manifest: &ManifestIdentity,
    tasks: impl Iterator<Item = &'a TaskId>,
) -> rusqlite::Result<HashMap<TaskId, Latest>> {
    let runs = heads(conn, manifest.is_simulated())?;
    let mut of_id = conn.prepare_cached(
        "SELECT run, key, outcome, ended_at, mark FROM tasks WHERE id = ?1 ORDER BY run DESC",
    )?;
    let mut found = HashMap::new();
    for task in tasks {
        let mut rows = of_id.query([task.as_str()])?;
        while let Some(row) = rows.next()? {
            let head = runs.get(&row.get(0)?).filter(|head| manifest.covers(&head.path, &head.name));
            if let Some(head) = head {
                found.insert(task.clone(), Latest::read(row, head)?);
                break;
            }
        }
    }
    Ok(found)
}

/// What was given up of the manifest's tasks since then, was neither seen to end nor put away, and is the last that any run
/// has of its task.
pub(super) fn left(
    conn: &Connection,
    manifest: &ManifestIdentity,
    since: Timestamp,
    is_wanted: impl Fn(&TaskId) -> bool,
) -> rusqlite::Result<Vec<Loose>> {
    let runs = heads(conn, manifest.is_simulated())?;
    let is_ours = |n: &i64| runs.get(n).filter(|head| manifest.covers(&head.path, &head.name));
    // The first term is that of the index.
    let mut of_all = conn.prepare_cached(
        "SELECT run, id FROM tasks \
         WHERE (last IS NULL OR last IN ('intent', 'live', 'ended', 'left')) \
             AND last = 'left' AND (ended_at IS NULL OR ended_at >= ?1) ORDER BY run DESC",
    )?;
    let mut newer =
        conn.prepare_cached("SELECT run FROM tasks WHERE id = ?1 AND run > ?2 AND last IS NOT 'none'")?;
    let mut found = Vec::new();
    let mut rows = of_all.query([since.as_millisecond()])?;
    while let Some(row) = rows.next()? {
        let (n, id): (i64, TaskId) = (row.get(0)?, TaskId::new(row.get::<_, String>(1)?));
        let Some(head) = is_ours(&n).filter(|_| is_wanted(&id)) else { continue };
        let later = newer.query_map(params![id.as_str(), n], |row| row.get(0))?;
        let later: Vec<i64> = later.collect::<rusqlite::Result<_>>()?;
        if later.iter().any(|n| is_ours(n).is_some()) {
            continue;
        }
        let record = task_record(conn, n, &id)?;
        let record = record.filter(|it| it.last_attempt().is_some_and(AttemptRecord::is_left));
        found.extend(record.map(|record| Loose { run: head.id.clone(), record }));
    }
    Ok(found)
}

/// On which branches tasks of the manifest stood, run by run, until one of each wanted repository is known.
pub(super) fn branches(
    conn: &Connection,
    manifest: &ManifestIdentity,
    mut wanted: HashSet<String>,
) -> rusqlite::Result<Vec<(TaskId, TaskSource)>> {
    let runs = heads(conn, manifest.is_simulated())?;
    let mut runs: Vec<_> = runs.iter().collect();
    runs.sort_unstable_by_key(|(n, _)| std::cmp::Reverse(**n));
    let mut of_run = conn.prepare_cached("SELECT id FROM tasks WHERE run = ?1")?;
    let mut found = Vec::new();
    for (n, _) in runs.into_iter().filter(|(_, head)| manifest.covers(&head.path, &head.name)) {
        if wanted.is_empty() {
            break;
        }
        let mut rows = of_run.query([n])?;
        while let Some(row) = rows.next()? {
            let id = TaskId::new(row.get::<_, String>(0)?);
            found.extend(id.source().map(|source| (id, source)));
        }
        found.iter().for_each(|(_, source)| _ = wanted.remove(&source.github.to_lowercase()));
    }
    Ok(found)
}

fn heads(conn: &Connection, simulated: bool) -> rusqlite::Result<HashMap<i64, Head>> {
    let mut find =
        conn.prepare_cached("SELECT n, id, identity, name, started_at FROM runs WHERE simulated = ?1")?;
    let heads = find.query_map([simulated], |row| {
        let head = Head { id: run_id(row, 1)?, path: row.get(2)?, name: row.get(3)?, began: time(row, 4)? };
        Ok((row.get(0)?, head))
    })?;
    heads.collect()
}

struct Rows<'c> {
    conn: &'c Connection,
    manifest: &'c ManifestIdentity,
    runs: &'c HashMap<i64, Head>,
    of_id: CachedStatement<'c>,
    loose: CachedStatement<'c>,
}

impl Rows<'_> {
    fn facts(&mut self, task: &Task) -> rusqlite::Result<Facts> {
        let facts = self.facts_of(task, &task.id)?;
        match task.id_without_branch() {
            // It was perhaps run before its branch was known.
            Some(before) if facts == Facts::default() && before != task.id => self.facts_of(task, &before),
            _ => Ok(facts),
        }
    }

    fn facts_of(&mut self, task: &Task, id: &TaskId) -> rusqlite::Result<Facts> {
        let mut latest = None;
        let mut last_attempt = None;
        let mut rows = self.of_id.query([id.as_str()])?;
        while let Some(row) = rows.next()? {
            let n = row.get(0)?;
            let head = self.runs.get(&n).filter(|head| self.manifest.covers(&head.path, &head.name));
            let Some(head) = head else { continue };
            if latest.is_none() {
                latest = Some(Latest::read(row, head)?);
            }
            let without_attempt: bool = row.get(5)?;
            if !without_attempt {
                last_attempt = Some(n);
                break;
            }
        }
        drop(rows);
        Ok(Facts { latest, loose: self.loose_of(task, id, last_attempt)? })
    }

    /// What an older run left is taken up by a newer one, and stands there from then on.
    fn loose_of(
        &mut self,
        task: &Task,
        id: &TaskId,
        last_attempt: Option<i64>,
    ) -> rusqlite::Result<Option<Loose>> {
        let mut rows = self.loose.query([id.as_str()])?;
        while let Some(row) = rows.next()? {
            let n: i64 = row.get(0)?;
            if last_attempt.is_some_and(|last| n < last) {
                break;
            }
            let Some(head) = self.runs.get(&n) else { continue };
            let is_ours = || self.manifest.covers(&head.path, &head.name);
            // The same prompt on the same repository, in a manifest of another name.
            let is_same = |key: &str| task.has_key_under(&head.name, key);
            if !is_ours() && !is_same(&row.get::<_, String>(1)?) {
                continue;
            }
            let record = task_record(self.conn, n, id)?;
            if let Some(record) = record.filter(|it| it.last_attempt().is_some_and(AttemptRecord::is_loose)) {
                return Ok(Some(Loose { run: head.id.clone(), record }));
            }
        }
        Ok(None)
    }
}

impl Latest {
    fn read(row: &rusqlite::Row<'_>, head: &Head) -> rusqlite::Result<Self> {
        let named = |column| row.get::<_, Option<String>>(column);
        Ok(Self {
            run: head.id.clone(),
            began: head.began,
            name: head.name.clone(),
            key: TaskKey::new(row.get::<_, String>(1)?),
            outcome: named(2)?.and_then(|name| Outcome::from_name(&name)),
            ended_at: row.get::<_, Option<i64>>(3)?.map(|_| time(row, 3)).transpose()?,
            mark: named(4)?.and_then(|name| Mark::from_name(&name)),
        })
    }
}

/// A run's record of one task: the fold of its events alone.
pub(super) fn task_record(conn: &Connection, n: i64, task: &TaskId) -> rusqlite::Result<Option<TaskRecord>> {
    let mut find =
        conn.prepare_cached("SELECT n, id, manifest, name, simulated, started_at FROM runs WHERE n = ?1")?;
    let row = find.query_row([n], RunRow::read)?;
    let Some(mut record): Option<RunRecord> = row.begin(None) else { return Ok(None) };
    for_each_event(
        conn,
        n,
        (0, Some(task)),
        |_| true,
        |event| {
            if let Ok(event) = event {
                record.apply(&event);
            }
        },
    )?;
    Ok(record.tasks.swap_remove(task))
}

/// The record of a task in a run.
pub(super) fn record_in(
    conn: &Connection,
    run: &RunId,
    task: &TaskId,
) -> rusqlite::Result<Option<TaskRecord>> {
    let mut find = conn.prepare_cached("SELECT n FROM runs WHERE id = ?1")?;
    let n = find.query_row(params![run.as_str()], |row| row.get(0))?;
    task_record(conn, n, task)
}
