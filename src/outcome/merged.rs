//! `needs: [{ job, until: merged }]`: whether what a task needs is merged, by the record alone.

use jiff::{SignedDuration, Timestamp};

use super::{Outcome, PullState, Stage, TaskRecord};

/// How long the first reading of a pull request is waited for.
const FIRST_READING: SignedDuration = SignedDuration::from_secs(30);

/// How a need that has to be merged stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    /// It is, or there is nothing to merge because nothing had to change.
    Met,
    /// It may still be.
    NotYet,
    /// It never will be by itself: why, in one line.
    Never(String),
}

/// How the work of this task stands.
pub(crate) fn merged(task: &TaskRecord) -> Merged {
    match task.outcome {
        None | Some(Outcome::Deferred | Outcome::Detached) => Merged::NotYet,
        Some(Outcome::NoChange) if !task.has_failed() => Merged::Met,
        Some(Outcome::Succeeded) => merged_pull(task),
        Some(outcome) => Merged::Never(outcome.label().to_owned()),
    }
}

/// Whether machines alone may merge the work of this task within this time: GitHub is about to, and has been for no longer
/// than that. Nobody has read yet what was made just now.
pub(crate) fn is_merged_within(time: SignedDuration, task: &TaskRecord, now: Timestamp) -> bool {
    if merged(task) != Merged::NotYet || task.is_open() {
        return false;
    }
    match task.pull().map(|pull| &pull.status) {
        Some(status) => status.stage == Stage::Queued && now.duration_since(status.since) <= time,
        None => task.ended_at.is_some_and(|ended| now.duration_since(ended) <= time.min(FIRST_READING)),
    }
}

fn merged_pull(task: &TaskRecord) -> Merged {
    if task.pull_request().is_none() {
        // A person has said that it is done.
        return match task.marked {
            Some(_) => Merged::Met,
            None => Merged::Never("it has no pull request that could be merged".to_owned()),
        };
    }
    match task.pull().map(|pull| &pull.status) {
        Some(status) if status.state == PullState::Merged => Merged::Met,
        Some(status) if status.state == PullState::Closed => {
            let by = status.closed_by.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
            Merged::Never(format!("its pull request was closed unmerged{by}"))
        }
        _ => Merged::NotYet,
    }
}
