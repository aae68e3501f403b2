//! A request's turn: how long it waits for it at most, when it left, and how long all of it took.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::action::{Action, Attempt, Purpose};
use super::judge::{PATIENCE, own_turn};
use crate::plan::Settings;
use jules::{Departure, Jules, Turn};

/// What does not wait for its turn has this time to pass through an idle limiter.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How long what an account reserves for a create is sure to be there: half of the two minutes after which it passes.
const RESERVED: Duration = Duration::from_secs(60);

/// How long a request waits for its turn at most, where that is bounded: a pause that the service asks for can last for
/// hours. What is only shown does not wait, creates and the first listing wait as long as for capacity, readings and last looks two minutes and what our own
/// quota takes.
pub(super) fn waits_for_its_turn(action: &Action, settings: &Settings) -> Option<Duration> {
    let (capacity_wait, turn) = (settings.limits.capacity_wait, own_turn(settings));
    match action {
        Action::Survey { .. } | Action::Turn { .. } => Some(capacity_wait),
        Action::Audit { .. } | Action::Recheck { .. } | Action::Look { .. } => {
            Some(PATIENCE.min(capacity_wait) + turn)
        }
        Action::Read { purpose: Purpose::Show, .. } => Some(AT_ONCE),
        Action::Read { .. } | Action::Tell { .. } => Some(PATIENCE + turn),
        Action::Create { .. }
        | Action::Search { .. }
        | Action::Poll(_)
        | Action::Approve { .. }
        | Action::Send { .. }
        | Action::Archive { .. } => None,
    }
}

/// The turns of creates that were had: those that nobody has a use for yet are alike, and one that a POST is decided for is
/// that POST's.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    had: Arc<Mutex<Had>>,
    /// How long after it was had one can be used; none for ever.
    usable: Option<Duration>,
}

#[derive(Debug, Default)]
struct Had {
    free: Vec<Turn>,
    taken: Vec<(Attempt, Turn)>,
}

impl Turns {
    /// Those that an account has reserved something for, which passes.
    pub(super) fn reserved() -> Self {
        Self { usable: Some(RESERVED), ..Self::default() }
    }

    /// One more was had.
    pub(super) fn put(&self, turn: Turn) {
        self.had().free.push(turn);
    }

    /// A POST is decided: from now on its time counts. One whose turn is too old does not leave any more.
    pub(super) fn decide(&self, attempt: Attempt) {
        let mut had = self.had();
        if let Some(mut turn) = had.free.pop() {
            if self.usable.is_none_or(|usable| turn.age() <= usable) {
                turn.renew();
            }
            had.taken.push((attempt, turn));
        }
    }

    /// The turn of that POST.
    pub(super) fn take(&self, attempt: Attempt) -> Option<Turn> {
        let mut had = self.had();
        let place = had.taken.iter().position(|(of, _)| *of == attempt)?;
        Some(had.taken.swap_remove(place).1)
    }

    fn had(&self) -> MutexGuard<'_, Had> {
        // Both lists are whole even if a thread died holding the lock.
        self.had.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a request left, and how long it took.
pub(super) struct Clock {
    begun: Instant,
    departure: Departure,
}

impl Clock {
    /// For the next request of the handle that this gives.
    pub(super) fn start(api: &Jules) -> (Self, Jules) {
        let departure = Departure::default();
        let api = api.with(|options| options.tell_departure(departure.clone()));
        (Self { begun: Instant::now(), departure }, api)
    }

    /// When it left, and how long it took, the wait for its turn included.
    pub(super) fn stop(&self) -> (Instant, Duration) {
        let now = Instant::now();
        let left = self.departure.ago().and_then(|ago| now.checked_sub(ago));
        (left.unwrap_or(now), now.saturating_duration_since(self.begun))
    }
}
