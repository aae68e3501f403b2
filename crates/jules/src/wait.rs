//! Waiting calls: configured, then awaited, and never without an end that the caller can set.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::error::ErrorKind;
use super::patience::{Absence, Patience};
use super::{Error, Jules, Method, Session, SessionClient, SessionState};

/// A call that waits. Awaiting it starts it; dropping it stops it.
///
/// # Panics
///
/// When it is awaited outside of a Tokio runtime with time and IO.
#[must_use = "it does nothing until it is awaited"]
pub struct Wait<T> {
    operation: Method,
    waiting_for: String,
    limit: Option<Duration>,
    last: LastState,
    work: BoxFuture<'static, Result<T, Error>>,
}

impl<T> Wait<T> {
    /// The client's `wait_timeout` is the limit until another one is set.
    pub(super) fn new<W>(
        jules: &Jules,
        operation: Method,
        waiting_for: String,
        work: impl FnOnce(LastState) -> W,
    ) -> Self
    where
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let last = LastState::default();
        let work = Box::pin(work(last.clone()));
        Self { operation, waiting_for, limit: jules.options().wait_timeout, last, work }
    }

    /// How long to wait at most; `None` waits for ever. Default: the client's
    /// [`wait_timeout`](super::Options::wait_timeout), 2 h.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limit = limit.into();
        self
    }
}

impl<T: Send + 'static> IntoFuture for Wait<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Some(limit) = self.limit else { return self.work };
        Box::pin(async move {
            tokio::time::timeout(limit, self.work).await.unwrap_or_else(|_| {
                let (waiting_for, last_state) = (self.waiting_for, self.last.get());
                let kind = ErrorKind::WaitTimeout { waiting_for, after: limit, last_state };
                Err(Error::new(self.operation, kind))
            })
        })
    }
}

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("waiting_for", &self.waiting_for)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The state that was seen last, for the error when the wait is over.
#[derive(Clone, Debug, Default)]
pub(super) struct LastState(Arc<Mutex<Option<SessionState>>>);

impl LastState {
    pub(super) fn set(&self, session: &Session) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = session.state.clone();
    }

    fn get(&self) -> Option<SessionState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads a session once per poll interval until it is as wanted, or has ended: the one poll loop over single sessions.
pub(super) async fn until(
    client: &SessionClient,
    patience: &mut Patience,
    last: &LastState,
    wanted: impl Fn(&Session) -> bool + Send,
) -> Result<Session, Error> {
    let SessionClient { jules, id, .. } = client;
    loop {
        match jules.get_session(id).await {
            Ok(session) => {
                patience.answered();
                last.set(&session);
                if wanted(&session) || session.is_terminal() {
                    return Ok(session);
                }
            }
            Err(error) if !jules.is_closed() && patience.tolerates(&error, Instant::now()) => {
                tracing::debug!(session = %id, %error, "not now; trying again later");
            }
            Err(error) => return Err(error),
        }
        jules.pause(jules.options().poll_interval).await;
    }
}

/// Waits, as long as anything is sent, until a session was seen to have ended, or has been missing for as long as a fresh one
/// may be. What else goes wrong is borne.
pub(super) async fn until_ended(client: &SessionClient) {
    let options = client.jules.options();
    let (mut absence, mut missing_since) = (Absence::default(), None);
    loop {
        match client.jules.get_session(&client.id).await {
            Ok(session) if session.is_terminal() => return,
            Ok(_) => {
                absence.end();
                missing_since = None;
            }
            Err(error) if error.is_not_found() => {
                let since = *missing_since.get_or_insert_with(Instant::now);
                if !absence.is_tolerated(since.elapsed() < options.fresh_patience) {
                    return;
                }
            }
            Err(_) if client.jules.is_closed() => return,
            Err(error) => tracing::debug!(session = %client.id, %error, "it may not have ended"),
        }
        client.jules.pause(options.poll_interval).await;
    }
}
