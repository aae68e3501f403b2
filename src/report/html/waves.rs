//! The waves of repositories, as the page's template shows them.

use serde::Serialize;

use super::super::{WaveStateV1, WaveV1};
use super::parts::Moment;
use crate::outcome::Outcome;

/// A wave of repositories.
#[derive(Serialize)]
pub(super) struct Wave {
    number: usize,
    repositories: usize,
    state: &'static str,
    outcome: &'static str,
    good: usize,
    bad: usize,
    open: usize,
    needed: usize,
    began: Option<Moment>,
    until: Option<Moment>,
}

impl Wave {
    pub(super) fn of(wave: &WaveV1) -> Self {
        let outcome = match wave.state {
            WaveStateV1::Passed => Outcome::Succeeded,
            WaveStateV1::Failed => Outcome::Failed,
            WaveStateV1::Open | WaveStateV1::Soaking => Outcome::Detached,
            WaveStateV1::Waiting => Outcome::Deferred,
        };
        Self {
            number: wave.number,
            repositories: wave.repositories.len(),
            state: wave.word(),
            outcome: outcome.as_str(),
            good: wave.good,
            bad: wave.bad,
            open: wave.open,
            needed: wave.needed,
            began: wave.began_at.map(Moment::of),
            until: wave.until.map(Moment::of),
        }
    }
}
