//! Many sessions: a bounded number at a time, every one accounted for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::ErrorKind;
use super::{Error, Jules, Method, NewSession, SessionOutcome};

/// `run()` for each of many items; configured, then awaited.
///
/// Gives one result per item, in the items' order. A slot is held until its session has **ended**, so that never more
/// than [`concurrency`](Self::concurrency) sessions live at once.
#[derive(Debug)]
#[must_use = "it does nothing until it is awaited"]
pub struct All {
    jules: Jules,
    items: Vec<NewSession>,
    concurrency: usize,
    stop_on_error: bool,
    delay: Duration,
    timeout: Option<Duration>,
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
    /// [`ErrorKind::NotStarted`]. Default true.
    pub fn stop_on_error(mut self, stop: bool) -> Self {
        self.stop_on_error = stop;
        self
    }

    /// The shortest time between two starts. Default 0.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How long to wait for each session; `None` waits for ever. Default: the client's
    /// [`wait_timeout`](super::Options::wait_timeout), 2 h.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeout = limit.into();
        self
    }

    async fn perform(self) -> Vec<Result<SessionOutcome, Error>> {
        let Self { jules, items, concurrency, stop_on_error, delay, timeout } = self;
        let (starts, stopped) = (Starts::new(delay), AtomicBool::new(false));
        let (jules, starts, stopped) = (&jules, &starts, &stopped);
        let sessions = items.into_iter().enumerate().map(|(place, new)| async move {
            starts.turn(|| stopped.load(Ordering::Relaxed)).await;
            let result = if stopped.load(Ordering::Relaxed) {
                Err(Error::new(Method::CreateSession, ErrorKind::NotStarted))
            } else {
                run(jules, new, timeout).await
            };
            if result.is_err() && stop_on_error {
                stopped.store(true, Ordering::Relaxed);
            }
            (place, result)
        });
        let mut results: Vec<_> = stream::iter(sessions).buffer_unordered(concurrency).collect().await;
        results.sort_unstable_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

async fn run(jules: &Jules, new: NewSession, timeout: Option<Duration>) -> Result<SessionOutcome, Error> {
    jules.run(new).await?.result().timeout(timeout).await
}

/// Keeps the distance between starts.
struct Starts {
    delay: Duration,
    next: Mutex<Option<Instant>>,
}

impl Starts {
    fn new(delay: Duration) -> Self {
        Self { delay, next: Mutex::new(None) }
    }

    /// Waits for the next start, unless there will be none.
    async fn turn(&self, stopped: impl Fn() -> bool) {
        if self.delay.is_zero() {
            return;
        }
        let mut next = self.next.lock().await;
        if let Some(next) = *next
            && !stopped()
        {
            tokio::time::sleep_until(next).await;
        }
        *next = Some(Instant::now() + self.delay);
    }
}

impl IntoFuture for All {
    type Output = Vec<Result<SessionOutcome, Error>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.perform())
    }
}
