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
        RunError::NotRecorded(error) => not_recorded(error),
    }
}

/// What was started goes on at the service; the next run takes it up.
fn not_recorded(error: JournalError) -> Failure {
    let (exit, help) = match source(&error) {
        Some(LedgerError::Deposed { holder: Some(_), .. }) => (
            Exit::WorkLeft,
            "what was begun here is taken up there; the events that the ledger does not have are in events.jsonl among the reports",
        ),
        Some(LedgerError::Deposed { holder: None, .. }) => (
            Exit::WorkLeft,
            "run the same command again: it takes up what was begun here; the events that the ledger does not have are in events.jsonl among the reports",
        ),
        _ if error.is_away() => (
            Exit::NotWritable,
            "nothing was started after it; when the database answers again, run the same command again to go on",
        ),
        None | Some(LedgerError::Folder { .. } | LedgerError::Storage { .. }) => (
            Exit::NotWritable,
            "nothing was started after it; make room, then run the same command again to go on",
        ),
        // No disk of this machine lacks anything.
        Some(_) => (Exit::NotWritable, "nothing was started after it; run the same command again to go on"),
    };
    Failure::new(exit, error).help(help)
}

fn source(error: &JournalError) -> Option<&LedgerError> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(error: LedgerError) -> String {
        format!("{:?}", not_recorded(error.into()))
    }

    #[test]
    fn room_is_asked_for_where_a_disk_has_none_and_not_of_a_database() {
        let path = "ledger.db".into();
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert!(help(LedgerError::Folder { doing: "write to", path, source: full }).contains("make room"));
        let refused = LedgerError::Database {
            doing: "write to the ledger",
            database: "postgres://u@h/x".to_owned(),
            source: "permission denied for table events".into(),
        };
        let help = help(refused);
        assert!(help.contains("run the same command again") && !help.contains("make room"), "{help}");
    }
}
