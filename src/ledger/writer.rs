//! The ledger of the one process that runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::disk::SharedDisk;
use super::folder::StateFolder;
use super::lock::{Holder, Lock};
use super::reader::Store;
use super::sqlite::Sqlite;
use super::target::Target;
use super::{LedgerError, LedgerReader, Location, ManifestIdentity, Recorder, database, prune};
use crate::outcome::{LateReader, LateSession, RunEvent, RunId, SharedAccount};
use crate::plan::{AccountShare, Shard, TaskId, TaskKey};

/// The ledger, opened for writing: no other process has it until this is dropped.
#[derive(Debug)]
pub(crate) struct Ledger {
    // Closed before the lock is given back.
    reader: LedgerReader,
    set_aside: Option<PathBuf>,
    redated: usize,
    shared: Option<SharedDisk>,
    /// None where a lease stands for it.
    _lock: Option<Lock>,
}

impl Ledger {
    /// Takes the lock and opens the ledger: makes it, migrates it, or sets a damaged one aside and begins another
    /// (see [`Ledger::set_aside`]). Prunes old runs, and proves that there is room by writing.
    ///
    /// The folder is made if it is not there.
    ///
    /// # Errors
    ///
    /// When another process holds the folder, when the ledger is of a newer program or not a ledger, and when
    /// it cannot be written: read-only, or the disk is full.
    pub(crate) fn open(location: impl Into<Location>) -> Result<Self, LedgerError> {
        match location.into() {
            Location::Folder(folder) => Self::open_at(&folder, Timestamp::now()),
            #[cfg(feature = "postgres")]
            location @ Location::Database(_) => {
                let reader = LedgerReader::open(location)?;
                Ok(Self { reader, set_aside: None, redated: 0, shared: None, _lock: None })
            }
        }
    }

    pub(super) fn open_at(state_dir: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        Self::open_on(state_dir, SharedDisk::of, now)
    }

    /// The same on such a disk.
    pub(super) fn open_on(
        state_dir: &Path,
        disk: impl Fn(&Path) -> Option<SharedDisk>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let folder = StateFolder::prepare(state_dir)?;
        let shared = disk(state_dir);
        let lock = Lock::acquire(&folder, now)?;
        let path = folder.database();
        let mut set_aside = folder.has_orphaned_log().then(|| folder.set_aside(now)).transpose()?;
        folder.prepare_database()?;
        let conn = match database::open(&path, shared) {
            Err(e) if e.is_corrupt() => {
                set_aside = Some(folder.set_aside(now)?);
                folder.prepare_database()?;
                database::open(&path, shared)?
            }
            opened => opened?,
        };
        let failed = |doing| {
            let path = path.clone();
            move |source| LedgerError::Storage { doing, path, source }
        };
        let redated = prune::redate(&conn, now).map_err(failed("set times in the ledger right"))?;
        prune::prune(&conn, now).map_err(failed("remove old runs from the ledger"))?;
        prune::shrink(&conn).map_err(failed("make the ledger's file smaller"))?;
        database::claim_room(&conn, &path, now)?;
        let store = Store::Folder(Sqlite::new(conn, path));
        let reader = LedgerReader::new(state_dir.into(), store);
        Ok(Self { reader, set_aside, redated, shared, _lock: Some(lock) })
    }

    /// Who runs with this state folder now; none if nobody does, or if it cannot be told.
    #[must_use]
    pub(crate) fn holder(state_dir: &Path) -> Option<Holder> {
        Lock::holder(&StateFolder::at(state_dir))
    }

    /// Who is at work there, with whatever run, and in a shared ledger on what; nobody if it cannot be told.
    #[must_use]
    pub(crate) fn at_work(location: &Location) -> Vec<String> {
        match location {
            Location::Folder(folder) => Self::holder(folder).iter().map(ToString::to_string).collect(),
            #[cfg(feature = "postgres")]
            Location::Database(database) => super::postgres::look(database).unwrap_or_default(),
        }
    }

    /// Whether somebody is at work there; false if it cannot be told.
    #[must_use]
    pub(crate) fn is_in_use(location: &Location) -> bool {
        !Self::at_work(location).is_empty()
    }

    /// Where the ledger that was here has gone, if it was damaged. Nothing is known of earlier runs then: look
    /// for their markers before anything is created.
    #[must_use]
    pub(crate) fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// How many sessions were dated in the future, by a clock that was wrong. They count as created when it was opened.
    #[must_use]
    pub(crate) fn redated(&self) -> usize {
        self.redated
    }

    /// The disk that it lies on, where other machines may have that too.
    #[must_use]
    pub(crate) fn shared_disk(&self) -> Option<SharedDisk> {
        self.shared
    }

    /// What it can be asked.
    #[must_use]
    pub(crate) fn reader(&self) -> &LedgerReader {
        &self.reader
    }

    /// Records a new run of this manifest. The first event observed must be its
    /// [`RunStarted`](crate::outcome::EventKind::RunStarted) with `seq` 1.
    #[must_use]
    pub(crate) fn start(self, manifest: ManifestIdentity) -> Recorder {
        Recorder::start(self, manifest)
    }

    /// The manifest's runs, or those of this shard of it, are this process's to write until this is dropped, and these tasks
    /// its to work on. Runs of a file that was renamed are those of the file that it is now.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Owned`], [`LedgerError::Overlap`], [`LedgerError::AtWork`], and when the ledger cannot be read or written.
    pub(crate) fn claim(
        &mut self,
        manifest: &ManifestIdentity,
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a folder has one writer"))]
        (shard, tasks): (Option<Shard>, &[(&TaskId, &TaskKey)]),
    ) -> Result<(), LedgerError> {
        match self.reader.store_mut() {
            Store::Folder(file) => file.claim(manifest),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.own(manifest, (shard, tasks)),
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn store_mut(&mut self) -> &mut Store {
        self.reader.store_mut()
    }

    /// Where this ledger was copied to: what was recorded there since is not here.
    #[must_use]
    pub(crate) fn copied_to(&self) -> Option<String> {
        match self.reader.store() {
            #[cfg(feature = "postgres")]
            Store::Folder(file) => file.copied_to(),
            #[cfg(feature = "postgres")]
            Store::Database(_) => None,
            #[cfg(not(feature = "postgres"))]
            Store::Folder(_) => None,
        }
    }

    /// Whether this run is this process's to write: another shard's may be another's.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub(crate) fn may_write(
        &mut self,
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a folder has one writer"))]
        run: &RunId,
    ) -> Result<bool, LedgerError> {
        match self.reader.store_mut() {
            Store::Folder(_) => Ok(true),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.may_write(run),
        }
    }

    /// What [may be written](Self::may_write) of other runs has been.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub(crate) fn has_written(&mut self) -> Result<(), LedgerError> {
        match self.reader.store_mut() {
            Store::Folder(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.give_back_others(),
        }
    }

    /// Whether somebody had these runs before who has not given them back, and may not know that they are another's.
    #[must_use]
    pub(crate) fn took_over(&self) -> bool {
        match self.reader.store() {
            Store::Folder(_) => false,
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.took_over(),
        }
    }

    /// The account of the run that is written, as far as runs share one: not in a folder, and only where somebody has said
    /// what it allows.
    ///
    /// # Errors
    ///
    /// When it cannot be reached.
    pub(super) fn share_account(
        &self,
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a folder has no account"))]
        share: Option<AccountShare>,
    ) -> Result<Option<Arc<dyn SharedAccount>>, LedgerError> {
        match self.reader.store() {
            Store::Folder(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.share_account(share),
        }
    }

    /// The sessions that whoever had these runs before us has heard of too late, and that nobody has seen to.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn late(&self) -> Result<Vec<LateSession>, LedgerError> {
        match self.reader.store() {
            Store::Folder(_) => Ok(Vec::new()),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.late(),
        }
    }

    /// Asks for the same while the runs are written; none where nobody else can have had them.
    #[must_use]
    pub(crate) fn late_reader(&self) -> Option<LateReader> {
        match self.reader.store() {
            Store::Folder(_) => None,
            #[cfg(feature = "postgres")]
            Store::Database(database) => Some(database.late_reader()),
        }
    }

    /// Records a further invocation of a run. The next event's `seq` follows the record's `last_seq`.
    ///
    /// # Errors
    ///
    /// [`LedgerError::UnknownRun`], and when the ledger cannot be read.
    pub(crate) fn resume(self, run: &RunId) -> Result<Recorder, LedgerError> {
        Recorder::resume(self, run)
    }

    /// The same for the run that is worked on: one of the manifest whose runs are [claimed](Self::claim).
    ///
    /// # Errors
    ///
    /// As with [`Ledger::resume`], and when another process has the run.
    #[cfg_attr(not(feature = "postgres"), expect(unused_mut, reason = "a folder has one writer"))]
    pub(crate) fn go_on(mut self, run: &RunId) -> Result<Recorder, LedgerError> {
        match self.reader.store_mut() {
            Store::Folder(_) => {}
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.bring(run)?,
        }
        self.resume(run)
    }

    /// The run of this id, to go on with.
    pub(super) fn target(&mut self, run: &RunId) -> Result<Option<Target>, LedgerError> {
        match self.reader.store_mut() {
            Store::Folder(file) => file.target(run),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.target(run),
        }
    }

    /// Keeps these as the next events of that run; what comes after them. All or none. A database that does not answer is
    /// waited for so long.
    pub(super) fn save(
        &mut self,
        target: &Target,
        events: &[RunEvent],
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file answers"))]
        wait: Duration,
    ) -> Result<Target, LedgerError> {
        match self.reader.store_mut() {
            Store::Folder(file) => file.save(target, events),
            #[cfg(feature = "postgres")]
            Store::Database(database) => database.save(target, events, wait),
        }
    }

    /// How long a run goes on without it.
    pub(super) fn patience(&self) -> Duration {
        self.reader.location().patience()
    }

    /// Brings to the disk what was kept.
    pub(super) fn sync(&mut self) -> Result<(), LedgerError> {
        match self.reader.store_mut() {
            Store::Folder(file) => file.sync(),
            // Every commit has waited for the disk.
            #[cfg(feature = "postgres")]
            Store::Database(_) => Ok(()),
        }
    }
}
