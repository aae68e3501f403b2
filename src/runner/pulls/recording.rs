//! What readings tell goes to the ledger, to the runs that the pull requests are of.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::{FollowedPull, PullRead};
use crate::ledger::Ledger;
use crate::outcome::{EventKind, EventLog as _, GithubUsage, RunId};
use crate::runner::redact::clean;
use crate::runner::{Redactor, RunError};

/// The event that tells of a reading; none where it is no news to the run, since `began`, when the invocation began.
pub(crate) fn news(pull: &FollowedPull, read: &PullRead, began: Timestamp) -> Option<EventKind> {
    let is_news = pull
        .earlier
        .as_ref()
        .is_none_or(|earlier| !earlier.tells_the_same(&read.status) || earlier.checked_at < began);
    (read.tells() && is_news)
        .then(|| EventKind::PullRequestRead { task: pull.task.clone(), pull: Arc::clone(&read.status) })
}

/// Enters what is news into the ledger, and what it cost with the newest run's. Nothing of the run is at work meanwhile.
///
/// # Errors
///
/// When the ledger cannot be read or written.
pub(crate) fn record<'p>(
    mut ledger: Ledger,
    redactor: &Redactor,
    reads: impl IntoIterator<Item = (&'p FollowedPull, &'p PullRead)>,
    usage: GithubUsage,
    began: Timestamp,
) -> Result<Ledger, RunError> {
    let mut events: IndexMap<&RunId, Vec<EventKind>> = IndexMap::new();
    for (pull, read) in reads {
        events.entry(&pull.run).or_default().extend(news(pull, read, began));
    }
    if usage != GithubUsage::default()
        && let Some((_, newest)) = events.iter_mut().max_by_key(|(run, _)| run.as_str())
    {
        newest.push(EventKind::GithubUsed { usage });
    }
    for (run, kinds) in events.into_iter().filter(|(_, kinds)| !kinds.is_empty()) {
        // Whoever is at work there reads them itself.
        if !ledger.may_write(run)? {
            continue;
        }
        ledger = append(ledger, redactor, run, kinds)?;
    }
    ledger.has_written()?;
    Ok(ledger)
}

/// Enters these as the last events of a run: they are kept when this returns.
pub(super) fn append(
    ledger: Ledger,
    redactor: &Redactor,
    run: &RunId,
    kinds: impl IntoIterator<Item = EventKind>,
) -> Result<Ledger, RunError> {
    let mut recorder = ledger.resume(run)?;
    let events = recorder.next_events(kinds, Timestamp::now());
    let events: Vec<_> = events.into_iter().map(|event| clean(redactor, event)).collect();
    recorder.append(&events)?;
    recorder.flush()?;
    Ok(recorder.into_ledger())
}
