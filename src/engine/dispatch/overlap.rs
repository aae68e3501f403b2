//! Whether listings show that another run is at work on our tasks, and what follows.

use super::rivals::{Rivals, Verdict, bucket};
use super::tasks::State;
use super::{Dispatch, Stage};
use crate::engine::action::TaskIx;
use crate::engine::ask::Ask;
use crate::engine::input::{Now, Seen};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Marker, RunRecord, SessionRef, Stray};

impl Dispatch {
    /// The invocation begins: what was created before is no rival's.
    pub(super) fn meet_rivals(&mut self, record: &RunRecord, now: Now) {
        let earlier = self.options.earlier.values();
        let attempts =
            record.tasks.values().chain(&record.superseded).chain(earlier).flat_map(|task| &task.attempts);
        self.rivals = Rivals::new(now.wall);
        self.rivals.expected.extend(attempts.map(|attempt| attempt.marker.clone()));
        let former = self.plan.former_names();
        for ix in self.tasks.all() {
            for key in self.plan[ix].every_key(former) {
                self.rivals.tasks.entry(bucket(key.short())).or_default().push(ix);
            }
        }
        let own = record.tasks.values().flat_map(|task| &task.attempts);
        for attempt in own.filter(|attempt| !attempt.adopted && attempt.marker.is_of_run(&record.info.id)) {
            if let Some(session) = &attempt.session {
                self.rivals.is_ours(&session.id, attempt.asked_at());
            }
        }
        // Nobody has seen the invocation before end: it may be at work.
        if let Some((first, session)) = self.rivals.ours.clone().filter(|_| record.ended_at.is_none()) {
            self.rivals.is_theirs(record.info.id.short(), &session, first);
        }
    }

    /// The first listing: what it shows was there before us, and tells which runs are older.
    pub(super) fn note_earlier(&mut self, seen: &Seen) {
        let (Some(marker), Some(created)) = (seen.marker(), seen.created) else { return };
        let is_own = marker.is_of_run(&self.run.id) && self.is_known(seen);
        if !is_own && self.marked(&marker).is_some() {
            self.rivals.is_theirs(marker.run(), &seen.id, created);
        }
    }

    /// A session is surely our run's: it counts from there.
    pub(super) fn count_ours(&mut self, seen: &Seen) {
        let is_ours = seen.marker().is_some_and(|marker| marker.is_of_run(&self.run.id));
        if let (Some(created), true) = (seen.created, is_ours) {
            self.rivals.is_ours(&seen.id, created);
        }
    }

    /// A listing was made for another reason: whether it shows that somebody else is at work on our tasks. What can be taken up
    /// of theirs is, and what is doubled is told.
    pub(super) fn look_for_rivals<'s>(&mut self, listed: impl IntoIterator<Item = &'s Seen>, now: Now) {
        let mut is_to_stop = false;
        for seen in listed {
            let (Some(marker), Some(created)) = (seen.marker(), seen.created) else { continue };
            let Some(ix) = self.marked(&marker) else { continue };
            if !self.is_a_strangers(ix, seen, &marker) {
                if !marker.is_of_run(&self.run.id) {
                    self.rivals.is_theirs(marker.run(), &seen.id, created);
                }
                continue;
            }
            let is_same = marker.is_of_run(&self.run.id);
            if is_same && self.stage == Stage::Auditing {
                // A stray is told as one.
                continue;
            }
            let verdict = self.rivals.on_other(marker.run(), is_same, &seen.id, created);
            let (is_older, is_news) = match verdict {
                Verdict::Earlier => continue,
                Verdict::Younger { is_news } => (false, is_news),
                Verdict::Older { is_news } => (true, is_news),
            };
            is_to_stop |= is_older;
            if is_news {
                self.tell_rival(seen, &marker, is_older);
            }
            self.share(ix, seen, &marker, is_older, now);
        }
        if is_to_stop {
            let doubled = std::mem::take(&mut self.rivals.doubled);
            self.turn.events.extend(doubled.into_iter().map(|stray| EventKind::StrayFound { stray }));
            if self.stage != Stage::Auditing {
                self.stop_for(StopReason::Rival, now);
            }
        }
    }

    /// Whether nobody here has created the session or expects it.
    fn is_a_strangers(&self, ix: TaskIx, seen: &Seen, marker: &Marker) -> bool {
        let is_expected = self.rivals.expected.contains(marker) || self.run.left_intents.contains(marker);
        // It may be the one whose answer is on its way.
        let is_creating = matches!(self.tasks.state(ix), State::Creating(_));
        let is_sought = is_creating && self.sought(self.tasks.last_attempt(ix)).is_same(marker);
        // Where that is shown: anybody can write a marker.
        let is_another = seen.is_asked(&Ask::of_task(&self.plan[ix])) == Some(false);
        !self.is_known(seen) && !is_expected && !is_sought && !is_another
    }

    /// The task that a marker names.
    fn marked(&self, marker: &Marker) -> Option<TaskIx> {
        let former = self.plan.former_names();
        let is_its = |ix: &&TaskIx| self.plan[**ix].every_key(former).any(|key| marker.is_of_task(&key));
        self.rivals.tasks.get(&bucket(marker.key()))?.iter().find(is_its).copied()
    }

    fn tell_rival(&mut self, seen: &Seen, marker: &Marker, is_older: bool) {
        let what = match is_older {
            true => "this one began later, and creates nothing more",
            false => "it began later, and stops when it sees this one",
        };
        let note = format!(
            "another run (…-{}) works on the same tasks at this time, without this ledger: session {} was created by it since \
             this run began; {what}. Let one start after the other, with one state folder",
            marker.run(),
            seen.id
        );
        self.turn.events.push(EventKind::Noted { task: None, note });
    }

    /// What the session of another run at work is for our task: its own, where it has none yet; one too many, where it has.
    fn share(&mut self, ix: TaskIx, seen: &Seen, marker: &Marker, is_older: bool, now: Now) {
        match self.tasks.state(ix) {
            State::Waiting if self.tasks[ix].attempts == 0 => self.search_found(ix, seen, now),
            State::Creating(create) if create.is_new() && self.tasks[ix].attempts == 1 => {
                self.take_back(ix);
                self.search_found(ix, seen, now);
            }
            _ if self.tasks[ix].attempts == 0 => {}
            // Whether a session comes of it is not known: the last listing tells.
            State::Creating(_) => {}
            _ => {
                let task = self.plan[ix].id.clone();
                let session = SessionRef { id: seen.id.clone(), url: seen.url.clone() };
                let title = seen.title.clone().unwrap_or_default();
                self.rivals.expect(marker.clone());
                let stray = Stray { session, title, task: Some(task.clone()) };
                self.turn.events.push(if is_older {
                    EventKind::StrayFound { stray }
                } else {
                    self.rivals.doubled.push(stray);
                    let note = format!("session {} of run …-{} does the same", seen.id, marker.run());
                    EventKind::Noted { task: Some(task), note }
                });
            }
        }
    }

    /// Whether a session with this marker is what another one with our run's id has begun, and nobody here.
    pub(super) fn is_work_of_our_double(&self, marker: &Marker) -> bool {
        let is_begun_here = |ix: TaskIx| self.tasks[ix].attempts > 0;
        self.rivals.is_at_work(self.run.id.short())
            && self.marked(marker).is_some_and(|ix| !is_begun_here(ix))
    }
}
