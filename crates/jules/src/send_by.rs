//! Until when a write may leave, and the body that leaves no later.
//!
//! A process can be stopped, and a machine put to sleep, at any instant: also between a look at the clock and the bytes.
//! What was to be sent then leaves long after it was decided, and after others have taken it for never sent. So the look
//! stands where HTTP pulls the body, behind name look-up, connecting and TLS: a request whose last bytes never come is
//! none.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body is handed out in pieces of so many bytes, each after a look at the clock: one that the connection takes slowly
/// is not whole before its last piece.
const PIECE: usize = 16 * 1024;

/// What the clock shows that goes on while the process is stopped and while the machine sleeps.
/// [`Instant`](std::time::Instant) stands still in a machine's sleep on some systems.
#[cfg(unix)]
pub(super) fn awake_or_not() -> Duration {
    use nix::time::{ClockId, clock_gettime};

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;
    // Where there is no such clock nothing can be told to be late.
    clock_gettime(CLOCK).map_or(Duration::ZERO, Duration::from)
}

/// The same where [`Instant`](std::time::Instant) goes on while the machine sleeps.
#[cfg(not(unix))]
pub(super) fn awake_or_not() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Until when a request may leave.
#[derive(Clone, Copy)]
pub(super) struct SendBy {
    /// How long it may take.
    pub(super) limit: Duration,
    until: Duration,
    clock: fn() -> Duration,
}

impl SendBy {
    /// So long after `since`, which is of [`awake_or_not`].
    pub(super) fn after(since: Duration, limit: Duration) -> Self {
        Self { limit, until: since.saturating_add(limit), clock: awake_or_not }
    }

    fn is_over(&self) -> bool {
        (self.clock)() > self.until
    }
}

impl fmt::Debug for SendBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBy")
            .field("limit", &self.limit)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// Tells that a body was not handed out whole because its time was over.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<AtomicBool>);

impl Kept {
    /// Whether the service surely has not got the whole request.
    pub(super) fn back(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A request's body that hands out nothing after its time.
#[derive(Debug)]
pub(super) struct InTime {
    rest: Bytes,
    by: Option<SendBy>,
    kept: Kept,
}

impl InTime {
    pub(super) fn new(body: impl Into<Bytes>, by: Option<SendBy>) -> (Self, Kept) {
        let kept = Kept::default();
        (Self { rest: body.into(), by, kept: kept.clone() }, kept)
    }

    /// The next piece; none at the end.
    fn next(&mut self) -> Option<Result<Bytes, Late>> {
        if self.rest.is_empty() {
            return None;
        }
        if self.by.is_some_and(|by| by.is_over()) {
            self.kept.0.store(true, Ordering::Release);
            return Some(Err(Late));
        }
        let piece = self.rest.len().min(PIECE);
        Some(Ok(self.rest.split_to(piece)))
    }
}

/// The body's time is over.
#[derive(Debug, thiserror::Error)]
#[error("it is too late to send it")]
pub(super) struct Late;

impl Body for InTime {
    type Data = Bytes;
    type Error = Late;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.next().map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    /// The length is known: it is announced, and nothing goes out in chunks of unknown number.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static CLOCK: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    fn at(seconds: u64) {
        CLOCK.set(Duration::from_secs(seconds));
    }

    fn body(length: usize) -> (InTime, Kept) {
        let by = SendBy {
            clock: || CLOCK.get(),
            ..SendBy::after(Duration::from_secs(100), Duration::from_secs(10))
        };
        InTime::new(vec![b'x'; length], Some(by))
    }

    #[test]
    fn a_body_leaves_whole_in_its_time_and_says_how_long_it_is() {
        let (mut body, kept) = body(PIECE + 1);
        assert_eq!(body.size_hint().exact(), Some(PIECE as u64 + 1));
        at(100);
        assert_eq!(body.next().unwrap().unwrap().len(), PIECE);
        at(110);
        assert_eq!(body.next().unwrap().unwrap().len(), 1);
        at(111);
        assert!(body.next().is_none() && !kept.back(), "it has left");
    }

    #[test]
    fn nothing_leaves_after_it_and_no_last_piece_either() {
        let (mut whole, kept) = body(1);
        at(111);
        assert!(whole.next().unwrap().is_err() && kept.back());
        let (mut parts, kept) = body(PIECE + 1);
        at(110);
        assert!(parts.next().unwrap().is_ok() && !kept.back());
        at(111);
        assert!(parts.next().unwrap().is_err() && kept.back());
    }

    #[test]
    fn without_a_time_it_leaves_at_any() {
        let (mut body, kept) = InTime::new("{}", None);
        at(u64::MAX);
        assert!(body.next().unwrap().is_ok() && body.next().is_none() && !kept.back());
    }
}
