//! The ledger: whether it is sound and writable, who is at work, and how much of a day's budget is left.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{Finding, bad, doubtful, good};
use crate::cli::exit::Exit;
use crate::cli::failure::chain;
use crate::cli::recorded::exit_of;
use crate::ledger::{Ledger, LedgerError, LedgerReader, Location};
use crate::plan::Settings;
use crate::report::{duration, many};

/// `per_day`: how many sessions the manifest allows itself within 24 hours.
pub(super) fn findings(location: &Location, per_day: Option<u32>) -> Vec<Finding> {
    let reader = match LedgerReader::open(location) {
        Ok(reader) => reader,
        Err(error) if error.is_missing() => return vec![none_yet(location)],
        Err(error) => return vec![unreadable(location, &error)],
    };
    match healthy(&reader) {
        Err(error) => vec![unreadable(location, &error)],
        Ok(found) => {
            let mut findings =
                vec![location.folder().and_then(writable).unwrap_or_else(|| good("ledger", found))];
            findings.extend(Ledger::at_work(location).into_iter().map(|holder| good("at work", holder)));
            findings.extend(ahead(&reader, Timestamp::now()));
            findings.extend(budget(&reader, per_day, Timestamp::now()));
            findings
        }
    }
}

fn none_yet(location: &Location) -> Finding {
    // The folder itself, or what it will be made in.
    let nearest = location.folder().into_iter().flat_map(Path::ancestors).find(|path| path.exists());
    let found = format!("none yet in {location}; the first run makes it");
    writable(nearest.unwrap_or(Path::new("."))).unwrap_or_else(|| good("ledger", found))
}

/// What is wrong with writing there; none if nothing is.
fn writable(folder: &Path) -> Option<Finding> {
    let error = tempfile::tempfile_in(folder).err()?;
    let found = format!("cannot write to {}: {error}", folder.display());
    let advice = "make it writable, or name another folder with --state-dir";
    Some(bad("ledger", found, advice, Exit::NotWritable))
}

fn healthy(reader: &LedgerReader) -> Result<String, LedgerError> {
    reader.check()?;
    let runs = reader.runs()?;
    let open: usize = runs.first().map_or(0, crate::ledger::RunOverview::open_tasks);
    let left =
        if open > 0 { format!(", the last one with {} left", many(open, "task")) } else { String::new() };
    Ok(format!("sound, with {}{left}", many(runs.len(), "run")))
}

/// The errors of the ledger say themselves what to do.
fn unreadable(location: &Location, error: &LedgerError) -> Finding {
    let mut parts = chain(error).join(": ");
    let advice = parts.split_off(parts.find("; ").unwrap_or(parts.len()));
    let damaged = "it is damaged; the next run sets it aside and finds its sessions again by their markers";
    match (error, advice.trim_start_matches("; ")) {
        (LedgerError::Older { .. }, advice) => doubtful("ledger", parts, advice),
        (_, "") if error.is_corrupt() => doubtful("ledger", parts, damaged),
        (_, "") if location.is_shared() => bad(
            "ledger",
            parts,
            "see that its server can be reached: jules-batch state check",
            exit_of(error),
        ),
        (_, "") => bad("ledger", parts, "name another folder with --state-dir", Exit::NotWritable),
        (_, advice) => bad("ledger", parts, advice, exit_of(error)),
    }
}

/// Sessions that are dated in the future: a clock was wrong when they were recorded.
fn ahead(reader: &LedgerReader, now: Timestamp) -> Option<Finding> {
    let later = reader.created_since(now.saturating_add(SignedDuration::from_mins(1)).ok()?, false).ok()?;
    let last = later.last()?.duration_since(now).unsigned_abs();
    let found = format!("{} dated up to {} in the future", many(later.len(), "session"), duration(last));
    let advice = "this machine's clock was or is wrong; the next run counts them as created then";
    Some(doubtful("ledger", found, advice))
}

/// The service has no call that tells the quota; what we have started is all that can be known.
fn budget(reader: &LedgerReader, per_day: Option<u32>, now: Timestamp) -> Option<Finding> {
    let day = SignedDuration::try_from(Settings::default().day).ok()?;
    let spent = reader.created_since(now.checked_sub(day).ok()?, false).ok()?;
    let started = format!("{} started in the last 24 hours", many(spent.len(), "session"));
    let Some(per_day) = per_day else {
        let advice = "set limits.sessions-per-day to your plan's (15, 100 or 300) to have it kept";
        let found = format!("{started}; {advice}");
        return Some(good("budget", found));
    };
    let left = (per_day as usize).saturating_sub(spent.len());
    if left > 0 {
        return Some(good("budget", format!("{started}, {left} of {per_day} left")));
    }
    // The one whose leaving makes room; none when the budget is nothing.
    let oldest = spent.get(spent.len() - per_day as usize);
    let wait = oldest.map_or(SignedDuration::ZERO, |at| day - now.duration_since(now.min(*at)));
    let advice =
        format!("the next one is free in {}; a run waits for it, or defers", duration(wait.unsigned_abs()));
    let found = format!("{started}, none of {per_day} left");
    Some(doubtful("budget", found, &advice))
}
