//! Live sessions that no task of the invocation follows: those of the round that a selection leaves out, or whose prompt was
//! changed. They hold slots of `max-parallel` for as long as they live; while a task waits for one, they are polled. So do
//! creates in doubt, whose sessions may be at work: these are settled by a run that has their tasks.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::repositories::Watch;
use crate::engine::refusals::Refusals;
use crate::outcome::Marker;
use jules::SessionId;

/// These sessions, as far as anybody has looked.
#[derive(Debug, Default)]
pub(super) struct Others {
    live: BTreeSet<SessionId>,
    /// What is in doubt, and the first listing has not shown.
    intents: HashSet<Marker>,
    /// Those that nobody has looked at in this invocation.
    unseen: HashSet<SessionId>,
    /// Those that the service does not know any more, or for the moment.
    absent: HashMap<SessionId, Refusals>,
    is_watched: bool,
    /// Since when tasks wait for their slots with none of ours at work.
    stuck_since: Option<Instant>,
    is_told: bool,
}

impl Others {
    pub(super) fn count(&self) -> usize {
        self.live.len() + self.intents.len()
    }

    /// A create in doubt that nobody settles here.
    pub(super) fn add_intent(&mut self, marker: Marker) {
        self.intents.insert(marker);
    }

    /// A listing shows the session of a create, which `is_over`, or holds the slot from now on.
    pub(super) fn found(&mut self, marker: &Marker, session: &SessionId, is_over: bool) {
        let before = self.intents.len();
        self.intents.retain(|intent| !intent.is_same(marker));
        if self.intents.len() < before && !is_over {
            self.add(session.clone());
        }
    }

    pub(super) fn add(&mut self, session: SessionId) {
        self.unseen.insert(session.clone());
        self.live.insert(session);
    }

    /// That session has ended, or is ours now.
    pub(super) fn remove(&mut self, session: &SessionId) -> bool {
        self.unseen.remove(session);
        self.absent.remove(session);
        self.live.remove(session)
    }

    /// The service does not know the session. Whether that has lasted so long that it is believed.
    pub(super) fn is_gone(&mut self, session: &SessionId, over: Duration, now: Instant) -> bool {
        self.absent.entry(session.clone()).or_default().add(over, now)
    }

    /// A look shows it live.
    pub(super) fn is_live(&mut self, session: &SessionId) {
        self.unseen.remove(session);
        self.absent.remove(session);
    }

    /// Whether it is polled for the slot that it holds.
    pub(super) fn watches(&self, session: &SessionId) -> bool {
        self.is_watched && self.live.contains(session)
    }

    /// Which are to be polled from now on, and which no more: only while a task waits for a slot.
    pub(super) fn watch(&mut self, is_wanted: bool) -> Watch {
        let mut watch = Watch::default();
        watch.switch(&mut self.is_watched, is_wanted, &self.live);
        watch
    }

    /// Whether nothing that this invocation does makes room, and has not for so long; where nobody waits (`waits` is off),
    /// as soon as all of them were seen live.
    pub(super) fn are_in_the_way(
        &mut self,
        is_stuck: bool,
        waits: bool,
        patience: Duration,
        now: Instant,
    ) -> bool {
        if !is_stuck {
            self.stuck_since = None;
            return false;
        }
        let since = *self.stuck_since.get_or_insert(now);
        // Nobody here learns more of what is in doubt.
        let nothing_ends = self.live.is_empty() || !waits;
        (nothing_ends && self.unseen.is_empty()) || now >= since + patience
    }

    /// When time alone makes them be in the way for too long.
    pub(super) fn wake_at(&self, patience: Duration) -> Option<Instant> {
        self.stuck_since.map(|since| since + patience)
    }

    /// What is told of them once.
    pub(super) fn note(&mut self, max_parallel: usize) -> Option<String> {
        let is_new = !std::mem::replace(&mut self.is_told, true);
        let of = "of a task that is not selected, or has another prompt by now";
        let of_many = "of tasks that are not selected, or have another prompt by now";
        let live = match self.live.len() {
            0 => None,
            1 => Some(format!("1 live session {of}")),
            n => Some(format!("{n} live sessions {of_many}")),
        };
        let intents = match self.intents.len() {
            0 => None,
            1 => Some(format!("1 session in doubt {of}")),
            n => Some(format!("{n} sessions in doubt {of_many}")),
        };
        let way_out = match (live.is_some(), intents.is_some()) {
            (true, false) => ", and their ends are waited for",
            _ => "; a run with their tasks settles the doubt",
        };
        let what = live.into_iter().chain(intents).collect::<Vec<_>>().join(" and ");
        let hold = if self.count() == 1 { "holds a slot" } else { "hold slots" };
        is_new.then(|| format!("{what}, {hold}: `max-parallel` is {max_parallel}{way_out}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_in_the_way_after_their_time_and_only_while_nothing_of_ours_is_at_work() {
        let (t0, patience) = (Instant::now(), Duration::from_secs(60));
        let at = |seconds| t0 + Duration::from_secs(seconds);
        let mut others = Others::default();
        let session: SessionId = "7".parse().unwrap();
        others.add(session.clone());
        assert!(!others.are_in_the_way(true, true, patience, at(0)));
        assert!(!others.are_in_the_way(true, true, patience, at(59)));
        assert_eq!(others.wake_at(patience), Some(at(60)));
        assert!(!others.are_in_the_way(false, true, patience, at(60)), "one of ours is at work");
        assert!(!others.are_in_the_way(true, true, patience, at(61)), "the time begins anew");
        assert!(others.are_in_the_way(true, true, patience, at(121)));
        let mut others = Others::default();
        others.add(session.clone());
        assert!(!others.are_in_the_way(true, false, patience, at(0)), "nobody has looked yet");
        others.is_live(&session);
        assert!(others.are_in_the_way(true, false, patience, at(1)));
        assert!(others.remove(&session) && !others.remove(&session));
        assert_eq!(others.count(), 0);
    }

    #[test]
    fn what_is_in_doubt_holds_a_slot_until_a_listing_shows_it() {
        let marker = |n| Marker::of_title(&format!("x [jb-0123456789abcdef-0a1b-{n}]")).unwrap();
        let (now, patience) = (Instant::now(), Duration::from_secs(60));
        let mut others = Others::default();
        (1..=3).for_each(|n| others.add_intent(marker(n)));
        assert_eq!(others.count(), 3);
        assert!(others.are_in_the_way(true, true, patience, now), "no end is to be waited for");
        let told = others.note(3).unwrap();
        assert!(told.starts_with("3 sessions in doubt of tasks that are not selected"), "{told}");
        others.found(&marker(1), &"7".parse().unwrap(), false);
        others.found(&marker(2), &"8".parse().unwrap(), true);
        others.found(&marker(9), &"9".parse().unwrap(), false);
        assert_eq!(others.count(), 2, "one is live, one in doubt");
        assert!(!others.are_in_the_way(true, true, patience, now));
    }

    #[test]
    fn they_are_polled_only_while_a_task_waits() {
        let mut others = Others::default();
        let session: SessionId = "7".parse().unwrap();
        others.add(session.clone());
        assert_eq!(others.watch(false), Watch::default());
        assert_eq!(others.watch(true), Watch { begin: vec![session.clone()], end: Vec::new() });
        assert!(others.watches(&session));
        assert_eq!(others.watch(true), Watch::default());
        assert_eq!(others.watch(false), Watch { begin: Vec::new(), end: vec![session] });
    }
}
