//! The durable record of runs: one SQLite file in the state folder.
//!
//! # What is kept
//!
//! Every [`RunEvent`](crate::outcome::RunEvent) becomes one row that holds it as JSON, under its run and its
//! `seq`; a run's [`RunRecord`](crate::outcome::RunRecord) is the fold of its rows. Beside them stand four
//! tables that only make questions cheap and could be made again from the events: `runs`, `tasks` (key and
//! outcome), `creations` (which sessions exist since when, for the daily budget; they outlive their run), and `pulls`
//! (which pull requests there are and how they stood when they were last read; they outlive their run as well).
//!
//! # What is promised
//!
//! - When [`Recorder::append`](crate::outcome::EventLog::append) returns, its events survive the death of the
//!   process and other processes see them. If there was a promise among them
//!   ([`EventKind::is_promise`](crate::outcome::EventKind::is_promise)) they are synced to the disk and survive a
//!   power cut as well. SQLite's WAL is what makes both cheap: each call is one transaction, and only promises
//!   (`synchronous = FULL`) wait for the disk. The log is one file, so a sync takes along all that came before.
//! - One process writes a state folder at a time: it holds an advisory lock on `ledger.lock`, which the kernel
//!   drops when it dies. Readers need no lock and do not hold up the writer.
//! - Nothing is deleted that may be needed: a corrupt file is renamed, a newer schema is refused, open runs
//!   and the sessions of the last two days are never pruned.
//!
//! WAL needs shared memory between the processes: the state folder belongs on a local disk. On a network
//! filesystem one machine at a time may use it.
//!
//! # Files
//!
//! | file | what |
//! | --- | --- |
//! | `ledger.db`, `ledger.db-wal`, `ledger.db-shm` | the ledger, its log, the log's index; mode 0600 |
//! | `ledger.lock` | the lock; names its holder; never deleted |
//! | `ledger.db.corrupt-<time>` | a corrupt ledger, set aside |

#[cfg(feature = "postgres")]
mod account;
mod before;
#[cfg(feature = "postgres")]
mod copy;
mod database;
mod disk;
mod entry;
mod error;
mod facts;
mod fold;
mod folder;
mod identity;
mod live;
mod location;
mod lock;
mod overview;
#[cfg(feature = "postgres")]
mod postgres;
mod prune;
mod pulls;
mod reader;
mod recorder;
mod schema;
mod sqlite;
mod stored;
mod target;
mod writer;

#[cfg(test)]
mod tests;

#[cfg(feature = "postgres")]
pub(crate) use account::{Limits as AccountLimits, Standing as AccountStanding};
#[cfg(feature = "postgres")]
#[cfg(test)]
pub(crate) use account::{Member as AccountMember, MemberRun as AccountMemberRun};
#[cfg(feature = "postgres")]
pub(crate) use copy::copy;
pub(crate) use disk::SharedDisk;
pub use error::LedgerError;
pub(crate) use facts::{Facts, Latest, Loose};
pub(crate) use folder::{has_ledger, keep_out_of_git, open_regular};
pub(crate) use identity::ManifestIdentity;
pub use location::Location;
pub use lock::Holder;
pub(crate) use overview::RunOverview;
#[cfg(feature = "postgres")]
pub use postgres::{AddressError, Database};
#[cfg(feature = "postgres")]
pub(crate) use postgres::{
    Made, SchemaName, look, make, prune as prune_shared, release, script, set_limits, standing, standing_of,
    standings,
};
pub(crate) use pulls::{LedgerPull, WhichPulls};
pub(crate) use reader::LedgerReader;
pub(crate) use recorder::Recorder;
pub(crate) use stored::{SkippedEvent, StoredEvents, StoredRun};
pub(crate) use writer::Ledger;
