//! The limiter: every request of a client and its derived handles passes it.
//!
//! Four things make a request wait: the quota of its method (creates, activities), the pace that its method's answers
//! 429 have taught, the hold that a 429 sets for requests of its kind, and the quota of all requests. All waiting
//! happens on tokio's clock. Every method has a lane of its own: in it requests go in the order of arrival, and the lanes take
//! turns, so that polls cannot starve creates, nor creates polls. What a hold has dammed up leaves at the learnt pace,
//! not in a flood.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::time::later;
use super::{Method, RequestKind};
use hold::{Cause, Hold};
use learnt::Learnt;

mod hold;
mod learnt;
mod shared;

pub use shared::{Quota, Reservation, SharedQuotas};

/// How many requests a client may send in any minute.
///
/// The service publishes no quotas but one seen in the field: 120 `activities.list` a minute and project. The defaults
/// stay below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quotas {
    /// All requests together; 100.
    pub requests_per_minute: u32,
    /// `sessions.create`; 20.
    pub creates_per_minute: u32,
    /// `activities.list`; 100.
    pub activities_per_minute: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { requests_per_minute: 100, creates_per_minute: 20, activities_per_minute: 100 }
    }
}

impl Quotas {
    /// Quotas that never make a request wait; for simulators.
    pub const UNLIMITED: Self =
        Self { requests_per_minute: u32::MAX, creates_per_minute: u32::MAX, activities_per_minute: u32::MAX };

    /// All requests together, in any minute.
    #[must_use]
    pub fn requests_per_minute(mut self, requests: u32) -> Self {
        self.requests_per_minute = requests;
        self
    }

    /// `sessions.create`, in any minute.
    #[must_use]
    pub fn creates_per_minute(mut self, requests: u32) -> Self {
        self.creates_per_minute = requests;
        self
    }

    /// `activities.list`, in any minute.
    #[must_use]
    pub fn activities_per_minute(mut self, requests: u32) -> Self {
        self.activities_per_minute = requests;
        self
    }
}

/// One in this many of a quota's requests may come in one go.
const BURST_SHARE: u32 = 10;

/// tokio's clock, which stands still and jumps in tests.
#[derive(Clone, Debug)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.start)
    }
}

/// One quota.
struct Bucket {
    cells: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
}

impl Bucket {
    /// A bucket that lets at most `per_minute` requests through in any minute.
    ///
    /// governor's `per_minute(n)` allows a burst of `n` and refills meanwhile, which makes 2n − 1 in the first minute;
    /// so burst and refill share the quota. That leaves one to spare, which a lane needs: its first request takes its
    /// cell before it waits at the gate. (A lane's quota of 1 has none to spare: two can then come within a minute.)
    fn new(per_minute: u32, start: Instant) -> Self {
        let per_minute = per_minute.max(1);
        let burst = (per_minute / BURST_SHARE).max(1);
        let refill = (per_minute - burst).max(1);
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = governor::Quota::per_minute(at_least_one(refill)).allow_burst(at_least_one(burst));
        Self { cells: RateLimiter::direct_with_clock(quota, TokioClock { start }) }
    }

    /// Takes one cell, or says how long there is none.
    fn take(&self) -> Result<(), Duration> {
        self.cells.check().map_err(|not_until| not_until.wait_time_from(self.cells.clock().now()))
    }

    async fn ready(&self) {
        while let Err(wait) = self.take() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// A queue of its own in front of the common gate.
struct Lane {
    turn: Mutex<()>,
    /// How many requests wait for their turn.
    queued: AtomicUsize,
    quota: Option<Bucket>,
    learnt: StdMutex<Learnt>,
}

impl Lane {
    fn new(quota: Option<Bucket>) -> Self {
        Self { turn: Mutex::new(()), queued: AtomicUsize::new(0), quota, learnt: StdMutex::default() }
    }

    /// Waits until the quota and what was learnt allow one more. The caller has the turn.
    async fn ready(&self) {
        if let Some(quota) = &self.quota {
            quota.ready().await;
        }
        loop {
            let now = Instant::now();
            let at = self.learnt(|learnt| learnt.ready_at(now));
            if at <= now {
                return;
            }
            tokio::time::sleep_until(at).await;
        }
    }

    fn learnt<T>(&self, change: impl FnOnce(&mut Learnt) -> T) -> T {
        // Plain numbers: they are whole even if a thread died holding the lock.
        change(&mut self.learnt.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request's place in a queue: given up when it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(queued: &'a AtomicUsize) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(queued)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See the module's text.
pub(super) struct Limiter {
    /// One for each method.
    lanes: [Lane; Method::ALL.len()],
    /// tokio's mutex is fair, and each lane sends only its first one here: so the lanes take turns.
    gate: Mutex<()>,
    all: Bucket,
    /// One for each kind.
    holds: StdMutex<[Hold; RequestKind::ALL.len()]>,
    /// Quotas that other processes share.
    shared: OnceLock<Arc<dyn SharedQuotas>>,
}

/// Requests of one kind that wait because the service has answered 429; see [`Jules::pauses`](super::Jules::pauses).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// What waits. A pause of [`Reads`](RequestKind::Reads) holds activity listings as well.
    pub kind: RequestKind,
    /// For how long yet.
    pub remaining: Duration,
    /// The method that was answered 429.
    pub cause: Method,
    /// What that answer asked for; without it the length is ours, and grows with each refusal in a row.
    pub retry_after: Option<Duration>,
}

/// The right to send one request; the answer's meaning for everybody is given back through it.
#[must_use = "the request is sent after this"]
pub(super) struct Permit {
    limiter: Arc<Limiter>,
    method: Method,
    /// Which hold of its kind was the last one when the permit was given.
    epoch: u64,
    /// How long it took to get it.
    pub(super) waited: Duration,
}

impl Limiter {
    pub(super) fn new(quotas: Quotas) -> Self {
        let start = Instant::now();
        let bucket = |per_minute| Bucket::new(per_minute, start);
        Self {
            lanes: Method::ALL.map(|method| {
                Lane::new(match method {
                    Method::CreateSession => Some(bucket(quotas.creates_per_minute)),
                    Method::ListActivities => Some(bucket(quotas.activities_per_minute)),
                    _ => None,
                })
            }),
            gate: Mutex::new(()),
            all: bucket(quotas.requests_per_minute),
            holds: StdMutex::default(),
            shared: OnceLock::new(),
        }
    }

    /// Waits for the request's turn. Dropping the future gives the place up.
    ///
    /// The waiting is done by a task of its own: a caller may stop polling without dropping (a stream in a `select!`
    /// whose other arm has work to do), and a waiter that keeps its place without moving would hold up everybody
    /// behind it, that caller's next request included.
    pub(super) async fn acquire(self: &Arc<Self>, method: Method) -> Permit {
        let asked = Instant::now();
        let limiter = Arc::clone(self);
        let turn = AbortOnDropHandle::new(tokio::spawn(async move { limiter.turn(method).await }));
        let epoch = match turn.await {
            Ok(epoch) => epoch,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is going down: this future will not be polled again either.
            Err(_) => std::future::pending().await,
        };
        Permit { limiter: Arc::clone(self), method, epoch, waited: asked.elapsed() }
    }

    /// Waits for the turn itself; which hold of its kind was the last one then.
    async fn turn(&self, method: Method) -> u64 {
        let lane = self.lane(method);
        let _place = Place::take(&lane.queued);
        let _turn = lane.turn.lock().await;
        lane.ready().await;
        if let (Some(shared), Some(quota)) = (self.shared.get(), Quota::of(method)) {
            tokio::time::sleep(shared.reserve(quota, method.kind()).await.wait).await;
        }
        // The hold may have moved, and the quota may be gone, while we slept: look again each time.
        loop {
            // Not at the gate: other kinds are not held.
            while let Some(until) = self.held_until(method) {
                tokio::time::sleep_until(until).await;
            }
            let _gate = self.gate.lock().await;
            while self.held_until(method).is_none() {
                if let Err(wait) = self.all.take() {
                    tokio::time::sleep(wait).await;
                } else if self.is_let_through(method).await {
                    lane.learnt(|learnt| learnt.sent(Instant::now()));
                    return self.hold(method.kind(), |hold| hold.epoch());
                }
            }
        }
    }

    /// Waits until those let the request through who share the quotas; not when they hold requests like it.
    async fn is_let_through(&self, method: Method) -> bool {
        let Some(shared) = self.shared.get() else { return true };
        let Reservation { wait, pause } = shared.reserve(Quota::Requests, method.kind()).await;
        if !pause.is_zero() {
            let cause = Cause { method, retry_after: Some(pause) };
            self.hold(method.kind(), |hold| hold.keep(later(Instant::now(), pause), cause));
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }

    /// Shares the quotas from now on; the first who are named are asked.
    pub(super) fn share(&self, quotas: Arc<dyn SharedQuotas>) {
        if self.shared.set(quotas).is_err() {
            tracing::debug!("the quotas are shared already");
        }
    }

    /// How long requests to this method are still held.
    pub(super) fn held_for(&self, method: Method) -> Duration {
        let until = self.held_until(method);
        until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    /// How many requests to this method wait for their turn.
    pub(super) fn queued(&self, method: Method) -> usize {
        self.lane(method).queued.load(Ordering::Relaxed)
    }

    /// The kinds of requests that are held now.
    pub(super) fn pauses(&self) -> Vec<Pause> {
        let now = Instant::now();
        let pause = |kind| {
            let (until, Cause { method, retry_after }) = self.hold(kind, |hold| hold.until())?;
            let remaining = until.saturating_duration_since(now);
            (!remaining.is_zero()).then_some(Pause { kind, remaining, cause: method, retry_after })
        };
        RequestKind::ALL.into_iter().filter_map(pause).collect()
    }

    /// Until when requests to this method are held, if they are.
    fn held_until(&self, method: Method) -> Option<Instant> {
        let kinds = method.kind().paused_with().iter();
        let until =
            kinds.filter_map(|kind| self.hold(*kind, |hold| hold.until())).map(|(until, _)| until).max();
        until.filter(|until| *until > Instant::now())
    }

    fn lane(&self, method: Method) -> &Lane {
        &self.lanes[method as usize]
    }

    fn hold<T>(&self, kind: RequestKind, change: impl FnOnce(&mut Hold) -> T) -> T {
        // A hold is a few plain values: they are whole even if a thread died holding the lock.
        change(&mut self.holds.lock().unwrap_or_else(PoisonError::into_inner)[kind as usize])
    }
}

impl Permit {
    /// The service answered with something else than 429.
    pub(super) fn answered(self) {
        self.limiter.hold(self.method.kind(), |hold| hold.answered(self.epoch));
    }

    /// The service answered 429: holds all requests of this kind.
    pub(super) fn throttled(self, retry_after: Option<Duration>) {
        let (method, dice) = (self.method, fastrand::f64());
        // A create is refused for want of room rather than for its pace, and whoever creates waits for room.
        if method != Method::CreateSession {
            // Epochs count from 0, and what was learnt in one must be older than it.
            let epoch = self.epoch + 1;
            self.limiter.lane(method).learnt(|learnt| learnt.throttled(Instant::now(), epoch));
        }
        let cause = Cause { method, retry_after };
        if let (Some(shared), Some(length)) = (self.limiter.shared.get(), retry_after) {
            shared.paused(method.kind(), length);
        }
        self.limiter.hold(method.kind(), |hold| hold.throttled(Instant::now(), self.epoch, cause, dice));
        let held = self.limiter.held_for(method);
        tracing::debug!(
            kind = method.kind().as_str(),
            ?held,
            ?retry_after,
            "answered 429: requests of this kind are held"
        );
    }
}

#[cfg(test)]
mod tests;
