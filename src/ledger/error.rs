//! Why the ledger could not be used.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use super::Holder;
use crate::outcome::{JournalError, RunId, is_out_of_files};
use crate::plan::TaskId;

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
    /// The database does not answer, or refuses.
    #[error("cannot {doing} `{database}`")]
    Database {
        /// What we were about to do: "read the ledger", …
        doing: &'static str,
        /// Its address.
        database: String,
        /// The answer, or that there was none.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database refuses, and will: a role that may not, a password, a name.
    #[error("cannot {doing} `{database}`{way_out}")]
    Refused {
        /// What we were about to do.
        doing: &'static str,
        /// Its address.
        database: String,
        /// What to do about it.
        way_out: String,
        /// The answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database has no ledger.
    #[error("`{database}` has no ledger in the schema `{schema}`; make it: jules-batch state init")]
    NoSchema {
        /// Its address.
        database: String,
        /// The schema that was looked for.
        schema: String,
    },
    /// The database's ledger is of an older program.
    #[error(
        "the ledger in `{database}` has schema version {found}, and jules-batch {} needs version {known}; \
         bring it there: jules-batch state init",
        env!("CARGO_PKG_VERSION")
    )]
    OldSchema {
        /// Its address.
        database: String,
        /// Its schema version.
        found: u32,
        /// The one that we need.
        known: u32,
    },
    /// The database's ledger is of a newer program, which older ones may not write.
    #[error(
        "the ledger in `{database}` has schema version {found}, but jules-batch {} knows no more than {known}; \
         use the newer jules-batch",
        env!("CARGO_PKG_VERSION")
    )]
    NewSchema {
        /// Its address.
        database: String,
        /// Its schema version.
        found: u32,
        /// The newest that we know.
        known: u32,
    },
    /// Another process has the runs of this manifest.
    #[error(
        "the runs of this manifest are another's: {holder}{}{}",
        since.map(|at| format!(", here since {at:.0}")).unwrap_or_default(),
        until.map(|at| format!(", until {at:.0} if it does not say more")).unwrap_or_default()
    )]
    Owned {
        /// Who it is.
        holder: String,
        /// Since when.
        since: Option<Timestamp>,
        /// Until when, unless it says that it is still there.
        until: Option<Timestamp>,
        /// The lease that it has.
        lease: i64,
    },
    /// Another process works on a part of the manifest that has tasks in common with ours.
    #[error(
        "{} another's: {holder}{}{}; wait until it ends, or divide the manifest alike everywhere (`--shard 1/N` to `--shard N/N`)",
        shard.as_ref().map_or_else(
            || "all tasks of this manifest are".to_owned(),
            |shard| format!("the tasks of shard {shard}, some of which would be ours, are"),
        ),
        since.map(|at| format!(", here since {at:.0}")).unwrap_or_default(),
        until.map(|at| format!(", until {at:.0} if it does not say more")).unwrap_or_default()
    )]
    Overlap {
        /// Who it is.
        holder: String,
        /// The part that it works on; none where that is all of it.
        shard: Option<String>,
        /// Since when.
        since: Option<Timestamp>,
        /// Until when, unless it says that it is still there.
        until: Option<Timestamp>,
    },
    /// Another process works on a task of ours that another manifest asks for as well.
    #[error(
        "task `{task}` is at work already: {}{holder}{}{}; it is another manifest's, which is not followed: wait until it ends",
        run.as_ref().map(|run| format!("run {run}, ")).unwrap_or_default(),
        since.map(|at| format!(", here since {at:.0}")).unwrap_or_default(),
        until.map(|at| format!(", until {at:.0} if it does not say more")).unwrap_or_default()
    )]
    AtWork {
        /// Which.
        task: TaskId,
        /// The last run of the lease and its manifest's name, as "… of `…`"; none before there is one.
        run: Option<String>,
        /// Who it is.
        holder: String,
        /// Since when.
        since: Option<Timestamp>,
        /// Until when, unless it says that it is still there.
        until: Option<Timestamp>,
    },
    /// Another process has taken the run over: what we did not write any more is not lost to it, since it looks.
    #[error(
        "run {run} {}",
        holder.as_ref().map_or_else(
            || "was taken from this process: it was released, or another run works on its tasks".to_owned(),
            |holder| format!("is another's by now ({holder}): it goes on there"),
        )
    )]
    Deposed {
        /// Which.
        run: RunId,
        /// Who has it; none if nobody has.
        holder: Option<String>,
    },
    /// The run is not where we have left it, although it is ours: the database was set back, or somebody has written to it.
    #[error("run {run} is not in `{database}` as it was left there: was the database set back?")]
    Moved {
        /// Which.
        run: RunId,
        /// The database's address.
        database: String,
    },
    /// The account that is meant cannot be told, or nothing is said of it although something is of others.
    #[error(
        "{} of the accounts in `{database}` is meant{}; it has {}: name one with --account, or say what it allows with \
         `state limits`",
        if named.is_some() { "none" } else { "which" },
        named.as_ref().map_or_else(|| " is not said".to_owned(), |name| format!(" by `{name}`")),
        known.join(", ")
    )]
    UnknownAccount {
        /// The database's address.
        database: String,
        /// The one that was named.
        named: Option<String>,
        /// Those of which something is said.
        known: Vec<String>,
    },
    /// Two ledgers have a run, and not the same of it.
    #[error(
        "run {run} is not the same in `{from}` and `{to}`: it went on after it was copied; go on with the one where it did"
    )]
    Differs {
        /// Which.
        run: RunId,
        /// The one.
        from: String,
        /// The other.
        to: String,
    },
    /// The run is in the database, and another project's there.
    #[error(
        "run {run} is in `{database}` already, as one of the project `{project}`; name that one with --project"
    )]
    OfAnotherProject {
        /// Which.
        run: RunId,
        /// Whose it is.
        project: String,
        /// The database's address.
        database: String,
    },
    /// The ledger does not know this run.
    #[error("run {run} is not in `{ledger}`")]
    UnknownRun {
        /// Which.
        run: RunId,
        /// The database.
        ledger: String,
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
    /// Whether another process holds the state folder, or the manifest's runs.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. } | Self::Owned { .. } | Self::Overlap { .. } | Self::AtWork { .. })
    }

    /// Whether the database does not answer, and may when it is asked again.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Database { source, .. } => source
                .downcast_ref::<super::postgres::LinkError>()
                .is_some_and(super::postgres::LinkError::is_of_connection),
            _ => false,
        }
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
        let is_away = error.is_away();
        let error = Self::new("the ledger cannot keep what happened", error);
        if is_away { error.away() } else { error }
    }
}
