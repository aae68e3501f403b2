//! What was asked of the services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the API was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiUsage {
    /// Requests sent, by method, retries included.
    pub requests: BTreeMap<String, u64>,
    /// How many of them were retries.
    pub retries: u64,
    /// How many were answered 429.
    pub throttled: u64,
    /// Milliseconds that requests waited for the limiter, added up.
    pub waited_ms: u64,
    /// How often a connection had fallen silent, and a fresh one was made in its place.
    #[serde(default)]
    pub reconnects: u64,
    /// How often a session was looked at; one page looks at many.
    #[serde(default)]
    pub looks: u64,
    /// How many of these came more than an interval after they were due.
    #[serde(default)]
    pub late_looks: u64,
}

impl ApiUsage {
    /// Adds another invocation's.
    pub fn add(&mut self, other: &Self) {
        for (method, count) in &other.requests {
            *self.requests.entry(method.clone()).or_default() += count;
        }
        self.retries += other.retries;
        self.throttled += other.throttled;
        self.waited_ms += other.waited_ms;
        self.reconnects += other.reconnects;
        self.looks += other.looks;
        self.late_looks += other.late_looks;
    }

    /// All requests together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }
}

/// What GitHub was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GithubUsage {
    /// Requests of any kind.
    pub requests: u64,
    /// Points of its GraphQL interface that they cost.
    pub points: u64,
    /// Those that were to change something.
    pub writes: u64,
}

impl GithubUsage {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.points += other.points;
        self.writes += other.writes;
    }

    /// What was asked after there had been so much.
    pub(crate) const fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            points: self.points - before.points,
            writes: self.writes - before.writes,
        }
    }
}
