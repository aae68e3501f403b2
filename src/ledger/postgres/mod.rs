//! The ledger in PostgreSQL, for machines that share it.
//!
//! One statement is one transaction: a client that stops holds no lock, and nothing of a session is used, so that a pooler in
//! transaction mode may stand between. Who may write is a [lease](lease): one manifest's runs are written by one process at a
//! time, and each write checks that it is the one.

mod account;
mod address;
mod append;
mod connect;
mod copied;
mod facts;
mod late;
mod lease;
mod link;
mod projection;
mod prune;
mod pulls;
mod questions;
mod schema;
mod whoever;

#[cfg(test)]
mod tests;

pub(crate) use address::SchemaName;
pub use address::{AddressError, Database};
pub(super) use copied::{Copied, OfEvent};
pub(super) use link::LinkError;
pub(super) use projection::{PullRow, TaskRow};
#[cfg(test)]
pub(super) use tests::TestDatabase;

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Row;

use self::account::{Account, Us};
use self::append::Writing;
use self::lease::{Lease, Leases};
use self::link::{Link, Value, values};
use super::account::{Limits, Standing};
use super::target::Target;
use super::{LedgerError, ManifestIdentity};
use crate::outcome::{EventKind, RunEvent, RunId, RunInfo, SharedAccount};
use crate::plan::{AccountShare, Shard, TaskId, TaskKey};

/// How often, and how long after one another, a lease is asked for whose holder is not at work.
const SOON: usize = 20;
const AGAIN: Duration = Duration::from_millis(250);

/// A ledger in a database.
#[derive(Debug)]
pub(super) struct Postgres {
    link: Link,
    leases: Leases,
    shard: Option<Shard>,
    /// That of the manifest that we work on.
    work: Option<Lease>,
    writing: Option<Writing>,
    took_over: bool,
    /// The account whose limits are said: the slots of its runs are counted.
    account: Option<String>,
}

impl Postgres {
    /// A ledger that is there, of a version that we know.
    pub(super) fn open(database: &Database) -> Result<Self, LedgerError> {
        let link = Link::new(database.clone())?;
        schema::check(&link)?;
        let leases = Leases::none();
        Ok(Self { link, leases, shard: None, work: None, writing: None, took_over: false, account: None })
    }

    fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, LedgerError> {
        self.link.rows(sql, values)
    }

    /// The account that what is created counts for.
    fn account(&self) -> &str {
        self.account.as_deref().unwrap_or(address::ACCOUNT)
    }

    fn holder(&self) -> &str {
        self.leases.holder()
    }

    /// Takes the lease of the manifest, or of this shard of it: its runs are ours to write, and these tasks ours to work on.
    pub(super) fn own(
        &mut self,
        manifest: &ManifestIdentity,
        (shard, tasks): (Option<Shard>, &[(&TaskId, &TaskKey)]),
    ) -> Result<(), LedgerError> {
        self.shard = shard;
        let lease = self.take_to_work(manifest)?;
        lease::claim(&self.link, lease, tasks)?;
        self.took_over |= lease.was_taken_over;
        // More tasks may be claimed later.
        if self.work.replace(lease).is_none() {
            self.account = account::of_a_run(&self.link)?;
        }
        Ok(())
    }

    /// Takes the manifest's lease. Whoever only writes down what is news of its runs is through soon.
    fn take_to_work(&mut self, manifest: &ManifestIdentity) -> Result<Lease, LedgerError> {
        for _ in 0..SOON {
            match self.leases.take_of(&self.link, manifest, self.shard) {
                Err(LedgerError::Owned { lease, .. }) if !lease::is_at_work(&self.link, lease)? => {
                    std::thread::sleep(AGAIN);
                }
                taken => return taken,
            }
        }
        self.leases.take_of(&self.link, manifest, self.shard)
    }

    /// Whether somebody had the lease before who has not given it back, and may not know that it is over.
    pub(super) fn took_over(&self) -> bool {
        self.took_over
    }

    /// Whether this run is ours to write, or can be for now.
    pub(super) fn may_write(&mut self, run: &RunId) -> Result<bool, LedgerError> {
        let found = self.rows("SELECT lease FROM @runs WHERE id = $1", values![run.as_str().to_owned()])?;
        let Some(row) = found.first() else { return Ok(false) };
        match self.leases.take(&self.link, row.get(0), false) {
            Err(LedgerError::Owned { .. }) => Ok(false),
            taken => taken.map(|_| true),
        }
    }

    /// A run that another lease was written by, such as a shard's, is written by that of the manifest from now on: by it others see
    /// who works on the run.
    pub(super) fn bring(&mut self, run: &RunId) -> Result<(), LedgerError> {
        let id = run.as_str().to_owned();
        let found = self.rows("SELECT lease FROM @runs WHERE id = $1", values![id.clone()])?;
        let (Some(row), Some(ours)) = (found.first(), self.work) else { return Ok(()) };
        let theirs: i64 = row.get(0);
        if theirs == ours.row {
            return Ok(());
        }
        // Whoever had it writes nothing more.
        let lease = self.leases.take(&self.link, theirs, false)?;
        self.took_over |= lease.was_taken_over;
        let bring = "UPDATE @runs AS it SET lease = $1 FROM @leases AS its \
                     WHERE it.id = $2 AND its.n = it.lease AND its.n = $3 AND its.holder = $4 AND its.epoch = $5";
        self.rows(bring, values![ours.row, id, theirs, self.holder().to_owned(), lease.epoch])?;
        self.give_back_others()
    }

    /// The leases that were taken to write down what is news of earlier runs are wanted no more.
    pub(super) fn give_back_others(&mut self) -> Result<(), LedgerError> {
        self.leases.give_back_others(&self.link, self.work.map(|lease| lease.row))
    }

    /// The run of this id, to go on with.
    pub(super) fn target(&mut self, run: &RunId) -> Result<Option<Target>, LedgerError> {
        let sql = "SELECT n, lease, manifest, name, simulated FROM @runs WHERE id = $1";
        let found = self.rows(sql, values![run.as_str().to_owned()])?;
        let Some(found) = found.first() else { return Ok(None) };
        let lease = self.leases.take(&self.link, found.get(1), false)?;
        let info = RunInfo {
            id: run.clone(),
            manifest: found.get(2),
            file: None,
            name: found.get(3),
            simulated: found.get(4),
        };
        let row = found.get(0);
        let writing = Writing::resume(self, info, lease, row)?;
        let last_seq = writing.kept();
        self.writing = Some(writing);
        Ok(Some(Target::Begun { row, last_seq }))
    }

    /// Whether a run that is there is the project's that is meant.
    pub(super) fn is_of_project(&self, run: &RunId) -> Result<(), LedgerError> {
        let found = self.rows("SELECT project FROM @runs WHERE id = $1", values![run.as_str().to_owned()])?;
        let database = self.link.database();
        match found.first().map(|row| row.get::<_, String>(0)) {
            Some(project) if database.project().is_some_and(|ours| ours != project) => {
                Err(LedgerError::OfAnotherProject {
                    run: run.clone(),
                    project,
                    database: database.to_string(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Keeps these as the next events of that run; what comes after them. One that does not answer is waited for so long.
    pub(super) fn save(
        &mut self,
        target: &Target,
        events: &[RunEvent],
        wait: Duration,
    ) -> Result<Target, LedgerError> {
        let mut next = target.clone();
        for event in events {
            let last_seq = next.after(event)?;
            let row = if let Target::Begun { row, .. } = next { row } else { 0 };
            next = Target::Begun { row, last_seq };
        }
        let manifest = match (target, events.first().map(|event| &event.kind)) {
            (Target::New(manifest), Some(EventKind::RunStarted { run })) => {
                // The call before may have failed.
                if !self.writing.as_ref().is_some_and(|writing| writing.is_of(&run.id)) {
                    let lease = self.leases.take_of(&self.link, manifest, self.shard)?;
                    self.writing = Some(Writing::new(run.clone(), lease));
                }
                Some(manifest)
            }
            _ => None,
        };
        let Some(mut writing) = self.writing.take() else { return Ok(next) };
        let saved = writing.save(self, manifest, events, wait);
        self.writing = Some(writing);
        match (saved?, next) {
            (row, Target::Begun { last_seq, .. }) => Ok(Target::Begun { row, last_seq }),
            (_, next @ Target::New(_)) => Ok(next),
        }
    }

    /// Whether somebody has this lease and is there, and the last run that was written by it.
    pub(super) fn lease(&self, lease: i64) -> Result<(bool, Option<RunId>), LedgerError> {
        let (held, run) = lease::stands(&self.link, lease)?;
        Ok((held, run.and_then(|run| run.parse().ok())))
    }

    /// The account of the run that is written; none where nobody has said what it allows.
    pub(super) fn share_account(
        &self,
        share: Option<AccountShare>,
    ) -> Result<Option<Arc<dyn SharedAccount>>, LedgerError> {
        let Some(account) = self.account.clone() else { return Ok(None) };
        let Some((lease, Some(run))) = self.writing.as_ref().map(Writing::place) else { return Ok(None) };
        let (holder, epoch) = (self.holder().to_owned(), lease.epoch);
        let us = Us { run, lease: lease.row, epoch, holder, share };
        Ok(Some(Arc::new(Account::of(self.link.database(), account, us)?)))
    }

    /// Whoever has the lease of this run, and is there.
    pub(super) fn holder_of(&self, run: &RunId) -> Result<Option<String>, LedgerError> {
        lease::holder_of(&self.link, run.as_str())
    }
}

/// What [`make`] does, for an administrator.
pub(crate) fn script(database: &Database, account: Option<&SchemaName>) -> String {
    format!("BEGIN;\n{}COMMIT;\n", schema::script(&database.schema, account.map(SchemaName::as_str)))
}

/// How a ledger is that was to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Of this program's version.
    Ready {
        /// The role that runs need, where it was not made: the database's role may not make roles.
        lacks_role: Option<String>,
    },
    /// Of this newer version, which this program can use and has left as it is.
    Newer(u32),
}

/// Makes the ledger in a database, or brings it to the version of this program; its account in a schema of its own where one
/// is said.
///
/// # Errors
///
/// When the database cannot be reached, or refuses; and when its ledger is of a newer program that this one cannot go on with.
pub(crate) fn make(database: &Database, account: Option<&SchemaName>) -> Result<Made, LedgerError> {
    let link = Link::new(database.clone())?;
    if let Some(found) = schema::init(&link, account.map(SchemaName::as_str))? {
        return Ok(Made::Newer(found));
    }
    let role = format!("{}_run", database.schema);
    let found = link.rows("SELECT 1 FROM pg_roles WHERE rolname = $1", values![role.clone()])?;
    Ok(Made::Ready { lacks_role: found.is_empty().then_some(role) })
}

/// Whether a ledger is there that this program can use, and who is at work with it.
///
/// # Errors
///
/// When there is none, or it cannot be used.
pub(crate) fn look(database: &Database) -> Result<Vec<String>, LedgerError> {
    lease::holders(&Postgres::open(database)?.link)
}

/// The account that is meant, and how it stands; nothing where nobody has said what it allows.
///
/// # Errors
///
/// When the ledger cannot be read.
pub(crate) fn standing(database: &Database) -> Result<(String, Option<Standing>), LedgerError> {
    let link = &Postgres::open(database)?.link;
    let name = account::meant(link)?;
    let standing = account::standing(link, &name)?;
    Ok((name, standing))
}

/// How all accounts stand that somebody has said something of.
///
/// # Errors
///
/// When the ledger cannot be read.
pub(crate) fn standings(database: &Database) -> Result<Vec<Standing>, LedgerError> {
    let link = &Postgres::open(database)?.link;
    let standing = |name: String| account::standing(link, &name).transpose();
    account::names(link)?.into_iter().filter_map(standing).collect()
}

/// How the account stands that this run counts for.
///
/// # Errors
///
/// When the ledger cannot be read.
pub(crate) fn standing_of(database: &Database, run: &RunId) -> Result<Option<Standing>, LedgerError> {
    let link = &Postgres::open(database)?.link;
    let name = account::of_run(link, run.as_str())?;
    name.map_or(Ok(None), |name| account::standing(link, &name))
}

/// Says what the account allows that is meant.
///
/// # Errors
///
/// When the database cannot be reached, or refuses: runs of the program itself may not.
pub(crate) fn set_limits(database: &Database, limits: &Limits) -> Result<(), LedgerError> {
    account::set_limits(&Postgres::open(database)?.link, limits)
}

/// Removes runs that are past their time, by the rules of a folder's ledger; how many.
///
/// # Errors
///
/// When the database cannot be reached, or refuses: runs of the program itself may not delete.
pub(crate) fn prune(database: &Database) -> Result<usize, LedgerError> {
    Postgres::open(database)?.prune(jiff::Timestamp::now())
}

/// Takes the lease of this run away from whoever has it; who that was. None where there is no such run.
///
/// # Errors
///
/// When the database cannot be reached, or refuses.
pub(crate) fn release(database: &Database, run: &RunId) -> Result<Option<Option<String>>, LedgerError> {
    lease::release(&Postgres::open(database)?.link, run.as_str())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.leases.give_back(&self.link);
    }
}
