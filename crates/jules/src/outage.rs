//! Since when the service has given no answer worth having: plain decisions, no waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Error, ErrorKind, RequestKind};

/// Readings of activities that failed so long ago say nothing of the present. A try takes no longer, by default.
const STALE: Duration = Duration::from_secs(30);

/// The service does not answer: every request of these kinds fails for a passing reason (no connection, no answer in
/// time, 5xx, a broken answer), or every read is turned away (401, 403, a redirect); see [`Jules::outage`](super::Jules::outage).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// What fails. Where reads are answered, failing creates and writes are no outage.
    pub kinds: Vec<RequestKind>,
    /// For how long already.
    pub lasting: Duration,
    /// How long ago the last of its requests failed: it may be over since then, where nothing was asked for.
    pub last_failure: Duration,
    /// What the last failure said, in one line without control characters.
    pub error: String,
    /// How long until the next request that is known of; none when the caller decides that.
    pub next_try: Option<Duration>,
}

/// What failed last, by kind.
#[derive(Debug, Default)]
pub(super) struct Outages(Mutex<[Option<Failing>; RequestKind::ALL.len()]>);

/// One kind's requests fail.
#[derive(Debug)]
struct Failing {
    since: Instant,
    last: Instant,
    error: String,
    next_try: Option<Instant>,
}

impl Outages {
    /// A request of this kind ended so.
    pub(super) fn heard(&self, kind: RequestKind, error: Option<&Error>, now: Instant) {
        let mut kinds = self.kinds();
        match error {
            // What was not sent says nothing of the service.
            Some(error) if is_unsent(error.kind()) => {}
            Some(error) if is_trouble(kind, error) => {
                let failing = kinds[kind as usize].get_or_insert_with(|| Failing::new(now));
                failing.last = now;
                failing.error = error.kind().to_string();
            }
            _ => {
                kinds[kind as usize] = None;
                if kind == RequestKind::Reads {
                    // They are seldom asked for: what failed some time ago is no sign that they would fail now.
                    let activities = &mut kinds[RequestKind::Activities as usize];
                    activities.take_if(|failing| failing.is_stale(now));
                    kinds[RequestKind::Creates as usize] = None;
                    kinds[RequestKind::Writes as usize] = None;
                }
            }
        }
    }

    /// A failed request of this kind is sent again then.
    pub(super) fn again(&self, kind: RequestKind, at: Instant, now: Instant) {
        if let Some(failing) = &mut self.kinds()[kind as usize] {
            failing.next_try = failing.next_try.filter(|next| (now..at).contains(next)).or(Some(at));
        }
    }

    /// All kinds together.
    pub(super) fn now(&self, now: Instant) -> Option<Outage> {
        let kinds = self.kinds();
        let failing = || kinds.iter().flatten();
        let last = failing().max_by_key(|failing| failing.last)?;
        let since = failing().map(|failing| failing.since).min()?;
        let next_try = failing().filter_map(|failing| failing.next_try).filter(|at| *at > now).min();
        Some(Outage {
            kinds: RequestKind::ALL.into_iter().filter(|kind| kinds[*kind as usize].is_some()).collect(),
            lasting: now.saturating_duration_since(since),
            last_failure: now.saturating_duration_since(last.last),
            error: last.error.clone(),
            next_try: next_try.map(|at| at.saturating_duration_since(now)),
        })
    }

    fn kinds(&self) -> MutexGuard<'_, [Option<Failing>; RequestKind::ALL.len()]> {
        // Every entry is written whole: it is good even if a thread died holding the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_unsent(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotSent(_) | ErrorKind::TooLate(_) | ErrorKind::Input(_))
}

/// Whether all requests of this kind may end so until somebody mends it.
fn is_trouble(kind: RequestKind, error: &Error) -> bool {
    let is_read = matches!(kind, RequestKind::Reads | RequestKind::Activities);
    let is_turned_away = matches!(error.code(), Some(300..=399 | 401 | 403));
    (error.is_transient() && !error.is_throttled()) || (is_read && is_turned_away)
}

impl Failing {
    /// Whether the last failure is so old, and no try is under way or planned.
    fn is_stale(&self, now: Instant) -> bool {
        let is_old = |at: Instant| now.saturating_duration_since(at) >= STALE;
        is_old(self.last) && self.next_try.is_none_or(is_old)
    }

    fn new(now: Instant) -> Self {
        Self { since: now, last: now, error: String::new(), next_try: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Method, Refusal};

    const SECOND: Duration = Duration::from_secs(1);

    fn refused(code: u16) -> Error {
        Error::new(Method::GetSession, ErrorKind::Refused(Refusal::new(code, None)))
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_lasts_from_the_first_failure_to_the_next_answer() {
        let (outages, start) = (Outages::default(), Instant::now());
        assert_eq!(outages.now(start), None);
        outages.heard(RequestKind::Reads, Some(&refused(502)), start);
        outages.again(RequestKind::Reads, start + 4 * SECOND, start);
        outages.again(RequestKind::Reads, start + 9 * SECOND, start);
        outages.heard(RequestKind::Activities, Some(&refused(503)), start + 2 * SECOND);
        let told = outages.now(start + 3 * SECOND).unwrap();
        assert_eq!(told.kinds, [RequestKind::Activities, RequestKind::Reads]);
        assert_eq!((told.lasting, told.next_try), (3 * SECOND, Some(SECOND)));
        assert!(told.error.contains("503"), "{}", told.error);
        assert_eq!(outages.now(start + 5 * SECOND).unwrap().next_try, None, "the time of that is over");
        // A refusal is an answer, a 429 as well.
        for (kind, answer) in [(RequestKind::Reads, Some(refused(429))), (RequestKind::Activities, None)] {
            outages.heard(kind, answer.as_ref(), start + 6 * SECOND);
        }
        assert_eq!(outages.now(start + 6 * SECOND), None);
    }

    #[tokio::test(start_paused = true)]
    async fn reads_that_are_all_turned_away_are_an_outage() {
        let (outages, now) = (Outages::default(), Instant::now());
        outages.heard(RequestKind::Creates, Some(&refused(403)), now);
        outages.heard(RequestKind::Reads, Some(&refused(404)), now);
        assert_eq!(outages.now(now), None);
        outages.heard(RequestKind::Reads, Some(&refused(403)), now);
        assert_eq!(outages.now(now).unwrap().kinds, [RequestKind::Reads]);
        outages.heard(RequestKind::Reads, None, now);
        assert_eq!(outages.now(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn where_reads_are_answered_failed_creates_are_no_outage() {
        let (outages, now) = (Outages::default(), Instant::now());
        outages.heard(RequestKind::Creates, Some(&refused(503)), now);
        outages.heard(RequestKind::Activities, Some(&refused(503)), now);
        outages.heard(RequestKind::Reads, None, now);
        assert_eq!(outages.now(now).unwrap().kinds, [RequestKind::Activities]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_long_ago_and_was_not_asked_for_since_is_no_outage() {
        let (outages, start) = (Outages::default(), Instant::now());
        outages.heard(RequestKind::Activities, Some(&refused(503)), start);
        outages.again(RequestKind::Activities, start + 4 * SECOND, start);
        outages.heard(RequestKind::Reads, None, start + 33 * SECOND);
        let told = outages.now(start + 33 * SECOND).unwrap();
        assert_eq!((told.lasting, told.last_failure), (33 * SECOND, 33 * SECOND), "a try may be under way");
        outages.heard(RequestKind::Reads, None, start + 34 * SECOND);
        assert_eq!(outages.now(start + 34 * SECOND), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_says_nothing() {
        let (outages, now) = (Outages::default(), Instant::now());
        let unsent = Error::new(Method::GetSession, ErrorKind::NotSent(SECOND));
        outages.heard(RequestKind::Reads, Some(&unsent), now);
        assert_eq!(outages.now(now), None);
        outages.heard(RequestKind::Reads, Some(&refused(500)), now);
        outages.heard(RequestKind::Reads, Some(&unsent), now);
        assert!(outages.now(now).is_some());
    }
}
