//! Whether a list that does not show a session proves that it was not created.

use jiff::{SignedDuration, Timestamp};

use crate::{Session, SessionId};

/// The service's time is known within a second: how far the difference of two spans by it may be off.
const PRECISION: SignedDuration = SignedDuration::from_secs(2);
/// A list that lags longer than this is not to be told from one that does not show a session any more.
const LONGEST_LAG: SignedDuration = SignedDuration::from_hours(1);

/// A session that surely exists, such as the newest one that was created: a list without it lags. See [`ListProof`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSession {
    id: SessionId,
    since: Timestamp,
}

impl KnownSession {
    /// A session that is not older than `since`, by the service's clock.
    #[must_use]
    pub fn new(id: SessionId, since: Timestamp) -> Self {
        Self { id, since }
    }

    /// A session that the answer to its create shows just now, `now` by the client's clock. Where the answer does not say when
    /// it was created, a minute before that stands for the service's time, because clocks differ.
    #[must_use]
    pub fn created(id: SessionId, create_time: Option<Timestamp>, now: Timestamp) -> Self {
        Self { id, since: create_time.unwrap_or_else(|| less(now, SignedDuration::from_mins(1))) }
    }

    pub(super) fn of(session: &Session, now: Timestamp) -> Self {
        Self::created(session.id.clone(), session.create_time, now)
    }

    pub(super) fn is_no_younger_than(&self, other: &Self) -> bool {
        self.since <= other.since
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Whether a list without it may only lag: for an hour after its creation. Later it may have been deleted as well.
    #[must_use]
    pub fn is_recent(&self, now: Timestamp) -> bool {
        self.since >= less(now, LONGEST_LAG)
    }
}

/// Whether lists prove that a session which they do not show was not created.
///
/// The service lists a session some time after its creation. So a list counts only when it shows another one that surely
/// exists; and where that one was listed late, only when the session that is looked for has had as much time.
///
/// ```
/// use jules::jiff::Timestamp;
/// use jules::{KnownSession, ListProof};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
///
/// let now: Timestamp = "2026-11-28T02:00:30Z".parse()?;
/// let known = KnownSession::new("7".parse()?, "2026-11-28T02:00:00Z".parse()?);
/// let mut proof = ListProof::default();
/// proof.must_show(Some(&known), now);
/// let listed = |_: &jules::SessionId| false;
/// assert!(proof.objection(listed, now, now).is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListProof {
    known: Option<KnownSession>,
    /// The known session was missing from a list.
    lags: bool,
    /// How late it was listed.
    lag: Option<SignedDuration>,
}

impl ListProof {
    /// Lists must show this session, if it is recent. The first one counts for all lists: a newer one might always be too new
    /// to be listed.
    pub fn must_show(&mut self, newest: Option<&KnownSession>, now: Timestamp) {
        if self.known.is_none() {
            self.known = newest.filter(|known| known.is_recent(now)).cloned();
        }
    }

    /// How far back to list, when what is looked for is not older than `since`: to what must be shown as well.
    #[must_use]
    pub fn list_back_to(&self, since: Timestamp) -> Timestamp {
        let known = self.known.as_ref().map(|known| less(known.since, SignedDuration::from_secs(1)));
        known.map_or(since, |known| known.min(since))
    }

    /// Why a list that does not show the session that is looked for proves nothing; none where it proves that it was not
    /// created. `shows` tells of any other session whether it is in the list, and `created_by` is when the session must have
    /// been created, if it was.
    pub fn objection(
        &mut self,
        shows: impl FnOnce(&SessionId) -> bool,
        created_by: Timestamp,
        now: Timestamp,
    ) -> Option<String> {
        let KnownSession { id, since } = self.known.as_ref()?;
        if !shows(id) {
            self.lags = true;
            return Some(format!("the list does not show session {id} either, which was created before"));
        }
        if !self.lags {
            return None;
        }
        // As late as that session was listed this one may be, too.
        let lag = *self.lag.get_or_insert(now.duration_since(*since) + PRECISION);
        let is_late = now.duration_since(created_by) < lag;
        is_late.then(|| format!("the list lags: it showed session {id} late"))
    }
}

pub(super) fn less(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Timestamp {
        "2026-11-22T02:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn known(id: &str, at: i64) -> KnownSession {
        KnownSession::new(id.parse().unwrap(), time(at))
    }

    #[test]
    fn without_a_known_session_every_list_is_a_proof() {
        let mut proof = ListProof::default();
        proof.must_show(None, time(0));
        assert_eq!(proof.objection(|_| false, time(0), time(0)), None);
        assert_eq!(proof.list_back_to(time(5)), time(5));
    }

    #[test]
    fn a_list_counts_when_it_shows_what_surely_exists() {
        let mut proof = ListProof::default();
        proof.must_show(Some(&known("1", -10)), time(0));
        assert_eq!((proof.list_back_to(time(0)), proof.list_back_to(time(-60))), (time(-11), time(-60)));
        assert_eq!(proof.clone().objection(|id| id.as_str() == "1", time(0), time(5)), None);
        let why = proof.objection(|_| false, time(0), time(5)).unwrap();
        assert!(why.contains("does not show session 1 either"), "{why}");
        // It was listed seventy seconds after its creation: the other one may be as late.
        for seconds in [60, 71] {
            let why = proof.objection(|_| true, time(0), time(seconds)).unwrap();
            assert!(why.contains("showed session 1 late"), "{why}");
        }
        assert_eq!(proof.objection(|_| true, time(0), time(72)), None);
    }

    #[test]
    fn a_session_that_is_old_proves_nothing_and_a_newer_one_does_not_take_its_place() {
        let mut proof = ListProof::default();
        proof.must_show(Some(&known("1", 0)), time(3_601));
        assert_eq!(proof, ListProof::default());
        proof.must_show(Some(&known("1", 0)), time(3_600));
        proof.must_show(Some(&known("2", 3_500)), time(3_600));
        assert_eq!(proof.known.unwrap().id().as_str(), "1");
    }

    #[test]
    fn an_answer_without_a_time_is_a_minute_old_at_most() {
        let without = KnownSession::created("1".parse().unwrap(), None, time(60));
        assert_eq!(without, known("1", 0));
        let with = KnownSession::created("1".parse().unwrap(), Some(time(55)), time(60));
        assert_eq!(with, known("1", 55));
    }
}
