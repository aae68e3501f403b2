//! Quotas that several processes share.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::{Method, RequestKind};

/// What a request is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quota {
    /// All requests.
    Requests,
    /// `sessions.create`.
    Creates,
    /// `activities.list`.
    Activities,
}

impl Quota {
    /// The one of a method's own, beside that of all requests.
    pub(super) fn of(method: Method) -> Option<Self> {
        match method.kind() {
            RequestKind::Creates => Some(Self::Creates),
            RequestKind::Activities => Some(Self::Activities),
            RequestKind::Reads | RequestKind::Writes => None,
        }
    }
}

/// How long a request has to wait that was reserved elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    /// Until its turn, which it has.
    pub wait: Duration,
    /// Until requests of its kind are let through again, where another process was asked for a pause: then it is asked for once
    /// more.
    pub pause: Duration,
}

/// Quotas that several clients share, each perhaps in a process of its own: asked before each request, beside the client's
/// own [`Quotas`](super::Quotas). Given to a client with [`Jules::share_quotas`](crate::Jules::share_quotas).
pub trait SharedQuotas: fmt::Debug + Send + Sync {
    /// Reserves one request. Whoever cannot be reached lets it through.
    fn reserve(
        &self,
        quota: Quota,
        kind: RequestKind,
    ) -> Pin<Box<dyn Future<Output = Reservation> + Send + 'static>>;

    /// The service has answered 429 and asked for this pause of requests of a kind. It must not block.
    fn paused(&self, kind: RequestKind, length: Duration);
}
