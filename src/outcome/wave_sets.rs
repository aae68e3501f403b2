//! The waves of a run, as its events tell them: which repositories belong to which, and what has let them begin.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::plan::{PassWhen, Then};

/// Sets of repositories that come one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaveSets {
    sets: Vec<Vec<String>>,
    terms: Option<WaveTerms>,
    untouched: Vec<String>,
    fixed_at: Option<Timestamp>,
    released: BTreeMap<usize, Timestamp>,
}

/// What lets the next wave begin, as the manifest said when the last invocation began.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveTerms {
    /// What makes a task of a wave a success.
    pub when: PassWhen,
    /// How many of a hundred tasks have to be one.
    pub min_success: f64,
    /// How long a wave may take, in milliseconds.
    pub within_ms: u64,
    /// How long its success has to last, in milliseconds.
    pub soak_ms: u64,
    /// What follows a wave that has passed.
    pub then: Then,
}

impl WaveTerms {
    pub(crate) fn within(&self) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.within_ms).unwrap_or(i64::MAX))
    }

    pub(crate) fn soak(&self) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.soak_ms).unwrap_or(i64::MAX))
    }
}

impl WaveSets {
    /// The repositories of each wave, the first wave's first; empty where the run has no waves.
    #[must_use]
    pub fn sets(&self) -> &[Vec<String>] {
        &self.sets
    }

    /// What lets the next wave begin; none where the run has no waves.
    #[must_use]
    pub fn terms(&self) -> Option<&WaveTerms> {
        self.terms.as_ref()
    }

    /// Those of the repositories that no task of the run is on yet, such as what a selection has left out.
    #[must_use]
    pub fn untouched(&self) -> &[String] {
        &self.untouched
    }

    /// When they were fixed first: the first wave begins then.
    #[must_use]
    pub fn fixed_at(&self) -> Option<Timestamp> {
        self.fixed_at
    }

    /// When the wave of this number, from 1, was let begin, by a person or because the one before had passed.
    #[must_use]
    pub fn released_at(&self, wave: usize) -> Option<Timestamp> {
        self.released.get(&wave).copied()
    }

    /// The number, from 1, of the wave that this repository is in.
    #[must_use]
    pub fn of(&self, repository: &str) -> Option<usize> {
        let is_it = |set: &Vec<String>| set.iter().any(|name| name.eq_ignore_ascii_case(repository));
        self.sets.iter().position(is_it).map(|at| at + 1)
    }

    /// The places of all waves, by the small letters of their repositories.
    pub(crate) fn by_repository(&self) -> HashMap<String, usize> {
        by_repository(&self.sets)
    }

    pub(super) fn fix(
        &mut self,
        waves: &[Vec<String>],
        terms: Option<&WaveTerms>,
        untouched: &[String],
        ts: Timestamp,
    ) {
        self.sets = waves.to_vec();
        self.terms = terms.copied();
        self.untouched = untouched.to_vec();
        self.fixed_at.get_or_insert(ts);
    }

    pub(super) fn release(&mut self, wave: usize, ts: Timestamp) {
        self.released.entry(wave).or_insert(ts);
    }
}

/// The places of sets, from 0, by the small letters of the repositories in them.
pub(crate) fn by_repository(sets: &[Vec<String>]) -> HashMap<String, usize> {
    let sets = sets.iter().enumerate();
    sets.flat_map(|(at, set)| set.iter().map(move |name| (name.to_ascii_lowercase(), at))).collect()
}
