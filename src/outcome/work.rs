//! What a session is called, and what it has made.

use std::sync::Arc;

use jules::SessionId;
use serde::{Deserialize, Serialize};

/// A session as reports name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRef {
    /// Its id.
    pub id: SessionId,
    /// Its page, if the service told it.
    pub url: Option<String>,
}

impl SessionRef {
    /// Its page, or else its id.
    pub(crate) fn link(&self) -> &str {
        self.url.as_deref().unwrap_or(self.id.as_str())
    }
}

/// What an attempt made. Its pull requests are shared: events, records and views have the same ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// The pull request, the last one if there are several.
    pub pull_request: Option<Arc<PullRequest>>,
    /// The others, oldest first: a session may open more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_pull_requests: Vec<Arc<PullRequest>>,
    /// The size of the change, if one is known.
    pub change: Option<Change>,
}

impl Work {
    /// All its pull requests, oldest first.
    pub fn pull_requests(&self) -> impl DoubleEndedIterator<Item = &PullRequest> {
        self.earlier_pull_requests.iter().chain(&self.pull_request).map(|pull| &**pull)
    }
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    /// Its page.
    pub url: String,
    /// Its number, from the URL.
    pub number: Option<u64>,
    /// Its title.
    pub title: Option<String>,
    /// The branch it goes to.
    pub base_ref: Option<String>,
    /// The branch it comes from.
    pub head_ref: Option<String>,
}

/// The size of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Files touched.
    pub files: u64,
    /// Lines added.
    pub additions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// Whether some of it could not be read: there may be more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}
