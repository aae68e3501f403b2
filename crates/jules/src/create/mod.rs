//! Creating a session exactly once: a create in doubt is looked for by its marker before anything is repeated.

mod branch;
mod doubt;
mod find;
mod proof;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::error::ErrorKind;
use super::retry::{Attempts, Next as Retry};
use super::time::later;
use super::{Error, Jules, Method, NewSession, Session, SessionId, SourceName, TitleMarker, Turn};
use doubt::{Doubt, Look, Next, Sought};
use find::Back;
use proof::less;

pub use find::FindCreated;
pub use proof::{KnownSession, ListProof};

/// What a client knows of the sessions that it has created, to settle creates in doubt, and of their sources.
#[derive(Debug, Default)]
pub(super) struct Created {
    newest: Mutex<Option<KnownSession>>,
    /// A title came back without its marker.
    titles_change: AtomicBool,
    /// The default branches of sources, each asked for by one at a time.
    branches: Mutex<BTreeMap<SourceName, Arc<OnceCell<String>>>>,
}

impl Created {
    /// The service has answered with a session.
    fn note(&self, session: &Session, marker: Option<&TitleMarker>, now: Timestamp) {
        let is_changed =
            marker.is_some() && session.title.is_some() && marker != doubt::marker_of(session).as_ref();
        self.titles_change.fetch_or(is_changed, Ordering::Relaxed);
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(KnownSession::of(session, now));
    }

    /// The session of a create in doubt was found in the list: where a younger one is known, that is the one to be shown.
    fn note_found(&self, session: &Session, now: Timestamp) {
        let found = KnownSession::of(session, now);
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.as_ref().is_none_or(|newest| newest.is_no_younger_than(&found)) {
            *newest = Some(found);
        }
    }

    /// A session is to be deleted: no list need show it any more.
    pub(super) fn forget(&self, session: &SessionId) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.take_if(|known| known.id() == session);
    }

    fn newest(&self) -> Option<KnownSession> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What has become of a create in doubt.
enum Settled {
    /// It was created, and found.
    Adopted(Box<Session>),
    /// It was not created. The turn of another POST, if there may be one.
    NotCreated(Option<Turn>),
    /// Nobody knows, for this reason.
    Open(String),
}

impl Jules {
    /// Creates one session, whatever becomes of the service's answers.
    pub(super) async fn create_once(&self, new: &NewSession) -> Result<Session, Error> {
        let (new, marker) = self.with_branch(new).await.map_err(Error::undone)?.marked()?;
        let (started, mut attempts) = (Instant::now(), Attempts::new(self.options().retries));
        let (mut turn, mut posts) = (None, 0);
        loop {
            let granted = match turn.take() {
                Some(granted) => granted,
                None => self.turn_to_create().await?,
            };
            let asked = Moment::now();
            let error = match granted.create_session(&new).await {
                Ok(session) => {
                    self.sessions_created().note(&session, marker.as_ref(), self.service_time());
                    return Ok(session);
                }
                Err(error) => error,
            };
            // As for every request, answers 429 are waited out by time, not by count.
            posts += u32::from(!error.is_throttled());
            if error.surely_not_processed() {
                let held = self.held_for(Method::CreateSession);
                match attempts.failed(&error, started.elapsed(), held, fastrand::f64()) {
                    Retry::GiveUp => return Err(error),
                    Retry::Again(pause) => self.pause_before_retry(pause).await,
                }
                continue;
            }
            let Some(marker) = &marker else {
                return Err(in_doubt(None, "it has no marker to be found by".to_owned(), error));
            };
            tracing::debug!(%marker, %error, "the session may have been created; looking for it");
            let retries = self.options().retries;
            let asks_for = error.retry_after().unwrap_or_default();
            let may_post =
                posts < retries.attempts && !error.is_capacity_refusal() && retries.wait_for(asks_for);
            let again = may_post.then(|| later(Instant::now(), asks_for));
            match self.settle(marker, &new, asked, again).await {
                Settled::Adopted(session) => {
                    self.sessions_created().note_found(&session, self.service_time());
                    return Ok(*session);
                }
                Settled::NotCreated(next @ Some(_)) => turn = next,
                Settled::NotCreated(None) => return Err(error.undone()),
                Settled::Open(reason) => return Err(in_doubt(Some(marker), reason, error)),
            }
        }
    }

    /// When that was by the service's clock, as its last answer tells it.
    fn then(&self, moment: &Moment) -> Timestamp {
        less(self.service_time(), moment.elapsed())
    }

    /// Looks, as long as anything is sent, for the session of a create in doubt; none when it surely was not created. The
    /// service has had its time to list it by then.
    pub(crate) async fn find_in_doubt(&self, new: &NewSession, asked: Moment) -> Option<Session> {
        let marker = new.own_marker().ok()??;
        let patience = SignedDuration::try_from(self.options().fresh_patience).unwrap_or(SignedDuration::MAX);
        loop {
            match self.settle(&marker, new, asked, None).await {
                Settled::Adopted(session) => return Some(*session),
                Settled::NotCreated(_) if asked.elapsed() >= patience => return None,
                Settled::NotCreated(_) => {}
                Settled::Open(_) if self.is_closed() => return None,
                Settled::Open(reason) => tracing::debug!(%marker, reason, "it may have been created"),
            }
            self.pause(self.options().look_delay).await;
        }
    }

    /// Looks for the session of a POST that was decided at `asked` and may have been processed. `again` is from when another
    /// POST may leave, if there may be one.
    async fn settle(
        &self,
        marker: &TitleMarker,
        new: &NewSession,
        asked: Moment,
        again: Option<Instant>,
    ) -> Settled {
        let (created, failed) = (self.sessions_created(), Moment::now());
        let now = self.service_time();
        let mut sought = Sought::new(marker, new, self.then(&asked), now, created.newest().as_ref());
        let mut doubt = Doubt::new(self.options().looks, Instant::now());
        let mut turn = None;
        loop {
            // The turn of another POST is had first: between the last look and that nothing waits.
            if let Some(at) = again
                && doubt.is_last()
                && turn.is_none()
            {
                self.pause(at.saturating_duration_since(Instant::now())).await;
                match self.turn_to_create().await {
                    Ok(granted) => turn = Some(granted),
                    Err(error) => return Settled::Open(error.kind().to_string()),
                }
            }
            let look = match self.look(&mut sought, created, (&asked, &failed)).await {
                Ok(look) => look,
                Err(error) if error.is_transient() && !self.is_closed() => {
                    Look::Inconclusive(error.to_string())
                }
                Err(error) => return Settled::Open(error.to_string()),
            };
            match doubt.looked(look, Instant::now()) {
                Next::Adopt(session) => return Settled::Adopted(session),
                Next::NotCreated => {
                    turn.iter_mut().for_each(Turn::renew);
                    return Settled::NotCreated(turn);
                }
                Next::GiveUp(reason) => return Settled::Open(reason),
                Next::LookAgain => self.pause(self.options().look_delay).await,
            }
        }
    }

    async fn look(
        &self,
        sought: &mut Sought<'_>,
        created: &Created,
        (asked, failed): (&Moment, &Moment),
    ) -> Result<Look, Error> {
        let (back, listed) = loop {
            let since = sought.since();
            let (mut back, mut listed) = (Back::to(self, Some(since)), Vec::new());
            while let Some(page) = back.next_page().await {
                listed.extend(page?);
            }
            // This machine's clock may have been wrong until an answer came: then the list did not go back far enough.
            sought.is_of(self.then(asked), self.then(failed));
            if sought.since() >= less(since, SignedDuration::from_secs(30)) {
                break (back, listed);
            }
        };
        let look = sought.look(&listed, self.service_time());
        let doubtful = back.gap().or_else(|| {
            let change = created.titles_change.load(Ordering::Relaxed);
            change.then(|| "the service does not keep titles as they are sent".to_owned())
        });
        Ok(match (look, doubtful) {
            (Look::Absent, Some(why)) => Look::Inconclusive(why),
            (look, _) => look,
        })
    }
}

/// An instant that is told by the service's clock later. The wall clock counts sleep, and the other cannot be set.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    wall: Timestamp,
    instant: Instant,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { wall: Timestamp::now(), instant: Instant::now() }
    }

    fn elapsed(&self) -> SignedDuration {
        let passed = SignedDuration::try_from(self.instant.elapsed()).unwrap_or_default();
        passed.max(Timestamp::now().duration_since(self.wall))
    }
}

fn in_doubt(marker: Option<&TitleMarker>, reason: String, cause: Error) -> Error {
    let kind = ErrorKind::InDoubt { marker: marker.cloned(), reason };
    Error::caused_by(Method::CreateSession, kind, cause)
}
