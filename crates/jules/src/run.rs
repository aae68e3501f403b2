//! A session without a human: fire and forget, or wait for the result.

use futures::future::BoxFuture;

use super::wait::Wait;
use super::{ActivityStream, Error, Jules, NewSession, SessionClient, SessionId, SessionOutcome};

/// A session that runs by itself. Awaiting it waits for its [`result`](Self::result).
///
/// # Panics
///
/// When it is awaited outside of a Tokio runtime with time and IO.
#[derive(Clone, Debug)]
pub struct AutomatedSession {
    pub(super) client: SessionClient,
}

impl Jules {
    /// Creates a session that runs by itself: unless the configuration says otherwise, it opens a pull request (if it
    /// has a repository) and its plan needs no approval.
    ///
    /// Creates exactly one session. Its title ends with a [marker](NewSession::marker): when the answer to the creation is lost
    /// (a 5xx, a timeout, a reset), the session is looked for by that and given, and only when it is not there after
    /// [some looks](super::Options::looks) it is created again.
    ///
    /// # Errors
    ///
    /// [`Error`]; with [`ErrorKind::InDoubt`](super::ErrorKind::InDoubt) the session may exist.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn run(&self, new: NewSession) -> Result<AutomatedSession, Error> {
        let client = self.create_patiently(&new.for_automation()).await?;
        Ok(AutomatedSession { client })
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

    /// Waits until the session has ended and tells what became of it. A failed session is a [`SessionOutcome`] as well.
    ///
    /// # Errors
    ///
    /// Those of [`SessionClient::result`].
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
