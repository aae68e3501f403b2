//! A run as the ledger has it, for the commands that only look.

use foreign_text::line as neutral;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use crate::ledger::{LedgerError, LedgerReader, Location};
use crate::outcome::{RunId, RunRecord};

/// Opens the ledger that holds this run, or in which something happened last, for reading.
pub(crate) fn open(location: &Location, run: Option<&RunId>) -> Result<LedgerReader, Failure> {
    let mut ledgers = all(location)?;
    let mut best = 0;
    if ledgers.len() > 1 {
        let mut newest = None;
        for (at, ledger) in ledgers.iter().enumerate() {
            let runs = ledger.runs().map_err(unreadable)?;
            let meant = runs.iter().filter(|known| run.is_none_or(|run| known.id == *run));
            let last = meant.map(|run| run.updated_at).max();
            if last > newest {
                (best, newest) = (at, last);
            }
        }
    }
    Ok(ledgers.swap_remove(best))
}

/// Opens every ledger of the folder, at least one: that of real runs, then that of simulated ones.
pub(crate) fn all(location: &Location) -> Result<Vec<LedgerReader>, Failure> {
    let real = LedgerReader::open(location);
    let simulated = LedgerReader::open(location.simulated()).ok();
    let real = match real {
        Err(error) if error.is_missing() && simulated.is_some() => None,
        real => Some(real.map_err(unreadable)?),
    };
    Ok(real.into_iter().chain(simulated).collect())
}

/// The run of this id, or the one in which something happened last. What cannot be understood of it is told.
pub(crate) fn find(
    reader: &LedgerReader,
    id: Option<&RunId>,
    console: &Console,
) -> Result<RunRecord, Failure> {
    let last = || reader.last_active();
    let id = match id {
        Some(id) => Some(id.clone()),
        None => last().map_err(unreadable)?,
    };
    let none = || {
        Failure::new(Exit::Fault, format!("`{}` has no run yet", reader.name()))
            .help("start one: jules-batch run jobs.yaml")
    };
    let id = id.ok_or_else(none)?;
    let stored = reader.run(&id).map_err(unreadable)?.ok_or_else(|| {
        Failure::usage(format!("run {id} is not in `{}`", reader.name()))
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
    let exit = match exit_of(&error) {
        // Nothing was to be written, and nobody has said that there is something.
        Exit::NotWritable => Exit::Fault,
        _ if missing => Exit::Fault,
        exit => exit,
    };
    Failure::new(exit, error).help_if(missing, "name the folder of the run with --state-dir")
}

/// What it means that the ledger cannot be used.
pub(crate) fn exit_of(error: &LedgerError) -> Exit {
    match error {
        // Somebody else does what was to be done.
        LedgerError::Owned { .. }
        | LedgerError::Overlap { .. }
        | LedgerError::AtWork { .. }
        | LedgerError::Deposed { .. } => Exit::WorkLeft,
        LedgerError::Database { .. } => Exit::Unavailable,
        LedgerError::NoSchema { .. }
        | LedgerError::OldSchema { .. }
        | LedgerError::NewSchema { .. }
        | LedgerError::Missing { .. }
        | LedgerError::Refused { .. }
        | LedgerError::OfAnotherProject { .. }
        | LedgerError::UnknownAccount { .. } => Exit::Usage,
        _ => Exit::NotWritable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_used_is_the_same_to_whoever_looks_and_whoever_writes() {
        let database = || "postgres://u@h/x".to_owned();
        let refused = LedgerError::Refused {
            doing: "read the ledger",
            database: database(),
            way_out: String::new(),
            source: "permission denied for schema jules_batch".into(),
        };
        let away = LedgerError::Database {
            doing: "read the ledger",
            database: database(),
            source: "it does not answer".into(),
        };
        let of_others = [
            (refused, Exit::Usage),
            (LedgerError::OldSchema { database: database(), found: 5, known: 6 }, Exit::Usage),
            (LedgerError::NewSchema { database: database(), found: 9, known: 6 }, Exit::Usage),
            (LedgerError::NoSchema { database: database(), schema: "team".to_owned() }, Exit::Usage),
            (away, Exit::Unavailable),
            (LedgerError::Missing { folder: ".jules-batch".into() }, Exit::Fault),
            (LedgerError::Foreign { path: "ledger.db".into() }, Exit::Fault),
        ];
        for (error, exit) in of_others {
            let text = error.to_string();
            assert_eq!(unreadable(error).exit(), exit, "{text}");
        }
    }
}
