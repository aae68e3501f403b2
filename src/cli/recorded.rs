//! A run as the ledger has it, for the commands that only look.

use std::path::Path;

use foreign_text::line as neutral;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use crate::ledger::{LedgerError, LedgerReader};
use crate::outcome::{RunId, RunRecord};

/// Opens the ledger for reading.
pub(crate) fn open(state_dir: &Path) -> Result<LedgerReader, Failure> {
    LedgerReader::open(state_dir).map_err(unreadable)
}

/// The run of this id, or the one in which something happened last. What cannot be understood of it is told.
pub(crate) fn find(
    reader: &LedgerReader,
    id: Option<&RunId>,
    console: &Console,
) -> Result<RunRecord, Failure> {
    let last = || Ok(reader.runs()?.into_iter().max_by_key(|run| run.updated_at).map(|run| run.id));
    let id = match id {
        Some(id) => Some(id.clone()),
        None => last().map_err(unreadable)?,
    };
    let none = || {
        Failure::new(Exit::Fault, format!("`{}` has no run yet", reader.path().display()))
            .help("start one: jules-batch run jobs.yaml")
    };
    let id = id.ok_or_else(none)?;
    let stored = reader.run(&id).map_err(unreadable)?.ok_or_else(|| {
        Failure::usage(format!("run {id} is not in `{}`", reader.path().display()))
            .help("see all runs: jules-batch status --all")
    })?;
    for skipped in &stored.skipped {
        console.warn(&neutral(&skipped.to_string()));
    }
    Ok(stored.record)
}

/// What it means for a command that only looks.
pub(crate) fn unreadable(error: LedgerError) -> Failure {
    let missing = error.is_missing();
    Failure::new(Exit::Fault, error).help_if(missing, "name the folder of the run with --state-dir")
}
