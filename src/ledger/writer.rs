//! The ledger of the one process that runs.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::disk::SharedDisk;
use super::folder::StateFolder;
use super::lock::{Holder, Lock};
use super::{LedgerError, LedgerReader, ManifestIdentity, Recorder, database, prune};
use crate::outcome::RunId;

/// The ledger of a state folder, opened for writing: no other process has it until this is dropped.
#[derive(Debug)]
pub(crate) struct Ledger {
    // Closed before the lock is given back.
    reader: LedgerReader,
    set_aside: Option<PathBuf>,
    redated: usize,
    shared: Option<SharedDisk>,
    _lock: Lock,
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
    pub(crate) fn open(state_dir: &Path) -> Result<Self, LedgerError> {
        Self::open_at(state_dir, Timestamp::now())
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
        Ok(Self { reader: LedgerReader::new(conn, path), set_aside, redated, shared, _lock: lock })
    }

    /// Who runs with this state folder now; none if nobody does, or if it cannot be told.
    #[must_use]
    pub(crate) fn holder(state_dir: &Path) -> Option<Holder> {
        Lock::holder(&StateFolder::at(state_dir))
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

    /// The runs of a file that was renamed are those of the file that it is now.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub(crate) fn claim(&self, manifest: &ManifestIdentity) -> Result<(), LedgerError> {
        let (reader, path) = (&self.reader, self.reader.path().to_owned());
        let claim = || {
            let conn = reader.conn();
            let mut find = conn.prepare("SELECT n, identity, name FROM runs WHERE simulated = ?1")?;
            let runs = find.query_map([manifest.is_simulated()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })?;
            let runs: Vec<_> = runs.collect::<rusqlite::Result<_>>()?;
            for (n, ..) in runs.iter().filter(|(_, path, name)| manifest.claims(path, name)) {
                conn.execute(
                    "UPDATE runs SET identity = ?2 WHERE n = ?1",
                    rusqlite::params![n, manifest.path()],
                )?;
            }
            Ok(())
        };
        claim().map_err(|source| LedgerError::Storage { doing: "write to the ledger", path, source })
    }

    /// Records a further invocation of a run. The next event's `seq` follows the record's `last_seq`.
    ///
    /// # Errors
    ///
    /// [`LedgerError::UnknownRun`], and when the ledger cannot be read.
    pub(crate) fn resume(self, run: &RunId) -> Result<Recorder, LedgerError> {
        Recorder::resume(self, run)
    }

    pub(super) fn reader_mut(&mut self) -> &mut LedgerReader {
        &mut self.reader
    }
}
