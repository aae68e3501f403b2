//! One poller for all live sessions: asks for what is due with the fewest requests.
//!
//! A page of `sessions.list` answers for up to a hundred sessions, newest first; a `sessions.get` for one. A page
//! is worth its request when it holds more than one of ours.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::api::SessionId;
use crate::plan::{PollSettings, PollStrategy};

/// The service cuts larger pages down to this.
const PAGE: usize = 100;
/// How many single reads may be under way at once; the others stay due.
const MAX_SINGLE: usize = 64;
/// How many pages one poll may read: an account can have thousands of old sessions.
const MAX_PAGES: usize = 20;

/// Knows when each live session is to be looked at.
#[derive(Debug)]
pub(super) struct Poller {
    settings: PollSettings,
    entries: HashMap<SessionId, Entry>,
    due: BTreeSet<(Instant, SessionId)>,
    /// The sessions that the pages under way are expected to hold.
    listing: Option<Vec<SessionId>>,
    single: usize,
    /// How many sessions we have created: that far have older ones sunk.
    created: usize,
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    /// Where the last listing showed it, and how many we had created by then.
    rank: Option<(usize, usize)>,
    /// To be read by itself next time.
    alone: bool,
}

/// What to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PollRequest {
    /// So many of the newest pages.
    Pages(usize),
    /// This session.
    One(SessionId),
}

impl Poller {
    pub(super) fn new(settings: PollSettings) -> Self {
        Self { settings, entries: HashMap::new(), due: BTreeSet::new(), listing: None, single: 0, created: 0 }
    }

    /// Watch a session from now on. `newest`: it was created just now, so that it stands first in the list.
    pub(super) fn track(&mut self, session: SessionId, newest: bool, now: Instant) {
        let due = if newest { now + self.settings.interval } else { now };
        self.created += usize::from(newest);
        let rank = newest.then_some((0, self.created));
        self.due.insert((due, session.clone()));
        self.entries.insert(session, Entry { due, rank, alone: false });
    }

    /// Watch it no more.
    pub(super) fn untrack(&mut self, session: &SessionId) {
        if let Some(entry) = self.entries.remove(session) {
            self.due.remove(&(entry.due, session.clone()));
        }
    }

    /// Read it by itself at that time.
    pub(super) fn look_at(&mut self, session: &SessionId, at: Instant) {
        let Some(entry) = self.entries.get_mut(session) else { return };
        entry.alone = true;
        // One that is being asked is not in the queue: the answer puts it back.
        if self.due.remove(&(entry.due, session.clone())) {
            self.due.insert((at, session.clone()));
        }
        entry.due = at;
    }

    /// When [`Poller::requests`] has something to ask.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if self.single >= MAX_SINGLE {
            return None;
        }
        self.due.first().map(|(at, _)| *at)
    }

    /// What to ask now.
    pub(super) fn requests(&mut self, now: Instant) -> Vec<PollRequest> {
        if self.due.first().is_none_or(|(at, _)| *at > now) {
            return Vec::new();
        }
        let mut requests = Vec::new();
        let pages = if self.listing.is_some() { 0 } else { self.worthwhile_pages() };
        if pages > 0 && self.is_due_within(pages, now) {
            self.start_listing(pages);
            requests.push(PollRequest::Pages(pages));
        }
        while self.single < MAX_SINGLE {
            let Some((at, session)) = self.due.first().cloned() else { break };
            if at > now {
                break;
            }
            self.due.pop_first();
            self.single += 1;
            requests.push(PollRequest::One(session));
        }
        requests
    }

    /// A single read was answered, or not.
    pub(super) fn on_one(&mut self, session: &SessionId, now: Instant) {
        self.single = self.single.saturating_sub(1);
        if let Some(entry) = self.entries.get_mut(session) {
            // A time set by `look_at` while the answer was under way stands.
            if entry.due <= now {
                entry.due = now + self.settings.interval;
                entry.alone = false;
            }
            self.due.insert((entry.due, session.clone()));
        }
    }

    /// The pages were answered: these sessions, newest first. `whole`: without an error.
    pub(super) fn on_pages<'a>(
        &mut self,
        seen: impl Iterator<Item = &'a SessionId>,
        whole: bool,
        now: Instant,
    ) {
        let next = now + self.settings.interval;
        for (rank, session) in seen.enumerate() {
            if let Some(entry) = self.entries.get_mut(session) {
                entry.rank = Some((rank, self.created));
                if !entry.alone {
                    self.due.remove(&(entry.due, session.clone()));
                    entry.due = next;
                    self.due.insert((next, session.clone()));
                }
            }
        }
        for session in self.listing.take().unwrap_or_default() {
            let Some(entry) = self.entries.get_mut(&session) else { continue };
            if entry.due == next || self.due.contains(&(entry.due, session.clone())) {
                continue;
            }
            // Expected and not shown: it is asked by itself until a listing shows it again.
            if whole {
                entry.rank = None;
            }
            entry.due = if whole { now } else { next };
            self.due.insert((entry.due, session));
        }
    }

    /// How many of the newest pages are worth reading; none when single reads are cheaper.
    fn worthwhile_pages(&self) -> usize {
        match self.settings.strategy {
            PollStrategy::Get => return 0,
            PollStrategy::Auto | PollStrategy::List => {}
        }
        let mut per_page = [0_usize; MAX_PAGES];
        for entry in self.entries.values() {
            if let Some(count) = self.page_of(entry).and_then(|page| per_page.get_mut(page)) {
                *count += 1;
            }
        }
        let forced = self.settings.strategy == PollStrategy::List;
        let (mut best, mut best_gain, mut gain) = (0, 0_isize, 0_isize);
        for (page, count) in per_page.into_iter().enumerate() {
            gain += count.cast_signed() - 1;
            if gain > best_gain || (forced && count > 0) {
                (best, best_gain) = (page + 1, gain);
            }
        }
        best
    }

    fn is_due_within(&self, pages: usize, now: Instant) -> bool {
        self.due
            .iter()
            .take_while(|(at, _)| *at <= now)
            .any(|(_, session)| self.entries.get(session).is_some_and(|entry| self.is_on(entry, pages)))
    }

    fn start_listing(&mut self, pages: usize) {
        let expected: Vec<SessionId> = self
            .entries
            .iter()
            .filter(|(_, entry)| self.is_on(entry, pages))
            .map(|(session, _)| session.clone())
            .collect();
        for session in &expected {
            if let Some(entry) = self.entries.get(session) {
                self.due.remove(&(entry.due, session.clone()));
            }
        }
        self.listing = Some(expected);
    }

    fn is_on(&self, entry: &Entry, pages: usize) -> bool {
        !entry.alone && self.page_of(entry).is_some_and(|page| page < pages)
    }

    fn page_of(&self, entry: &Entry) -> Option<usize> {
        let (rank, created) = entry.rank?;
        Some((rank + self.created.saturating_sub(created)) / PAGE)
    }

    /// The usual distance between two looks.
    pub(super) fn interval(&self) -> Duration {
        self.settings.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> SessionId {
        n.to_string().parse().unwrap()
    }

    fn poller(strategy: PollStrategy, sessions: usize, now: Instant) -> Poller {
        let mut poller = Poller::new(PollSettings { interval: Duration::from_secs(10), strategy });
        for n in 0..sessions {
            poller.track(id(n), true, now);
        }
        poller
    }

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn nothing_is_asked_before_it_is_due() {
        let t0 = Instant::now();
        let mut poller = poller(PollStrategy::Auto, 3, t0);
        assert!(poller.requests(t0 + seconds(9)).is_empty());
        assert_eq!(poller.next_due(), Some(t0 + seconds(10)));
    }

    #[test]
    fn one_session_is_read_by_itself_and_two_by_their_page() {
        let t0 = Instant::now();
        let due = t0 + seconds(10);
        assert_eq!(poller(PollStrategy::Auto, 1, t0).requests(due), [PollRequest::One(id(0))]);
        assert_eq!(poller(PollStrategy::Auto, 2, t0).requests(due), [PollRequest::Pages(1)]);
        assert_eq!(poller(PollStrategy::List, 1, t0).requests(due), [PollRequest::Pages(1)]);
        assert_eq!(poller(PollStrategy::Get, 2, t0).requests(due).len(), 2);
    }

    #[test]
    fn a_page_answers_for_all_it_holds() {
        let t0 = Instant::now();
        let mut poller = poller(PollStrategy::Auto, 250, t0);
        let due = t0 + seconds(10);
        assert_eq!(poller.requests(due), [PollRequest::Pages(3)]);
        assert!(poller.requests(due).is_empty(), "one listing at a time");
        let newest_first: Vec<_> = (0..250).rev().map(id).collect();
        poller.on_pages(newest_first.iter(), true, due);
        assert!(poller.requests(due).is_empty());
        assert_eq!(poller.requests(due + seconds(10)), [PollRequest::Pages(3)]);
    }

    #[test]
    fn what_a_listing_does_not_show_is_read_by_itself() {
        let t0 = Instant::now();
        let mut poller = poller(PollStrategy::Auto, 3, t0);
        let due = t0 + seconds(10);
        poller.requests(due);
        poller.on_pages([id(2), id(1)].iter(), true, due);
        assert_eq!(poller.requests(due), [PollRequest::One(id(0))]);
        poller.on_one(&id(0), due);
        let next = due + seconds(10);
        assert_eq!(poller.requests(next), [PollRequest::Pages(1), PollRequest::One(id(0))]);
    }

    #[test]
    fn a_failed_listing_is_repeated_an_interval_later() {
        let t0 = Instant::now();
        let mut poller = poller(PollStrategy::Auto, 3, t0);
        let due = t0 + seconds(10);
        poller.requests(due);
        poller.on_pages([].iter(), false, due);
        assert!(poller.requests(due + seconds(9)).is_empty());
        assert_eq!(poller.requests(due + seconds(10)), [PollRequest::Pages(1)]);
    }

    #[test]
    fn sunk_sessions_are_read_by_themselves() {
        let t0 = Instant::now();
        let mut poller = poller(PollStrategy::Auto, 1, t0);
        for n in 1..=150 {
            poller.track(id(n), true, t0);
        }
        for n in 1..=148 {
            poller.untrack(&id(n));
        }
        let requests = poller.requests(t0 + seconds(10));
        assert_eq!(requests, [PollRequest::Pages(1), PollRequest::One(id(0))]);
    }

    #[test]
    fn look_at_makes_it_due_alone_even_while_it_is_asked() {
        let t0 = Instant::now();
        let mut poller = poller(PollStrategy::Auto, 2, t0);
        poller.look_at(&id(1), t0 + seconds(3));
        assert_eq!(poller.requests(t0 + seconds(3)), [PollRequest::One(id(1))]);
        poller.look_at(&id(1), t0 + seconds(5));
        poller.on_one(&id(1), t0 + seconds(4));
        assert_eq!(poller.requests(t0 + seconds(5)), [PollRequest::One(id(1))]);
    }

    #[test]
    fn no_more_than_so_many_single_reads_at_once() {
        let t0 = Instant::now();
        let mut poller = poller(PollStrategy::Get, 100, t0);
        let due = t0 + seconds(10);
        assert_eq!(poller.requests(due).len(), MAX_SINGLE);
        assert_eq!(poller.next_due(), None);
        poller.on_one(&id(0), due);
        assert_eq!(poller.requests(due).len(), 1);
    }
}
