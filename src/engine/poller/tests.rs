//! The poller with a listing played by the tests: no time passes but by their word.

use super::*;
use crate::engine::input::{Page, Seen};
use crate::outcome::Work;
use crate::plan::PollStrategy;
use jules::SessionState;

fn id(n: usize) -> SessionId {
    n.to_string().parse().unwrap()
}

fn seen(id: SessionId) -> Seen {
    let (state, work) = (SessionState::InProgress, Work::default());
    Seen { id, title: None, state, url: None, created: None, updated: None, work, archived: false, ask: None }
}

fn poller(strategy: PollStrategy, sessions: usize, now: Instant) -> Poller {
    let mut poller = Poller::new(PollSettings { interval: Duration::from_secs(10), strategy });
    for n in 0..sessions {
        poller.track(id(n), true, Duration::ZERO, now);
    }
    poller
}

const TOOK: Duration = Duration::from_millis(100);

/// Answers the page under way: it shows these sessions, and there is a next one or not.
fn show(poller: &mut Poller, place: usize, shown: &[SessionId], more: bool, now: Instant) {
    let found = shown.iter().cloned().map(seen).enumerate().collect();
    let next = more.then(|| "more".to_owned());
    let page = Page { found, strangers: Vec::new(), count: shown.len(), bytes: 1000, next };
    poller.on_page(place, Ok(&page), TOOK, now);
}

/// The requests in a few words: `page 100` for the page behind a hundred sessions, `get` for a single read.
fn asked(requests: &[PollRequest]) -> Vec<String> {
    let word = |request: &PollRequest| match request {
        PollRequest::Page(page) => format!("page {}", page.place),
        PollRequest::One(session) => format!("get {session}"),
    };
    requests.iter().map(word).collect()
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
    assert_eq!(asked(&poller(PollStrategy::Auto, 1, t0).requests(due)), ["get 0"]);
    assert_eq!(asked(&poller(PollStrategy::Auto, 2, t0).requests(due)), ["page 0"]);
    assert_eq!(asked(&poller(PollStrategy::List, 1, t0).requests(due)), ["page 0"]);
    assert_eq!(poller(PollStrategy::Get, 2, t0).requests(due).len(), 2);
}

#[test]
fn pages_are_read_one_after_the_other_as_deep_as_ours_stand() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Auto, 250, t0);
    let due = t0 + seconds(10);
    let newest_first: Vec<_> = (0..250).rev().map(id).collect();
    for (place, shown) in newest_first.chunks(100).enumerate() {
        assert_eq!(asked(&poller.requests(due)), [format!("page {}", 100 * place)]);
        assert!(poller.requests(due).is_empty(), "one page at a time");
        // Thousands of old sessions stand behind ours.
        show(&mut poller, 100 * place, shown, true, due);
    }
    assert!(poller.requests(due).is_empty(), "no further than ours stand");
    assert_eq!(asked(&poller.requests(due + seconds(10))), ["page 0"]);
    assert_eq!(poller.counts(), Counts { total: 250, late: 0 });
}

#[test]
fn what_a_listing_does_not_show_is_read_by_itself() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Auto, 3, t0);
    let due = t0 + seconds(10);
    poller.requests(due);
    show(&mut poller, 0, &[id(2), id(1)], false, due);
    assert_eq!(asked(&poller.requests(due)), ["get 0"]);
    poller.on_one(&id(0), TOOK, due);
    let next = due + seconds(10);
    assert_eq!(asked(&poller.requests(next)), ["page 0", "get 0"]);
}

#[test]
fn single_reads_take_over_from_a_failed_listing_at_once_and_listings_are_tried_again_more_and_more_seldom() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::List, 3, t0);
    let mut singles = Vec::new();
    for interval in 1..=8 {
        let now = t0 + seconds(10 * interval);
        let mut requests = poller.requests(now);
        if matches!(requests[..], [PollRequest::Page(_)]) {
            poller.on_page(0, Err("403"), TOOK, now);
            requests = poller.requests(now);
        } else {
            singles.push(interval);
        }
        assert_eq!(asked(&requests), ["get 0", "get 1", "get 2"], "{interval}");
        (0..3).for_each(|n| poller.on_one(&id(n), TOOK, now));
    }
    assert_eq!(singles, [3, 5, 6, 7], "a listing is tried in the intervals 1, 2, 4 and 8");
    assert_eq!(poller.blind(), Some(([t0 + seconds(10), t0 + seconds(80)], "403")));
}

#[test]
fn what_falls_due_during_a_listing_waits_for_it() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Auto, 3, t0);
    poller.requests(t0 + seconds(10));
    poller.track(id(3), false, Duration::ZERO, t0 + seconds(10));
    assert!(poller.requests(t0 + seconds(10)).is_empty());
    show(&mut poller, 0, &[id(3), id(2), id(1), id(0)], false, t0 + seconds(11));
    assert!(poller.requests(t0 + seconds(20)).is_empty());
    assert_eq!(asked(&poller.requests(t0 + seconds(21))), ["page 0"]);
}

#[test]
fn sunk_sessions_are_read_by_themselves() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Auto, 1, t0);
    for n in 1..=150 {
        poller.track(id(n), true, Duration::ZERO, t0);
    }
    for n in 1..=148 {
        poller.untrack(&id(n), false);
    }
    assert_eq!(asked(&poller.requests(t0 + seconds(10))), ["page 0", "get 0"]);
}

#[test]
fn a_slow_page_is_read_only_for_many() {
    let t0 = Instant::now();
    let due = t0 + seconds(10);
    for (sessions, wanted) in [(5, "get 0"), (60, "page 0")] {
        let mut poller = poller(PollStrategy::Auto, sessions, t0);
        // A page takes 4 s, a single read 0.1 s: it is worth 31 of them.
        poller.costs.on_page(seconds(4), 1000, t0);
        poller.costs.on_get(TOOK, 1);
        assert_eq!(asked(&poller.requests(due))[0], wanted);
    }
}

#[test]
fn many_sessions_taken_up_together_are_found_by_pages_or_spread() {
    let t0 = Instant::now();
    let taken_up = |strategy| {
        let mut poller = poller(strategy, 0, t0);
        for n in 0..1_000 {
            poller.track(id(n), false, Duration::ZERO, t0);
        }
        poller
    };
    let mut single = taken_up(PollStrategy::Get);
    assert!(single.requests(t0).len() <= AT_ONCE);
    let within = |poller: &Poller, time| poller.due.iter().filter(|(at, _)| *at <= t0 + time).count();
    let half = within(&single, seconds(5));
    assert!((490..=510).contains(&half), "{half} of 1,000 in the first half of the interval");
    assert_eq!(asked(&taken_up(PollStrategy::Auto).requests(t0)), ["page 0"]);
}

#[test]
fn a_late_look_is_counted() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Auto, 1, t0);
    poller.requests(t0 + seconds(10));
    poller.on_one(&id(0), TOOK, t0 + seconds(20));
    assert_eq!(poller.counts(), Counts { total: 1, late: 0 });
    poller.requests(t0 + seconds(30));
    poller.on_one(&id(0), TOOK, t0 + seconds(41));
    assert_eq!(poller.counts(), Counts { total: 2, late: 1 });
}

#[test]
fn look_at_makes_it_due_alone_even_while_it_is_asked() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Auto, 2, t0);
    poller.read_at(&id(1), t0 + seconds(3));
    assert_eq!(asked(&poller.requests(t0 + seconds(3))), ["get 1"]);
    poller.read_at(&id(1), t0 + seconds(5));
    poller.on_one(&id(1), TOOK, t0 + seconds(4));
    assert_eq!(asked(&poller.requests(t0 + seconds(5))), ["get 1"]);
}

#[test]
fn looks_at_many_are_one_page_also_at_those_that_were_to_be_read_alone() {
    let t0 = Instant::now();
    let soon = t0 + seconds(3);
    let mut single = poller(PollStrategy::Auto, 3, t0);
    let mut poller = poller(PollStrategy::Auto, 3, t0);
    poller.read_at(&id(1), t0 + seconds(5));
    (0..3).for_each(|n| poller.look_at(&id(n), soon));
    assert_eq!(asked(&poller.requests(soon)), ["page 0"]);
    // They were looked at too late, and are again: the page before does not put that off.
    (0..3).for_each(|n| poller.look_at(&id(n), soon));
    show(&mut poller, 0, &[id(2), id(1), id(0)], false, soon + seconds(1));
    (0..3).for_each(|n| poller.look_at(&id(n), soon + seconds(1)));
    assert_eq!(asked(&poller.requests(soon + seconds(1))), ["page 0"]);
    single.look_at(&id(1), soon);
    assert_eq!(asked(&single.requests(soon)), ["get 1"], "a page for one is no cheaper");
}

#[test]
fn a_look_that_is_moved_while_its_page_is_asked_takes_place() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Auto, 2, t0);
    let due = t0 + seconds(10);
    assert_eq!(asked(&poller.requests(due)), ["page 0"]);
    poller.read_at(&id(1), due + seconds(3));
    show(&mut poller, 0, &[id(1), id(0)], false, due + seconds(1));
    assert_eq!(asked(&poller.requests(due + seconds(3))), ["get 1"]);
}

#[test]
fn no_more_than_so_many_single_reads_at_once() {
    let t0 = Instant::now();
    let mut poller = poller(PollStrategy::Get, 100, t0);
    let due = t0 + seconds(10);
    assert_eq!(poller.requests(due).len(), MAX_SINGLE);
    assert_eq!(poller.next_due(), None);
    poller.on_one(&id(0), TOOK, due);
    assert_eq!(poller.requests(due).len(), 1);
}
