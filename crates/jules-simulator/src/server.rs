//! HTTP around the service: reads requests, asks, and lets answers travel as they are meant to.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Response, StatusCode, header, request::Parts, uri::Authority},
    routing::{any, get, post},
};
use futures::{StreamExt as _, stream};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use tokio_util::sync::CancellationToken;

use super::{
    answer::{Answer, Delivery, Served},
    clock::Clock,
    github::{AskedOfGitHub, PullRequestView},
    service::{Asked, Service},
    socket::Control,
    statistics::{SessionView, Statistics},
};

/// The version in front of every method's address.
pub(super) const VERSION: &str = "/v1alpha";

/// Larger bodies than this are refused, as by any front end.
const LARGEST_BODY: usize = 16 << 20;

/// What all connections share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    service: Arc<Mutex<Service>>,
    clock: Clock,
    /// Ends answers that would never end by themselves.
    closing: CancellationToken,
    /// `http` or `https`.
    scheme: &'static str,
}

impl Shared {
    pub(super) fn new(
        service: Service,
        clock: Clock,
        closing: CancellationToken,
        scheme: &'static str,
    ) -> Self {
        Self { service: Arc::new(Mutex::new(service)), clock, closing, scheme }
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        // A panic while it was held is a bug that has been reported already; the statistics are still worth reading.
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `look` finds at this moment.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Service, Timestamp) -> T) -> T {
        let mut service = self.service();
        look(&mut service, self.clock.now())
    }
}

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .nest("/statistics", counts())
        // The name that they had first.
        .nest("/books", counts())
        .route(&format!("{VERSION}/{{*path}}"), any(api))
        .merge(github())
        .fallback(async || plain(Answer::no_such_page()))
        .with_state(shared)
}

fn counts() -> Router<Shared> {
    Router::new()
        .route("/", get(statistics))
        .route("/sessions", get(sessions))
        .route("/pulls", get(pull_requests))
        .route("/reset", post(reset))
}

/// The addresses of GitHub, as they are at api.github.com and at a server of an enterprise.
fn github() -> Router<Shared> {
    let addresses = [
        "/graphql",
        "/api/graphql",
        "/api/v3/{*path}",
        "/repos/{*path}",
        "/repositories/{*path}",
        "/user",
        "/rate_limit",
    ];
    addresses.into_iter().fold(Router::new(), |router, address| router.route(address, any(ask_github)))
}

async fn pull_requests(State(shared): State<Shared>) -> Json<Vec<PullRequestView>> {
    Json(shared.look(Service::pull_requests))
}

async fn ask_github(
    State(shared): State<Shared>,
    ConnectInfo(connection): ConnectInfo<Control>,
    request: Request,
) -> Response<Body> {
    let scheme = shared.scheme;
    answer(shared, connection, request, |service, head, body, now| {
        let header = |name: header::HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        // Behind a proxy the address is whole; else the host stands in a header.
        let host = head.uri.authority().map(Authority::as_str).or(header(header::HOST));
        let asked = AskedOfGitHub {
            verb: head.method.as_str(),
            path: head.uri.path().trim_start_matches('/'),
            query: head.uri.query(),
            authorization: header(header::AUTHORIZATION),
            known: header(header::IF_NONE_MATCH),
            origin: &format!("{scheme}://{}", host.unwrap_or("api.github.com")),
            body,
        };
        service.serve_github(asked, now)
    })
    .await
}

async fn statistics(State(shared): State<Shared>) -> Json<Statistics> {
    Json(shared.look(Service::statistics))
}

async fn sessions(State(shared): State<Shared>) -> Json<Vec<SessionView>> {
    Json(shared.look(Service::views))
}

async fn reset(State(shared): State<Shared>) -> StatusCode {
    shared.look(Service::reset);
    StatusCode::NO_CONTENT
}

async fn api(
    State(shared): State<Shared>,
    ConnectInfo(connection): ConnectInfo<Control>,
    request: Request,
) -> Response<Body> {
    answer(shared, connection, request, |service, head, body, now| {
        let asked = Asked {
            verb: head.method.as_str(),
            path: head.uri.path().strip_prefix(VERSION).unwrap_or_default().trim_start_matches('/'),
            query: head.uri.query(),
            key: head.headers.get("x-goog-api-key").and_then(|key| key.to_str().ok()),
            body,
        };
        service.serve(asked, now)
    })
    .await
}

/// Reads a request, lets `serve` answer it, and the answer travel.
async fn answer(
    shared: Shared,
    connection: Control,
    request: Request,
    serve: impl FnOnce(&mut Service, &Parts, &[u8], Timestamp) -> Served,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return plain(Answer::error_page(413));
    };
    let served = shared.look(|service, now| serve(service, &head, &body, now));
    let (verb, path) = (&head.method, head.uri.path());
    tracing::trace!(%verb, path, status = served.answer.status, delivery = ?served.delivery, "served");
    let now = shared.clock.now();
    dated(deliver(served, &connection, shared.closing).await, now)
}

/// With the time of the clock that sessions and activities have theirs of.
fn dated(mut response: Response<Body>, now: Timestamp) -> Response<Body> {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// Lets an answer travel.
async fn deliver(served: Served, connection: &Control, closing: CancellationToken) -> Response<Body> {
    let Served { answer, delivery } = served;
    match delivery {
        Delivery::Whole => plain(answer),
        Delivery::Slow(delay) => {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = closing.cancelled() => {}
            }
            plain(answer)
        }
        Delivery::Reset => {
            connection.reset();
            plain(answer)
        }
        Delivery::Hung | Delivery::Silent => {
            if delivery == Delivery::Silent {
                connection.silence();
            }
            closing.cancelled().await;
            connection.reset();
            plain(answer)
        }
        Delivery::Truncated => half(&answer, async { tokio::task::yield_now().await }),
        Delivery::Stalled => half(&answer, async move { closing.cancelled().await }),
    }
}

fn plain(mut answer: Answer) -> Response<Body> {
    let body = Body::from(std::mem::take(&mut answer.body));
    respond(&answer, body)
}

/// Announces the whole body, sends half of it, and breaks off after `pause`.
fn half(answer: &Answer, pause: impl Future<Output = ()> + Send + 'static) -> Response<Body> {
    let sent = Bytes::copy_from_slice(&answer.body.as_bytes()[..answer.body.len() / 2]);
    let broken = stream::once(async move {
        pause.await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let body = stream::iter([Ok(sent)]).chain(broken);
    let mut response = respond(answer, Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(answer.body.len().max(1)));
    response
}

fn respond(answer: &Answer, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(content_type) = answer.content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in &answer.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(*name, value);
        }
    }
    if let Some(location) = answer.location {
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(location));
    }
    response
}
