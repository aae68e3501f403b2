//! A session without a human: fire and forget, or wait for the result.

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::retry::{Attempts, Next};
use super::wait::Wait;
use super::{
    ActivityStream, Error, Jules, Method, NewSession, Session, SessionClient, SessionId, SessionOutcome,
};

/// A session that runs by itself. Awaiting it waits for its [`result`](Self::result).
#[derive(Clone, Debug)]
pub struct AutomatedSession {
    client: SessionClient,
}

impl Jules {
    /// Creates a session that runs by itself: unless the configuration says otherwise, it opens a pull request (if it
    /// has a repository) and its plan needs no approval.
    ///
    /// Tries again after a failure only when the service surely has not created it.
    ///
    /// # Errors
    ///
    /// [`Error`]; unless [`Error::surely_not_processed`], the session may exist.
    pub async fn run(&self, new: NewSession) -> Result<AutomatedSession, Error> {
        let client = self.create_patiently(&new.for_automation()).await?;
        Ok(AutomatedSession { client })
    }

    /// Creates a session, and tries again when that surely failed for a passing reason.
    pub(super) async fn create_unless_created(&self, new: &NewSession) -> Result<Session, Error> {
        let (started, mut attempts) = (Instant::now(), Attempts::new(self.options().retries));
        loop {
            let error = match self.create_session(new).await {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            match attempts.failed(
                &error,
                started.elapsed(),
                self.held_for(Method::CreateSession),
                fastrand::f64(),
            ) {
                Next::GiveUp => return Err(error),
                Next::Again(pause) => self.pause_before_retry(pause).await,
            }
        }
    }
}

impl AutomatedSession {
    /// The session's id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        self.client.id()
    }

    /// The session's page for humans, when the service named it.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.client.url()
    }

    /// All activities, from the first one until the session has ended.
    pub fn stream(&self) -> ActivityStream {
        self.client.stream()
    }

    /// Waits until the session has ended and tells what became of it. A failed session is an [`SessionOutcome`] as well.
    pub fn result(&self) -> Wait<SessionOutcome> {
        self.client.result()
    }

    /// The same session with a human in the loop.
    #[must_use]
    pub fn into_client(self) -> SessionClient {
        self.client
    }
}

impl IntoFuture for AutomatedSession {
    type Output = Result<SessionOutcome, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.result().into_future()
    }
}
