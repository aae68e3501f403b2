//! What was sent to GitHub.

/// Counts since the client was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All requests, writes among them.
    pub(crate) requests: u64,
    /// Points of GraphQL, as far as answers told them.
    pub(crate) points: u64,
    pub(crate) writes: u64,
}
