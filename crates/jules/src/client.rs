//! The client: the service's twelve methods, each one call through the limiter.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

use super::builder::{BuildError, JulesBuilder};
use super::create::Created;
use super::error::ErrorKind;
use super::limiter::{Limiter, SharedQuotas};
use super::outage::Outages;
use super::request::page_size;
use super::retry::{Attempts, Next};
use super::time::later;
use super::transport::{Request, Transport};
use super::turn::Granted;
use super::usage::Counters;
use super::{
    Activity, ActivityId, ActivityPage, ApiKey, Departure, Error, FoundSessions, Gate, ListActivities,
    ListSessions, ListSources, Method, NewSession, Options, Outage, Pause, Quotas, Retries, Session,
    SessionId, SessionPage, Source, SourceName, SourcePage, Usage,
};

/// A client for Jules: a cheap handle, to be cloned and shared at will.
///
/// All handles that come from one builder share connections, limiter and counters.
#[derive(Clone)]
pub struct Jules {
    shared: Arc<Shared>,
    options: Arc<Options>,
}

struct Shared {
    transport: Transport,
    limiter: Arc<Limiter>,
    counters: Counters,
    outages: Outages,
    created: Created,
    /// The service has refused `fields=` of sessions once: it is not sent again.
    fields_refused: AtomicBool,
    /// The same of activities.
    activity_fields_refused: AtomicBool,
}

impl Jules {
    pub(super) fn new(transport: Transport, quotas: Quotas, options: Options) -> Self {
        let shared = Shared {
            transport,
            limiter: Arc::new(Limiter::new(quotas)),
            counters: Counters::default(),
            outages: Outages::default(),
            created: Created::default(),
            fields_refused: AtomicBool::new(false),
            activity_fields_refused: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared), options: Arc::new(options) }
    }

    /// A builder that knows nothing yet; it does not look into the environment unless it is told to.
    pub fn builder() -> JulesBuilder {
        JulesBuilder::default()
    }

    /// A client with everything from the environment: the key from `JULES_API_KEY` (or the file that
    /// `JULES_API_KEY_FILE` names), the base URL from `JULES_BASE_URL` if set.
    ///
    /// # Errors
    ///
    /// [`BuildError`], most likely for want of a key.
    pub fn from_env() -> Result<Self, BuildError> {
        Self::builder().with_env().build()
    }

    /// A handle with other options and the same connections, limiter and counters.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(Options) -> Options) -> Self {
        let options = change(Options::clone(&self.options));
        Self { shared: Arc::clone(&self.shared), options: Arc::new(options) }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Whether nothing is sent through this handle any more.
    pub(super) fn is_closed(&self) -> bool {
        self.options.gate.as_ref().is_some_and(Gate::is_closed)
    }

    /// Waits until the gate is closed, if there is one.
    async fn closed(&self) {
        match &self.options.gate {
            Some(gate) => gate.closed().await,
            None => std::future::pending().await,
        }
    }

    /// Waits for that long: before another look, which there is none of once the gate is closed.
    pub(super) async fn pause(&self, length: Duration) {
        tokio::select! {
            () = tokio::time::sleep(length) => {}
            () = self.closed() => {}
        }
    }

    pub(super) fn sessions_created(&self) -> &Created {
        &self.shared.created
    }

    /// What has been asked of the service so far, through all handles.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.shared.counters.snapshot(self.shared.transport.reconnects())
    }

    /// Which kinds of requests wait now because the service has answered 429, and for how long yet.
    ///
    /// A 429 pauses requests of its own kind: creates, activity listings, writes, or, after any other read, all reads.
    #[must_use]
    pub fn pauses(&self) -> Vec<Pause> {
        self.shared.limiter.pauses()
    }

    /// From now on these quotas are asked as well before each request, through all handles: for several processes that use
    /// one account. What was shared first stays.
    pub fn share_quotas(&self, quotas: Arc<dyn SharedQuotas>) {
        self.shared.limiter.share(quotas);
    }

    /// How many requests to this method wait for their turn now, for quotas and pauses.
    #[must_use]
    pub fn queued(&self, method: Method) -> usize {
        self.shared.limiter.queued(method)
    }

    /// Whether the service has stopped to answer, since when, and what it says instead; none while it answers, if only
    /// with refusals.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.shared.outages.now(Instant::now())
    }

    /// The key. It can be sent and searched for, not printed.
    #[must_use]
    pub fn api_key(&self) -> &ApiKey {
        self.shared.transport.key()
    }

    /// Whether an answer held the key so far, or what else the client was told to [hide](super::JulesBuilder::hide). It came
    /// without it: `***` stands there instead, in a patch as well.
    #[must_use]
    pub fn secret_came_back(&self) -> bool {
        self.shared.transport.secret_came_back()
    }

    /// What time it is at the service, within a second, by the `Date` of its last answer; what time it is here where that is
    /// within two seconds of it, and before the first answer. Times of sessions and activities are of that clock, and this machine's may differ.
    #[must_use]
    pub fn service_time(&self) -> Timestamp {
        self.shared.transport.time()
    }

    /// `text` without the client's key and what else it hides, for logs: see [`ApiKey::redact`](super::ApiKey::redact).
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.shared.transport.secrets().mask(text)
    }

    /// The base URL.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        self.shared.transport.base_url()
    }

    /// Creates a session with **one** POST, which is never repeated, not even after a 429, and not looked for either:
    /// [`run`](Self::run) and [`session`](Self::session) do. The title gets a marker only where one is
    /// [named](NewSession::marker).
    ///
    /// [`Error::surely_not_processed`] tells whether a failure left a session behind.
    ///
    /// # Errors
    ///
    /// [`Error`], also when the service created the session and its answer was lost.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn create_session(&self, new: &NewSession) -> Result<Session, Error> {
        self.call(&Request::create(new)?, Retries::NONE, &parse).await
    }

    /// Reads a session.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn get_session(&self, id: &SessionId) -> Result<Session, Error> {
        let session: Session = self.read(Request::get(Method::GetSession, id.name())).await?;
        if session.id == *id {
            return Ok(session);
        }
        // A cache or a proxy mixes answers up: what one session made must not count as another's.
        let cause = format!("it is about session {}", session.id);
        Err(Error::caused_by(Method::GetSession, ErrorKind::Malformed, cause))
    }

    /// Reads one page of sessions, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn list_sessions(&self, page: &ListSessions) -> Result<SessionPage, Error> {
        self.list_sessions_as(page, &parse).await
    }

    /// Reads one page of sessions, newest first, and takes in only those that are wanted. Much cheaper than
    /// [`list_sessions`](Self::list_sessions) where most of a page is for nobody, as in polling.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn find_sessions(
        &self,
        page: &ListSessions,
        wanted: impl Fn(&SessionId) -> bool + Sync,
    ) -> Result<FoundSessions, Error> {
        let parse = |method, body: &[u8]| {
            FoundSessions::read(body, &wanted).map_err(|error| malformed(method, error))
        };
        self.list_sessions_as(page, &parse).await
    }

    async fn list_sessions_as<T>(&self, page: &ListSessions, parse: &Parse<'_, T>) -> Result<T, Error> {
        let request = || {
            Request::get(Method::ListSessions, "sessions")
                .query("pageSize", page_size(page.page_size))
                .query("pageToken", page.page_token.as_ref())
                .query("filter", page.filter.as_ref())
        };
        self.masked(request, page.fields.as_ref(), &self.shared.fields_refused, parse).await
    }

    /// Asks for these fields alone, as long as the service has not refused that.
    async fn masked<T>(
        &self,
        request: impl Fn() -> Request,
        fields: Option<&String>,
        refused: &AtomicBool,
        parse: &Parse<'_, T>,
    ) -> Result<T, Error> {
        let retries = self.options.retries;
        let fields = fields.filter(|_| !refused.load(Ordering::Relaxed));
        if fields.is_none() {
            return self.call(&request(), retries, parse).await;
        }
        match self.call(&request().query("fields", fields), retries, parse).await {
            Err(error) if error.code() == Some(400) => {
                // Only when the same request passes without the mask was the mask to blame.
                let page = self.call(&request(), retries, parse).await?;
                refused.store(true, Ordering::Relaxed);
                Ok(page)
            }
            answer => answer,
        }
    }

    /// Deletes a session.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent. That a retry finds no session any more is success.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn delete_session(&self, id: &SessionId) -> Result<(), Error> {
        self.shared.created.forget(id);
        self.write(Request::delete(Method::DeleteSession, id.name())).await
    }

    /// Sends a message to the agent. Not idempotent: it is repeated only when the service surely did not take it.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`ErrorKind::Input`] for an empty message, which the service would take and do nothing about; a 404 just after the creation means "not yet".
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn send_message(&self, id: &SessionId, prompt: &str) -> Result<(), Error> {
        if prompt.trim().is_empty() {
            return Err(Error::new(Method::SendMessage, ErrorKind::Input("the message is empty".to_owned())));
        }
        self.act(Method::SendMessage, id, "sendMessage", json!({"prompt": prompt})).await
    }

    /// Approves the session's plan.
    ///
    /// # Errors
    ///
    /// [`Error`].
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn approve_plan(&self, id: &SessionId) -> Result<(), Error> {
        self.act(Method::ApprovePlan, id, "approvePlan", json!({})).await
    }

    /// Puts a session into the archive. A running one is paused by that, and nothing resumes it.
    ///
    /// # Errors
    ///
    /// [`Error`].
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn archive_session(&self, id: &SessionId) -> Result<(), Error> {
        self.act(Method::ArchiveSession, id, "archive", json!({})).await
    }

    /// Takes a session out of the archive.
    ///
    /// # Errors
    ///
    /// [`Error`].
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn unarchive_session(&self, id: &SessionId) -> Result<(), Error> {
        self.act(Method::UnarchiveSession, id, "unarchive", json!({})).await
    }

    /// Reads one page of a session's activities, oldest first. A page can be megabytes long.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent; a 404 just after the creation means "not yet".
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn list_activities(
        &self,
        id: &SessionId,
        page: &ListActivities,
    ) -> Result<ActivityPage, Error> {
        let filter = page.created_after.map(|time| format!("create_time > \"{time}\""));
        let request = || {
            Request::get(Method::ListActivities, format!("{}/activities", id.name()))
                .query("pageSize", page_size(page.page_size))
                .query("pageToken", page.page_token.as_ref())
                .query("filter", filter.as_ref())
        };
        let refused = &self.shared.activity_fields_refused;
        self.masked(request, page.fields.as_ref(), refused, &parse).await
    }

    /// Reads one activity.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn get_activity(&self, id: &SessionId, activity: &ActivityId) -> Result<Activity, Error> {
        self.read(Request::get(Method::GetActivity, format!("{}/activities/{activity}", id.name()))).await
    }

    /// Reads one page of the connected sources.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn list_sources(&self, page: &ListSources) -> Result<SourcePage, Error> {
        let request = Request::get(Method::ListSources, "sources")
            .query("pageSize", page_size(page.page_size))
            .query("pageToken", page.page_token.as_ref())
            .query("filter", page.filter.as_ref());
        self.read(request).await
    }

    /// Reads a source. Under load the service has answered 404 for sources that exist.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn get_source(&self, name: &SourceName) -> Result<Source, Error> {
        self.read(Request::get(Method::GetSource, name.as_str())).await
    }

    async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        self.call(&request, self.options.retries, &parse).await
    }

    async fn act(
        &self,
        method: Method,
        id: &SessionId,
        verb: &str,
        body: serde_json::Value,
    ) -> Result<(), Error> {
        self.write(Request::post(method, format!("{}:{verb}", id.name()), body)).await
    }

    /// Any 2xx is success, whatever its body says: some writes answer with nothing, some with half a session.
    async fn write(&self, request: Request) -> Result<(), Error> {
        self.call(&request, self.options.retries, &|_, _| Ok(())).await
    }

    /// Sends a request until it succeeds or its failure is final.
    async fn call<T>(&self, request: &Request, retries: Retries, parse: &Parse<'_, T>) -> Result<T, Error> {
        let span = tracing::debug_span!("jules", method = request.method.as_str(), path = request.path());
        let started = Instant::now();
        let mut attempts = Attempts::new(retries);
        let mut in_doubt = false;
        let (outages, kind) = (&self.shared.outages, request.method.kind());
        loop {
            let answer = async {
                let granted = self.turn(request.method).await?;
                self.attempt(request, granted).await
            };
            let error = match self.heard(request, answer.instrument(span.clone()).await, parse) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if in_doubt && request.method == Method::DeleteSession && error.is_not_found() {
                // The attempt whose answer was lost has deleted it.
                return parse(request.method, b"{}");
            }
            in_doubt |= !error.surely_not_processed();
            match attempts.failed(&error, started.elapsed(), self.held_for(request.method), fastrand::f64()) {
                Next::GiveUp => return Err(error),
                Next::Again(pause) => {
                    tracing::debug!(parent: &span, %error, ?pause, "sending it again");
                    let now = Instant::now();
                    outages.again(kind, later(now, pause), now);
                    self.pause_before_retry(pause).await;
                }
            }
        }
    }

    /// Sends a request in a turn that was had, whatever becomes of it.
    pub(super) async fn once<T>(
        &self,
        request: &Request,
        granted: Granted,
        parse: &Parse<'_, T>,
    ) -> Result<T, Error> {
        let span = tracing::debug_span!("jules", method = request.method.as_str(), path = request.path());
        let answer = self.attempt(request, granted).instrument(span).await;
        self.heard(request, answer, parse)
    }

    /// What an answer says, and what it says of the service.
    fn heard<T>(
        &self,
        request: &Request,
        answer: Result<Vec<u8>, Error>,
        parse: &Parse<'_, T>,
    ) -> Result<T, Error> {
        let answer = answer.and_then(|body| parse(request.method, &body));
        if answer.is_err() && !self.options.tells_outage {
            return answer;
        }
        self.shared.outages.heard(request.method.kind(), answer.as_ref().err(), Instant::now());
        answer
    }

    /// How long the limiter holds requests to this method.
    pub(super) fn held_for(&self, method: Method) -> Duration {
        self.shared.limiter.held_for(method)
    }

    /// Pauses before another attempt, and counts it.
    pub(super) async fn pause_before_retry(&self, pause: Duration) {
        self.shared.counters.retried();
        self.shared.counters.waited(pause);
        self.pause(pause).await;
    }

    /// Waits until the limiter lets a request through, as long as it may.
    pub(super) async fn turn(&self, method: Method) -> Result<Granted, Error> {
        let asked = Instant::now();
        let limit = self.options.send_within;
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let unsent = |after| Error::new(method, ErrorKind::NotSent(after));
        tokio::select! {
            biased;
            () = self.closed() => Err(unsent(asked.elapsed())),
            permit = self.shared.limiter.acquire(method) => Ok(Granted::now(permit)),
            () = over => Err(unsent(limit.unwrap_or_default())),
        }
    }

    /// Sends a request once.
    async fn attempt(&self, request: &Request, granted: Granted) -> Result<Vec<u8>, Error> {
        let Shared { transport, counters, .. } = &*self.shared;
        let by = granted.send_by(&self.options);
        let Granted { permit, .. } = granted;
        counters.waited(permit.waited);
        counters.sent(request.method);
        let sent = Instant::now();
        self.options.departure.iter().for_each(Departure::is_now);
        let answer = transport.send(request, &self.options, by).await;
        tracing::debug!(took = ?sent.elapsed(), waited = ?permit.waited, ok = answer.is_ok(), "answered");
        match &answer {
            Err(error) if error.is_throttled() => {
                counters.throttled();
                permit.throttled(error.retry_after());
            }
            // Only an answer of the service ends a streak; a broken connection says nothing about the quota.
            Ok(_) => permit.answered(),
            Err(error) if error.refusal().is_some() => permit.answered(),
            Err(_) => {}
        }
        answer
    }
}

pub(super) type Parse<'a, T> = dyn Fn(Method, &[u8]) -> Result<T, Error> + Sync + 'a;

pub(super) fn parse<T: DeserializeOwned>(method: Method, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| malformed(method, error))
}

fn malformed(method: Method, error: serde_json::Error) -> Error {
    Error::caused_by(method, ErrorKind::Malformed, error)
}

impl fmt::Debug for Jules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jules").field("base_url", &self.base_url().as_str()).finish_non_exhaustive()
    }
}
