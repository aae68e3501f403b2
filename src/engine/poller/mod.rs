//! One poller for all live sessions: asks for what is due with the fewest requests.
//!
//! A page of `sessions.list` answers for up to a hundred sessions, newest first; a `sessions.get` for one. Pages are
//! read from the newest on, as deep as they answer for more sessions that are about due than they cost in single
//! reads. A session that has sunk below, or that a page did not show, is read by itself.

mod blind;
mod cost;
mod listing;
mod pace;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::blind::Blind;
use self::cost::Costs;
use self::listing::Listing;
use self::pace::Lifetimes;
pub(super) use self::pace::Liveness;
use crate::plan::PollSettings;
use jules::SessionId;

/// How many single reads may be under way at once; the others stay due.
const MAX_SINGLE: usize = 32;
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
    /// Sessions that pages have shown and nobody watches.
    passed: Watched,
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
    /// These are of interest.
    pub(super) watched: Watched,
    /// These are known to be of none.
    pub(super) passed: Watched,
    /// Without what the sessions have made.
    pub(super) lean: bool,
}

impl Poller {
    pub(super) fn new(settings: PollSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Pages need not show these again.
    pub(super) fn pass_over(&mut self, sessions: impl Iterator<Item = SessionId>) {
        let mut sessions = sessions.peekable();
        if sessions.peek().is_some() {
            Arc::make_mut(&mut self.passed).extend(sessions);
        }
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

    /// A single read was answered, or not.
    pub(super) fn on_one(&mut self, session: &SessionId, took: Duration, now: Instant) {
        self.costs.on_get(took, self.single);
        self.single = self.single.saturating_sub(1);
        // A time set by `read_at` while the answer was under way stands.
        if self.entries.get(session).is_some_and(|entry| entry.due <= now) {
            self.answered(session, now);
        } else {
            self.enqueue(session.clone());
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

    /// From when until when listings have failed, and why.
    pub(super) fn blind(&self) -> Option<([Instant; 2], &str)> {
        self.blind.as_ref().map(|blind| ([blind.since, blind.last], &*blind.error))
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
}

#[cfg(test)]
mod tests;
