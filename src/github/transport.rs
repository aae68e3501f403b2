//! One exchange with GitHub: request out, answer in, bounded in time and size, and nothing leaked.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foreign_text::Secrets;
use jules::reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use jules::reqwest::{self, Client, Method, Url, redirect, retry};
use serde_json::Value;

use super::Config;
use super::limit::Told;
use super::unreadable::in_one_line;

/// GitHub itself gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
/// More than a hundred pull requests with bodies of the greatest length.
const MOST: usize = 32 * 1024 * 1024;
/// A longer body is searched for secrets beside the loop: a megabyte of nothing but escape sequences takes seconds.
const SEARCHED_AT_ONCE: usize = 64 * 1024;

/// Connections, and what has been sent over them.
pub(super) struct Transport {
    http: Client,
    config: Config,
    requests: AtomicU64,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) told: Told,
    pub(super) body: Vec<u8>,
    /// Whether there are further pages.
    pub(super) goes_on: bool,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What a refusal says in one line.
    pub(super) fn said(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match body["message"].as_str() {
            Some(message) => in_one_line(message),
            None => format!("status {}", self.status),
        }
    }
}

/// Why nothing came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nothing of the request went out.
    NotSent(String),
    /// What became of it is not known.
    Lost(String),
}

impl NoAnswer {
    pub(super) fn said(&self) -> &str {
        match self {
            Self::NotSent(said) | Self::Lost(said) => said,
        }
    }
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) verb: Method,
    pub(super) to: Url,
    pub(super) body: Option<Value>,
}

impl Transport {
    pub(super) fn new(config: Config) -> Result<Self, reqwest::Error> {
        // A redirect would carry the token to another place, and what is sent again behind our back could be done twice.
        let mut http = Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            .timeout(PATIENCE)
            .connect_timeout(CONNECT);
        if config.api.scheme() == "http" && config.graphql.scheme() == "http" {
            // This machine alone: no proxy, and no certificates.
            http = http.no_proxy().tls_certs_only([]);
        }
        let http = http.build().map_err(reqwest::Error::without_url)?;
        Ok(Self { http, config, requests: AtomicU64::new(0) })
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether the token begins so: GitHub's tell by that what they are.
    pub(super) fn token_begins_with(&self, prefix: &str) -> bool {
        self.config.token.begins_with(prefix)
    }

    /// A query of GraphQL, or a mutation.
    pub(super) fn graphql(&self, query: &str, variables: &Value) -> Request {
        let body = Some(serde_json::json!({ "query": query, "variables": variables }));
        Request { verb: Method::POST, to: self.config.graphql.clone(), body }
    }

    /// A request of REST; each segment is a part of the path that means nothing but itself.
    pub(super) fn rest(&self, verb: Method, segments: &[&str], body: Option<Value>) -> Request {
        let mut to = self.config.api.clone();
        if let Ok(mut path) = to.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Request { verb, to, body }
    }

    /// Sends it once.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, NoAnswer> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut outgoing = self.http.request(request.verb, request.to).headers(self.headers());
        if let Some(body) = request.body {
            outgoing = outgoing.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut answer = outgoing.send().await.map_err(no_answer)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = read(&mut answer).await?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let goes_on = text("link").is_some_and(|link| link.contains("rel=\"next\""));
        Ok(Answer { status, told: Told::read(text), body: self.without_secrets(body).await?, goes_on })
    }

    fn headers(&self) -> HeaderMap {
        let fixed = HeaderValue::from_static;
        HeaderMap::from_iter([
            (ACCEPT, fixed("application/vnd.github+json")),
            (USER_AGENT, fixed(concat!("jules-batch/", env!("CARGO_PKG_VERSION")))),
            (reqwest::header::HeaderName::from_static("x-github-api-version"), fixed("2022-11-28")),
            (AUTHORIZATION, self.config.token.bearer()),
        ])
    }

    /// Without secrets, should somebody repeat one: before anything is cut, and before escapes are understood.
    async fn without_secrets(&self, body: Vec<u8>) -> Result<Vec<u8>, NoAnswer> {
        if body.len() <= SEARCHED_AT_ONCE {
            return Ok(clean(&self.config.secrets, body));
        }
        let secrets = Arc::clone(&self.config.secrets);
        let search = tokio::task::spawn_blocking(move || clean(&secrets, body));
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) | Err(_) => {
                Err(NoAnswer::Lost("an answer that cannot be searched for secrets".to_owned()))
            }
        }
    }
}

fn clean(secrets: &Secrets, body: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&body);
    match secrets.mask(&text) {
        Cow::Borrowed(_) => body,
        Cow::Owned(clean) => clean.into_bytes(),
    }
}

async fn read(answer: &mut reqwest::Response) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
        if chunk.len() > MOST - body.len() {
            return Err(NoAnswer::Lost(format!("an answer of more than {} MiB", MOST / 1024 / 1024)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    let said = if error.is_timeout() { "no answer in time" } else { "the connection broke" };
    if error.is_connect() || error.is_builder() {
        // Name, TCP, proxy, TLS: before a byte of the request is out.
        let error = error.without_url();
        let cause = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let cause = cause.last().map_or_else(String::new, ToString::to_string);
        return NoAnswer::NotSent(in_one_line(&format!("no connection: {cause}")));
    }
    NoAnswer::Lost(said.to_owned())
}
