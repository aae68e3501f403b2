//! The activity stream: each activity once, whatever the service does with times, pages and ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::fake::{Answer, Fake, Seen};
use crate::{Activity, ErrorKind, NewSession, SessionId};

const SECOND: Duration = Duration::from_secs(1);

fn id() -> SessionId {
    SessionId::new("1").unwrap()
}

/// A session as the service keeps it: activities with the reading of the session's state after which they are there.
#[derive(Clone, Default)]
struct Book {
    /// (visible from this request on, second, id, kind)
    activities: Vec<(usize, i64, String, Value)>,
    /// From this request on the session has ended.
    ends: usize,
}

impl Book {
    fn add(mut self, from: usize, second: i64, id: &str, kind: Value) -> Self {
        self.activities.push((from, second, id.to_owned(), kind));
        self
    }

    fn progress(self, from: usize, second: i64, id: &str) -> Self {
        self.add(from, second, id, json!({"progressUpdated": {"title": id}}))
    }

    fn ends(mut self, from: usize) -> Self {
        self.ends = from;
        self
    }

    /// Answers like the service: oldest first, strictly after the filter's time, `pageSize` a page.
    fn answer(&self, seen: &Seen, number: usize) -> Answer {
        if seen.is("GET sessions/1") {
            let state = if number >= self.ends { "COMPLETED" } else { "IN_PROGRESS" };
            return Answer::json(&json!({"id": "1", "state": state}));
        }
        let after = seen.parameter("filter").map_or(i64::MIN, |filter| {
            let time: Timestamp = filter.split('"').nth(1).unwrap().parse().unwrap();
            time.as_second()
        });
        let mut found: Vec<_> =
            self.activities.iter().filter(|(from, second, ..)| *from <= number && *second > after).collect();
        found.sort_by_key(|(_, second, ..)| *second);
        let size: usize = seen.parameter("pageSize").unwrap().parse().unwrap();
        let start: usize = seen.parameter("pageToken").map_or(0, |token| token.parse().unwrap());
        let page: Vec<_> = found.iter().skip(start).take(size).map(|entry| wire(entry)).collect();
        let more = start + page.len() < found.len();
        let mut answer = json!({"activities": page});
        if more {
            answer["nextPageToken"] = json!((start + page.len()).to_string());
        }
        Answer::json(&answer)
    }

    async fn open(self) -> Fake {
        Fake::start(move |seen, number| self.answer(seen, number)).await
    }
}

fn wire((_, second, id, kind): &(usize, i64, String, Value)) -> Value {
    let time = Timestamp::from_second(*second).unwrap().to_string();
    let mut activity = json!({"id": id, "createTime": time, "originator": "agent"});
    activity.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
    activity
}

fn ids(activities: &[Activity]) -> Vec<&str> {
    activities.iter().map(|activity| activity.id.as_str()).collect()
}

fn completed() -> Value {
    json!({"sessionCompleted": {}})
}

#[tokio::test(start_paused = true)]
async fn history_comes_first_then_what_happens_then_the_end() {
    let book = Book::default().progress(0, 100, "a").progress(0, 100, "b").progress(2, 200, "c");
    let fake = book.add(4, 300, "end", completed()).ends(4).open().await;
    let activities: Vec<_> = fake.jules().attach(id()).stream().try_collect().await.unwrap();
    assert_eq!(ids(&activities), ["a", "b", "c", "end"]);
}

#[tokio::test(start_paused = true)]
async fn activities_of_one_time_come_once_each_also_when_they_come_late() {
    let book = Book::default()
        .progress(0, 100, "a")
        .progress(1, 100, "b")
        .progress(2, 100, "c")
        .progress(3, 95, "before")
        .add(5, 100, "end", completed());
    let activities: Vec<_> =
        book.ends(5).open().await.jules().attach(id()).stream().try_collect().await.unwrap();
    assert_eq!(ids(&activities), ["a", "b", "c", "before", "end"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_after_the_end_is_still_given() {
    // The state has ended at once; the activities' last words come one interval later.
    let book = Book::default().progress(0, 100, "a").ends(0).add(4, 101, "end", completed());
    let activities: Vec<_> = book.open().await.jules().attach(id()).stream().try_collect().await.unwrap();
    assert_eq!(ids(&activities), ["a", "end"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_without_a_word_ends_the_stream() {
    let fake = Book::default().progress(0, 100, "a").ends(3).open().await;
    let activities: Vec<_> = fake.jules().attach(id()).stream().try_collect().await.unwrap();
    assert_eq!(ids(&activities), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn long_histories_are_read_page_by_page() {
    let book = (0..120).fold(Book::default(), |book, n| book.progress(0, n / 7, &format!("a{n:03}")));
    let fake = book.open().await;
    let history = fake.jules().attach(id()).activities().history();
    let activities: Vec<_> = history.try_collect().await.unwrap();
    assert_eq!(activities.len(), 120);
    assert!(ids(&activities).is_sorted());
    assert_eq!(fake.seen().len(), 3);
    assert!(fake.seen().iter().all(|seen| seen.parameter("filter").is_none()), "no filter without a need");
}

#[tokio::test(start_paused = true)]
async fn a_page_is_read_only_when_the_one_before_is_used_up() {
    let book = (0..120).fold(Book::default(), |book, n| book.progress(0, n, &format!("a{n:03}")));
    let fake = book.open().await;
    let mut stream = fake.jules().attach(id()).stream();
    for given in 1..=120 {
        stream.next().await.unwrap().unwrap();
        // Fifty a page.
        assert_eq!(fake.seen().len(), (given - 1) / 50 + 1, "{given}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_per_interval() {
    let fake = Book::default().progress(0, 100, "a").ends(usize::MAX).open().await;
    let stream = fake.jules().attach(id()).stream().poll_interval(10 * SECOND).timeout(600 * SECOND);
    let items: Vec<_> = stream.collect().await;
    let error = items.last().unwrap().as_ref().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WaitTimeout { .. }));
    let requests = fake.seen().len();
    assert!((55..=61).contains(&requests), "{requests} requests in sixty intervals");
}

#[tokio::test(start_paused = true)]
async fn updates_leave_out_what_was_there() {
    let book = Book::default().progress(0, 100, "old").progress(1, 100, "same-time").progress(1, 200, "new");
    let fake = book.add(3, 300, "end", completed()).ends(3).open().await;
    let updates = fake.jules().attach(id()).activities().updates();
    let activities: Vec<_> = updates.try_collect().await.unwrap();
    assert_eq!(activities.len(), 3);
    assert_eq!(ids(&activities).last(), Some(&"end"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_behind_another_ones_cursor() {
    let book = (0..40).fold(Book::default(), |book, n| book.progress(0, n, &format!("a{n:02}")));
    let fake = book.add(0, 40, "end", completed()).open().await;
    let session = fake.jules().attach(id());
    let mut first = session.stream();
    for _ in 0..30 {
        first.next().await.unwrap().unwrap();
    }
    let cursor = first.cursor().to_string();
    drop(first);
    let rest: Vec<_> = session.stream().from(cursor.parse().unwrap()).try_collect().await.unwrap();
    assert_eq!(ids(&rest).first(), Some(&"a30"));
    assert_eq!(rest.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn behind_a_time_is_what_is_younger() {
    let book = Book::default().progress(0, 100, "a").progress(0, 110, "b").progress(0, 111, "c");
    let fake = book.add(0, 112, "end", completed()).ends(0).open().await;
    let session = fake.jules().attach(id());
    let mut stream = session.stream().from("1970-01-01T00:01:50Z".parse().unwrap());
    assert_eq!(stream.next().await.unwrap().unwrap().id.as_str(), "c");
    let cursor = stream.cursor().to_string().parse().unwrap();
    let rest: Vec<_> = session.stream().from(cursor).try_collect().await.unwrap();
    assert_eq!(ids(&rest), ["end"]);
}

#[tokio::test(start_paused = true)]
async fn behind_the_end_there_is_nothing_to_wait_for() {
    let fake = Book::default().progress(0, 100, "a").add(0, 100, "end", completed()).ends(0).open().await;
    let session = fake.jules().attach(id());
    let mut stream = session.stream();
    while stream.next().await.transpose().unwrap().is_some() {}
    let (start, requests) = (Instant::now(), fake.seen().len());
    let rest: Vec<_> = session.stream().from(stream.cursor()).try_collect().await.unwrap();
    assert_eq!((rest.len(), start.elapsed().as_secs(), fake.seen().len() - requests), (0, 0, 3));
}

/// Answers at this time by the service's own clock.
fn dated(answer: Answer, second: i64) -> Answer {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(second.unsigned_abs());
    answer.with_header(&format!("date: {}", httpdate::fmt_http_date(time)))
}

#[tokio::test(start_paused = true)]
async fn an_activity_of_the_future_does_not_hide_those_that_come_after_it() {
    // An hour ahead of the service's clock, which is 40 s further with each request.
    let book = Book::default().progress(0, 100, "a").progress(0, 3_700, "future").progress(1, 150, "b");
    let book = book.progress(3, 230, "c").add(6, 350, "end", completed()).ends(6);
    let seconds = |number: usize| 110 + 40 * i64::try_from(number).unwrap();
    let fake = Fake::start(move |seen, number| dated(book.answer(seen, number), seconds(number))).await;
    let session = fake.jules().attach(id());
    let mut stream = session.stream();
    let mut given: Vec<_> = stream.by_ref().take(3).try_collect().await.unwrap();
    // Whoever goes on from the place as text misses nothing either, and gets nothing twice.
    let place = stream.cursor().to_string().parse().unwrap();
    given.extend(session.stream().from(place).try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(ids(&given), ["a", "future", "b", "c", "end"]);
}

#[tokio::test(start_paused = true)]
async fn what_updates_have_passed_over_does_not_come_again_from_their_cursor() {
    let book = Book::default().progress(0, 100, "old").progress(0, 100, "same-time").progress(2, 101, "new");
    let fake = book.add(5, 102, "end", completed()).ends(5).open().await;
    let session = fake.jules().attach(id());
    let mut updates = session.activities().updates();
    // Nothing new yet: one interval, in which the history is read.
    assert!(tokio::time::timeout(SECOND, updates.next()).await.is_err());
    let before = updates.cursor();
    assert_eq!(updates.next().await.unwrap().unwrap().id.as_str(), "new");
    let after = updates.cursor();
    drop(updates);
    for (cursor, expected) in [(before, &["new", "end"][..]), (after, &["end"])] {
        let cursor = cursor.to_string().parse().unwrap();
        let rest: Vec<_> = session.stream().from(cursor).try_collect().await.unwrap();
        assert_eq!(ids(&rest), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_stays_short_however_long_the_stream() {
    let book = (0..1_000).fold(Book::default(), |book, n| book.progress(0, n, &format!("a{n:04}")));
    let fake = book.open().await;
    let mut history = fake.jules().attach(id()).activities().history();
    while let Some(activity) = history.next().await {
        activity.unwrap();
        assert!(history.cursor().len() <= 16, "{}", history.cursor());
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_asks_no_more() {
    let fake = Book::default().progress(0, 100, "a").ends(usize::MAX).open().await;
    let mut stream = fake.jules().attach(id()).stream();
    stream.next().await.unwrap().unwrap();
    let unfinished = tokio::time::timeout(SECOND, stream.next()).await;
    assert!(unfinished.is_err());
    drop(stream);
    let requests = fake.seen().len();
    tokio::time::sleep(600 * SECOND).await;
    assert_eq!(fake.seen().len(), requests);
}

#[tokio::test(start_paused = true)]
async fn activities_that_are_not_there_yet_are_waited_for() {
    let fake = Fake::start(|seen, number| match number {
        0 => Answer::json(&json!({"id": "1"})),
        1..4 => Answer::error(404, "NOT_FOUND"),
        _ => Book::default().add(0, 1, "end", completed()).answer(seen, number),
    })
    .await;
    let run = fake.jules().run(NewSession::new("p")).await.unwrap();
    assert_eq!(ids(&run.stream().try_collect::<Vec<_>>().await.unwrap()), ["end"]);

    // Taken up by another program: the session is there, so its activities will be.
    let fake = Fake::start(|seen, number| match seen.is("GET sessions/1/activities") && number < 5 {
        true => Answer::error(404, "NOT_FOUND"),
        false => Book::default().add(0, 1, "end", completed()).answer(seen, number),
    })
    .await;
    let session = fake.jules().attach(id());
    assert_eq!(ids(&session.stream().try_collect::<Vec<_>>().await.unwrap()), ["end"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_session_is_an_error_at_once() {
    let fake = Fake::start(|_, _| Answer::error(404, "NOT_FOUND")).await;
    let start = Instant::now();
    let items: Vec<_> = fake.jules().attach(id()).stream().collect().await;
    assert_eq!(items.len(), 1);
    assert!(items[0].as_ref().unwrap_err().is_not_found());
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_survives_resets_in_the_middle_of_the_history() {
    let book = (0..120).fold(Book::default(), |book, n| book.progress(0, n, &format!("a{n:03}")));
    let book = book.add(0, 120, "end", completed());
    let fake = Fake::start(move |seen, number| match number {
        1..9 => Answer::Bytes(Vec::new()),
        _ => book.answer(seen, number),
    })
    .await;
    let activities: Vec<_> = fake.jules().attach(id()).stream().try_collect().await.unwrap();
    assert_eq!(activities.len(), 121);
    assert!(ids(&activities[..120]).is_sorted());
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_too_large_are_asked_for_in_smaller_ones() {
    let bulk = "x".repeat(1_000);
    let book = (0..30).fold(Book::default(), |book, n| {
        book.add(0, n, &format!("a{n:02}"), json!({"progressUpdated": {"title": bulk}}))
    });
    let fake = book.open().await;
    let jules = fake.jules_with(|options| options.max_body(10_000));
    let history: Vec<_> = jules.attach(id()).activities().history().try_collect().await.unwrap();
    assert_eq!(history.len(), 30);
}

#[tokio::test(start_paused = true)]
async fn unknown_activities_do_not_end_the_stream() {
    let book =
        Book::default().add(0, 1, "odd", json!({"coffeeBrewed": {"cups": 3}})).add(0, 2, "none", json!({}));
    let fake = book.add(0, 3, "end", completed()).open().await;
    let activities: Vec<_> = fake.jules().attach(id()).stream().try_collect().await.unwrap();
    assert_eq!(ids(&activities), ["odd", "none", "end"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Activities that become visible in the order of their times, with as many of one time as there may be, and lie at
    /// most five seconds behind the newest: each is given once.
    #[test]
    fn each_activity_is_given_once(steps in prop::collection::vec((0_usize..12, 0_i64..4, 0_i64..5), 0..40)) {
        let mut now = 1_000;
        let mut book = Book::default();
        let mut visible = 0;
        for (number, (wait, pass, late)) in steps.iter().enumerate() {
            now += pass;
            visible += wait / 4;
            book = book.progress(visible, now - late, &format!("a{number}"));
        }
        let book = book.add(visible, now, "end", completed()).ends(visible);
        let expected = steps.len() + 1;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let given = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&given);
        runtime.block_on(async move {
            let fake = book.open().await;
            let mut stream = fake.jules().attach(id()).stream();
            while let Some(activity) = stream.next().await {
                notes.lock().unwrap().push(activity.unwrap().id.to_string());
            }
        });
        let mut given = given.lock().unwrap().clone();
        prop_assert_eq!(given.len(), expected);
        given.sort();
        given.dedup();
        prop_assert_eq!(given.len(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_leads_back_ends_its_reading_and_loses_nothing() {
    let book = (0..120).fold(Book::default(), |book, n| book.progress(0, n, &format!("a{n}")));
    let book = book.add(0, 120, "end", json!({"sessionCompleted": {}})).ends(0);
    let fake = Fake::start(move |seen, number| match seen.parameter("pageToken").as_deref() {
        // The second page names itself as the next one.
        Some("50") => {
            let Answer::Whole(code, head, body) = book.answer(seen, number) else { unreachable!() };
            let mut page: Value = serde_json::from_slice(&body).unwrap();
            page["nextPageToken"] = json!("50");
            Answer::Whole(code, head, page.to_string().into_bytes())
        }
        _ => book.answer(seen, number),
    })
    .await;
    let start = Instant::now();
    let activities: Vec<_> = fake.jules().attach(id()).stream().try_collect().await.unwrap();
    assert_eq!(activities.len(), 121);
    assert!(start.elapsed() < 60 * SECOND, "{:?}", start.elapsed());
    assert!(fake.seen().len() < 12, "{} requests", fake.seen().len());
    let history: Vec<_> = fake.jules().attach(id()).activities().history().try_collect().await.unwrap();
    assert_eq!(history.len(), 121);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_time_is_over_says_what_kept_it() {
    let fake = Fake::start(|_, _| Answer::error(503, "UNAVAILABLE")).await;
    let jules = fake.jules();
    let session = jules.attach(id());
    let mut history = session.activities().history().timeout(120 * SECOND);
    let error = history.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WaitTimeout { .. }), "{error:?}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("503"), "{error:?}");
}
