//! What sessions make after their attempts have ended: a session that has completed with a pull request may open another one
//! some seconds later. Nothing waits for that: the run's listings show it, the last one at the latest.

use std::collections::HashMap;

use crate::engine::action::{Attempt, TaskIx};
use crate::engine::input::Seen;
use crate::outcome::{AttemptRecord, Outcome, TaskRecord, Work};
use jules::SessionId;

/// Attempts that have ended, by their sessions, and how many pull requests are known of them.
#[derive(Debug, Default)]
pub(super) struct Further(HashMap<SessionId, (Attempt, usize)>);

impl Further {
    /// What the record knows of a task.
    pub(super) fn learn(&mut self, task: TaskIx, known: &TaskRecord) {
        let ended = |attempt: &&AttemptRecord| attempt.outcome.is_some_and(|outcome| !outcome.is_open());
        for attempt in known.attempts.iter().filter(ended) {
            if let (Some(session), Some(outcome)) = (&attempt.session, attempt.outcome) {
                let number = attempt.number;
                self.add(&session.id, Attempt { task, number }, outcome, &attempt.work);
            }
        }
    }

    /// An attempt ended so, with this work. Where it is judged for the lack of a pull request, one that comes later is found
    /// when the task is run again; but what was given up may have made one just before the archive took it.
    pub(super) fn add(&mut self, session: &SessionId, attempt: Attempt, outcome: Outcome, work: &Work) {
        let known = work.pull_requests().count();
        let is_given_up = matches!(outcome, Outcome::TimedOut | Outcome::Stalled | Outcome::NeedsInput);
        if known > 0 || outcome == Outcome::Succeeded || is_given_up {
            self.0.insert(session.clone(), (attempt, known));
        }
    }

    /// The attempt whose session has more pull requests than were known.
    pub(super) fn grown(&mut self, seen: &Seen) -> Option<Attempt> {
        let (attempt, known) = self.0.get_mut(&seen.id)?;
        let count = seen.work.pull_requests().count();
        (count > *known).then(|| {
            *known = count;
            *attempt
        })
    }
}
