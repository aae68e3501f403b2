//! What is read of a few pull requests: those that have failed, are about to be merged, or were just closed.

use serde::{Deserialize, Deserializer};

use super::pull_request::Fact;
use super::unreadable::in_one_line;

/// Labels, reviews and checks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    /// The head that they are of.
    #[serde(rename = "headRefOid")]
    pub(crate) head: String,
    #[serde(deserialize_with = "labels")]
    pub(crate) labels: Fact<Vec<String>>,
    /// The last one with an opinion of each reviewer who may write.
    #[serde(rename = "latestOpinionatedReviews", deserialize_with = "reviews")]
    pub(crate) reviews: Fact<Vec<Opinion>>,
    /// None where there is no check. At most fifty are told.
    #[serde(rename = "statusCheckRollup", deserialize_with = "checks")]
    pub(crate) checks: Fact<Vec<Check>>,
    /// Who closed it last.
    #[serde(rename = "timelineItems", deserialize_with = "closer")]
    pub(crate) closed_by: Option<String>,
}

impl Details {
    /// As [`PullRequest::leave_open`](super::PullRequest).
    pub(super) fn leave_open(&mut self, field: &str, why: &str) {
        let why = in_one_line(why);
        match field {
            "labels" => self.labels = Fact::Unread(why),
            "latestOpinionatedReviews" => self.reviews = Fact::Unread(why),
            "statusCheckRollup" => self.checks = Fact::Unread(why),
            // Nothing is decided by who closed it.
            _ => {}
        }
    }

    /// Whether somebody who may write approves this head.
    pub(crate) fn is_approved(&self) -> bool {
        let is_approval = |review: &Opinion| {
            review.state == OpinionState::Approved && review.commit.as_ref() == Some(&self.head)
        };
        matches!(&self.reviews, Fact::Some(reviews) if reviews.iter().any(is_approval))
    }
}

/// A review with an opinion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opinion {
    pub(crate) author: Option<String>,
    pub(crate) state: OpinionState,
    /// The head that it is about.
    pub(crate) commit: Option<String>,
}

/// What a review says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OpinionState {
    Approved,
    ChangesRequested,
    Dismissed,
    #[serde(untagged)]
    Other(String),
}

/// One check of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) name: String,
    /// GitHub's word for how it ended; none while it runs.
    pub(crate) ended: Option<String>,
}

impl Check {
    /// Whether it ended in a way that stands against a merge. A word that this version does not know does.
    pub(crate) fn has_failed(&self) -> bool {
        let is_well =
            |ended: &str| matches!(ended, "SUCCESS" | "NEUTRAL" | "SKIPPED" | "PENDING" | "EXPECTED");
        self.ended.as_deref().is_some_and(|ended| !is_well(ended))
    }
}

#[derive(Deserialize)]
struct Nodes<T> {
    nodes: Option<Vec<Option<T>>>,
}

impl<T> Nodes<T> {
    fn into_items(self) -> impl Iterator<Item = T> {
        self.nodes.into_iter().flatten().flatten()
    }
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Login {
    login: String,
}

#[derive(Deserialize)]
struct Oid {
    oid: String,
}

#[derive(Deserialize)]
struct WireReview {
    author: Option<Login>,
    state: OpinionState,
    commit: Option<Oid>,
}

#[derive(Deserialize)]
struct Rollup {
    contexts: Nodes<WireCheck>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireCheck {
    Run { name: String, conclusion: Option<String> },
    Status { context: String, state: String },
}

#[derive(Deserialize)]
struct Closing {
    actor: Option<Login>,
}

fn nodes<'de, D: Deserializer<'de>, W: Deserialize<'de>, T>(
    deserializer: D,
    of: impl Fn(W) -> T,
) -> Result<Fact<Vec<T>>, D::Error> {
    let nodes = Option::<Nodes<W>>::deserialize(deserializer)?;
    Ok(nodes.map_or(Fact::None, |nodes| Fact::Some(nodes.into_items().map(of).collect())))
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fact<Vec<String>>, D::Error> {
    nodes(deserializer, |label: Name| label.name)
}

fn reviews<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fact<Vec<Opinion>>, D::Error> {
    nodes(deserializer, |review: WireReview| Opinion {
        author: review.author.map(|author| author.login),
        state: review.state,
        commit: review.commit.map(|commit| commit.oid),
    })
}

fn checks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fact<Vec<Check>>, D::Error> {
    let check = |check| match check {
        WireCheck::Run { name, conclusion } => Check { name, ended: conclusion },
        WireCheck::Status { context, state } => Check { name: context, ended: Some(state) },
    };
    let rollup = Option::<Rollup>::deserialize(deserializer)?;
    Ok(rollup.map_or(Fact::None, |rollup| Fact::Some(rollup.contexts.into_items().map(check).collect())))
}

fn closer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let closings = Option::<Nodes<Closing>>::deserialize(deserializer)?;
    let actors = closings.into_iter().flat_map(Nodes::into_items).filter_map(|closing| closing.actor);
    Ok(actors.last().map(|actor| actor.login))
}
