//! The waves of a run, as its events tell them: which repositories belong to which, and what a person has let begin.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Sets of repositories that come one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaveSets {
    sets: Vec<Vec<String>>,
    fixed_at: Option<Timestamp>,
    released: BTreeMap<usize, Timestamp>,
}

impl WaveSets {
    /// The repositories of each wave, the first wave's first; empty where the run has no waves.
    #[must_use]
    pub fn sets(&self) -> &[Vec<String>] {
        &self.sets
    }

    /// When they were fixed first: the first wave begins then.
    #[must_use]
    pub fn fixed_at(&self) -> Option<Timestamp> {
        self.fixed_at
    }

    /// When a person has let the wave of this number, from 1, begin.
    #[must_use]
    pub fn released_at(&self, wave: usize) -> Option<Timestamp> {
        self.released.get(&wave).copied()
    }

    pub(super) fn fix(&mut self, waves: &[Vec<String>], ts: Timestamp) {
        self.sets = waves.to_vec();
        self.fixed_at.get_or_insert(ts);
    }

    pub(super) fn release(&mut self, wave: usize, ts: Timestamp) {
        self.released.entry(wave).or_insert(ts);
    }
}
