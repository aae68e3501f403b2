//! The search for the session of a create in doubt.

use jiff::SignedDuration;

use super::Dispatch;
use super::tasks::State;
use crate::engine::action::{Action, Attempt, TaskIx};
use crate::engine::create::{Look, Sign};
use crate::engine::input::{Now, RequestFailure, Seen};
use crate::outcome::{EventKind, RunRecord};

/// A session that the answer to its POST showed just now. Without a time in it, ours less a minute stands for the service's.
pub(super) fn sign(seen: &Seen, now: Now) -> Sign {
    let since = seen.created.unwrap_or_else(|| now.wall - SignedDuration::from_mins(1));
    Sign { session: seen.id.clone(), since }
}

/// The newest session that an earlier invocation of the run has created. Clocks differ.
pub(super) fn newest_of(record: &RunRecord) -> Option<Sign> {
    let attempts = record.tasks.values().flat_map(|task| &task.attempts);
    let created = attempts.filter(|attempt| attempt.session.is_some() && !attempt.adopted);
    let newest = created.max_by_key(|attempt| attempt.started_at)?;
    let since = newest.started_at - SignedDuration::from_mins(1);
    newest.session.as_ref().map(|session| Sign { session: session.id.clone(), since })
}

impl Dispatch {
    /// Lists what may hold the session of the last attempt.
    pub(super) fn search(&mut self, ix: TaskIx, now: Now) {
        let attempt = self.tasks.last_attempt(ix);
        let Some(create) = self.tasks.create_of(attempt) else { return };
        create.must_show(self.run.newest.as_ref(), now);
        let since = create.search_since();
        self.turn.actions.push(Action::Search { attempt, marker: self.marker(attempt), since });
    }

    pub(super) fn on_searched(
        &mut self,
        attempt: Attempt,
        result: Result<Vec<Seen>, RequestFailure>,
        now: Now,
    ) {
        let look = result.map(|listed| self.look(attempt, &listed, now));
        let is_inconclusive = matches!(look, Ok(Look::Inconclusive(_)));
        self.create_step(attempt, now, |create| create.on_searched(look, now));
        let State::Creating(create) = self.tasks.state(attempt.task) else { return };
        if is_inconclusive && create.waits_for_the_list() {
            let note = format!("its session is still looked for: {}", create.cause());
            let task = Some(self.plan[attempt.task].id.clone());
            self.turn.events.push(EventKind::Noted { task, note });
        }
    }

    /// What a listing says of the attempt's session.
    fn look(&mut self, attempt: Attempt, listed: &[Seen], now: Now) -> Look {
        let marker = self.marker(attempt);
        // The marker holds a part of the key: a session that another task has is not ours.
        let mut free = listed.iter().filter(|seen| !self.run.sessions.contains(&seen.id));
        if let Some(seen) = free.find(|seen| seen.marker().as_ref() == Some(&marker)) {
            return Look::Found(Box::new(seen.clone()));
        }
        match self.tasks.create_of(attempt) {
            Some(create) => create.without(|id| listed.iter().any(|seen| seen.id == *id), now),
            None => Look::Absent,
        }
    }
}
