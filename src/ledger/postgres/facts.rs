//! What the ledger knows of a manifest's tasks before a run begins, in PostgreSQL's words: the same answers as the file gives
//! (`ledger/facts.rs`).

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::Postgres;
use super::link::values;
use super::questions::{Answer, Run, moment};
use crate::ledger::facts::Head;
use crate::ledger::{Facts, Latest, Loose, ManifestIdentity};
use crate::outcome::{AttemptRecord, Mark, Outcome};
use crate::plan::{Task, TaskId, TaskKey, TaskSource};

/// What is at work of a task, or what became of it.
struct OfTask {
    run: i64,
    key: String,
    outcome: Option<String>,
    ended_at: Option<i64>,
    mark: Option<String>,
    last: Option<String>,
    session: Option<String>,
    /// Another process is at work on its run.
    is_elsewhere: bool,
}

impl OfTask {
    /// Whether something of it may still be at work.
    fn is_loose(&self) -> bool {
        matches!(self.last.as_deref(), None | Some("intent" | "live" | "ended" | "left"))
    }

    /// Whether a newer one of these has its session, of which that holds.
    fn is_with(&self, rows: &[Self], holds: impl Fn(&Self) -> bool) -> bool {
        let has = |row: &Self| row.run > self.run && row.session == self.session && holds(row);
        self.session.is_some() && rows.iter().any(has)
    }
}

impl Postgres {
    /// The rows of these tasks, by id, the newest run's first.
    fn of_tasks(&self, ids: &[String]) -> Answer<HashMap<String, Vec<OfTask>>> {
        let sql = "SELECT of.id, run, key, outcome, of.ended_at, mark, last, session, \
                          coalesce(its.at_work AND its.holder <> $2 AND its.lease_until >= clock_timestamp(), false) \
                   FROM @tasks AS of JOIN @runs AS it ON it.n = run JOIN @leases AS its ON its.n = it.lease \
                   WHERE of.id = ANY($1) ORDER BY run DESC";
        let mut of: HashMap<String, Vec<OfTask>> = HashMap::new();
        for row in self.rows(sql, values![ids.to_vec(), self.holder().to_owned()])? {
            of.entry(row.get(0)).or_default().push(OfTask {
                run: row.get(1),
                key: row.get(2),
                outcome: row.get(3),
                ended_at: row.get(4),
                mark: row.get(5),
                last: row.get(6),
                session: row.get(7),
                is_elsewhere: row.get(8),
            });
        }
        Ok(of)
    }

    fn heads(&self, simulated: bool) -> Answer<HashMap<i64, Head>> {
        let head = |run: Run| {
            (run.n, Head { id: run.info.id, path: run.identity, name: run.info.name, began: run.started_at })
        };
        Ok(self.all_runs(simulated)?.into_iter().map(head).collect())
    }

    pub(in crate::ledger) fn facts(&self, manifest: &ManifestIdentity, tasks: &[Task]) -> Answer<Vec<Facts>> {
        let runs = self.heads(manifest.is_simulated())?;
        let before = |task: &Task| task.id_without_branch().filter(|before| *before != task.id);
        let ids = tasks.iter().flat_map(|task| [Some(task.id.clone()), before(task)]).flatten();
        let rows = self.of_tasks(&ids.map(|id| id.as_str().to_owned()).collect::<Vec<_>>())?;
        let facts = |task: &Task| {
            let facts = self.facts_of(task, &task.id, (manifest, &runs, &rows))?;
            match before(task).filter(|_| facts == Facts::default()) {
                Some(before) => self.facts_of(task, &before, (manifest, &runs, &rows)),
                None => Ok(facts),
            }
        };
        tasks.iter().map(facts).collect()
    }

    fn facts_of(
        &self,
        task: &Task,
        id: &TaskId,
        (manifest, runs, rows): (&ManifestIdentity, &HashMap<i64, Head>, &HashMap<String, Vec<OfTask>>),
    ) -> Answer<Facts> {
        let of = rows.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let is_ours = |head: &&Head| manifest.covers(&head.path, &head.name);
        let own: Vec<_> =
            of.iter().filter_map(|row| Some((row, runs.get(&row.run).filter(is_ours)?))).collect();
        let latest = own.first().map(|(row, head)| row.latest(head));
        let has_attempt = |row: &OfTask| row.last.as_deref() != Some("none");
        let last_attempt = own.iter().find(|(row, _)| has_attempt(row)).map(|(row, _)| row.run);
        for row in of.iter().filter(|row| row.is_loose() && !row.is_with(of, |newer| !newer.is_loose())) {
            // What an older run left is taken up by a newer one, and stands there from then on.
            if last_attempt.is_some_and(|last| row.run < last) {
                break;
            }
            let Some(head) = runs.get(&row.run) else { continue };
            // What others have at work is theirs. Who only looks sees the manifest's own all the same. A session of the
            // manifest's own that another has taken up cannot be claimed, and is not begun anew.
            let is_theirs = row.is_elsewhere && (self.work.is_some() || !is_ours(&head));
            if is_theirs || !is_ours(&head) && row.is_with(of, |newer| newer.is_elsewhere) {
                continue;
            }
            // The same prompt on the same repository, in a manifest of another name.
            if !is_ours(&head) && !task.has_key_under(&head.name, &row.key) {
                continue;
            }
            let record = self.task(&head.id, id)?;
            if let Some(record) = record.filter(|it| it.last_attempt().is_some_and(AttemptRecord::is_loose)) {
                return Ok(Facts { latest, loose: Some(Loose { run: head.id.clone(), record }) });
            }
        }
        Ok(Facts { latest, loose: None })
    }

    pub(in crate::ledger) fn latest(
        &self,
        manifest: &ManifestIdentity,
        tasks: &[&TaskId],
    ) -> Answer<HashMap<TaskId, Latest>> {
        let runs = self.heads(manifest.is_simulated())?;
        let ids: Vec<_> = tasks.iter().map(|id| id.as_str().to_owned()).collect();
        let rows = self.of_tasks(&ids)?;
        let is_ours = |head: &&Head| manifest.covers(&head.path, &head.name);
        let latest = |id: &&TaskId| {
            let of = rows.get(id.as_str())?;
            let found = of.iter().find_map(|row| Some((row, runs.get(&row.run).filter(is_ours)?)));
            found.map(|(row, head)| ((*id).clone(), row.latest(head)))
        };
        Ok(tasks.iter().filter_map(latest).collect())
    }

    pub(in crate::ledger) fn left(
        &self,
        manifest: &ManifestIdentity,
        since: Timestamp,
        is_wanted: impl Fn(&TaskId) -> bool,
    ) -> Answer<Vec<Loose>> {
        let runs = self.heads(manifest.is_simulated())?;
        let is_ours = |n: i64| runs.get(&n).filter(|head| manifest.covers(&head.path, &head.name));
        let sql = "SELECT run, id FROM @tasks WHERE last = 'left' AND (ended_at IS NULL OR ended_at >= $1) \
                   ORDER BY run DESC";
        let rows = self.rows(sql, values![since.as_millisecond()])?;
        let left = rows.iter().map(|row| (row.get::<_, i64>(0), TaskId::new(row.get::<_, String>(1))));
        let left: Vec<_> = left.filter(|(n, id)| is_ours(*n).is_some() && is_wanted(id)).collect();
        let of = self.of_tasks(&left.iter().map(|(_, id)| id.as_str().to_owned()).collect::<Vec<_>>())?;
        let mut found = Vec::new();
        for (n, id) in left {
            let Some(head) = is_ours(n) else { continue };
            let has_attempt = |row: &&OfTask| row.last.as_deref() != Some("none") && row.run > n;
            let mut newer = of.get(id.as_str()).into_iter().flatten().filter(has_attempt);
            if newer.any(|row| is_ours(row.run).is_some()) {
                continue;
            }
            let record = self.task(&head.id, &id)?;
            let record = record.filter(|it| it.last_attempt().is_some_and(AttemptRecord::is_left));
            found.extend(record.map(|record| Loose { run: head.id.clone(), record }));
        }
        Ok(found)
    }

    pub(in crate::ledger) fn branches(
        &self,
        manifest: &ManifestIdentity,
        mut wanted: HashSet<String>,
    ) -> Answer<Vec<(TaskId, TaskSource)>> {
        let mut found: Vec<(TaskId, TaskSource)> = Vec::new();
        for run in self.runs_of(manifest)? {
            if wanted.is_empty() {
                break;
            }
            for row in self.rows("SELECT id FROM @tasks WHERE run = $1", values![run.n])? {
                let id = TaskId::new(row.get::<_, String>(0));
                found.extend(id.source().map(|source| (id, source)));
            }
            found.iter().for_each(|(_, source)| _ = wanted.remove(&source.github.to_lowercase()));
        }
        Ok(found)
    }
}

impl OfTask {
    fn latest(&self, head: &Head) -> Latest {
        Latest {
            run: head.id.clone(),
            began: head.began,
            name: head.name.clone(),
            key: TaskKey::new(self.key.as_str()),
            outcome: self.outcome.as_deref().and_then(Outcome::from_name),
            ended_at: self.ended_at.map(moment),
            mark: self.mark.as_deref().and_then(Mark::from_name),
        }
    }
}
