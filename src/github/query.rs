//! The texts of our queries. What others wrote goes into variables, never into the text.

use jules::PullRequestName;
use serde_json::{Map, Value, json};

/// What is read of every pull request: no connections, so that a hundred cost a point.
const FIELDS: &str = "id number url title state isDraft createdAt updatedAt mergedAt closedAt \
    author { __typename login } mergedBy { login } baseRefName headRefName headRefOid isCrossRepository \
    mergeable mergeStateStatus reviewDecision isInMergeQueue isMergeQueueEnabled autoMergeRequest { enabledAt } \
    statusCheckRollup { state } changedFiles additions deletions \
    repository { nameWithOwner isArchived viewerPermission squashMergeAllowed mergeCommitAllowed rebaseMergeAllowed \
    deleteBranchOnMerge }";

const DETAILS: &str = "headRefOid labels(first: 20) { nodes { name } } \
    latestOpinionatedReviews(first: 20, writersOnly: true) { nodes { author { login } state commit { oid } } } \
    statusCheckRollup { contexts(first: 50) { nodes { __typename \
    ... on CheckRun { name status conclusion } ... on StatusContext { context state } } } } \
    timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { login } } } }";

const NEWEST: &str = "pullRequests(first: 30, orderBy: { field: CREATED_AT, direction: DESC }) { \
    pageInfo { hasNextPage } nodes { id number url headRefName state createdAt isCrossRepository } }";

const REPOSITORY: &str = "nameWithOwner isArchived viewerPermission squashMergeAllowed mergeCommitAllowed \
    rebaseMergeAllowed deleteBranchOnMerge mergeQueue { id }";

const RATE: &str = "rateLimit { cost remaining resetAt }";

/// A query with its variables.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) text: String,
    pub(super) variables: Value,
}

/// Where in the answer the thing is that was asked for in this place.
pub(super) type Place = fn(usize) -> Vec<Value>;

pub(super) fn node(place: usize) -> Vec<Value> {
    vec![json!("nodes"), json!(place)]
}

pub(super) fn numbered(place: usize) -> Vec<Value> {
    vec![json!(alias(place)), json!("pullRequest")]
}

pub(super) fn named(place: usize) -> Vec<Value> {
    vec![json!(alias(place))]
}

fn alias(place: usize) -> String {
    format!("p{place}")
}

/// Pull requests by their ids.
pub(super) fn by_id(ids: &[String]) -> Query {
    nodes(ids, FIELDS)
}

pub(super) fn details(ids: &[String]) -> Query {
    nodes(ids, DETAILS)
}

pub(super) fn bodies(ids: &[String]) -> Query {
    nodes(ids, "body")
}

fn nodes(ids: &[String], fields: &str) -> Query {
    let text = format!(
        "query ($ids: [ID!]!) {{ {RATE} nodes(ids: $ids) {{ __typename ... on PullRequest {{ {fields} }} }} }}"
    );
    Query { text, variables: json!({ "ids": ids }) }
}

/// Pull requests by their numbers, with their bodies.
pub(super) fn by_number(addresses: &[PullRequestName]) -> Query {
    let (mut declared, mut asked, mut variables) = (String::new(), String::new(), Map::new());
    for (n, address) in addresses.iter().enumerate() {
        declared += &format!("$o{n}: String!, $r{n}: String!, $n{n}: Int!, ");
        let alias = alias(n);
        asked += &format!(
            "{alias}: repository(owner: $o{n}, name: $r{n}) {{ pullRequest(number: $n{n}) {{ ...fields }} }} "
        );
        variables.insert(format!("o{n}"), json!(address.owner()));
        variables.insert(format!("r{n}"), json!(address.repo()));
        variables.insert(format!("n{n}"), json!(address.number()));
    }
    let text =
        format!("query ({declared}) {{ {RATE} {asked} }} fragment fields on PullRequest {{ {FIELDS} body }}");
    Query { text, variables: Value::Object(variables) }
}

/// The newest pull requests of repositories, `owner/repo`, without their bodies.
pub(super) fn newest(repositories: &[String]) -> Query {
    of_repositories(repositories, NEWEST)
}

/// Repositories, `owner/repo`.
pub(super) fn repositories(repositories: &[String]) -> Query {
    of_repositories(repositories, REPOSITORY)
}

fn of_repositories(repositories: &[String], fields: &str) -> Query {
    let (mut declared, mut asked, mut variables) = (String::new(), String::new(), Map::new());
    for (n, repository) in repositories.iter().enumerate() {
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        declared += &format!("$o{n}: String!, $r{n}: String!, ");
        asked += &format!("{}: repository(owner: $o{n}, name: $r{n}) {{ ...fields }} ", alias(n));
        variables.insert(format!("o{n}"), json!(owner));
        variables.insert(format!("r{n}"), json!(name));
    }
    let text =
        format!("query ({declared}) {{ {RATE} {asked} }} fragment fields on Repository {{ {fields} }}");
    Query { text, variables: Value::Object(variables) }
}

/// Whose token it is.
pub(super) fn viewer() -> Query {
    Query { text: format!("query {{ {RATE} viewer {{ login }} }}"), variables: json!({}) }
}

/// Puts a pull request into its base's merge queue, if it still has this head.
pub(super) fn enqueue(id: &str, head: &str) -> Query {
    let text = "mutation ($id: ID!, $head: GitObjectID!) { \
        enqueuePullRequest(input: { pullRequestId: $id, expectedHeadOid: $head }) { mergeQueueEntry { id } } }";
    Query { text: text.to_owned(), variables: json!({ "id": id, "head": head }) }
}
