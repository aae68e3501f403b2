//! The waves of a run, in the words of the reports.

use jiff::Timestamp;

use super::record::millis;
use super::{WaveStateV1, WaveV1};
use crate::outcome::{RunRecord, Verdict, Wave, verdicts};

impl WaveV1 {
    /// All of the run, as they stand at this time.
    #[must_use]
    pub fn all(record: &RunRecord, at: Timestamp) -> Vec<Self> {
        let waves = verdicts(record, at);
        let all = (1..).zip(record.waves.sets()).zip(&waves);
        all.map(|((number, repositories), wave)| Self::one(number, repositories, wave)).collect()
    }

    fn one(number: usize, repositories: &[String], wave: &Wave) -> Self {
        let (state, until) = match wave.verdict {
            Verdict::Waiting => (WaveStateV1::Waiting, None),
            Verdict::Open { until, .. } => (WaveStateV1::Open, Some(until)),
            Verdict::Soaking { until } => (WaveStateV1::Soaking, Some(until)),
            Verdict::Passed { at } => (WaveStateV1::Passed, Some(at)),
            Verdict::Failed { .. } => (WaveStateV1::Failed, None),
        };
        let figures = wave.figures;
        Self {
            number,
            repositories: repositories.to_vec(),
            state,
            reason: wave.reason(number),
            began_at: wave.began_at.map(millis),
            until: until.map(millis),
            good: figures.good,
            bad: figures.bad,
            open: figures.pending + figures.unstarted,
            needed: figures.needed,
        }
    }

    /// How it stands, in a word.
    pub(super) fn word(&self) -> &'static str {
        match self.state {
            WaveStateV1::Waiting => "has not begun",
            WaveStateV1::Open => "at work",
            WaveStateV1::Soaking => "has to last",
            WaveStateV1::Passed => "passed",
            WaveStateV1::Failed => "failed",
        }
    }

    /// In a line: `wave 1: 2 repositories, passed: 2 good, 0 bad, 0 open, 2 needed`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { number, repositories, good, bad, open, needed, .. } = self;
        let count = repositories.len();
        let noun = if count == 1 { "repository" } else { "repositories" };
        let until = match (self.state, self.until) {
            (WaveStateV1::Open | WaveStateV1::Soaking, Some(until)) => {
                format!(" until {}", until.strftime("%Y-%m-%d %H:%M UTC"))
            }
            _ => String::new(),
        };
        let word = self.word();
        format!(
            "wave {number}: {count} {noun}, {word}{until}: {good} good, {bad} bad, {open} open, {needed} needed"
        )
    }
}
