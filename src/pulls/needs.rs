//! `needs: [{ job, until: merged }]`: whether what a task needs is merged, by the record alone.

use crate::outcome::{Outcome, PullState, TaskRecord};

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
