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
use foreign_text::line as neutral;
use futures::Stream;
use futures::stream::unfold;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::watch;

use super::guard::{self, Guard};
use super::library::{Changes, Library, Unreadable};
use super::{pages, pulls};
use crate::cli::redact::redactor;
use crate::outcome::{RunId, Stage};

/// Pages that may follow at once.
const FOLLOWERS: usize = 256;

pub(super) fn router(library: Arc<Library>, guard: Arc<Guard>) -> Router {
    let watched = Arc::clone(&library);
    tokio::spawn(async move { watched.watch().await });
    Router::new()
        .route("/", get(runs))
        .route("/current", get(current))
        .route("/run/{run}", get(run))
        .route("/pulls", get(pulls))
        .route("/events", get(events))
        .fallback(nothing)
        .method_not_allowed_fallback(read_only)
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(library)
}

async fn runs(State(library): State<Arc<Library>>) -> Response {
    match library.runs().await {
        Ok((runs, at)) => html(&pages::runs(&runs, at), Some(&pages::policy())),
        Err(why) => unreadable(&why),
    }
}

async fn current(State(library): State<Arc<Library>>) -> Response {
    match library.current().await {
        Ok(Some(run)) => (StatusCode::SEE_OTHER, [(LOCATION, format!("/run/{run}"))]).into_response(),
        Ok(None) => missing(),
        Err(why) => unreadable(&why),
    }
}

async fn run(State(library): State<Arc<Library>>, Path(run): Path<String>) -> Response {
    let Ok(run) = run.parse::<RunId>() else { return missing() };
    match library.page(run.clone()).await {
        // Its policy stands in it.
        Ok(Some((page, at))) => html(&pages::live(&page, &run, at), None),
        Ok(None) => missing(),
        Err(why) => unreadable(&why),
    }
}

/// At which stage; at any where none is named.
#[derive(Deserialize)]
struct Wanted {
    stage: Option<String>,
}

async fn pulls(State(library): State<Arc<Library>>, Query(wanted): Query<Wanted>) -> Response {
    let stage = wanted.stage.as_deref().map(Stage::from_name);
    if stage == Some(None) {
        return (StatusCode::NOT_FOUND, "there is no such stage; all of them are at /pulls\n")
            .into_response();
    }
    match library.pulls(stage.flatten()).await {
        Ok((standing, at)) => {
            let page = pulls::page(&standing, stage.flatten(), at, Timestamp::now());
            html(&page, Some(&pages::policy()))
        }
        Err(why) => unreadable(&why),
    }
}

/// Which run is followed; all of them where none is named. And from where on: what the page has.
#[derive(Deserialize)]
struct Followed {
    run: Option<String>,
    since: Option<u64>,
}

async fn events(State(library): State<Arc<Library>>, Query(followed): Query<Followed>) -> Response {
    let changes = library.changes();
    if library.followers() > FOLLOWERS {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages follow already\n").into_response();
    }
    let Ok(run) = followed.run.map(|run| run.parse()).transpose() else { return missing() };
    Sse::new(news(changes, run, followed.since)).keep_alive(KeepAlive::default()).into_response()
}

/// An event for each change: what has changed is for the page to read.
fn news(
    mut changes: watch::Receiver<Option<Changes>>,
    run: Option<RunId>,
    since: Option<u64>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let standing = move |changes: &Changes| match &run {
        Some(run) => changes.of(run),
        None => Some(changes.of_all()),
    };
    // It may be known already.
    changes.mark_changed();
    unfold((changes, since, standing), |(mut changes, mut before, standing)| async move {
        loop {
            changes.changed().await.ok()?;
            let now = changes.borrow_and_update().as_ref().and_then(&standing);
            if let Some(now) = now.filter(|now| before != Some(*now)) {
                before = Some(now);
                let event = Event::default().event("change").data(now.to_string());
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

async fn nothing() -> Response {
    let places = "there is nothing here: all runs are at /, their pull requests at /pulls\n";
    (StatusCode::NOT_FOUND, places).into_response()
}

async fn read_only() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "everything here can be read, and nothing can be changed\n")
        .into_response()
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is no such run; all of them are at /\n").into_response()
}

fn unreadable(Unreadable(why): &Unreadable) -> Response {
    let why = redactor().clean(why).into_owned();
    (StatusCode::SERVICE_UNAVAILABLE, format!("the ledger cannot be read now: {}\n", neutral(&why)))
        .into_response()
}
