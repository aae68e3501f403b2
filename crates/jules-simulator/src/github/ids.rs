//! The opaque ids of GraphQL's nodes: a kind and a place.

use super::pull::{PullIx, RepositoryIx};

/// What an id leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeId {
    Pull(PullIx),
    Repository(RepositoryIx),
}

/// Its number and repository are in it as `digest`: an id that another simulator gave out leads to nothing here.
pub(super) fn pull(ix: PullIx, digest: usize) -> String {
    made("PR", &[ix.0, digest])
}

pub(super) fn repository(ix: RepositoryIx) -> String {
    made("R", &[ix.0])
}

/// The id of something that is part of a pull request or a repository.
pub(super) fn made(prefix: &str, places: &[usize]) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("{place:06x}")).collect();
    format!("{prefix}_kwDO{}", places.join("g"))
}

/// Where the id leads, whether or not that is there.
pub(super) fn read(id: &str) -> Option<NodeId> {
    let (prefix, places) = id.split_once("_kwDO")?;
    let place = usize::from_str_radix(places.split('g').next()?, 16).ok()?;
    match prefix {
        "PR" => Some(NodeId::Pull(PullIx(place))),
        "R" => Some(NodeId::Repository(RepositoryIx(place))),
        _ => None,
    }
}

/// The number of a pull request's review.
pub(super) fn review_number(ix: PullIx, place: usize) -> usize {
    80_000_000 + 1_000 * ix.0 + place
}

/// The number of a check of a head.
pub(super) fn check_number(ix: PullIx, head: usize, place: usize) -> usize {
    20_000_000 + 1_000 * ix.0 + 50 * head + place
}

/// The number of the run of a pull request's workflow.
pub(super) fn run_number(ix: PullIx) -> usize {
    9_000 + ix.0
}

/// REST's number for a pull request.
pub(super) fn pull_number(ix: PullIx) -> i64 {
    2_000_000_000 + i64::try_from(ix.0).unwrap_or_default()
}
