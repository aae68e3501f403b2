//! What the service already holds: the first listing, and the sessions that tasks take up by it.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::old::Wanted;
use super::rivals::bucket;
use super::tasks::State;
use super::{Dispatch, Stage};
use crate::engine::Fault;
use crate::engine::action::{Action, TaskIx};
use crate::engine::ask::Ask;
use crate::engine::driver::Driver;
use crate::engine::input::{FailureKind, Listed, Now, RequestFailure, Seen};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Marker, Outcome, Work};
use crate::plan::TaskKey;
use jules::SessionState;

/// What a listing shows of tasks, newest first, by the part of their keys that all markers carry.
type Marked<'a> = HashMap<String, Vec<(Marker, &'a Seen)>>;

impl Dispatch {
    pub(super) fn survey(&mut self) {
        let since = self.options.look_back.map(|since| self.options.clocks.earliest(since));
        self.turn.actions.push(Action::Survey { since });
    }

    /// The first listing is back: adopt what carries our markers.
    pub(super) fn on_surveyed(&mut self, result: Result<Listed, RequestFailure>, now: Now) {
        if self.stage != Stage::Surveying {
            return;
        }
        let seen = match result {
            Ok(seen) => seen,
            Err(failure) if failure.kind == FailureKind::Key => return self.list_later(now),
            Err(failure) if self.may_be_listed_yet(&failure, now) => return self.list_later(now),
            Err(failure) => {
                self.stop.fault = Some(Fault::ServiceDown(failure.text));
                return self.stop_for(StopReason::Service, now);
            }
        };
        let gap = seen.gap().map(|gap| format!("{gap}: if one is of this manifest, it is not known"));
        self.turn.events.extend(gap.map(|note| EventKind::Noted { task: None, note }));
        let seen = seen.found;
        for seen in &seen {
            self.check_title(seen);
            self.see_other(seen);
            self.see_further(seen);
            if let Some(marker) = seen.marker() {
                self.others.found(&marker, &seen.id, seen.is_over());
            }
            self.note_earlier(seen);
        }
        let mut marked = Marked::new();
        for seen in &seen {
            if let Some(marker) = seen.marker() {
                marked.entry(bucket(marker.key())).or_default().push((marker, seen));
            }
        }
        let mut adopted = 0;
        for ix in self.tasks.all() {
            match self.tasks.state(ix) {
                State::Waiting => {
                    let is_adopted = self.adopt_one_of(ix, &marked, now) || self.adopt_by_ask(ix, &seen, now);
                    adopted += usize::from(is_adopted);
                }
                State::Creating(_) => self.search(ix, now),
                State::Pausing(_) | State::Rechecking(_) | State::Live(_) | State::Ended(_) => {}
            }
        }
        self.turn.events.push(EventKind::SessionsSurveyed { adopted });
        self.stage = Stage::Working;
        self.stop_if_too_many_failed(now);
        self.end_impossible(now);
    }

    /// A listing shows the session, perhaps with more than it had made when its attempt ended.
    pub(super) fn see_further(&mut self, seen: &Seen) {
        let Some(attempt) = self.further.grown(seen) else { return };
        let (task, attempt) = self.names(attempt);
        let work = Work { change: None, ..seen.work.clone() };
        self.turn.events.push(EventKind::WorkFound { task, attempt, work });
    }

    /// A task takes up the newest session with its marker that is not its own yet: a live one in any case, a finished one
    /// only when it is young and the ledger lacks it. Where the list does not tell what that was asked it is a create in doubt.
    fn adopt_one_of(&mut self, ix: TaskIx, marked: &Marked, now: Now) -> bool {
        if self.tasks[ix].old.as_ref().is_some_and(|old| old.wanted == Wanted::ItsPlace) {
            return false;
        }
        let (task, ask) = (&self.plan[ix], Ask::of_task(&self.plan[ix]));
        let keys: Vec<TaskKey> = task.every_key(self.plan.former_names()).collect();
        let is_new = |seen: &Seen| {
            let is_known = self.options.known_sessions.contains(&seen.id);
            self.options.adopt_ended && !is_known && self.is_young(seen, now)
        };
        let candidates = |is_asked: Option<bool>| -> Vec<&Seen> {
            let mut found = Vec::new();
            for key in &keys {
                let bearers = marked.get(&bucket(key.short())).into_iter().flatten();
                // The marker holds a part of the key, and anybody can write one.
                let fits = |(marker, seen): &&(Marker, &Seen)| {
                    marker.is_of_task(key)
                        && seen.is_asked(&ask) == is_asked
                        && !self.run.sessions.contains(&seen.id)
                        && !self.is_read_again(ix, &seen.id)
                };
                found.extend(bearers.filter(fits).map(|(_, seen)| *seen));
            }
            found
        };
        // A failed or archived one only when there is nothing better: an older attempt may hang for ever, a newer one have ended.
        let best = |is_asked: Option<bool>| {
            let found = candidates(is_asked);
            let is_good =
                |seen: &&&Seen| !seen.is_over() || (seen.state == SessionState::Completed && is_new(seen));
            found.iter().find(is_good).or_else(|| found.iter().find(|seen| is_new(seen))).copied()
        };
        match (best(Some(true)), best(None)) {
            (Some(seen), _) => self.adopt_found(ix, seen, now),
            (None, Some(seen)) => self.search_found(ix, seen, now),
            (None, None) => return false,
        }
        true
    }

    fn is_young(&self, seen: &Seen, now: Now) -> bool {
        let within = self.plan.settings.adoption.adopt_within;
        let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
        seen.created.is_some_and(|created| now.wall.duration_since(created) <= within)
    }

    /// Where titles do not come back, a task takes up the one session with its prompt and source that nobody has. If
    /// there are several, or several tasks for it, another one would perhaps be one too many.
    fn adopt_by_ask(&mut self, ix: TaskIx, listed: &[Seen], now: Now) -> bool {
        if !self.titles.are_changed {
            return false;
        }
        let ask = Ask::of_task(&self.plan[ix]);
        let is_it = |seen: &&Seen| {
            !self.is_read_again(ix, &seen.id)
                && self.is_nobodys(seen, &ask) == Some(true)
                && (!seen.is_over() || self.is_young(seen, now))
        };
        let found: Vec<&Seen> = listed.iter().filter(is_it).collect();
        let is_shared = self.is_asked_twice(ix, &ask, |state| matches!(state, State::Waiting));
        match *found.as_slice() {
            [] => return false,
            [seen] if !is_shared => self.adopt_found(ix, seen, now),
            [seen, ..] => {
                let reason =
                    format!("session {} may be its own; titles, which would tell, do not come back", seen.id);
                self.end_task(ix, Outcome::Deferred, Some(reason), now);
                return false;
            }
        }
        true
    }

    fn adopt_found(&mut self, ix: TaskIx, seen: &Seen, now: Now) {
        self.tasks[ix].old = None;
        let attempt = self.tasks.begin(ix, now);
        let marker = seen.marker().unwrap_or_else(|| self.marker(attempt));
        self.record_intent(attempt, marker, now.wall, None, now);
        self.admission.on_adopted(seen.created.unwrap_or(now.wall), now);
        self.on_session(ix, seen, true, now);
        let found = self.tasks.driver_of(attempt).filter(|_| seen.archived);
        found.into_iter().for_each(Driver::found_in_archive);
    }
}
