//! `needs: [{ job, until: merged }]`: whether what a task needs is merged, by the record alone.

use jiff::{SignedDuration, Timestamp};

use super::{Outcome, PullState, PullStatus, Stage, TaskRecord};

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
    let is_soon = |status: Option<&PullStatus>| match status {
        Some(status) if status.state.is_over() => true,
        Some(status) => status.stage == Stage::Queued && now.duration_since(status.since) <= time,
        None => task.ended_at.is_some_and(|ended| now.duration_since(ended) <= time.min(FIRST_READING)),
    };
    statuses(task).all(is_soon)
}

/// A session may open several: none of them may be open any more, and one that was closed counts where none was merged.
fn merged_pull(task: &TaskRecord) -> Merged {
    if task.pull_request().is_none() {
        // A person has said that it is done.
        return match task.marked {
            Some(_) => Merged::Met,
            None => Merged::Never("it has no pull request that could be merged".to_owned()),
        };
    }
    if !statuses(task).all(|status| status.is_some_and(|status| status.state.is_over())) {
        return Merged::NotYet;
    }
    if statuses(task).flatten().any(|status| status.state == PullState::Merged) {
        return Merged::Met;
    }
    let closed_by = statuses(task).flatten().filter_map(|status| status.closed_by.as_ref()).last();
    let by = closed_by.map_or_else(String::new, |who| format!(" by {who}"));
    Merged::Never(format!("its pull request was closed unmerged{by}"))
}

/// How its pull requests stand, oldest first; none for one that was not read.
fn statuses(task: &TaskRecord) -> impl Iterator<Item = Option<&PullStatus>> {
    task.pull_requests().map(|pull| task.pulls.of(&pull.url).map(|known| &*known.status))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcome::sample::{at, created, ended, event, info, intent, planned, pull_status};
    use crate::outcome::{EventKind, PullRequest, RunEvent, RunRecord, Work};
    use crate::plan::TaskId;

    /// A task that ended at second 9 with so many pull requests, of which these were read.
    fn task(made: u64, read: &[Stage]) -> TaskRecord {
        let page = |number: u64| format!("https://github.com/my-org/web/pull/{number}");
        let pull = |number| {
            let url = page(number);
            Arc::new(PullRequest { url, number: Some(number), title: None, base_ref: None, head_ref: None })
        };
        let earlier_pull_requests = (1..made).map(pull).collect();
        let work = Work { earlier_pull_requests, pull_request: Some(pull(made)), change: None };
        let id = TaskId::new("task");
        let mut kinds = vec![
            EventKind::RunStarted { run: info() },
            EventKind::TaskPlanned { planned: Arc::new(planned("task")) },
            intent("task", 1),
            created("task", 1, 7),
            EventKind::AttemptEnded {
                task: id.clone(),
                attempt: 1,
                outcome: Outcome::Succeeded,
                reason: None,
                work,
            },
            ended("task", Outcome::Succeeded, None),
        ];
        kinds.extend((1..).zip(read).map(|(number, stage)| EventKind::PullRequestRead {
            task: id.clone(),
            pull: Arc::new(pull_status(&page(number), *stage, at(9))),
        }));
        let events: Vec<RunEvent> =
            (1..).zip(kinds).map(|(seq, kind)| RunEvent { seq, ..event(9, kind) }).collect();
        RunRecord::from_events(&events).unwrap().tasks.shift_remove(&id).unwrap()
    }

    #[test]
    fn a_need_is_merged_when_none_of_its_pull_requests_is_open_and_one_is_merged() {
        use Stage::{Closed, Merged as Done, Queued, Ready};
        let never = Merged::Never("its pull request was closed unmerged".to_owned());
        for (made, read, stands) in [
            (1, &[][..], Merged::NotYet),
            (1, &[Done], Merged::Met),
            (1, &[Closed], never.clone()),
            (2, &[Closed, Done], Merged::Met),
            (2, &[Done, Closed], Merged::Met),
            (2, &[Ready, Done], Merged::NotYet),
            (2, &[Done], Merged::NotYet),
            (2, &[Closed, Closed], never),
        ] {
            assert_eq!(merged(&task(made, read)), stands, "{made} {read:?}");
        }
        let soon =
            |made, read: &[Stage]| is_merged_within(SignedDuration::from_mins(30), &task(made, read), at(10));
        assert!(soon(2, &[Done, Queued]) && soon(1, &[]));
        assert!(!soon(2, &[Ready, Queued]) && !soon(1, &[Done]));
    }
}
