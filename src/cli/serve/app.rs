//! What is served where. GET and HEAD alone: nothing can be changed.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::Stream;
use futures::stream::unfold;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::watch;

use super::guard::{self, Guard};
use super::library::{Changes, Library};
use super::pages;
use crate::cli::redact::redactor;
use crate::outcome::RunId;

/// Pages that may follow at once.
const FOLLOWERS: usize = 256;

pub(super) fn router(library: Arc<Library>, guard: Arc<Guard>) -> Router {
    let watched = Arc::clone(&library);
    tokio::spawn(async move { watched.watch().await });
    Router::new()
        .route("/", get(runs))
        .route("/current", get(current))
        .route("/run/{run}", get(run))
        .route("/events", get(events))
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(library)
}

async fn runs(State(library): State<Arc<Library>>) -> Response {
    let page = pages::runs(&library.runs().await);
    html(&page, Some(&pages::runs_policy()))
}

async fn current(State(library): State<Arc<Library>>) -> Response {
    match library.runs().await.first() {
        Some(run) => (StatusCode::SEE_OTHER, [(LOCATION, format!("/run/{}", run.id))]).into_response(),
        None => missing(),
    }
}

async fn run(State(library): State<Arc<Library>>, Path(run): Path<String>) -> Response {
    let Ok(run) = run.parse::<RunId>() else { return missing() };
    match library.page(run.clone()).await {
        // Its policy stands in it.
        Some((page, at)) => html(&pages::live(&page, &run, at), None),
        None => missing(),
    }
}

/// Which run is followed; all of them where none is named. And from when on: what the page has.
#[derive(Deserialize)]
struct Followed {
    run: Option<String>,
    since: Option<String>,
}

async fn events(State(library): State<Arc<Library>>, Query(followed): Query<Followed>) -> Response {
    let changes = library.changes();
    if library.followers() > FOLLOWERS {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages follow already\n").into_response();
    }
    let run = followed.run.and_then(|run| run.parse().ok());
    let since = followed.since.and_then(|since| since.parse().ok());
    Sse::new(news(changes, run, since)).keep_alive(KeepAlive::default()).into_response()
}

/// An event for each change: what has changed is for the page to read.
fn news(
    mut changes: watch::Receiver<Changes>,
    run: Option<RunId>,
    since: Option<Timestamp>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let standing = move |changes: &Changes| match &run {
        Some(run) => changes.get(run).copied(),
        None => changes.values().max().copied(),
    };
    // What is known may be of before.
    changes.mark_changed();
    unfold((changes, since, standing), |(mut changes, mut before, standing)| async move {
        loop {
            changes.changed().await.ok()?;
            let now = standing(&changes.borrow_and_update());
            let is_news = now > before;
            before = now.max(before);
            if is_news {
                let event =
                    Event::default().event("change").data(now.map_or_else(String::new, |at| at.to_string()));
                return Some((Ok(event), (changes, before, standing)));
            }
        }
    })
}

fn html(page: &str, policy: Option<&str>) -> Response {
    let page = redactor().clean(page).into_owned();
    let mut response = ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    if let Some(policy) = policy.and_then(|policy| HeaderValue::from_str(policy).ok()) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is no such run; all of them are at /\n").into_response()
}
