//! Many sessions: a bounded number at a time, every one accounted for.

mod batch;
mod slots;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};

use super::{Error, Jules, NewSession, SessionId, SessionOutcome, TitleMarker};
use batch::Batch;
use slots::Slots;

/// `run()` for each of many items; configured, then awaited, or followed by its [`events`](Self::events).
///
/// Gives one result per item, in the items' order. A slot is held until its session was seen to have **ended**, also after
/// an error or a [`timeout`](Self::timeout), and where nobody knows whether there is one, so that never more than
/// [`concurrency`](Self::concurrency) sessions live at once. Only sessions that are left when every item has its result may go on after it: nobody is waiting for a slot any more.
///
/// Dropping it, or its stream of events, leaves its sessions alone: [`started`](Self::started) names them.
///
/// # Panics
///
/// When it is awaited, or its events are polled, outside of a Tokio runtime with time and IO.
#[derive(Debug)]
#[must_use = "it does nothing until it is awaited"]
pub struct All {
    jules: Jules,
    items: Vec<NewSession>,
    concurrency: usize,
    stop_on_error: bool,
    delay: Duration,
    timeout: Option<Duration>,
    slot_timeout: Option<Duration>,
    marker: String,
    started: StartedSessions,
}

/// What happens to the items of [`Jules::all`]. Each item has one end, and a start before it if it has a session.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "few of them, and each is moved on at once")]
pub enum BatchEvent {
    /// An item's session was created.
    Started {
        /// The item's place, from 0.
        index: usize,
        /// Its session.
        id: SessionId,
        /// The session's page for humans, when the service named it.
        url: Option<String>,
    },
    /// An item has its result. Its session may live on where that is an error.
    Ended {
        /// The item's place, from 0.
        index: usize,
        /// What became of it: what awaiting [`All`] gives for it.
        outcome: Result<SessionOutcome, Error>,
    },
}

/// The sessions that an [`All`] has started so far; one whose creation was in doubt since it was found. Clones are the same,
/// and it stays when that is dropped.
#[derive(Clone, Debug, Default)]
pub struct StartedSessions(Arc<Mutex<Vec<(usize, SessionId)>>>);

impl StartedSessions {
    /// The items' places, from 0, with their sessions, in the order of their starts.
    #[must_use]
    pub fn list(&self) -> Vec<(usize, SessionId)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, index: usize, id: SessionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((index, id));
    }
}

impl Jules {
    /// Runs a session for each item. The mapper is called for all items at once, before anything is sent.
    ///
    /// ```no_run
    /// # async fn example(jules: jules::Jules) {
    /// use jules::NewSession;
    ///
    /// let results = jules
    ///     .all(["o/a", "o/b"], |repo| NewSession::new("Update the licence").source(repo).branch("main"))
    ///     .concurrency(2)
    ///     .stop_on_error(false)
    ///     .await;
    /// assert_eq!(results.len(), 2);
    /// # }
    /// ```
    pub fn all<I>(&self, items: I, mapper: impl FnMut(I::Item) -> NewSession) -> All
    where
        I: IntoIterator,
    {
        All {
            jules: self.clone(),
            items: items.into_iter().map(mapper).collect(),
            concurrency: All::CONCURRENCY,
            stop_on_error: true,
            delay: Duration::ZERO,
            timeout: self.options().wait_timeout,
            slot_timeout: self.options().wait_timeout,
            marker: format!("jules-{:08x}", fastrand::u32(..)),
            started: StartedSessions::default(),
        }
    }
}

impl All {
    /// The default of [`concurrency`](Self::concurrency): what the smallest plan allows.
    pub const CONCURRENCY: usize = 3;

    /// How many sessions may live at once. Default 3; 0 counts as 1.
    pub fn concurrency(mut self, sessions: usize) -> Self {
        self.concurrency = sessions.max(1);
        self
    }

    /// Whether an error (not a failed session: that is a result) stops further items from being started. Those that
    /// run are followed to their end, and those that were not started say so with
    /// [`ErrorKind::NotStarted`](super::ErrorKind::NotStarted). Default true.
    pub fn stop_on_error(mut self, stop: bool) -> Self {
        self.stop_on_error = stop;
        self
    }

    /// The shortest time between two starts. Default 0.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How long to wait for each session; `None` waits for ever. Its slot is held after that until it has ended. Default:
    /// the client's [`wait_timeout`](super::Options::wait_timeout), 2 h.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeout = limit.into();
        self
    }

    /// How long items wait for a slot while all of them are held by sessions that have not ended and that are no longer
    /// waited for, after a time limit or an error. Then they end with [`ErrorKind::NoSlot`](super::ErrorKind::NoSlot);
    /// `None` waits for ever. Default: the client's [`wait_timeout`](super::Options::wait_timeout), 2 h.
    pub fn slot_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.slot_timeout = limit.into();
        self
    }

    /// What the markers of its items begin with: `WORD-0` is the first one's, and so on, where an item has none
    /// [of its own](NewSession::marker). A word of 4 to 70 ASCII letters, digits, `-`, `_` and `.`: with its number it has to be
    /// a [marker](NewSession::marker), or the item ends with [`ErrorKind::Input`](super::ErrorKind::Input) and nothing is sent.
    /// Default: random.
    pub fn marker(mut self, word: impl Into<String>) -> Self {
        self.marker = word.into();
        self
    }

    /// The items' markers, in their order: with [`find_created`](Jules::find_created) they name every session, also one whose
    /// creation was under way when the batch was dropped, or its process killed. None for an item
    /// [without one](NewSession::without_marker), or whose word is none.
    #[must_use]
    pub fn markers(&self) -> Vec<Option<TitleMarker>> {
        let items = self.items.iter().enumerate();
        items.map(|(index, new)| self.marked(index, new.clone()).own_marker().ok().flatten()).collect()
    }

    fn marked(&self, index: usize, new: NewSession) -> NewSession {
        new.or_marker(|| format!("{}-{index}", self.marker))
    }

    /// The sessions that it will have started, to be asked at any time: while it is at work, and after it was dropped.
    #[must_use]
    pub fn started(&self) -> StartedSessions {
        self.started.clone()
    }

    /// What happens, as it happens, in place of the results at the end. It works only while it is polled.
    ///
    /// ```no_run
    /// # async fn example(jules: jules::Jules) {
    /// use futures::StreamExt as _;
    /// use jules::{BatchEvent, NewSession};
    ///
    /// let mut events = jules.all(["one", "two"], NewSession::new).events();
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         BatchEvent::Started { index, id, .. } => println!("{index}: session {id}"),
    ///         BatchEvent::Ended { index, outcome } => println!("{index}: {}", outcome.is_ok()),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use = "it works only when it is polled"]
    pub fn events(mut self) -> BoxStream<'static, BatchEvent> {
        let items = std::mem::take(&mut self.items).into_iter().enumerate();
        let items = items.map(|(index, new)| self.marked(index, new)).collect();
        let slots = Slots::new(self.concurrency, self.stop_on_error, self.delay, self.slot_timeout);
        let batch = Batch::new(self.jules, items, self.timeout, slots, self.started);
        stream::unfold(batch, |mut batch| async move { Some((batch.next().await?, batch)) }).boxed()
    }

    async fn perform(self) -> Vec<Result<SessionOutcome, Error>> {
        let mut results = Vec::new();
        let mut events = self.events();
        while let Some(event) = events.next().await {
            if let BatchEvent::Ended { index, outcome } = event {
                results.push((index, outcome));
            }
        }
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl IntoFuture for All {
    type Output = Vec<Result<SessionOutcome, Error>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.perform().boxed()
    }
}
