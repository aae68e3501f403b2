//! What several parts of the page show: links, moments, numbers.

use foreign_text::{one_line, plain};
use jiff::Timestamp;
use serde::Serialize;

use super::super::link::{https, pull_label};
use super::super::{AttemptV1, PullRequestV1};

/// Rows of a group at most: the table of tasks has all of them.
pub(super) const ROWS: usize = 200;

/// Words, and where they lead if that is a safe address.
#[derive(Serialize)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) href: Option<String>,
}

impl Link {
    pub(super) fn to(pull: &PullRequestV1) -> Self {
        Self { text: plain(&pull_label(pull)).into_owned(), href: https(&pull.url) }
    }
}

pub(super) fn session(attempt: &AttemptV1) -> Option<Link> {
    let session = attempt.session.as_ref()?;
    let href = session.url.as_deref().and_then(https);
    Some(Link { text: one_line(plain(&session.name()), 100).into_owned(), href })
}

#[derive(Serialize)]
pub(super) struct Moment {
    millis: i64,
    iso: String,
    pub(super) text: String,
    full: String,
}

impl Moment {
    pub(super) fn of(time: Timestamp) -> Self {
        Self {
            millis: time.as_millisecond(),
            iso: time.to_string(),
            text: time.strftime("%b %-d %H:%M").to_string(),
            full: second(time),
        }
    }
}

/// `2026-11-22 02:00:05 UTC`.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Three decimals are finer than a pixel.
pub(super) fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
