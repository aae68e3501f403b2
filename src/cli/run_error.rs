//! What it means for a command that a run cannot begin, or cannot be recorded.

use super::client;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::planned;
use super::recorded::exit_of;
use super::selection::nothing_selected;
use crate::ledger::LedgerError;
use crate::outcome::JournalError;
use crate::runner::RunError;

/// What it means for the command that a run could not begin or be recorded.
pub(crate) fn cannot(error: RunError, console: &Console) -> Failure {
    match error {
        RunError::Client(error) => client::unusable(error),
        RunError::Service(error) => client::refused(error),
        error @ (RunError::EndlessSources { .. } | RunError::Deadline { .. }) => {
            Failure::new(Exit::Unavailable, error)
        }
        RunError::Manifest(found) => planned::invalid(&found, console),
        RunError::Selection(error) => Failure::usage(error),
        RunError::NothingSelected => nothing_selected(),
        error @ RunError::NothingAgain => {
            Failure::new(Exit::NothingSelected, error).help("see all tasks: jules-batch plan")
        }
        RunError::NothingFailed => Failure::new(Exit::Done, error),
        RunError::NoWaveWaits => Failure::usage(error).help("see how they stand: jules-batch status"),
        RunError::NoGithubToken(_) => Failure::new(Exit::KeyRefused, error)
            .help("nothing was started; set JULES_BATCH_GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN, see: jules-batch doctor"),
        RunError::GithubTokenRefused(_) => Failure::new(Exit::KeyRefused, error)
            .help("nothing was started; see what the token is and reaches: jules-batch doctor"),
        RunError::Github(_) => Failure::usage(error.to_string()),
        RunError::UnknownRun(_) => Failure::usage(error).help("see all runs: jules-batch status --all"),
        RunError::Report(error) => Failure::new(Exit::NotWritable, error),
        RunError::Ledger(error) => Failure::new(exit_of(&error), error),
        RunError::NotRecorded(error) if is_elsewhere(&error) => Failure::new(Exit::WorkLeft, error)
            .help("what was begun here is taken up there; the events that the ledger does not have are in events.jsonl among the reports"),
        RunError::NotRecorded(error) if error.is_away() => Failure::new(Exit::NotWritable, error)
            .help("nothing was started after it; when the database answers again, run the same command again to go on"),
        RunError::NotRecorded(error) => Failure::new(Exit::NotWritable, error)
            .help("nothing was started after it; make room, then run the same command again to go on"),
    }
}

/// Whether another process has the run by now.
fn is_elsewhere(error: &JournalError) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<LedgerError>());
    matches!(source, Some(LedgerError::Deposed { .. }))
}
