//! `strategy.waves`: which repositories come first, and what lets the next ones follow.

use std::time::Duration;

/// Repositories one set after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Waves {
    /// How many repositories each wave has; the last size repeats until all have one.
    pub sizes: Vec<WaveSize>,
    /// Which come first.
    pub order: WaveOrder,
    /// What lets the next wave begin.
    pub pass: WavePass,
    /// Whether it begins by itself then.
    pub then: Then,
}

/// How many repositories a wave has: at least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WaveSize {
    /// So many.
    Count(usize),
    /// So many of a hundred of all repositories, rounded up.
    Percent(f64),
}

/// Which repositories come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaveOrder {
    /// By a hash of their names, so that those of one owner or kind do not all come first: the default.
    #[default]
    Spread,
    /// As in the manifest.
    Manifest,
}

/// What lets the next wave begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WavePass {
    /// What makes a task of the wave a success.
    pub when: PassWhen,
    /// How many of a hundred tasks have to be one.
    pub min_success: f64,
    /// How long after its begin a wave may take.
    pub within: Duration,
    /// How long it has to last before the next wave begins.
    pub soak: Duration,
}

/// What makes a task of a wave a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PassWhen {
    /// Its session has ended well: the default.
    #[default]
    Ended,
    /// The checks of its pull request have passed.
    Checks,
    /// Its pull request is merged.
    Merged,
}

/// What follows a wave that has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// The next one: the default.
    #[default]
    Continue,
    /// A person's word.
    Ask,
}
