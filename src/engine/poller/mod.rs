//! One poller for all live sessions: asks for what is due with the fewest requests.
//!
//! A page of `sessions.list` answers for up to a hundred sessions, newest first; a `sessions.get` for one. Pages are
//! read from the newest on, as deep as they answer for more sessions that are about due than they cost in single
//! reads. A session that has sunk below, or that a page did not show, is read by itself.

mod blind;
mod cost;
mod pace;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::blind::Blind;
use self::cost::Costs;
use self::pace::Lifetimes;
pub(super) use self::pace::Liveness;
use super::input::{Page, Seen};
use crate::plan::{PollSettings, PollStrategy};
use jules::SessionId;

/// The service cuts larger pages down to this.
const PAGE: usize = 100;
/// How many single reads may be under way at once; the others stay due.
const MAX_SINGLE: usize = 32;
/// How many pages one listing may read: an account can have thousands of old sessions.
const MAX_PAGES: usize = 200;
/// Of sessions taken up together, this many are read at once, the others spread over an interval.
const AT_ONCE: usize = 16;
/// The golden ratio's fraction: its multiples spread evenly however many there are.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// The sessions that a page is read for.
pub(super) type Watched = Arc<HashSet<SessionId>>;

/// Knows when each live session is to be polled.
#[derive(Debug, Default)]
pub(super) struct Poller {
    settings: PollSettings,
    entries: HashMap<SessionId, Entry>,
    due: BTreeSet<(Instant, SessionId)>,
    listing: Option<Listing>,
    blind: Option<Blind>,
    single: usize,
    /// How many sessions we have created: that far have older ones sunk.
    created: usize,
    /// How many were taken up that we had not just created.
    taken_up: usize,
    costs: Costs,
    lifetimes: Lifetimes,
    watched: Option<Watched>,
    counts: Counts,
}

/// How many polls there were, and how many came more than an interval after they were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) late: u64,
}

#[derive(Debug)]
struct Entry {
    /// When the session was created, as far as we know.
    born: Instant,
    liveness: Liveness,
    due: Instant,
    /// The distance that led to `due`.
    interval: Duration,
    answered: Instant,
    /// Where the last listing showed it, and how many we had created by then.
    rank: Option<(usize, usize)>,
    /// To be read by itself next time.
    alone: bool,
}

/// The newest pages are being read, one after the other.
#[derive(Debug)]
struct Listing {
    /// How many of the newest pages it is to read.
    pages: usize,
    /// How many more may follow the one under way.
    pages_left: usize,
    /// Sessions that they are expected to hold and have not shown yet.
    expected: HashSet<SessionId>,
    /// The next page, not asked for yet: its token, and how many sessions stand before it.
    next: Option<(String, usize)>,
}

/// What to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PollRequest {
    /// A page of the newest sessions.
    Page(PageRequest),
    /// This session.
    One(SessionId),
}

/// A page to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PageRequest {
    /// Its token; none for the first.
    pub(super) token: Option<String>,
    /// How many sessions stand before it.
    pub(super) place: usize,
    /// Only these are of interest.
    pub(super) watched: Watched,
    /// Without what the sessions have made.
    pub(super) lean: bool,
}

impl Poller {
    pub(super) fn new(settings: PollSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Watch a session of this age from now on. `newest`: it was created just now, so that it stands first in the list.
    pub(super) fn track(&mut self, session: SessionId, newest: bool, age: Duration, now: Instant) {
        let interval = self.lifetimes.distance(age, Liveness::Working, self.settings.interval);
        let (wait, rank) = if newest {
            self.created += 1;
            (interval, 0)
        } else {
            self.taken_up += 1;
            // Most likely the newest of the account; if not, the first listing will tell.
            (self.spread(self.taken_up), self.taken_up - 1)
        };
        let due = now + wait;
        let rank = Some((rank, self.created));
        let born = now.checked_sub(age).unwrap_or(now);
        let liveness = Liveness::Working;
        let entry = Entry { born, liveness, due, interval, answered: now, rank, alone: false };
        self.due.insert((due, session.clone()));
        self.entries.insert(session, entry);
        self.watched = None;
    }

    /// Watch it no more. `ended`: it lived as long as it was seen.
    pub(super) fn untrack(&mut self, session: &SessionId, ended: bool) {
        if let Some(entry) = self.entries.remove(session) {
            self.due.remove(&(entry.due, session.clone()));
            self.watched = None;
            if ended {
                self.lifetimes.learn(entry.answered.saturating_duration_since(entry.born));
            }
        }
    }

    /// The session was seen to do this.
    pub(super) fn note(&mut self, session: &SessionId, liveness: Liveness) {
        if let Some(entry) = self.entries.get_mut(session) {
            entry.liveness = liveness;
        }
    }

    /// Read it by itself at that time.
    pub(super) fn read_at(&mut self, session: &SessionId, at: Instant) {
        self.is_due_at(session, at, true);
    }

    /// Ask for it at that time; a page that shows others as well is enough.
    pub(super) fn look_at(&mut self, session: &SessionId, at: Instant) {
        self.is_due_at(session, at, false);
    }

    fn is_due_at(&mut self, session: &SessionId, at: Instant, alone: bool) {
        let Some(entry) = self.entries.get_mut(session) else { return };
        entry.alone = alone;
        // One that is being asked is not in the queue: the answer puts it back.
        if self.due.remove(&(entry.due, session.clone())) {
            self.due.insert((at, session.clone()));
        }
        entry.due = at;
    }

    /// Whether it is watched.
    pub(super) fn is_tracked(&self, session: &SessionId) -> bool {
        self.entries.contains_key(session)
    }

    /// Whether it is to be read by itself.
    pub(super) fn is_read_alone(&self, session: &SessionId) -> bool {
        self.entries.get(session).is_some_and(|entry| entry.alone)
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
        let mut requests = Vec::new();
        if let Some((token, place)) = self.listing.as_mut().and_then(|listing| listing.next.take()) {
            requests.push(self.page(Some(token), place));
        }
        if self.due.first().is_none_or(|(at, _)| *at > now) {
            return requests;
        }
        let pages = if self.listing.is_some() { 0 } else { self.worthwhile_pages(now) };
        if pages > 0 && self.is_due_within(pages, now) {
            self.start_listing(pages);
            requests.push(self.page(None, 0));
        }
        while self.single < MAX_SINGLE {
            let Some((at, session)) = self.due.first().cloned() else { break };
            if at > now {
                break;
            }
            self.due.pop_first();
            if !self.joins_listing(&session) {
                self.single += 1;
                requests.push(PollRequest::One(session));
            }
        }
        requests
    }

    /// Whether the listing under way will most likely show the session: then its end is waited for.
    fn joins_listing(&mut self, session: &SessionId) -> bool {
        let (Some(listing), Some(entry)) = (&self.listing, self.entries.get(session)) else { return false };
        if !self.is_on(entry, listing.pages) {
            return false;
        }
        self.listing.as_mut().is_some_and(|listing| listing.expected.insert(session.clone()))
    }

    /// A single read was answered, or not.
    pub(super) fn on_one(&mut self, session: &SessionId, took: Duration, now: Instant) {
        self.costs.on_get(took, self.single);
        self.single = self.single.saturating_sub(1);
        // A time set by `read_at` while the answer was under way stands.
        if self.entries.get(session).is_some_and(|entry| entry.due <= now) {
            self.answered(session, now);
        } else if let Some(entry) = self.entries.get(session) {
            self.due.insert((entry.due, session.clone()));
        }
    }

    /// A page was answered, with `before` sessions newer than its first; or could not be read, for this reason.
    pub(super) fn on_page(&mut self, before: usize, page: Result<&Page, &str>, took: Duration, now: Instant) {
        let Some(mut listing) = self.listing.take() else { return };
        let page = match page {
            Ok(page) => page,
            Err(error) => return self.give_up(&listing, error, now),
        };
        self.blind = None;
        self.costs.on_page(took, page.bytes, now);
        for (place, Seen { id: session, .. }) in &page.found {
            let was_asked_for = listing.expected.remove(session);
            let Some(entry) = self.entries.get_mut(session) else { continue };
            entry.rank = Some((before + place, self.created));
            if !entry.alone {
                self.answered(session, now);
            } else if was_asked_for {
                // A time set by `read_at` while the page was under way stands.
                self.due.insert((entry.due, session.clone()));
            }
        }
        match &page.next {
            Some(token) if listing.pages_left > 0 => {
                listing.pages_left -= 1;
                listing.next = Some((token.clone(), before + page.count));
                self.listing = Some(listing);
            }
            _ => self.read_missing(&listing, now),
        }
    }

    /// How punctual the polls were so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The usual distance between two polls.
    pub(super) fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// The session was shown: its next poll is due when its age and state ask for it.
    fn answered(&mut self, session: &SessionId, now: Instant) {
        let Some(entry) = self.entries.get_mut(session) else { return };
        self.due.remove(&(entry.due, session.clone()));
        self.counts.total += 1;
        self.counts.late += u64::from(now > entry.due + entry.interval);
        let age = now.saturating_duration_since(entry.born);
        entry.interval = self.lifetimes.distance(age, entry.liveness, self.settings.interval);
        entry.due = now + entry.interval;
        entry.answered = now;
        entry.alone = false;
        self.due.insert((entry.due, session.clone()));
    }

    /// The listing failed: what it did not show is read one by one, and listings are left alone for a while.
    fn give_up(&mut self, listing: &Listing, error: &str, now: Instant) {
        self.blind = Some(Blind::after(self.blind.take(), error, self.settings.interval, now));
        self.costs.on_failed_page();
        self.read_singly(listing, now);
    }

    /// Since when listings fail, and why.
    pub(super) fn blind(&self) -> Option<(Instant, &str)> {
        self.blind.as_ref().map(|blind| (blind.since, &*blind.error))
    }

    /// Expected and not shown: it is asked by itself until a listing shows it again.
    fn read_missing(&mut self, listing: &Listing, now: Instant) {
        for session in &listing.expected {
            if let Some(entry) = self.entries.get_mut(session) {
                entry.rank = None;
            }
        }
        self.read_singly(listing, now);
    }

    fn read_singly(&mut self, listing: &Listing, now: Instant) {
        let mut missing: Vec<&SessionId> = listing.expected.iter().collect();
        missing.sort_unstable();
        for (n, session) in missing.into_iter().enumerate() {
            let spread = self.spread(n);
            if let Some(entry) = self.entries.get_mut(session) {
                entry.due = entry.due.max(now + spread);
            }
            self.enqueue(session.clone());
        }
    }

    fn enqueue(&mut self, session: SessionId) {
        if let Some(entry) = self.entries.get(&session) {
            self.due.insert((entry.due, session));
        }
    }

    /// The delay of the `n`-th poll of many that fall due together.
    fn spread(&self, n: usize) -> Duration {
        if n <= AT_ONCE {
            return Duration::ZERO;
        }
        self.settings.interval.mul_f64((n as f64 * GOLDEN).fract())
    }

    /// How many of the newest pages are worth reading; none when single reads are cheaper.
    fn worthwhile_pages(&self, now: Instant) -> usize {
        let is_blind = self.blind.as_ref().is_some_and(|blind| now < blind.until);
        if is_blind || self.settings.strategy == PollStrategy::Get {
            return 0;
        }
        let forced = self.settings.strategy == PollStrategy::List;
        let cost = self.costs.page_in_gets(self.settings.interval, now);
        let about_due = now + self.settings.interval / 2;
        let mut per_page = [0_u32; MAX_PAGES];
        for entry in self.entries.values().filter(|entry| entry.due <= about_due) {
            if let Some(count) = self.page_of(entry).and_then(|page| per_page.get_mut(page)) {
                *count += 1;
            }
        }
        let (mut best, mut best_gain, mut gain) = (0, 0.0, 0.0);
        for (page, count) in per_page.into_iter().enumerate() {
            gain += f64::from(count) - cost;
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
        let expected: HashSet<SessionId> = self
            .entries
            .iter()
            // One that is being read by itself is not in the queue.
            .filter(|(session, entry)| {
                self.is_on(entry, pages) && self.due.contains(&(entry.due, (*session).clone()))
            })
            .map(|(session, _)| session.clone())
            .collect();
        for session in &expected {
            if let Some(entry) = self.entries.get(session) {
                self.due.remove(&(entry.due, session.clone()));
            }
        }
        self.listing = Some(Listing { pages, pages_left: pages - 1, expected, next: None });
    }

    fn page(&mut self, token: Option<String>, place: usize) -> PollRequest {
        let entries = &self.entries;
        let watched = self.watched.get_or_insert_with(|| Arc::new(entries.keys().cloned().collect()));
        let lean = self.costs.are_pages_heavy();
        PollRequest::Page(PageRequest { token, place, watched: Arc::clone(watched), lean })
    }

    fn is_on(&self, entry: &Entry, pages: usize) -> bool {
        !entry.alone && self.page_of(entry).is_some_and(|page| page < pages)
    }

    fn page_of(&self, entry: &Entry) -> Option<usize> {
        let (rank, created) = entry.rank?;
        Some((rank + self.created.saturating_sub(created)) / PAGE)
    }
}

#[cfg(test)]
mod tests;
