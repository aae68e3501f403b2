//! What can go wrong with a request, and what it means for the caller.

use std::fmt;
use std::time::Duration;

use super::{Method, RequestKind, SessionId, SessionState, TitleMarker};

/// A failed call: which one, what went wrong, and what the lower layers say (its `source`).
///
/// Its text never holds the API key or a URL with it, and what the service wrote stands in it without control
/// characters.
pub struct Error(Box<Inner>);

struct Inner {
    operation: Method,
    kind: ErrorKind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Whatever its kind says: it is known that nothing was done.
    is_undone: bool,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request could not be put together, for the reason given; nothing was sent.
    Input(String),
    /// Its turn did not come within this time (quotas, pauses after answers 429); nothing was sent.
    NotSent(Duration),
    /// It could not be sent within this time of its turn ([`Options::send_promptly`](super::Options::send_promptly)), and
    /// was not sent later: the service has not got all of it, and has done nothing.
    TooLate(Duration),
    /// No connection: refused, unknown host, failed TLS. Nothing was sent.
    Connect,
    /// The answer was not there within this time.
    Timeout(Duration),
    /// The connection broke before the answer was complete.
    Interrupted,
    /// The answer was longer than this many bytes.
    TooLarge(usize),
    /// The answer says success, but is not what the method answers with.
    Malformed,
    /// The service refused.
    Refused(Refusal),
    /// A wait of the caller's was over: what was waited for, and how long.
    WaitTimeout {
        /// What was waited for.
        waiting_for: String,
        /// How long.
        after: Duration,
        /// The session's state when it was read last, if that is known.
        last_state: Option<SessionState>,
    },
    /// Nobody knows whether the session was created. Where it has a marker,
    /// [`Jules::find_created`](super::Jules::find_created) finds it later.
    InDoubt {
        /// What its title ends with, if it exists.
        marker: Option<TitleMarker>,
        /// Why looking for it did not tell.
        reason: String,
    },
    /// The session ended otherwise than waited for.
    SessionEnded {
        /// The session.
        session: SessionId,
        /// How it ended.
        state: SessionState,
    },
    /// `all()` did not start this item, because one before it had failed.
    NotStarted,
    /// `all()` did not start this item: for this long, all slots were held by sessions that were given up and had not ended.
    NoSlot(Duration),
}

/// An answer of the service that says no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP code.
    pub code: u16,
    /// The status word of the error envelope: `RESOURCE_EXHAUSTED`.
    pub status: Option<String>,
    /// What the service says, without control characters and cut to 1,000 characters. Foreign text.
    pub message: String,
    /// `details[].reason` and the fields of `details[].fieldViolations[]`.
    pub reasons: Vec<String>,
    /// How long it asks to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error without a cause below it; for stand-ins of the client in tests as well.
    #[must_use]
    pub fn new(operation: Method, kind: ErrorKind) -> Self {
        Self(Box::new(Inner { operation, kind, source: None, is_undone: false }))
    }

    pub(super) fn caused_by(
        operation: Method,
        kind: ErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self(Box::new(Inner { operation, kind, source: Some(source.into()), is_undone: false }))
    }

    /// The same where it is known that nothing came of it: it was looked for, or nothing was asked for yet.
    pub(super) fn undone(mut self) -> Self {
        self.0.is_undone = true;
        self
    }

    /// The method that was called.
    #[must_use]
    pub fn operation(&self) -> Method {
        self.0.operation
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The service's refusal, if that is what it is.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.kind() {
            ErrorKind::Refused(refusal) => Some(refusal),
            ErrorKind::Input(_)
            | ErrorKind::NotSent(_)
            | ErrorKind::TooLate(_)
            | ErrorKind::Connect
            | ErrorKind::Timeout(_)
            | ErrorKind::Interrupted
            | ErrorKind::TooLarge(_)
            | ErrorKind::Malformed
            | ErrorKind::WaitTimeout { .. }
            | ErrorKind::InDoubt { .. }
            | ErrorKind::SessionEnded { .. }
            | ErrorKind::NotStarted
            | ErrorKind::NoSlot(_) => None,
        }
    }

    /// The HTTP code of the service's refusal.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.code)
    }

    /// Whether the same call may well succeed later: network trouble, 408, 429, 5xx, a broken answer.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::NotSent(_)
            | ErrorKind::TooLate(_)
            | ErrorKind::Connect
            | ErrorKind::Timeout(_)
            | ErrorKind::Interrupted
            | ErrorKind::Malformed => true,
            ErrorKind::Refused(refusal) => matches!(refusal.code, 408 | 429 | 500..),
            ErrorKind::Input(_)
            | ErrorKind::TooLarge(_)
            | ErrorKind::WaitTimeout { .. }
            | ErrorKind::InDoubt { .. }
            | ErrorKind::SessionEnded { .. }
            | ErrorKind::NotStarted
            | ErrorKind::NoSlot(_) => false,
        }
    }

    /// Whether the key is missing, wrong or not allowed to do this: 401, 403.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        matches!(self.code(), Some(401 | 403))
    }

    /// Whether the resource does not exist, or not yet: 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the quota is spent for now: 429.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.code() == Some(429)
    }

    /// Whether a message, an approval or the like was refused because the session is not in a state for it, such as an
    /// approval without a plan that waits for one: 400 with `FAILED_PRECONDITION`, 409.
    #[must_use]
    pub fn is_wrong_state(&self) -> bool {
        let refusal = self.refusal().filter(|_| self.operation().kind() == RequestKind::Writes);
        refusal.is_some_and(|refusal| {
            refusal.code == 409
                || (refusal.code == 400 && refusal.status.as_deref() == Some("FAILED_PRECONDITION"))
        })
    }

    /// Whether a creation was refused for lack of room: 429, or 400 with `FAILED_PRECONDITION`, which the service
    /// gives for too many live sessions without saying so.
    #[must_use]
    pub fn is_capacity_refusal(&self) -> bool {
        let refusal = self.refusal().filter(|_| self.operation() == Method::CreateSession);
        refusal.is_some_and(|refusal| {
            refusal.code == 429
                || (refusal.code == 400 && refusal.status.as_deref() == Some("FAILED_PRECONDITION"))
        })
    }

    /// Whether the service surely has not done what was asked: nothing was sent, or it answered 401, 403, 404, 429
    /// or 400 `INVALID_ARGUMENT`, or the session was looked for afterwards and is not there.
    ///
    /// Everything else is in doubt: sessions have been seen to exist although the client saw a 5xx, a timeout, a
    /// reset, a broken body or a 400 `FAILED_PRECONDITION`.
    #[must_use]
    pub fn surely_not_processed(&self) -> bool {
        if self.0.is_undone {
            return true;
        }
        match self.kind() {
            ErrorKind::Input(_)
            | ErrorKind::NotSent(_)
            | ErrorKind::TooLate(_)
            | ErrorKind::Connect
            | ErrorKind::NotStarted
            | ErrorKind::NoSlot(_) => true,
            ErrorKind::Refused(refusal) => match refusal.code {
                401 | 403 | 404 | 429 => true,
                400 => refusal.status.as_deref() == Some("INVALID_ARGUMENT"),
                _ => false,
            },
            ErrorKind::Timeout(_)
            | ErrorKind::Interrupted
            | ErrorKind::TooLarge(_)
            | ErrorKind::Malformed
            | ErrorKind::WaitTimeout { .. }
            | ErrorKind::InDoubt { .. }
            | ErrorKind::SessionEnded { .. } => false,
        }
    }

    /// How long the service asks to wait before the next try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.0.operation.doing(), self.0.kind)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("operation", &self.0.operation)
            .field("kind", &self.0.kind)
            .field("source", &self.0.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(reason) => write!(f, "{reason}"),
            Self::NotSent(after) => write!(f, "its turn did not come within {after:?}, and it was not sent"),
            Self::TooLate(limit) => {
                write!(f, "it could not be sent within {limit:?} of its turn, and was not sent later")
            }
            Self::Connect => write!(f, "no connection to the service"),
            Self::Timeout(after) => write!(f, "no complete answer within {after:?}"),
            Self::Interrupted => write!(f, "the connection broke before the answer was complete"),
            Self::TooLarge(limit) => write!(f, "the answer is longer than {limit} bytes"),
            Self::Malformed => write!(f, "the answer is not what this method answers with"),
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::WaitTimeout { waiting_for, after, last_state } => {
                write!(f, "gave up waiting for {waiting_for} after {after:?}")?;
                last_state.as_ref().map_or(Ok(()), |state| write!(f, "; it is {state}"))
            }
            Self::InDoubt { marker, reason } => {
                write!(f, "nobody knows whether the session was created: {reason}")?;
                let Some(marker) = marker else { return Ok(()) };
                write!(f, "; if it was, its title ends with {marker}")
            }
            Self::SessionEnded { session, state } => write!(f, "session {session} ended as {state}"),
            Self::NotStarted => write!(f, "not started, because an item before it failed"),
            Self::NoSlot(after) => write!(
                f,
                "not started: for {after:?} all slots were held by sessions that were given up and had not ended"
            ),
        }
    }
}

impl Refusal {
    /// A refusal with this HTTP code and status word.
    #[must_use]
    pub fn new(code: u16, status: Option<&str>) -> Self {
        Self { code, status: status.map(str::to_owned), ..Self::default() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service answered {}", self.code)?;
        if matches!(self.code, 300..400) {
            return f.write_str(", a redirect, which is not followed with the key");
        }
        if let Some(status) = &self.status {
            write!(f, " {status}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, status: Option<&str>) -> Error {
        Error::new(Method::CreateSession, ErrorKind::Refused(Refusal::new(code, status)))
    }

    #[test]
    fn only_the_listed_refusals_prove_that_nothing_was_created() {
        let sure = [(401, None), (403, None), (404, None), (429, None), (400, Some("INVALID_ARGUMENT"))];
        for (code, status) in sure {
            assert!(refused(code, status).surely_not_processed(), "{code} {status:?}");
        }
        let doubt = [
            (400, Some("FAILED_PRECONDITION")),
            (400, None),
            (302, None),
            (408, None),
            (409, None),
            (500, None),
            (503, None),
        ];
        for (code, status) in doubt {
            assert!(!refused(code, status).surely_not_processed(), "{code} {status:?}");
        }
        let sure = |kind| Error::new(Method::CreateSession, kind).surely_not_processed();
        assert!(sure(ErrorKind::Connect) && sure(ErrorKind::TooLate(Duration::from_secs(10))));
        assert!(!sure(ErrorKind::Timeout(Duration::from_secs(30))));
        assert!(!sure(ErrorKind::Interrupted));
        assert!(!sure(ErrorKind::Malformed));
        assert!(!sure(ErrorKind::TooLarge(1)));
    }

    #[test]
    fn refusals_are_told_apart_by_code_and_status() {
        assert!(refused(429, None).is_capacity_refusal());
        assert!(refused(400, Some("FAILED_PRECONDITION")).is_capacity_refusal());
        assert!(!refused(400, Some("INVALID_ARGUMENT")).is_capacity_refusal());
        assert!(refused(401, None).is_auth() && refused(403, None).is_auth());
        assert!(refused(404, None).is_not_found());
        assert!(refused(503, None).is_transient() && !refused(404, None).is_transient());
    }

    #[test]
    fn a_write_is_refused_for_the_sessions_state() {
        let is_wrong_state = |method, code, status| {
            Error::new(method, ErrorKind::Refused(Refusal::new(code, status))).is_wrong_state()
        };
        assert!(is_wrong_state(Method::ApprovePlan, 400, Some("FAILED_PRECONDITION")));
        assert!(is_wrong_state(Method::SendMessage, 409, None));
        assert!(!is_wrong_state(Method::ApprovePlan, 400, Some("INVALID_ARGUMENT")));
        assert!(!is_wrong_state(Method::CreateSession, 400, Some("FAILED_PRECONDITION")));
        assert!(!is_wrong_state(Method::SendMessage, 404, None));
    }

    #[test]
    fn only_a_creation_is_refused_for_capacity() {
        for method in Method::ALL {
            for (code, status) in [(429, "RESOURCE_EXHAUSTED"), (400, "FAILED_PRECONDITION")] {
                let error = Error::new(method, ErrorKind::Refused(Refusal::new(code, Some(status))));
                assert_eq!(error.is_capacity_refusal(), method == Method::CreateSession, "{method} {code}");
            }
        }
    }

    #[test]
    fn message_and_source_do_not_print_the_same() {
        let error = Error::caused_by(Method::GetSession, ErrorKind::Connect, "tcp connect error");
        assert_eq!(error.to_string(), "reading a session failed: no connection to the service");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "tcp connect error");
    }
}
