//! The search for the session of a create in doubt.

use super::Dispatch;
use super::tasks::State;
use crate::engine::action::{Action, Attempt, TaskIx};
use crate::engine::ask::Ask;
use crate::engine::create::{self, Look};
use crate::engine::input::{CreateFailure, Listed, Now, RequestFailure, Seen};
use crate::outcome::EventKind;

impl Dispatch {
    /// Lists what may hold the session of the last attempt.
    pub(super) fn search(&mut self, ix: TaskIx, now: Now) {
        let attempt = self.tasks.last_attempt(ix);
        let marker = self.sought(attempt);
        let Some(create) = self.tasks.create_of(attempt) else { return };
        create.must_show(self.run.newest.as_ref(), now);
        let since = create.search_since();
        self.turn.actions.push(Action::Search { attempt, marker, since });
    }

    /// A session with the task's marker is its own only if it was asked the same: it is searched for like one whose
    /// answer was lost.
    pub(super) fn search_found(&mut self, ix: TaskIx, seen: &Seen, now: Now) {
        let attempt = self.tasks.begin(ix, now);
        let marker = seen.marker().unwrap_or_else(|| self.marker(attempt));
        let asked_at = seen.created.unwrap_or(now.wall);
        self.record_intent(attempt, marker.clone(), asked_at, None, now);
        self.settle_of(ix, marker, asked_at, None, false, now);
        self.search(ix, now);
    }

    pub(super) fn on_searched(&mut self, attempt: Attempt, result: Result<Listed, RequestFailure>, now: Now) {
        let look = result.map(|listed| {
            listed.found.iter().for_each(|seen| self.check_title(seen));
            self.look_for_rivals(&listed.found, now);
            match (self.look(attempt, &listed.found, now), listed.gap()) {
                (Look::Absent, Some(gap)) => Look::Inconclusive(gap),
                (look, _) => look,
            }
        });
        let is_inconclusive = matches!(look, Ok(Look::Inconclusive(_)));
        self.create_step(attempt, now, |create| create.on_searched(look, now));
        let State::Creating(create) = self.tasks.state(attempt.task) else { return };
        if is_inconclusive && create.waits_for_the_list() {
            let note = format!("its session is still looked for: {}", create.cause());
            let task = Some(self.plan[attempt.task].id.clone());
            self.turn.events.push(EventKind::Noted { task, note });
        }
    }

    /// Whether the title of a session that is surely ours has come back.
    pub(super) fn check_title(&mut self, seen: &Seen) {
        if self.is_known(seen) {
            let note = self.titles.on_shown(seen);
            self.turn.events.extend(note.map(|note| EventKind::Noted { task: None, note }));
        }
    }

    /// The session of an answer to a POST, unless some task has it already or its title has another's marker: then the
    /// answer says nothing.
    pub(super) fn unless_of_another(
        &self,
        attempt: Attempt,
        seen: Box<Seen>,
    ) -> Result<Box<Seen>, CreateFailure> {
        let marker = self.marker(attempt);
        let why = if self.is_known(&seen) {
            "which another task has"
        } else if seen.marker().is_some_and(|other| !other.is_same(&marker)) {
            "whose title has the marker of another"
        } else {
            return Ok(seen);
        };
        let cause = format!("the service answered with session {}, {why}", seen.id);
        Err(CreateFailure::Doubt { cause, capacity: false })
    }

    /// A refusal that may pass is one of the repository, as far as anybody can tell: what one task has heard again and
    /// again, the next ones need not wait for.
    pub(super) fn unless_believed(
        &mut self,
        attempt: Attempt,
        result: Result<Box<Seen>, CreateFailure>,
        now: Now,
    ) -> Result<Box<Seen>, CreateFailure> {
        let source = self.plan[attempt.task].source.as_ref();
        let source = source.map(|source| source.github.to_ascii_lowercase());
        match result {
            Ok(_) => {
                self.refused.remove(&source);
            }
            Err(CreateFailure::Refused(cause)) => {
                let over = create::believed_after(self.plan.settings.adoption);
                let is_believed = self.refused.entry(source).or_default().add(over, now.instant);
                let kind = if is_believed { CreateFailure::Lasting } else { CreateFailure::Refused };
                return Err(kind(cause));
            }
            Err(_) => {}
        }
        result
    }

    /// Whether a task of this run or of an earlier one has the session.
    pub(super) fn is_known(&self, seen: &Seen) -> bool {
        self.run.sessions.contains(&seen.id) || self.options.known_sessions.contains(&seen.id)
    }

    /// What a listing says of the attempt's session.
    fn look(&mut self, attempt: Attempt, listed: &[Seen], now: Now) -> Look {
        let (marker, task) = (self.sought(attempt), &self.plan[attempt.task]);
        let ask = Ask::of_task(task);
        // Nobody knows the prompt before an edit.
        let ask = if marker.is_of_task(&task.key) { ask } else { ask.with_any_prompt() };
        // The marker holds a part of the key, and anybody can write one.
        // A run of another manifest may have taken it up since: it is the attempt's all the same.
        let is_older = |seen: &Seen| match self.tasks.state(attempt.task) {
            State::Creating(create) => create.is_younger(seen.created) == Some(false),
            _ => true,
        };
        let is_of_another = |seen: &Seen| {
            self.run.sessions.contains(&seen.id)
                || self.options.known_sessions.contains(&seen.id) && is_older(seen)
        };
        let is_bearer =
            |seen: &&Seen| !is_of_another(seen) && seen.marker().is_some_and(|other| other.is_same(&marker));
        let bearers = || listed.iter().filter(is_bearer);
        // What a session was asked whose task has lost its prompt, nobody can compare.
        let is_any = !self.plan[attempt.task].has_prompt();
        if let Some(seen) = bearers().find(|seen| is_any || seen.is_asked(&ask) == Some(true)) {
            return Look::Found(Box::new(seen.clone()));
        }
        if let Some(seen) = bearers().find(|seen| seen.is_asked(&ask).is_none()) {
            let why = format!(
                "session {} has its marker, and the service does not tell what it was asked",
                seen.id
            );
            return Look::Inconclusive(why);
        }
        if let Some(seen) = bearers().next() {
            let why = format!("session {} has its marker, and another prompt or source", seen.id);
            return Look::Inconclusive(why);
        }
        let title = marker.title(&self.plan[attempt.task].title);
        let by_ask = self.titles.may_change(&title).then(|| self.look_by_ask(attempt.task, listed)).flatten();
        by_ask.unwrap_or_else(|| match self.tasks.create_of(attempt) {
            Some(create) => create.without(|id| listed.iter().any(|seen| seen.id == *id), now),
            None => Look::Absent,
        })
    }

    /// The same where titles may not come back: nobody's session with the prompt and the source, younger than the intent,
    /// is the one if there is no other, and no other create that it can be of.
    fn look_by_ask(&self, ix: TaskIx, listed: &[Seen]) -> Option<Look> {
        let State::Creating(create) = self.tasks.state(ix) else { return None };
        let ask = Ask::of_task(&self.plan[ix]);
        let may_be = |seen: &&Seen| {
            self.is_nobodys(seen, &ask).unwrap_or(true) && create.is_younger(seen.created).unwrap_or(true)
        };
        let found: Vec<&Seen> = listed.iter().filter(may_be).collect();
        let is_sure = |seen: &Seen| {
            self.is_nobodys(seen, &ask) == Some(true)
                && create.is_younger(seen.created) == Some(true)
                && !self.is_asked_twice(
                    ix,
                    &ask,
                    |state| matches!(state, State::Creating(other) if other.in_doubt()),
                )
        };
        match *found.as_slice() {
            [] => None,
            [seen] if is_sure(seen) => Some(Look::Found(Box::new(seen.clone()))),
            [seen, ..] => {
                let why = format!("session {} may be it, and its title does not tell", seen.id);
                Some(Look::Inconclusive(why))
            }
        }
    }

    /// Whether the session has this prompt and source, and neither a task nor a marker; none when its prompt is not shown.
    pub(super) fn is_nobodys(&self, seen: &Seen, ask: &Ask) -> Option<bool> {
        if seen.marker().is_some() || self.is_known(seen) {
            return Some(false);
        }
        seen.ask.as_ref().map(|listed| listed.fits(ask))
    }

    /// Whether another task in such a state asks the same.
    pub(super) fn is_asked_twice(&self, ix: TaskIx, ask: &Ask, is: impl Fn(&State) -> bool) -> bool {
        let mut others = self.tasks.all().filter(|other| *other != ix && is(self.tasks.state(*other)));
        others.any(|other| Ask::of_task(&self.plan[other]) == *ask)
    }
}
