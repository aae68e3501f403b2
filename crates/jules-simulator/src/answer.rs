//! What goes back to the client, and whether it arrives whole.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{failure::Failure, mask::Mask};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: String,
    pub(super) retry_after: Option<u64>,
    /// Where a redirect leads.
    pub(super) location: Option<&'static str>,
    /// Other headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

/// An answer on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) answer: Answer,
    pub(super) delivery: Delivery,
}

/// How an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// After this long, in real time.
    Slow(Duration),
    /// Not at all: the connection is reset.
    Reset,
    /// The body ends in the middle.
    Truncated,
    /// The body stops in the middle and nothing more comes.
    Stalled,
    /// Nothing comes.
    Hung,
    /// Nothing comes, nor ever again on this connection.
    Silent,
}

impl Delivery {
    /// Whether the client gets to see a status.
    pub(super) fn leaves(self) -> bool {
        match self {
            Self::Whole | Self::Slow(_) | Self::Truncated | Self::Stalled => true,
            Self::Reset | Self::Hung | Self::Silent => false,
        }
    }
}

const JSON: &str = "application/json; charset=UTF-8";
/// Where redirects lead: an address that answers 404.
const LOGIN: &str = "/login";
const HTML: &str = "text/html; charset=UTF-8";

impl Answer {
    pub(super) fn json(value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(body) => Self { content_type: Some(JSON), body, ..Self::empty() },
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                Self::refusal(&Failure::outage(500))
            }
        }
    }

    pub(super) fn empty() -> Self {
        Self {
            status: 200,
            content_type: None,
            body: String::new(),
            retry_after: None,
            location: None,
            headers: Vec::new(),
        }
    }

    pub(super) fn refusal(failure: &Failure) -> Self {
        Self {
            status: failure.code,
            content_type: Some(JSON),
            body: failure.body().to_string(),
            retry_after: failure.retry_after,
            location: (300..400).contains(&failure.code).then_some(LOGIN),
            headers: Vec::new(),
        }
    }

    /// What a proxy in front of the service says.
    pub(super) fn error_page(status: u16) -> Self {
        let body = format!(
            "<!DOCTYPE html>\n<html lang=en>\n<title>Error {status}</title>\n<p><b>{status}.</b> That's an error.\n\
             <p>The server encountered a temporary error and could not complete your request.\n"
        );
        let location = (300..400).contains(&status).then_some(LOGIN);
        Self { status, content_type: Some(HTML), body, location, ..Self::empty() }
    }

    /// What an address answers that no method has.
    pub(super) fn no_such_page() -> Self {
        let body = "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)</title>\n<p><b>404.</b> That's an error.\n\
                    <p>The requested URL was not found on this server.\n";
        Self { status: 404, content_type: Some(HTML), body: body.to_owned(), ..Self::empty() }
    }

    /// Makes a listing's page name `token` as the next page.
    pub(super) fn next_page(&mut self, token: String) {
        if let Ok(mut value) = serde_json::from_str::<Value>(&self.body) {
            value["nextPageToken"] = token.into();
            self.body = value.to_string();
        }
    }

    /// Leaves of a success what the mask names.
    pub(super) fn select(&mut self, mask: &Mask) {
        if !self.is_success() || *mask == Mask::default() {
            return;
        }
        if let Ok(mut value) = serde_json::from_str(&self.body) {
            mask.apply(&mut value);
            self.body = value.to_string();
        }
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
