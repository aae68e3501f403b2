//! Listings: which of the newest pages are worth reading, and what they show.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::blind::Blind;
use super::{Entry, PageRequest, PollRequest, Poller};
use crate::engine::input::{Page, Seen};
use crate::plan::PollStrategy;
use jules::SessionId;

/// The service cuts larger pages down to this.
const PAGE: usize = 100;
/// How many pages one listing may read: an account can have thousands of old sessions.
const MAX_PAGES: usize = 200;

/// The newest pages are being read, one after the other.
#[derive(Debug)]
pub(super) struct Listing {
    /// How many of the newest pages it is to read.
    pages: usize,
    /// How many more may follow the one under way.
    pages_left: usize,
    /// Sessions that they are expected to hold and have not shown yet.
    expected: HashSet<SessionId>,
    /// The next page, not asked for yet: its token, and how many sessions stand before it.
    pub(super) next: Option<(String, usize)>,
}

impl Poller {
    /// How many of the newest pages are worth reading; none when single reads are cheaper.
    pub(super) fn worthwhile_pages(&self, now: Instant) -> usize {
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

    pub(super) fn is_due_within(&self, pages: usize, now: Instant) -> bool {
        self.due
            .iter()
            .take_while(|(at, _)| *at <= now)
            .any(|(_, session)| self.entries.get(session).is_some_and(|entry| self.is_on(entry, pages)))
    }

    pub(super) fn start_listing(&mut self, pages: usize) {
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

    pub(super) fn page(&mut self, token: Option<String>, place: usize) -> PollRequest {
        let entries = &self.entries;
        let watched = self.watched.get_or_insert_with(|| Arc::new(entries.keys().cloned().collect()));
        let lean = self.costs.are_pages_heavy();
        let (watched, passed) = (Arc::clone(watched), Arc::clone(&self.passed));
        PollRequest::Page(PageRequest { token, place, watched, passed, lean })
    }

    /// Whether the listing under way will most likely show the session: then its end is waited for.
    pub(super) fn joins_listing(&mut self, session: &SessionId) -> bool {
        let (Some(listing), Some(entry)) = (&self.listing, self.entries.get(session)) else { return false };
        if !self.is_on(entry, listing.pages) {
            return false;
        }
        self.listing.as_mut().is_some_and(|listing| listing.expected.insert(session.clone()))
    }

    /// A page was answered, with `before` sessions newer than its first; or could not be read, for this reason.
    pub(in crate::engine) fn on_page(
        &mut self,
        before: usize,
        page: Result<&Page, &str>,
        took: Duration,
        now: Instant,
    ) {
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

    /// The listing failed: what it did not show is read one by one, and listings are left alone for a while.
    fn give_up(&mut self, listing: &Listing, error: &str, now: Instant) {
        self.blind = Some(Blind::after(self.blind.take(), error, self.settings.interval, now));
        self.costs.on_failed_page();
        self.read_singly(listing, now);
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

    fn is_on(&self, entry: &Entry, pages: usize) -> bool {
        !entry.alone && self.page_of(entry).is_some_and(|page| page < pages)
    }

    fn page_of(&self, entry: &Entry) -> Option<usize> {
        let (rank, created) = entry.rank?;
        Some((rank + self.created.saturating_sub(created)) / PAGE)
    }
}
