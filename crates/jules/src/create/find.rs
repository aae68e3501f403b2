//! Looking for the session of a create, in this process or a later one.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::doubt::marker_of;
use crate::{Error, ErrorKind, Jules, ListSessions, Listing, Method, Session, TitleMarker};

/// Without a filter the service leaves out what is in the archive.
const ARCHIVED_TOO: &str = "archived = true OR archived = false";

/// What is told of sessions that are looked for: what they were asked, and of what they have made the pull requests.
const ASKED: &str = "sessions(name,id,title,state,url,createTime,updateTime,archived,prompt,sourceContext,\
    outputs(pullRequest(url,title,baseRef,headRef))),nextPageToken";

const PAGE: u32 = 100;

/// How far the clocks of the service's machines may differ.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// A reading of sessions, newest first, until a page shows one that is older than a time, or to the end where they come in
/// another order. Only one that was read to there proves that a session is not there.
pub(super) struct Back {
    jules: Jules,
    listing: Listing<Session>,
    since: Option<Timestamp>,
    last: Timestamp,
    is_ordered: bool,
    is_over: bool,
    unreadable: usize,
}

impl Back {
    pub(super) fn to(jules: &Jules, since: Option<Timestamp>) -> Self {
        let listing = jules.sessions_with(ListSessions {
            page_size: Some(PAGE),
            filter: Some(ARCHIVED_TOO.to_owned()),
            fields: Some(ASKED.to_owned()),
            ..ListSessions::default()
        });
        let (last, jules) = (Timestamp::MAX, jules.clone());
        Self { jules, listing, since, last, is_ordered: true, is_over: false, unreadable: 0 }
    }

    /// The next page; none at the end.
    pub(super) async fn next_page(&mut self) -> Option<Result<Vec<Session>, Error>> {
        if self.is_over {
            return None;
        }
        let page = match self.listing.next_page().await? {
            Ok(page) => page,
            Err(error) => return Some(Err(error)),
        };
        self.unreadable += self.listing.unreadable().len();
        let now = self.jules.service_time();
        let created = |session: &Session| session.create_time.filter(|at| at.duration_since(now) <= AHEAD);
        for created in page.iter().filter_map(created) {
            self.is_ordered &= created <= self.last;
            self.last = created;
        }
        let is_older = |session: &Session| created(session) < self.since && created(session).is_some();
        self.is_over = self.is_ordered && page.iter().any(is_older);
        Some(Ok(page))
    }

    /// Why it does not prove that a session is not there.
    pub(super) fn gap(&self) -> Option<String> {
        (self.unreadable > 0).then(|| format!("{} listed sessions could not be read", self.unreadable))
    }
}

/// The search for the session of a create, from [`Jules::find_created`]; configured, then awaited.
///
/// # Panics
///
/// When it is awaited outside of a Tokio runtime with time and IO.
#[derive(Debug)]
#[must_use = "it does nothing until it is awaited"]
pub struct FindCreated {
    jules: Jules,
    marker: Result<TitleMarker, Error>,
    since: Option<Timestamp>,
}

impl Jules {
    /// Looks for the session that was created with a marker ([`NewSession::marker`](super::NewSession::marker),
    /// [`ErrorKind::InDoubt`]), perhaps by a process that was killed before it had the answer. The newest one counts; the
    /// archive is searched as well.
    ///
    /// A session may be missing from the service's list for some seconds after its creation.
    ///
    /// ```no_run
    /// # async fn example(jules: jules::Jules) -> Result<(), jules::Error> {
    /// use jules::NewSession;
    ///
    /// let session = match jules.find_created("nightly-2026-11-28").await? {
    ///     Some(session) => jules.attach(session.id),
    ///     None => jules.run(NewSession::new("Tidy up").marker("nightly-2026-11-28")).await?.into_client(),
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent; [`ErrorKind::Input`] when it is no marker, [`ErrorKind::Malformed`] when it was
    /// not found among sessions that could not all be read.
    pub fn find_created(&self, marker: impl AsRef<str>) -> FindCreated {
        let input = |error: crate::InvalidMarker| {
            Error::new(Method::ListSessions, ErrorKind::Input(error.to_string()))
        };
        let marker = TitleMarker::new(marker.as_ref()).map_err(input);
        FindCreated { jules: self.clone(), marker, since: None }
    }
}

impl FindCreated {
    /// How far back to look: sessions that are older, by the service's clock, are not read. Default: all of the account's,
    /// where none is found before, and accounts with thousands of sessions take minutes.
    pub fn since(mut self, time: impl Into<Option<Timestamp>>) -> Self {
        self.since = time.into();
        self
    }

    async fn perform(self) -> Result<Option<Session>, Error> {
        let (marker, since) = (self.marker?, self.since);
        let mut back = Back::to(&self.jules, since);
        let is_it = |session: &Session| {
            marker_of(session).as_ref() == Some(&marker)
                && session.create_time.is_none_or(|created| since.is_none_or(|since| created >= since))
        };
        while let Some(page) = back.next_page().await {
            let Some(session) = page?.into_iter().find(is_it) else { continue };
            // The list was asked for a part of it. Just after its creation only the list knows it.
            return match self.jules.get_session(&session.id).await {
                Err(error) if error.is_not_found() => Ok(Some(session)),
                answer => answer.map(Some),
            };
        }
        match back.gap() {
            Some(gap) => Err(Error::caused_by(Method::ListSessions, ErrorKind::Malformed, gap)),
            None => Ok(None),
        }
    }
}

impl IntoFuture for FindCreated {
    type Output = Result<Option<Session>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.perform().boxed()
    }
}
