//! The pull requests of all runs, in PostgreSQL's words: the same answers as the file gives (`ledger/pulls.rs`).

use std::collections::HashSet;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::Postgres;
use super::link::{Value, values};
use super::questions::{Answer, moment};
use crate::ledger::ManifestIdentity;
use crate::ledger::pulls::{LedgerPull, WhichPulls};
use crate::outcome::{PullRecords, PullState, PullWrite, RunEvent, RunId, Stage};
use crate::plan::{TaskId, TaskKey};
use jules::SessionId;

impl Postgres {
    pub(in crate::ledger) fn open_pulls(
        &self,
        manifest: &ManifestIdentity,
        closed_since: Timestamp,
    ) -> Answer<Vec<LedgerPull>> {
        // Where a newer run has read it, that counts.
        let open = "(state IS NULL OR state IN ('open', 'unknown') OR (state = 'closed' AND closed_at >= $3)) \
                    AND it.simulated = $1 AND NOT EXISTS ( \
                        SELECT FROM @pulls AS newer WHERE newer.key = it.key AND newer.run > it.run \
                          AND newer.url = it.url AND newer.state IN ('merged', 'closed'))";
        self.pulls_each_once(open, Some(manifest), Some(closed_since.as_millisecond()))
    }

    pub(in crate::ledger) fn known_pulls(
        &self,
        manifest: Option<&ManifestIdentity>,
        asked: WhichPulls,
    ) -> Answer<Vec<LedgerPull>> {
        let which = "it.simulated = $1 AND ($3::bigint IS NULL OR state IS NULL OR state IN ('open', 'unknown') \
                                            OR (state = 'closed' AND closed_at >= $3))";
        self.pulls_each_once(which, manifest, asked.closed_since())
    }

    fn pulls_each_once(
        &self,
        which: &str,
        manifest: Option<&ManifestIdentity>,
        closed_since: Option<i64>,
    ) -> Answer<Vec<LedgerPull>> {
        let sql = format!(
            "SELECT {}, runs.identity, runs.name FROM @pulls AS it JOIN @runs AS runs ON n = run \
             WHERE {which} AND ($2::text IS NULL OR project = $2) ORDER BY run DESC, task, url",
            LedgerPull::COLUMNS
        );
        let simulated = manifest.is_some_and(ManifestIdentity::is_simulated);
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for row in self.rows(&sql, values![simulated, self.project(), closed_since])? {
            let (path, name): (&str, &str) = (row.get(10), row.get(11));
            if manifest.is_none_or(|manifest| manifest.covers(path, name)) {
                let pull = self.read_pull(&row)?;
                if seen.insert(pull.url.clone()) {
                    found.push(pull);
                }
            }
        }
        Ok(found)
    }

    fn read_pull(&self, row: &Row) -> Answer<LedgerPull> {
        let run = row.get::<_, Option<&str>>(0).map(str::parse::<RunId>).transpose();
        Ok(LedgerPull {
            run: run.map_err(|_| self.damaged("a run's id"))?,
            task: TaskId::new(row.get::<_, String>(1)),
            key: TaskKey::new(row.get::<_, String>(2)),
            url: row.get(3),
            session: row.get::<_, Option<&str>>(4).and_then(|id| id.parse().ok()),
            state: row.get::<_, Option<&str>>(5).and_then(PullState::from_name),
            stage: row.get::<_, Option<&str>>(6).and_then(Stage::from_name),
            made_at: moment(row.get(7)),
            checked_at: row.get::<_, Option<i64>>(8).map(moment),
            closed_at: row.get::<_, Option<i64>>(9).map(moment),
        })
    }

    pub(in crate::ledger) fn pulls_over(
        &self,
        manifest: Option<&ManifestIdentity>,
    ) -> Answer<(usize, usize)> {
        let sql = "SELECT state, runs.identity, runs.name, count(DISTINCT url) \
                   FROM @pulls AS it JOIN @runs AS runs ON n = run \
                   WHERE it.simulated = $1 AND ($2::text IS NULL OR project = $2) AND state IN ('merged', 'closed') \
                   GROUP BY state, runs.identity, runs.name";
        let simulated = manifest.is_some_and(ManifestIdentity::is_simulated);
        let (mut merged, mut closed) = (0, 0);
        for row in self.rows(sql, values![simulated, self.project()])? {
            if manifest.is_none_or(|manifest| manifest.covers(row.get(1), row.get(2))) {
                let count = usize::try_from(row.get::<_, i64>(3)).unwrap_or(usize::MAX);
                *if row.get::<_, &str>(0) == "merged" { &mut merged } else { &mut closed } += count;
            }
        }
        Ok((merged, closed))
    }

    pub(in crate::ledger) fn pull_writes(&self) -> Answer<Vec<PullWrite>> {
        let sql = "SELECT body FROM @events AS it JOIN @runs ON n = run \
                   WHERE strpos(body, '\"event\":\"pull_request_act') > 0 AND ($1::text IS NULL OR project = $1) \
                   ORDER BY ts, run, seq";
        let mut records = PullRecords::default();
        for row in self.rows(sql, values![self.project()])? {
            // What a later version has written, or nobody can read, is told where its run is read.
            if let Ok(event) = serde_json::from_str::<RunEvent>(row.get(0)) {
                records.apply(&event.kind, event.ts);
            }
        }
        Ok(records.writes().to_vec())
    }

    pub(in crate::ledger) fn pulls_of_keys(
        &self,
        keys: &[TaskKey],
        simulated: bool,
    ) -> Answer<Vec<LedgerPull>> {
        let keys: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
        self.pulls_where("it.key = ANY($1) AND it.simulated = $2", values![keys, simulated])
    }

    pub(in crate::ledger) fn pulls_of_session(&self, session: &SessionId) -> Answer<Vec<LedgerPull>> {
        self.pulls_where("session = $1", values![session.as_str().to_owned()])
    }

    fn pulls_where(&self, which: &str, values: Vec<Value>) -> Answer<Vec<LedgerPull>> {
        let sql = format!(
            "SELECT {} FROM @pulls AS it LEFT JOIN @runs AS runs ON n = run WHERE {which} \
             ORDER BY run DESC, made_at DESC, url",
            LedgerPull::COLUMNS
        );
        self.rows(&sql, values)?.iter().map(|row| self.read_pull(row)).collect()
    }
}
