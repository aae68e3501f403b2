//! What the agent did last, for those who look on: nothing is decided by it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Driver, Step};
use crate::engine::input::{Digest, Now};
use jules::{SessionId, SessionState};

/// What was read only to be shown, and what was told.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// When it was read for that last.
    asked: Option<Instant>,
    /// The time of the agent's newest activity that was told.
    told: Option<jiff::Timestamp>,
}

impl Driver {
    /// From when on its activities may be read to be shown: the first time after `first`, then every so often. None while
    /// it is not at work, or is read anyway.
    pub(in crate::engine) fn show_from(&self, first: Duration, every: Duration) -> Option<Instant> {
        let is_at_work = matches!(self.state, SessionState::Planning | SessionState::InProgress);
        let is_free = !self.archived && !self.acting && self.reading.is_none() && !self.is_over_for_us();
        let from = || self.shown.asked.map_or(self.known_since + first, |asked| asked + every);
        (is_at_work && is_free).then(from)
    }

    /// Its activities are read now to be shown.
    pub(in crate::engine) fn show(&mut self, now: Now) -> SessionId {
        self.shown.asked = Some(now.instant);
        self.session.clone()
    }

    /// Its activities were read to be shown.
    pub(in crate::engine) fn on_shown(&mut self, digest: &Digest, now: Now) -> Vec<Step> {
        if self.is_over_for_us() { Vec::new() } else { self.tell(digest, now).into_iter().collect() }
    }

    /// What the agent did last, if that is news.
    pub(super) fn tell(&mut self, digest: &Digest, now: Now) -> Option<Step> {
        let newest = digest.told.last_agent;
        if newest.is_none() || newest <= self.shown.told {
            return None;
        }
        self.shown.told = newest;
        let ago = silence(digest, now);
        digest.told.last_activity.clone().map(|activity| Step::Active { activity, ago })
    }
}

/// How long the agent has been silent, by the clock that its activity's time is of.
pub(super) fn silence(digest: &Digest, now: Now) -> Duration {
    let read_at = digest.read_at.unwrap_or(now.wall);
    let silence = |at| Duration::try_from(read_at.duration_since(at)).unwrap_or(Duration::ZERO);
    digest.told.last_agent.map_or(Duration::ZERO, silence)
}
