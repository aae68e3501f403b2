//! The activity stream: the one reading of activities under history, updates, stream, ask and result.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use jiff::Timestamp;
use tokio::time::Instant;

use super::batches::{Batch, BatchSource, Batches};
use super::error::ErrorKind;
use super::pages::Pager;
use super::patience::Patience;
use super::time::later;
use super::watch::{Step, Watch};
use super::{Activity, Cursor, Error, Jules, ListActivities, Method, Page, SessionId};

/// Activities per page: few enough that diffs and screenshots inline do not make pages of hundreds of megabytes.
pub(super) const PAGE_SIZE: u32 = 50;

/// An activity, and the service's time when the reading that brought it began.
pub(super) struct Read {
    pub(super) activity: Activity,
    as_of: Timestamp,
}

/// Reads a session's activities in batches, each activity once, oldest first.
pub(super) struct Feed {
    jules: Jules,
    id: SessionId,
    watch: Watch,
    cursor: Cursor,
    patience: Patience,
    /// The reading under way.
    reading: Option<Pager<Activity>>,
    /// The reading under way has brought something new.
    got_on: bool,
    /// The service's time when the reading under way had its first answer.
    as_of: Option<Timestamp>,
    page_size: Arc<AtomicU32>,
    interval: Duration,
    /// What the first reading brings is noted, but not given.
    skip_first: bool,
    /// What is not younger is noted, but not given.
    younger_than: Option<Timestamp>,
    skipped: Skipped,
    /// Until then the session's end is not believed.
    open_until: Option<Instant>,
    limit: Option<Duration>,
    deadline: Option<Instant>,
    /// The failure that was tolerated last, since the service answered.
    tolerated: Option<Error>,
    /// Whether its activities were not there although the session was.
    was_missing: bool,
}

impl Feed {
    /// Everything until now.
    pub(super) fn history(jules: Jules, id: SessionId, patience: Patience) -> Self {
        Self::new(jules, id, patience, Watch::new(true))
    }

    /// Everything until now and what is to come, until the session has ended.
    pub(super) fn follow(jules: Jules, id: SessionId, patience: Patience) -> Self {
        Self::new(jules, id, patience, Watch::new(false))
    }

    fn new(jules: Jules, id: SessionId, patience: Patience, watch: Watch) -> Self {
        let interval = jules.options().poll_interval;
        Self {
            jules,
            id,
            watch,
            cursor: Cursor::default(),
            patience,
            reading: None,
            got_on: false,
            as_of: None,
            page_size: Arc::new(AtomicU32::new(PAGE_SIZE)),
            interval,
            skip_first: false,
            younger_than: None,
            skipped: Skipped::default(),
            open_until: None,
            limit: None,
            deadline: None,
            tolerated: None,
            was_missing: false,
        }
    }

    /// Only what is to come.
    pub(super) fn skip_first(mut self) -> Self {
        self.skip_first = true;
        self
    }

    /// Goes on from here.
    pub(super) fn start_at(&mut self, cursor: Cursor) {
        self.younger_than = cursor.time_alone();
        self.cursor = cursor;
    }

    /// Reads to the present end without giving anything.
    pub(super) async fn catch_up(&mut self) -> Result<(), Error> {
        loop {
            if let Some(Err(error)) = self.read().await {
                return Err(error);
            }
            if self.reading.is_none() {
                return Ok(());
            }
            if self.watch.step() == Step::Pause {
                self.jules.pause(self.interval).await;
                self.watch.has_paused();
            }
        }
    }

    /// From now on, reads at once, and does not believe in the session's end before this has passed.
    pub(super) fn keep_open(&mut self, time: Duration) {
        self.watch = Watch::new(false);
        self.open_until = Some(later(Instant::now(), time));
    }

    async fn advance(&mut self) -> Batch<Read> {
        loop {
            match self.watch.step() {
                Step::End => return None,
                Step::Pause => {
                    self.jules.pause(self.interval).await;
                    self.watch.has_paused();
                }
                Step::Ask => {
                    if let Some(error) = self.ask().await {
                        return Some(Err(error));
                    }
                }
                Step::Read => {
                    if let Some(batch) = self.read().await {
                        return Some(batch);
                    }
                }
            }
        }
    }

    /// Reads one page; gives what is new in it, if anything.
    async fn read(&mut self) -> Batch<Read> {
        let reading = self.reading.get_or_insert_with(|| {
            pager(self.jules.clone(), self.id.clone(), self.cursor.since(), Arc::clone(&self.page_size))
        });
        if reading.is_circle() {
            // Another reading, behind what this one has shown, if it has shown anything.
            tracing::warn!(session = %self.id, "a page of activities leads back to an earlier one");
            self.reading = None;
            self.as_of = None;
            if std::mem::take(&mut self.got_on) {
                return None;
            }
            return self.has_read();
        }
        match reading.next_page().await {
            None => self.has_read(),
            Some(Ok(activities)) => {
                self.answered();
                let as_of = *self.as_of.get_or_insert_with(|| self.jules.service_time());
                let read = activities.into_iter().map(|activity| Read { activity, as_of });
                let new: Vec<_> = read.filter(|read| self.wants(read)).collect();
                (!new.is_empty()).then_some(Ok(new))
            }
            Some(Err(error)) => self.overcome(error).await.map(Err),
        }
    }

    fn has_read<T>(&mut self) -> Option<T> {
        self.reading = None;
        self.as_of = None;
        self.skip_first = false;
        self.got_on = false;
        self.cursor.forget_old();
        self.watch.has_read();
        None
    }

    /// Notes an activity; whether it is to be given.
    fn wants(&mut self, read: &Read) -> bool {
        let activity = &read.activity;
        let is_new = self.cursor.note(activity, read.as_of);
        let is_old = self.younger_than.is_some_and(|time| activity.create_time.is_some_and(|at| at <= time));
        self.got_on |= is_new;
        self.watch.saw(activity, is_new && !is_old);
        if is_new && (is_old || self.skip_first) {
            self.skipped.note(read);
            return false;
        }
        is_new
    }

    /// Asks whether the session has ended; gives an error that stands.
    async fn ask(&mut self) -> Option<Error> {
        match self.jules.get_session(&self.id).await {
            Ok(session) => {
                self.answered();
                let open = self.open_until.is_some_and(|until| Instant::now() < until);
                self.watch.has_asked(session.is_terminal() && !open);
                None
            }
            Err(error) => self.overcome(error).await,
        }
    }

    fn answered(&mut self) {
        self.patience.answered();
        self.tolerated = None;
    }

    /// Bears a failure or gives it back; then the stream is over.
    async fn overcome(&mut self, error: Error) -> Option<Error> {
        let mut tolerated = !self.jules.is_closed() && self.patience.tolerates(&error, Instant::now());
        let is_missing = error.is_not_found() && error.operation() == Method::ListActivities;
        if !tolerated && is_missing && !self.was_missing {
            // Activities answer 404 for a while after the session is there: see whether it is, and wait that while once.
            tolerated = self.jules.get_session(&self.id).await.is_ok();
            self.was_missing = tolerated;
            let patience = self.jules.options().fresh_patience;
            if tolerated {
                self.patience.is_fresh_until(later(Instant::now(), patience));
            }
        }
        if tolerated {
            tracing::debug!(session = %self.id, %error, "not now; trying again later");
            self.watch.failed();
            self.tolerated = Some(error);
            None
        } else {
            self.watch.end();
            Some(error)
        }
    }
}

impl BatchSource for Feed {
    type Item = Read;

    async fn next_batch(&mut self) -> Batch<Read> {
        let Some(limit) = self.limit else { return self.advance().await };
        let deadline = *self.deadline.get_or_insert_with(|| later(Instant::now(), limit));
        match tokio::time::timeout_at(deadline, self.advance()).await {
            Ok(batch) => batch,
            Err(_) if self.watch.step() == Step::End => None,
            Err(_) => {
                self.watch.end();
                let waiting_for = format!("the end of session {}", self.id);
                let kind = ErrorKind::WaitTimeout { waiting_for, after: limit, last_state: None };
                let error = match self.tolerated.take() {
                    Some(cause) => Error::caused_by(Method::ListActivities, kind, cause),
                    None => Error::new(Method::ListActivities, kind),
                };
                Some(Err(error))
            }
        }
    }
}

/// The place behind what was passed over, for the stream that gives the rest.
#[derive(Clone, Default)]
struct Skipped(Arc<Mutex<Cursor>>);

impl Skipped {
    fn note(&self, read: &Read) {
        let mut cursor = self.cursor();
        cursor.note(&read.activity, read.as_of);
        // Now and then, so that a long history stays small and none of its steps gets long.
        if cursor.len().is_power_of_two() {
            cursor.forget_old();
        }
    }

    fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reading of all pages with what came after `since`.
pub(super) fn pager(
    jules: Jules,
    id: SessionId,
    since: Option<Timestamp>,
    size: Arc<AtomicU32>,
) -> Pager<Activity> {
    Pager::new(Method::ListActivities, None, move |token| {
        Box::pin(page(jules.clone(), id.clone(), since, token, Arc::clone(&size)))
    })
}

/// Reads a page, and a shorter one when it is too much at once: a page can hold fifty screenshots.
async fn page(
    jules: Jules,
    id: SessionId,
    created_after: Option<Timestamp>,
    page_token: Option<String>,
    size: Arc<AtomicU32>,
) -> Result<Page<Activity>, Error> {
    loop {
        let page_size = size.load(Ordering::Relaxed);
        let page_token = page_token.clone();
        let request =
            ListActivities { page_size: Some(page_size), page_token, created_after, ..Default::default() };
        match jules.list_activities(&id, &request).await {
            Err(error) if page_size > 1 && is_too_much(&error) => {
                size.store((page_size / 4).max(1), Ordering::Relaxed);
            }
            answer => return answer,
        }
    }
}

fn is_too_much(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TooLarge(_) | ErrorKind::Timeout(_))
}

/// A session's activities: each one once, oldest first, history first, then live; ends after the session has ended.
///
/// An activity that the service lists late is given when it comes, behind younger ones, as long as it is not dated more than
/// 15 s before the youngest that was read: of what is older the service is not asked again, so that each request stays
/// small. [`Activities::history`](super::Activities::history) has those as well. An activity that is dated in the future, by
/// the `Date` of the service's answers, hides none of those that come after it.
///
/// It asks once per poll interval, tolerates outages of ten minutes and 404s of a fresh session, holds one page at a time,
/// and stops when dropped. An error is its last item.
///
/// # Panics
///
/// When it is polled outside of a Tokio runtime with time and IO.
#[must_use = "it asks only when polled"]
pub struct ActivityStream {
    batches: Batches<Feed>,
    given: Cursor,
    skipped: Skipped,
}

impl ActivityStream {
    pub(super) fn new(feed: Feed) -> Self {
        let skipped = feed.skipped.clone();
        Self { batches: Batches::new(feed), given: Cursor::default(), skipped }
    }

    /// Goes on behind what another stream has given. Has no effect once the stream has been polled.
    pub fn from(mut self, cursor: Cursor) -> Self {
        if let Some(feed) = self.batches.source() {
            feed.start_at(cursor.clone());
            self.given = cursor;
        }
        self
    }

    /// The distance between two requests. Default: the client's. Has no effect once the stream has been polled.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        if let Some(feed) = self.batches.source() {
            feed.interval = interval;
        }
        self
    }

    /// Ends the stream with an error after this time, counted from the first poll. Default: no limit. Has no effect
    /// once the stream has been polled.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        if let Some(feed) = self.batches.source() {
            feed.limit = limit.into();
        }
        self
    }

    /// The place behind the last activity that was given or, by [`updates`](super::Activities::updates), passed over, to
    /// go on from later.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let mut cursor = self.given.clone();
        cursor.join(&self.skipped.cursor());
        cursor.forget_old();
        cursor
    }
}

impl Stream for ActivityStream {
    type Item = Result<Activity, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.batches).poll_next(context));
        if let Some(Ok(read)) = &item {
            self.given.note(&read.activity, read.as_of);
            // Now and then, so that a stream of days stays small and none of its steps gets long.
            if self.given.len().is_power_of_two() {
                self.given.forget_old();
            }
        }
        Poll::Ready(item.map(|item| item.map(|read| read.activity)))
    }
}

impl fmt::Debug for ActivityStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivityStream").field("given", &self.given).finish_non_exhaustive()
    }
}
