//! Why a run could not begin, or not be recorded.

use super::CannotWrite;
use crate::ledger::LedgerError;
use crate::manifest::Diagnostics;
use crate::outcome::{JournalError, RunId};
use crate::plan::SelectError;
use jules::{BuildError, Error};

/// A run could not begin, or what happened could not be recorded.
///
/// Only after [`RunError::NotRecorded`] anything was started; the next run goes on from what was recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// No client: a key or an address that is missing or wrong.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// The service did not answer, or refused.
    #[error(transparent)]
    Service(#[from] Error),
    /// The listing of the connected repositories has no end.
    #[error("the listing of the connected repositories does not end: {pages} pages were read, {why}")]
    EndlessSources {
        /// How many pages.
        pages: usize,
        /// What was wrong with them.
        why: &'static str,
    },
    /// The deadline ([`Options::deadline`](super::Options::deadline), `timeouts.run`) came before anything was started.
    #[error("the deadline came while {doing}; nothing was started")]
    Deadline {
        /// What was being done: "listing the connected repositories".
        doing: &'static str,
    },
    /// The manifest's tasks cannot be told.
    #[error(transparent)]
    Manifest(#[from] Diagnostics),
    /// The selection names what is not there.
    #[error(transparent)]
    Selection(#[from] SelectError),
    /// The manifest has no such task.
    #[error("no task is selected")]
    NothingSelected,
    /// [`Options::again`](super::Options::again) names none of the selected tasks.
    #[error("no selected task is named by `--again`: nothing was started")]
    NothingAgain,
    /// With [`Options::failed`](super::Options::failed): nothing failed when it was run last, and nothing is open.
    #[error("nothing has failed, and nothing is open")]
    NothingFailed,
    /// The manifest relies on knowing how pull requests stand, and there is no token for GitHub.
    #[error("the manifest relies on what becomes of pull requests ({0}), and no token for GitHub is set")]
    NoGithubToken(&'static str),
    /// The same, where GitHub refuses the token.
    #[error("the manifest relies on what becomes of pull requests ({0}), and GitHub refuses the token")]
    GithubTokenRefused(&'static str),
    /// No client for GitHub: an address that no token is sent to.
    #[error("GitHub cannot be asked: {0}")]
    Github(Box<dyn std::error::Error + Send + Sync>),
    /// With [`Options::next_wave`](super::Options::next_wave): there is no wave that has not begun.
    #[error("no wave waits for a word: nothing was started")]
    NoWaveWaits,
    /// The ledger has no such run of this manifest.
    #[error("run {0} is not one of this manifest")]
    UnknownRun(RunId),
    /// A report file cannot be written.
    #[error(transparent)]
    Report(#[from] CannotWrite),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger or a report could not keep what happened: the run has ended in order, with its live sessions detached.
    #[error(transparent)]
    NotRecorded(#[from] JournalError),
}
