//! A create's turn that is had before it is decided what is done with it.

use std::time::Duration;

use super::client::parse;
use super::error::ErrorKind;
use super::limiter::Permit;
use super::send_by::{SendBy, awake_or_not};
use super::transport::Request;
use super::{Error, Jules, Method, NewSession, Options, Session};

/// The right to send one request, and when it was had.
pub(super) struct Granted {
    pub(super) permit: Permit,
    at: Duration,
}

impl Granted {
    pub(super) fn now(permit: Permit) -> Self {
        Self { permit, at: awake_or_not() }
    }

    /// Until when its request may leave.
    pub(super) fn send_by(&self, options: &Options) -> Option<SendBy> {
        options.send_promptly.map(|limit| SendBy::after(self.at, limit))
    }
}

/// The turn of one create, from [`Jules::turn_to_create`]: quotas and pauses have let it through.
///
/// For who writes down that a session is about to be created before it is: between that and the request nothing waits any
/// more, and with [`Options::send_promptly`] the request leaves within that time of the turn or never. Dropping it gives up
/// the turn; the quota has counted it.
#[must_use = "a turn that is not used is lost"]
pub struct Turn {
    jules: Jules,
    granted: Granted,
}

impl Jules {
    /// Waits until quotas and pauses let a create through, as long as it may ([`Options::send_within`],
    /// [`Options::send_through`]). Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSent`].
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn turn_to_create(&self) -> Result<Turn, Error> {
        let granted = self.turn(Method::CreateSession).await?;
        Ok(Turn { jules: self.clone(), granted })
    }
}

impl Turn {
    /// How long ago it was had or renewed, by a clock that goes on while the process is stopped and the machine sleeps.
    #[must_use]
    pub fn age(&self) -> Duration {
        awake_or_not().saturating_sub(self.granted.at)
    }

    /// From now on the time counts within which it may leave ([`Options::send_promptly`]): for who has looked at something
    /// else since the turn was had, and decides now.
    pub fn renew(&mut self) {
        self.granted.at = awake_or_not();
    }

    /// Creates a session with **one** POST, like [`Jules::create_session`], without waiting for anything before it.
    ///
    /// # Errors
    ///
    /// [`Error`], also when the service created the session and its answer was lost; [`ErrorKind::NotSent`] when the gate
    /// has closed meanwhile, [`ErrorKind::TooLate`] when the time to send it was over.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn create_session(self, new: &NewSession) -> Result<Session, Error> {
        let request = Request::create(new)?;
        let Self { jules, granted } = self;
        if jules.is_closed() {
            return Err(Error::new(Method::CreateSession, ErrorKind::NotSent(granted.permit.waited)));
        }
        jules.once(&request, granted, &parse).await
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("waited", &self.granted.permit.waited).finish_non_exhaustive()
    }
}
