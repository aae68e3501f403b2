//! When activities are read only for the live table: seldom, one at a time, and not where anything else might want for them.

use std::time::Duration;

use tokio::time::Instant;

use crate::outcome::ServiceStatus;
use crate::plan::Settings;
use jules::RequestKind;

/// The least time between two of them of one session, and for how long back activities are asked for.
const EVERY: Duration = Duration::from_secs(3 * 60);
/// A session is this old before the first one.
const FIRST: Duration = Duration::from_secs(30);
/// The least time between two of them, whatever they are of.
const GAP: Duration = Duration::from_secs(3);
/// One of so many listings of activities that the quota allows.
const SHARE: f64 = 4.0;

/// When activities are read only to be shown.
#[derive(Debug, Default)]
pub(super) struct Showing {
    /// None where nobody looks on.
    pace: Option<Pace>,
    /// Not before then.
    next: Option<Instant>,
    pub(super) is_under_way: bool,
    /// The service does not answer, or has asked for a pause.
    is_held: bool,
}

/// The times above, at the pace of a simulated run, and what the quota asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) first: Duration,
    pub(super) every: Duration,
    gap: Duration,
}

impl Showing {
    pub(super) fn new(is_on: bool, settings: &Settings) -> Self {
        let speed = settings.simulated.unwrap_or(1.0);
        let per_minute = f64::from(settings.limits.activities_per_minute.max(1));
        let pace = Pace {
            first: FIRST.div_f64(speed),
            every: EVERY.div_f64(speed),
            gap: Duration::from_secs(60).mul_f64(SHARE / per_minute).max(GAP.div_f64(speed)),
        };
        Self { pace: Some(pace).filter(|_| is_on), ..Self::default() }
    }

    /// What is known of the service.
    pub(super) fn on_status(&mut self, service: &ServiceStatus) {
        let mut pauses = service.pauses.iter();
        let is_paused = pauses.any(|pause| pause.requests != RequestKind::Creates.as_str());
        self.is_held = service.outage.is_some() || is_paused;
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.next.filter(|_| self.pace.is_some() && !self.is_under_way)
    }

    /// Whether it may be now, and how: looked at again after a gap at the latest.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Pace> {
        let pace = self.pace?;
        if self.is_under_way || self.next.is_some_and(|next| now < next) {
            return None;
        }
        self.next = Some(now + pace.gap);
        Some(pace).filter(|_| !self.is_held)
    }

    /// One has ended. After a failure there is none for as long as between two of one session.
    pub(super) fn on_read(&mut self, is_ok: bool, now: Instant) {
        self.is_under_way = false;
        if let Some(pace) = self.pace.filter(|_| !is_ok) {
            self.next = Some(now + pace.every);
        }
    }
}

impl Pace {
    /// The time between two readings of one session where so many are live.
    pub(super) fn every(&self, live: usize) -> Duration {
        self.every.max(self.gap.saturating_mul(u32::try_from(live).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outage, RequestPause};
    use jiff::Timestamp;

    fn begins(showing: &mut Showing, at: Instant) -> bool {
        let begins = showing.begin(at).is_some();
        showing.is_under_way |= begins;
        begins
    }

    #[test]
    fn one_is_under_way_at_a_time_and_a_failure_keeps_the_next_one_off() {
        let (mut showing, start) = (Showing::new(true, &Settings::default()), Instant::now());
        assert!(begins(&mut showing, start));
        assert!(!begins(&mut showing, start + EVERY), "its answer is awaited");
        showing.on_read(true, start + EVERY);
        assert!(begins(&mut showing, start + EVERY));
        showing.on_read(false, start + EVERY);
        assert!(!begins(&mut showing, start + EVERY * 2 - GAP));
        assert!(begins(&mut showing, start + EVERY * 2));
    }

    #[test]
    fn there_is_none_while_the_service_does_not_answer_or_has_asked_for_a_pause() {
        let pause = |requests: &str| {
            let pause = RequestPause { requests: requests.to_owned(), until: Timestamp::MAX, asked: true };
            ServiceStatus { pauses: vec![pause], ..ServiceStatus::default() }
        };
        let outage = Outage {
            requests: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            last_failure: None,
            error: String::new(),
            next_try: None,
        };
        let outage = ServiceStatus { outage: Some(outage), ..ServiceStatus::default() };
        for (status, is_free) in [
            (outage, false),
            (pause("reads"), false),
            (pause("activity listings"), false),
            (pause("creates"), true),
        ] {
            let (mut showing, start) = (Showing::new(true, &Settings::default()), Instant::now());
            showing.on_status(&status);
            assert_eq!(showing.begin(start).is_some(), is_free, "{status:?}");
            showing.on_status(&ServiceStatus::default());
            assert!(showing.begin(start + GAP).is_some());
        }
    }

    #[test]
    fn a_simulated_run_has_its_own_pace() {
        let pace = |settings: Settings| Showing::new(true, &settings).pace.unwrap();
        let (usual, quick) = (pace(Settings::default()), pace(Settings::default().compressed(60.0)));
        assert_eq!(usual.every(1) / 60, quick.every(1));
        assert_eq!(usual.every(500) / 60, quick.every(500));
        assert_eq!(usual.every(500), GAP * 500);
    }
}
