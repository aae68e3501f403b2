//! The limiter: every request of a client and its derived handles passes it.
//!
//! Four things make a request wait: the quota of its method (creates, activities), the pace that its method's answers
//! 429 have taught, the quota of all requests, and the hold that a 429 sets for everybody. All waiting happens on
//! tokio's clock. Every method has a lane of its own: in it requests go in the order of arrival, and the lanes take
//! turns, so that polls cannot starve creates, nor creates polls. What a hold has dammed up leaves at the learnt pace,
//! not in a flood.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::Method;
use hold::Hold;
use learnt::Learnt;

mod hold;
mod learnt;

/// How many requests a client may send in any minute.
///
/// The service publishes no quotas but one seen in the field: 120 `activities.list` a minute and project. The defaults
/// stay below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let quota = Quota::per_minute(at_least_one(refill)).allow_burst(at_least_one(burst));
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
    quota: Option<Bucket>,
    learnt: StdMutex<Learnt>,
}

impl Lane {
    fn new(quota: Option<Bucket>) -> Self {
        Self { turn: Mutex::new(()), quota, learnt: StdMutex::default() }
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

/// See the module's text.
pub(super) struct Limiter {
    /// One for each method.
    lanes: [Lane; Method::ALL.len()],
    /// tokio's mutex is fair, and each lane sends only its first one here: so the lanes take turns.
    gate: Mutex<()>,
    all: Bucket,
    hold: StdMutex<Hold>,
}

/// The right to send one request; the answer's meaning for everybody is given back through it.
#[must_use = "the request is sent after this"]
pub(super) struct Permit {
    limiter: Arc<Limiter>,
    method: Method,
    /// Which hold was the last one when the permit was given.
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
            hold: StdMutex::new(Hold::default()),
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

    /// Waits for the turn itself; which hold was the last one then.
    async fn turn(&self, method: Method) -> u64 {
        let lane = self.lane(method);
        let _turn = lane.turn.lock().await;
        lane.ready().await;
        let _gate = self.gate.lock().await;
        // The hold may have moved, and the quota may be gone, while we slept: look again each time.
        loop {
            let (until, epoch) = self.hold(|hold| (hold.until(), hold.epoch()));
            if let Some(until) = until.filter(|until| *until > Instant::now()) {
                tokio::time::sleep_until(until).await;
            } else if let Err(wait) = self.all.take() {
                tokio::time::sleep(wait).await;
            } else {
                lane.learnt(|learnt| learnt.sent(Instant::now()));
                return epoch;
            }
        }
    }

    /// How long everybody is still held.
    pub(super) fn held_for(&self) -> Duration {
        let until = self.hold(|hold| hold.until());
        until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    fn lane(&self, method: Method) -> &Lane {
        &self.lanes[method as usize]
    }

    fn hold<T>(&self, change: impl FnOnce(&mut Hold) -> T) -> T {
        // The hold is three plain numbers: they are whole even if a thread died holding the lock.
        change(&mut self.hold.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Permit {
    /// The service answered with something else than 429.
    pub(super) fn answered(self) {
        self.limiter.hold(|hold| hold.answered(self.epoch));
    }

    /// The service answered 429: holds everybody.
    pub(super) fn throttled(self, retry_after: Option<Duration>) {
        let dice = fastrand::f64();
        // A create is refused for want of room rather than for its pace, and whoever creates waits for room.
        if self.method != Method::CreateSession {
            // Epochs count from 0, and what was learnt in one must be older than it.
            let epoch = self.epoch + 1;
            self.limiter.lane(self.method).learnt(|learnt| learnt.throttled(Instant::now(), epoch));
        }
        self.limiter.hold(|hold| hold.throttled(Instant::now(), self.epoch, retry_after, dice));
        tracing::debug!(held = ?self.limiter.held_for(), ?retry_after, "answered 429: all requests are held");
    }
}

#[cfg(test)]
mod tests;
