//! Who may write a manifest's runs: one at a time, for as long as it says that it is there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_postgres::Row;

use super::link::{Link, values};
use crate::ledger::lock::Holder;
use crate::ledger::{LedgerError, ManifestIdentity};
use crate::plan::{Shard, TaskId, TaskKey};

/// How long a lease is believed in without a word of its holder, as the server's own interval.
const TERM: &str = "interval '30 seconds'";
/// How often its holder says a word.
const RENEWAL: Duration = Duration::from_secs(5);
/// How long giving back may take: a lease that is not given back is over by itself.
const RELEASE: Duration = Duration::from_secs(3);

/// The rows of the manifest, locked in one order: whoever comes second sees what the first has taken.
const OF_MANIFEST: &str = "
    WITH of_manifest AS (
        SELECT it.* FROM @leases AS it JOIN @leases AS ours
            ON (it.project, it.manifest, it.simulated) = (ours.project, ours.manifest, ours.simulated)
        WHERE ours.n = $1 ORDER BY it.n FOR NO KEY UPDATE OF it
    )";

/// Takes the row, unless another has it or, where we are to work (`$4`), works on tasks of ours; and whether the one before
/// had not given it back. Whoever has worked on tasks of ours and has said nothing for too long may only sleep.
const TAKE: &str = ", known AS (SELECT * FROM of_manifest WHERE n = $1), taken AS (
        UPDATE @leases AS it
        SET holder = $2, holder_text = $3, epoch = it.epoch + 1, lease_taken = clock_timestamp(),
            lease_until = clock_timestamp() + TERM, at_work = $4
        FROM known
        WHERE it.n = known.n AND (it.holder IS NULL OR it.holder = $2 OR it.lease_until < clock_timestamp())
          AND NOT ($4 AND EXISTS (SELECT FROM of_manifest AS other WHERE OVERLAPS AND other.lease_until >= clock_timestamp()))
        RETURNING it.epoch, known.holder IS NOT NULL AND known.holder <> $2
    ), deposed AS (
        UPDATE @leases AS it SET holder = NULL, holder_text = NULL, lease_until = NULL, epoch = it.epoch + 1
        FROM taken, known, of_manifest AS other
        WHERE $4 AND it.n = other.n AND OVERLAPS AND other.lease_until < clock_timestamp()
    )
    SELECT * FROM taken";

/// Whether another works, or has worked, on a part of the manifest that has tasks in common with that of the row. Two parts of
/// as many, dealt alike, have none.
const OVERLAPS: &str = "other.n <> $1 AND other.at_work AND other.holder <> $2
    AND NOT (other.shard <> '' AND known.shard <> ''
             AND split_part(other.shard, '/', 2) = split_part(known.shard, '/', 2)
             AND starts_with(other.shard, 'slice:') = starts_with(known.shard, 'slice:'))";

const RENEW: &str = "UPDATE @leases SET lease_until = clock_timestamp() + TERM WHERE holder = $1";

const GIVE_BACK: &str =
    "UPDATE @leases SET holder = NULL, holder_text = NULL, lease_until = NULL WHERE holder = $1";

/// The leases that this process has.
#[derive(Debug)]
pub(super) struct Leases {
    /// Nobody else's word.
    holder: String,
    /// By their rows.
    held: HashMap<i64, Lease>,
    renewing: Option<JoinHandle<()>>,
}

/// A lease that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) row: i64,
    pub(super) epoch: i64,
    /// Whoever had it before has not given it back, and may not know that it is over.
    pub(super) was_taken_over: bool,
}

impl Leases {
    pub(super) fn none() -> Self {
        let holder = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Self { holder, held: HashMap::new(), renewing: None }
    }

    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    /// Their rows.
    pub(super) fn rows(&self) -> Vec<i64> {
        self.held.keys().copied().collect()
    }

    /// Takes that of the manifest.
    pub(super) fn take_of(
        &mut self,
        link: &Link,
        manifest: &ManifestIdentity,
        shard: Option<Shard>,
    ) -> Result<Lease, LedgerError> {
        let project = link.database().project().unwrap_or_default().to_owned();
        let key = || {
            let shard = shard.map(|shard| shard.to_string()).unwrap_or_default();
            values![project.clone(), manifest.lease_key(), shard, manifest.is_simulated()]
        };
        let find =
            "SELECT n FROM @leases WHERE project = $1 AND manifest = $2 AND shard = $3 AND simulated = $4";
        let mut found = link.rows(find, key())?;
        if found.is_empty() {
            let make = "INSERT INTO @leases (project, manifest, shard, simulated) VALUES ($1, $2, $3, $4) \
                        ON CONFLICT DO NOTHING";
            link.rows(make, key())?;
            found = link.rows(find, key())?;
        }
        let row = found.first().map_or(0, |row| row.get(0));
        self.take(link, row, true)
    }

    /// Takes that of this row: to work on the manifest, or only to write down what is news of runs before.
    pub(super) fn take(&mut self, link: &Link, row: i64, to_work: bool) -> Result<Lease, LedgerError> {
        if let Some(lease) = self.held.get(&row) {
            return Ok(*lease);
        }
        let us = Holder::this_process(Timestamp::now()).to_string();
        let sql = format!("{OF_MANIFEST}{TAKE}").replace("TERM", TERM).replace("OVERLAPS", OVERLAPS);
        let taken = link.rows(&sql, values![row, self.holder.clone(), us, to_work])?;
        let Some(taken) = taken.first() else { return Err(busy(link, row, &self.holder)?) };
        let lease = Lease { row, epoch: taken.get(0), was_taken_over: taken.get(1) };
        self.held.insert(row, lease);
        if self.renewing.is_none() {
            self.renewing = Some(self.renew(link));
        }
        Ok(lease)
    }

    /// On a connection of its own, so that no other statement holds it up.
    fn renew(&self, link: &Link) -> JoinHandle<()> {
        let (holder, own) = (self.holder.clone(), link.another().handle());
        let sql = link.sql(&RENEW.replace("TERM", TERM));
        link.runtime().spawn(async move {
            loop {
                tokio::time::sleep(RENEWAL).await;
                let values = values![holder.clone()];
                let answer = tokio::time::timeout(RENEWAL, own.ask(&sql, &values)).await;
                if let Ok(Err(error)) = answer {
                    tracing::debug!("a lease was not renewed: {error}");
                }
            }
        })
    }

    /// Gives all back but this one.
    pub(super) fn give_back_others(&mut self, link: &Link, kept: Option<i64>) -> Result<(), LedgerError> {
        let others = self.rows().into_iter().filter(|row| Some(*row) != kept);
        others.collect::<Vec<_>>().into_iter().try_for_each(|row| self.give_back_one(link, row))
    }

    /// Gives this one back.
    fn give_back_one(&mut self, link: &Link, row: i64) -> Result<(), LedgerError> {
        self.held.remove(&row);
        let values = values![self.holder.clone(), row];
        link.rows(&format!("{GIVE_BACK} AND n = $2"), values).map(drop)
    }

    /// Gives all of them back. What cannot be given back is over by itself.
    pub(super) fn give_back(&mut self, link: &Link) {
        if let Some(renewing) = self.renewing.take() {
            renewing.abort();
        }
        if !self.held.is_empty() {
            self.held.clear();
            let values = Arc::new(values![self.holder.clone()]);
            if let Err(error) = link.ask_within(RELEASE, GIVE_BACK, &values) {
                tracing::debug!("a lease was not given back: {error}");
            }
        }
    }
}

/// Who has it, or works on tasks of it.
fn busy(link: &Link, row: i64, us: &str) -> Result<LedgerError, LedgerError> {
    let who = format!(
        "{OF_MANIFEST} SELECT other.holder_text, EXTRACT(epoch FROM other.lease_taken)::bigint,
                EXTRACT(epoch FROM other.lease_until)::bigint, other.shard, other.n = $1
         FROM of_manifest AS known, of_manifest AS other
         WHERE known.n = $1 AND (other.n = $1 AND other.holder <> $2 OR ({OVERLAPS} AND other.lease_until >= clock_timestamp()))
         ORDER BY other.n = $1 DESC, other.lease_taken"
    );
    let found = link.rows(&who, values![row, us.to_owned()])?;
    let found = found.first();
    let holder = found.and_then(|row| row.get(0)).unwrap_or_else(|| "another process".to_owned());
    let (since, until) = (found.and_then(|row| time(row, 1)), found.and_then(|row| time(row, 2)));
    Ok(match found.filter(|row| !row.get::<_, bool>(4)) {
        Some(other) => {
            let shard = Some(other.get::<_, String>(3)).filter(|shard| !shard.is_empty());
            LedgerError::Overlap { holder, shard, since, until }
        }
        None => LedgerError::Owned { holder, since, until, lease: row },
    })
}

/// Claims these tasks, so that nobody begins one of them by another manifest's lease.
pub(super) fn claim(link: &Link, lease: Lease, tasks: &[(&TaskId, &TaskKey)]) -> Result<(), LedgerError> {
    let project = link.database().project().unwrap_or_default().to_owned();
    let keys: Vec<String> = tasks.iter().map(|(_, key)| key.as_str().to_owned()).collect();
    let sql = "SELECT common, coalesce(its.holder_text, 'another process'), EXTRACT(epoch FROM its.lease_taken)::bigint, \
                      EXTRACT(epoch FROM its.lease_until)::bigint, it.id || ' of `' || it.name || '`' \
               FROM @claim($1, $2, $3, $4) JOIN @leases AS its ON its.n = other LEFT JOIN LATERAL ( \
                   SELECT id, name FROM @runs WHERE lease = its.n ORDER BY n DESC LIMIT 1 \
               ) AS it ON true";
    let found = link.rows(sql, values![lease.row, lease.epoch, project, keys])?;
    let Some(row) = found.first() else { return Ok(()) };
    let common = TaskKey::new(row.get::<_, String>(0));
    let task = tasks.iter().find(|(_, key)| **key == common).map(|(id, _)| (*id).clone());
    Err(LedgerError::AtWork {
        task: task.unwrap_or_else(|| TaskId::new(common.as_str())),
        run: row.get(4),
        holder: row.get(1),
        since: time(row, 2),
        until: time(row, 3),
    })
}

fn time(row: &Row, at: usize) -> Option<Timestamp> {
    row.get::<_, Option<i64>>(at).and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// Whether whoever has this lease works on its runs.
pub(super) fn is_at_work(link: &Link, lease: i64) -> Result<bool, LedgerError> {
    let found = link.rows("SELECT at_work FROM @leases WHERE n = $1", values![lease])?;
    Ok(found.first().is_some_and(|row| row.get(0)))
}

/// Whether somebody has this lease and is there, and the last run that was written by it.
pub(super) fn stands(link: &Link, lease: i64) -> Result<(bool, Option<String>), LedgerError> {
    let sql = "SELECT coalesce(holder IS NOT NULL AND lease_until > clock_timestamp(), false), \
               (SELECT id FROM @runs WHERE lease = leases.n ORDER BY n DESC LIMIT 1) FROM @leases WHERE n = $1";
    let found = link.rows(sql, values![lease])?;
    Ok(found.first().map_or((false, None), |row| (row.get(0), row.get(1))))
}

/// Whoever is at work in the project, or in all.
pub(super) fn holders(link: &Link) -> Result<Vec<String>, LedgerError> {
    let sql = "SELECT concat_ws(' ', project, coalesce(it.name, manifest), nullif(shard, '')) || ': ' \
                      || coalesce('run ' || it.id || ', ', '') || holder_text \
               FROM @leases AS leases LEFT JOIN LATERAL ( \
                   SELECT id, name FROM @runs WHERE lease = leases.n ORDER BY n DESC LIMIT 1 \
               ) AS it ON true \
               WHERE holder IS NOT NULL AND lease_until > clock_timestamp() AND ($1::text IS NULL OR project = $1) \
               ORDER BY lease_taken";
    let project = link.database().project().map(str::to_owned);
    Ok(link.rows(sql, values![project])?.iter().filter_map(|row| row.get(0)).collect())
}

/// Whoever has the lease by which this run is written, as long as it is believed in.
pub(super) fn holder_of(link: &Link, run: &str) -> Result<Option<String>, LedgerError> {
    let sql = "SELECT holder_text FROM @leases JOIN @runs AS it ON it.lease = leases.n \
               WHERE it.id = $1 AND holder IS NOT NULL AND lease_until > clock_timestamp()";
    Ok(link.rows(sql, values![run.to_owned()])?.first().and_then(|row| row.get(0)))
}

/// Takes a run's lease away from whoever has it; who that was. None where there is no such run.
pub(super) fn release(link: &Link, run: &str) -> Result<Option<Option<String>>, LedgerError> {
    let sql = "WITH known AS (SELECT l.n, l.holder_text FROM @leases AS l JOIN @runs AS r ON r.lease = l.n WHERE r.id = $1) \
               UPDATE @leases AS it SET holder = NULL, holder_text = NULL, lease_until = NULL, epoch = epoch + 1 \
               FROM known WHERE it.n = known.n RETURNING known.holder_text";
    Ok(link.rows(sql, values![run.to_owned()])?.first().map(|row| row.get(0)))
}
