//! Why the ledger could not be used.

use std::io;
use std::path::PathBuf;

use super::Holder;
use crate::outcome::{JournalError, RunId, is_out_of_files};

/// Why the ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process holds the state folder.
    #[error(
        "state folder `{}` is in use by {}; wait until it ends, or name another folder with `--state-dir`",
        folder.display(),
        holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string)
    )]
    InUse {
        /// The folder as it was given.
        folder: PathBuf,
        /// Who holds it; none if the lock file does not say (yet).
        holder: Option<Holder>,
    },
    /// There is no ledger to read.
    #[error("there is no ledger in `{}`: nothing was run with this state folder", folder.display())]
    Missing {
        /// The folder as it was given.
        folder: PathBuf,
    },
    /// The file was written by a newer program.
    #[error(
        "`{}` has schema version {found}{}, but jules-batch {} knows no more than {known}; \
         use the newer jules-batch, or name another folder with `--state-dir`",
        path.display(),
        writer.as_ref().map(|w| format!(" (written by jules-batch {w})")).unwrap_or_default(),
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest that we know.
        known: u32,
        /// The version of the program that wrote it, if it says so.
        writer: Option<String>,
    },
    /// A reader met a file of an older program; only the holder of the lock may migrate it.
    #[error(
        "`{}` has schema version {found}, and jules-batch {} reads version {known}; \
         the next `jules-batch run` with this state folder migrates it",
        path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The one that we read.
        known: u32,
    },
    /// The file is a database of another program.
    #[error(
        "`{}` is a database of another program, which is left alone; name another folder with `--state-dir`",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged. A writer sets it aside; only a reader sees this.
    #[error(
        "`{}` is damaged ({detail}); the next `jules-batch run` with this state folder sets it aside and \
         finds its sessions again by their markers",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite or we found wrong.
        detail: String,
    },
    /// The state folder cannot be used: read-only, no folder, full, or without locks.
    #[error("cannot {doing} `{}`{}", path.display(), folder_way_out(source))]
    Folder {
        /// What we were about to do: "create", "lock", …
        doing: &'static str,
        /// What with.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// SQLite failed.
    #[error("cannot {doing} `{}`{}", path.display(), way_out(source))]
    Storage {
        /// What we were about to do: "write to", "read", …
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// The ledger does not know this run.
    #[error("run {run} is not in `{}`", path.display())]
    UnknownRun {
        /// Which.
        run: RunId,
        /// The database.
        path: PathBuf,
    },
    /// Events came in an order that no run has: a fault of the program.
    #[error("event {found} was recorded where event {wanted} should stand: this is a bug")]
    OutOfOrder {
        /// What should have come.
        wanted: String,
        /// What came.
        found: u64,
    },
}

impl LedgerError {
    /// Whether another process holds the state folder.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }

    /// Whether there is no ledger yet.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    /// Whether the database's content is damaged.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Corrupt { .. } => true,
            Self::Storage { source, .. } => {
                matches!(source.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            }
            _ => false,
        }
    }

    /// Whether there is no room left on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Storage { source, .. } => source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::Folder { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

/// What a person can do about the system's answer; what to do about too many open files is told wherever they are met.
fn folder_way_out(source: &io::Error) -> &'static str {
    if is_out_of_files(source) { "" } else { "; name a writable folder with `--state-dir`" }
}

/// What a person can do about SQLite's answer; nothing if the answer says it all.
fn way_out(source: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode;
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; make room on its disk, or name another folder with `--state-dir`",
        // It does not tell why: another file, opened now, does.
        Some(ErrorCode::CannotOpen) if has_no_room_for_a_file() => {
            "; raise the limit of open files (`ulimit -n 4096`)"
        }
        Some(
            ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure
            | ErrorCode::FileLockingProtocolFailed,
        ) => "; see that its folder is writable and on a local disk, or name another with `--state-dir`",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another program has it open and does not let go of it"
        }
        _ => "",
    }
}

fn has_no_room_for_a_file() -> bool {
    std::fs::File::open("/dev/null").is_err_and(|error| is_out_of_files(&error))
}

impl From<LedgerError> for JournalError {
    fn from(error: LedgerError) -> Self {
        Self::new("the ledger cannot keep what happened", error)
    }
}
