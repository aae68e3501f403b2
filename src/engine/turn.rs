//! A request's turn: how long it waits for it at most, when it left, and how long all of it took.

use std::time::Duration;

use tokio::time::Instant;

use super::action::Action;
use super::judge::{PATIENCE, own_turn};
use crate::plan::Settings;
use jules::{Departure, Jules};

/// How long a request waits for its turn at most, where that is bounded: a pause that the service asks for can last for
/// hours. Creates and the first listing wait as long as for capacity, readings and last looks two minutes and what our own
/// quota takes.
pub(super) fn waits_for_its_turn(action: &Action, settings: &Settings) -> Option<Duration> {
    let (capacity_wait, turn) = (settings.limits.capacity_wait, own_turn(settings));
    match action {
        Action::Survey { .. } | Action::Create { .. } => Some(capacity_wait),
        Action::Audit { .. } | Action::Recheck { .. } | Action::Look { .. } => {
            Some(PATIENCE.min(capacity_wait) + turn)
        }
        Action::Read { .. } => Some(PATIENCE + turn),
        Action::Search { .. }
        | Action::Poll(_)
        | Action::Approve { .. }
        | Action::Send { .. }
        | Action::Archive { .. } => None,
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
