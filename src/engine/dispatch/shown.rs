//! Readings of activities that are only shown: whose turn it is, and what they tell.

use jiff::SignedDuration;
use tokio::time::Instant;

use super::tasks::State;
use super::{Dispatch, Stage};
use crate::engine::action::{Action, Attempt, Purpose};
use crate::engine::input::{Digest, Now, RequestFailure};
use crate::engine::stop::StopReason;
use crate::outcome::{ApiUsage, EventKind, ServiceStatus};

impl Dispatch {
    /// What was asked so far, and how the service answers.
    pub(super) fn on_usage(&mut self, usage: ApiUsage, service: ServiceStatus) {
        self.showing.on_status(&service);
        self.turn.events.push(EventKind::ApiUsed { usage: Box::new(usage), service });
    }

    /// When [`Dispatch::show_activities`] may have something to do.
    pub(super) fn show_at(&self) -> Option<Instant> {
        self.showing.wake_at().filter(|_| self.is_looked_on())
    }

    fn is_looked_on(&self) -> bool {
        let is_left = self.stop.reason.is_some_and(StopReason::leaves_live);
        self.stage == Stage::Working && !is_left && self.tasks.slots().live > 0
    }

    /// Reads what one session has done, the one whose turn came first.
    pub(super) fn show_activities(&mut self, now: Now) {
        if !self.is_looked_on() {
            return;
        }
        let Some(pace) = self.showing.begin(now.instant) else { return };
        let every = pace.every(self.tasks.slots().live);
        let due = self.tasks.all().filter_map(|ix| match self.tasks.state(ix) {
            State::Live(driver) => driver.show_from(pace.first, every).map(|from| (from, ix)),
            _ => None,
        });
        let Some((_, ix)) = due.filter(|(from, _)| *from <= now.instant).min() else { return };
        let attempt = self.tasks.last_attempt(ix);
        let Some(driver) = self.tasks.driver_of(attempt) else { return };
        let session = driver.show(now);
        let back = SignedDuration::try_from(pace.every).unwrap_or(SignedDuration::MAX);
        let since = now.wall.checked_sub(back).ok();
        self.showing.is_under_way = true;
        self.turn.actions.push(Action::Read { attempt, session, purpose: Purpose::Show, since });
    }

    /// Such a reading has ended. That it failed says nothing.
    pub(super) fn on_shown(
        &mut self,
        attempt: Attempt,
        result: Result<Box<Digest>, RequestFailure>,
        now: Now,
    ) {
        self.showing.on_read(result.is_ok(), now.instant);
        if let Ok(digest) = result {
            self.drive(attempt, now, |driver| driver.on_shown(&digest, now));
        }
    }
}
