//! Which failures of a poll only mean "not yet" or "not now".

use std::time::Duration;

use tokio::time::Instant;

use super::Error;

/// An outage is tolerated this long; every poll in it has had its own retries.
const OUTAGE: Duration = Duration::from_secs(10 * 60);

/// A session's 404s in a row. Just after its creation the service does not show it, or not all of it; later, under load,
/// it has answered 404 for things that exist.
#[derive(Clone, Debug, Default)]
pub struct Absence {
    missing: u32,
}

impl Absence {
    /// A session that was there before is missed only after this many.
    pub const LIMIT: u32 = 3;

    /// The service showed the session.
    pub fn end(&mut self) {
        self.missing = 0;
    }

    /// Whether this 404 still does not say that the session is gone. `fresh`: it is so new that the service may not
    /// show it yet; see [`Options::FRESH_PATIENCE`](super::Options::FRESH_PATIENCE).
    pub fn is_tolerated(&mut self, fresh: bool) -> bool {
        self.missing += u32::from(!fresh);
        fresh || self.missing < Self::LIMIT
    }
}

/// What a poll loop has lived through.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience {
    /// Until when a 404 means that the session is too new.
    fresh_until: Option<Instant>,
    failing_since: Option<Instant>,
    known: bool,
    absence: Absence,
}

impl Patience {
    pub(super) fn new(fresh_until: Option<Instant>) -> Self {
        Self { fresh_until, ..Self::default() }
    }

    /// A 404 counts as "not yet" until then.
    pub(super) fn is_fresh_until(&mut self, until: Instant) {
        self.fresh_until = self.fresh_until.max(Some(until));
    }

    /// The service answered.
    pub(super) fn answered(&mut self) {
        self.failing_since = None;
        self.known = true;
        self.absence.end();
    }

    /// Whether to go on after this failure.
    pub(super) fn tolerates(&mut self, error: &Error, now: Instant) -> bool {
        if error.is_not_found() {
            let fresh = self.fresh_until.is_some_and(|until| now < until);
            return self.absence.is_tolerated(fresh) && (fresh || self.known);
        }
        if !error.is_transient() {
            return false;
        }
        let since = *self.failing_since.get_or_insert(now);
        now - since < OUTAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;
    use crate::error::{ErrorKind, Refusal};

    fn refused(code: u16) -> Error {
        Error::new(Method::GetSession, ErrorKind::Refused(Refusal { code, ..Refusal::default() }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_404_is_borne_while_the_session_is_fresh() {
        let now = Instant::now();
        let until = now + Duration::from_secs(60);
        let mut patience = Patience::new(Some(until));
        assert!(patience.tolerates(&refused(404), now));
        assert!(!patience.tolerates(&refused(404), until));
        assert!(!Patience::default().tolerates(&refused(404), now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_session_is_not_missed_at_once() {
        let mut patience = Patience::default();
        patience.answered();
        let tolerated: Vec<_> = (0..3).map(|_| patience.tolerates(&refused(404), Instant::now())).collect();
        assert_eq!(tolerated, [true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_borne_for_a_time_and_other_errors_not_at_all() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        assert!(patience.tolerates(&refused(503), now));
        assert!(patience.tolerates(&refused(503), now + OUTAGE / 2));
        assert!(!patience.tolerates(&refused(503), now + OUTAGE));
        patience.answered();
        assert!(patience.tolerates(&refused(503), now + OUTAGE));
        assert!(!patience.tolerates(&refused(401), now));
    }
}
