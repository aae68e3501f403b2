//! What is read of repositories: which pull requests they have, and what may be done there.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::words::{Permission, State};

/// A repository's newest pull requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// Newest first.
    pub(crate) pulls: Vec<FoundPull>,
    /// Whether there are older ones.
    pub(crate) has_older: bool,
}

impl Newest {
    /// Whether all that were opened since then are among them.
    pub(crate) fn reaches_back_to(&self, since: Timestamp) -> bool {
        !self.has_older || self.pulls.last().is_some_and(|oldest| oldest.created_at < since)
    }
}

/// One of a repository's newest pull requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundPull {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) url: String,
    #[serde(rename = "headRefName")]
    pub(crate) branch: String,
    pub(crate) state: State,
    pub(crate) created_at: Timestamp,
    pub(crate) is_cross_repository: bool,
}

/// What may be done in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoryFacts {
    #[serde(flatten)]
    pub(crate) repository: super::Repository,
    /// Whether merges into its default branch go through a queue.
    #[serde(rename = "mergeQueue", deserialize_with = "is_there")]
    pub(crate) has_merge_queue: bool,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(deserializer)?.is_some())
}

impl<'de> Deserialize<'de> for Newest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            pull_requests: Page,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            page_info: PageInfo,
            nodes: Vec<FoundPull>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct PageInfo {
            has_next_page: bool,
        }
        let Page { page_info, nodes } = Wire::deserialize(deserializer)?.pull_requests;
        Ok(Self { pulls: nodes, has_older: page_info.has_next_page })
    }
}
