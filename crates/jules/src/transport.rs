//! One HTTP exchange: request out, answer in, every wait bounded, nothing leaked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use foreign_text::{Secrets, Word};
use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use super::clock::Clock;
use super::connections::{Connections, MakeHttp};
use super::error::{ErrorKind, Refusal};
use super::secret::redact_body;
use super::send_by::{InTime, Kept, SendBy};
use super::{ApiKey, Error, Method, NewSession, Options, surrogates};

/// The header that carries the key.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-goog-api-key");

/// How many bytes of an answer's body get room before they have come.
const FIRST_BODY: usize = 64 * 1024;

/// A longer body is searched for secrets beside the loop: a megabyte of nothing but escape sequences takes seconds.
const SEARCHED_AT_ONCE: usize = 64 * 1024;

/// Where requests go, and the connections there.
pub(super) struct Transport {
    connections: Connections,
    base_url: Url,
    key: ApiKey,
    /// What answers are read without: the key, and what else is nobody's business.
    secrets: Arc<Secrets>,
    /// One long body is searched at a time: whoever sends many gets no more than one core.
    searching: Arc<Semaphore>,
    /// Whether an answer held one of them.
    secret_came_back: AtomicBool,
    clock: Clock,
}

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    verb: reqwest::Method,
    /// Path segments behind the base URL; each one is a checked id or a fixed word.
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Request {
    pub(super) fn get(method: Method, path: impl Into<String>) -> Self {
        Self { method, verb: reqwest::Method::GET, path: path.into(), query: Vec::new(), body: None }
    }

    pub(super) fn delete(method: Method, path: impl Into<String>) -> Self {
        Self { verb: reqwest::Method::DELETE, ..Self::get(method, path) }
    }

    pub(super) fn post(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self { verb: reqwest::Method::POST, body: Some(body), ..Self::get(method, path) }
    }

    /// A session's creation.
    pub(super) fn create(new: &NewSession) -> Result<Self, Error> {
        let body = new.body()?;
        Ok(Self::post(Method::CreateSession, "sessions", body))
    }

    /// What is asked for, behind the base URL.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Adds a query parameter if there is a value for it.
    pub(super) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }
}

impl Transport {
    /// Connections to `base_url`.
    pub(super) fn new(
        make: MakeHttp,
        connect_timeout: Duration,
        base_url: Url,
        key: ApiKey,
        hidden: Vec<Word>,
    ) -> Result<Self, reqwest::Error> {
        // Plain HTTP is for loopback, and a proxy would read the key. It needs no certificates either: not to load the
        // system's saves some megabytes.
        let is_plain = base_url.scheme() == "http";
        let connections = Connections::new(make, move |http| {
            let http = http.connect_timeout(connect_timeout);
            if is_plain { without_certificates(http.no_proxy()) } else { http }
        })?;
        Ok(Self {
            connections,
            base_url,
            secrets: Arc::new(Secrets::new(key.words().iter().cloned().chain(hidden))),
            searching: Arc::new(Semaphore::new(1)),
            key,
            secret_came_back: AtomicBool::new(false),
            clock: Clock::default(),
        })
    }

    /// How often fresh connections were made in place of silent ones.
    pub(super) fn reconnects(&self) -> u64 {
        self.connections.reconnects()
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    pub(super) fn secret_came_back(&self) -> bool {
        self.secret_came_back.load(Ordering::Relaxed)
    }

    /// The service's time.
    pub(super) fn time(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn key(&self) -> &ApiKey {
        &self.key
    }

    /// What answers are read without.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Sends the request once and reads the answer to its end. Its body leaves until `by` or not at all.
    pub(super) async fn send(
        &self,
        request: &Request,
        options: &Options,
        by: Option<SendBy>,
    ) -> Result<Vec<u8>, Error> {
        let limit = options.limit_of(request.method);
        let (http, generation) = self.connections.current();
        let (outgoing, kept) = self.outgoing(&http, request, options, by)?;
        let exchange = self.exchange(&http, outgoing, request.method, options);
        let answer = tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or_else(|_| Err(Error::new(request.method, ErrorKind::Timeout(limit))));
        let answer = answer.map_err(|error| match by {
            // Whatever the connection says of it: an answer of the service was to another half of it, if at all.
            Some(by) if kept.back() => Error::new(request.method, ErrorKind::TooLate(by.limit)),
            _ => error,
        });
        self.connections.heard(generation, request.method, answer.as_ref().err());
        answer
    }

    async fn exchange(
        &self,
        http: &reqwest::Client,
        outgoing: reqwest::Request,
        method: Method,
        options: &Options,
    ) -> Result<Vec<u8>, Error> {
        let mut answer =
            http.execute(outgoing).await.map_err(|error| network(method, error, options.limit_of(method)))?;
        let body = read_body(method, &mut answer, options).await;
        // Whoever repeats a secret is read without it: before anything is cut, and before escapes are understood.
        let body = match body {
            Ok(body) => self.without_secrets(method, body).await,
            Err(error) => Err(error),
        };
        let body = body.map(|mut body| {
            surrogates::mend(&mut body);
            body
        });
        if answer.status().is_success() {
            // Others answer in the service's place only with a refusal.
            self.clock.set(answer.headers());
            return body;
        }
        // A refusal stands even when its text cannot be read.
        let refusal = Refusal::read(answer.status().as_u16(), answer.headers(), &body.unwrap_or_default());
        Err(Error::new(method, ErrorKind::Refused(refusal)))
    }

    async fn without_secrets(&self, method: Method, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        let (body, had_one) = if body.len() <= SEARCHED_AT_ONCE {
            clean(&self.secrets, body)
        } else {
            // It is held until the search has ended, also when nobody waits for that any more.
            let turn = Arc::clone(&self.searching).acquire_owned().await;
            let secrets = Arc::clone(&self.secrets);
            let search = move || {
                let _turn = turn;
                clean(&secrets, body)
            };
            let searched = tokio::task::spawn_blocking(search).await;
            searched.map_err(|error| Error::caused_by(method, ErrorKind::Interrupted, error))?
        };
        if had_one {
            self.secret_came_back.store(true, Ordering::Relaxed);
        }
        Ok(body)
    }

    fn outgoing(
        &self,
        http: &reqwest::Client,
        request: &Request,
        options: &Options,
        by: Option<SendBy>,
    ) -> Result<(reqwest::Request, Kept), Error> {
        let mut headers = options.headers.map();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(reqwest::header::USER_AGENT, options.user_agent.clone());
        let mut builder = http.request(request.verb.clone(), self.url(&request.path)).query(&request.query);
        if let Some(body) = &request.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            builder = builder.body(body.to_string());
        }
        headers.insert(KEY_HEADER, self.key.header());
        let mut outgoing = builder.headers(headers).build().map_err(|error| {
            let reason = "the request cannot be put together".to_owned();
            Error::caused_by(request.method, ErrorKind::Input(reason), error.without_url())
        })?;
        if let Some(hook) = &options.hook {
            hook.call(&mut outgoing);
        }
        let kept = keep_back(&mut outgoing, by).ok_or_else(|| {
            let reason = "the request hook has put a body in place that is a stream".to_owned();
            Error::new(request.method, ErrorKind::Input(reason))
        })?;
        Ok((outgoing, kept))
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url
    }
}

/// Has the body leave in its time or not at all; none where it is a stream.
fn keep_back(outgoing: &mut reqwest::Request, by: Option<SendBy>) -> Option<Kept> {
    let Some(body) = outgoing.body() else { return Some(Kept::default()) };
    let (body, kept) = InTime::new(Bytes::copy_from_slice(body.as_bytes()?), by);
    *outgoing.body_mut() = Some(reqwest::Body::wrap(body));
    Some(kept)
}

#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
fn without_certificates(http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    http.tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
fn without_certificates(http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    http
}

/// The body without secrets, and whether it had one.
fn clean(secrets: &Secrets, body: Vec<u8>) -> (Vec<u8>, bool) {
    match redact_body(secrets, &body) {
        Some(clean) => (clean, true),
        None => (body, false),
    }
}

/// Reads a body in chunks: none may take too long, and all together may not be too much.
async fn read_body(method: Method, answer: &mut Response, options: &Options) -> Result<Vec<u8>, Error> {
    let (stall, limit) = (options.stall_timeout, options.max_body);
    let too_large = || Error::new(method, ErrorKind::TooLarge(limit));
    let announced =
        answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    if announced > limit {
        return Err(too_large());
    }
    // It grows with what comes: what is announced costs the other side nothing.
    let mut body = Vec::with_capacity(announced.min(FIRST_BODY));
    loop {
        let chunk = tokio::time::timeout(stall, answer.chunk())
            .await
            .map_err(|_| Error::new(method, ErrorKind::Timeout(stall)))?
            .map_err(|error| network(method, error, stall))?;
        let Some(chunk) = chunk else { return Ok(body) };
        if chunk.len() > limit - body.len() {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
}

/// What a failure below HTTP means.
fn network(method: Method, error: reqwest::Error, limit: Duration) -> Error {
    // Everything that fails while connecting (name, TCP, proxy, TLS) fails before a byte of the request is out.
    let kind = if error.is_connect() {
        ErrorKind::Connect
    } else if error.is_timeout() {
        ErrorKind::Timeout(limit)
    } else {
        ErrorKind::Interrupted
    };
    Error::caused_by(method, kind, error.without_url())
}
