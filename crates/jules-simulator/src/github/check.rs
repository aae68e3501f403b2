//! What runs for a head: check runs of workflows, and commit statuses of others.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::{clock::later, dice::Dice, span::Span};

use super::words::Rollup;

/// A check as a scenario writes it. Lengths of time are service time.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CheckScript {
    #[serde(default = "build")]
    pub(super) name: String,
    /// From the head to the check (default 5s..20s).
    pub(super) appears: Option<Span>,
    /// How long it waits for a runner.
    pub(super) queued: Option<Span>,
    /// From its start to its end (default 1m..3m).
    pub(super) lasts: Option<Span>,
    #[serde(default)]
    pub(super) ends: Verdict,
    /// Heads that it runs for, counted from 1; default all.
    pub(super) heads: Option<Vec<usize>>,
    /// The chance that it runs for a head.
    #[serde(default = "certain")]
    pub(super) probability: f64,
    /// Whether it is a commit status and no check run.
    #[serde(default)]
    pub(super) status: bool,
}

fn build() -> String {
    "build".to_owned()
}

fn certain() -> f64 {
    1.0
}

/// How a check ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    #[default]
    Success,
    Failure,
    /// Of a commit status; a check run fails.
    Error,
    Neutral,
    Skipped,
    Cancelled,
    TimedOut,
    ActionRequired,
    StartupFailure,
    Stale,
    /// Not at all.
    Never,
}

impl Verdict {
    /// `conclusion` of a check run, as GraphQL writes it.
    pub(super) fn conclusion(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failure | Self::Error | Self::Never => "FAILURE",
            Self::Neutral => "NEUTRAL",
            Self::Skipped => "SKIPPED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
            Self::ActionRequired => "ACTION_REQUIRED",
            Self::StartupFailure => "STARTUP_FAILURE",
            Self::Stale => "STALE",
        }
    }

    /// `state` of a commit status.
    pub(super) fn rollup(self) -> Rollup {
        match self {
            Self::Success | Self::Neutral | Self::Skipped => Rollup::Success,
            Self::Error => Rollup::Error,
            Self::Never | Self::Stale => Rollup::Pending,
            Self::Failure
            | Self::Cancelled
            | Self::TimedOut
            | Self::ActionRequired
            | Self::StartupFailure => Rollup::Failure,
        }
    }
}

/// A check of one head.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) is_status: bool,
    pub(super) appears: Timestamp,
    pub(super) starts: Timestamp,
    /// `None`: never.
    pub(super) ends: Option<Timestamp>,
    verdict: Verdict,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Queued,
    Running,
    Over(Verdict),
}

impl Check {
    /// The checks that a head, the `nth` from 1 and pushed at `at`, is given.
    pub(super) fn of_head(
        scripts: &[CheckScript],
        nth: usize,
        at: Timestamp,
        speed: f64,
        dice: Dice,
    ) -> Vec<Self> {
        let runs = |script: &&CheckScript| {
            script.heads.as_ref().is_none_or(|heads| heads.contains(&nth))
                && dice.with(&script.name).with("runs").unit() < script.probability
        };
        let made = |script: &CheckScript| {
            let dice = dice.with(&script.name);
            let draw = |span: Option<Span>, usual: (u64, u64), what: &str| {
                let usual = Span::range(Duration::from_secs(usual.0), Duration::from_secs(usual.1));
                span.unwrap_or(usual).draw(dice.with(what)).div_f64(speed)
            };
            let appears = later(at, draw(script.appears, (5, 20), "appears"));
            let starts = later(appears, draw(script.queued, (0, 10), "queued"));
            let ends = later(starts, draw(script.lasts, (60, 180), "lasts"));
            Self {
                name: script.name.clone(),
                is_status: script.status,
                appears,
                starts,
                ends: (script.ends != Verdict::Never).then_some(ends),
                verdict: script.ends,
            }
        };
        scripts.iter().filter(runs).map(made).collect()
    }

    pub(super) fn progress(&self, now: Timestamp) -> Option<Progress> {
        if now < self.appears {
            return None;
        }
        Some(match self.ends {
            Some(ends) if ends <= now => Progress::Over(self.verdict),
            _ if self.starts <= now => Progress::Running,
            _ => Progress::Queued,
        })
    }

    /// What it adds to the rollup; `None` before it appears.
    pub(super) fn rollup(&self, now: Timestamp) -> Option<Rollup> {
        Some(match self.progress(now)? {
            Progress::Queued | Progress::Running => Rollup::Pending,
            Progress::Over(verdict) => verdict.rollup(),
        })
    }
}

/// Those of a head that are there at `now`, with their places; of several with one name the newest.
pub(super) fn visible(checks: &[Check], now: Timestamp) -> impl Iterator<Item = (usize, &Check)> {
    let is_newest = move |place: usize, check: &Check| {
        let is_newer = |(other_place, other): (usize, &Check)| {
            other.name == check.name
                && other.appears <= now
                && (other.appears, other_place) > (check.appears, place)
        };
        !checks.iter().enumerate().any(is_newer)
    };
    let mut there: Vec<_> = checks
        .iter()
        .enumerate()
        .filter(|(place, check)| check.appears <= now && is_newest(*place, check))
        .collect();
    there.sort_by_key(|(place, check)| (check.appears, *place));
    there.into_iter()
}

/// The rollup at `now`: `None` while nothing has appeared. `required` are names that a rule waits for.
pub(super) fn rollup(checks: &[Check], required: &[String], now: Timestamp) -> Option<Rollup> {
    let mut states: Vec<Rollup> = visible(checks, now).filter_map(|(_, check)| check.rollup(now)).collect();
    if states.is_empty() {
        return None;
    }
    let is_missing = |name: &&String| !visible(checks, now).any(|(_, check)| check.name == **name);
    states.extend(required.iter().filter(is_missing).map(|_| Rollup::Expected));
    let worst = [Rollup::Failure, Rollup::Error, Rollup::Pending, Rollup::Expected];
    worst.into_iter().find(|worst| states.contains(worst)).or(Some(Rollup::Success))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        later("2026-11-23T10:00:00Z".parse().unwrap(), Duration::from_secs(seconds))
    }

    fn checks(yaml: &str) -> Vec<Check> {
        let scripts: Vec<CheckScript> = serde_saphyr::from_str(yaml).unwrap();
        Check::of_head(&scripts, 1, at(0), 1.0, Dice::new(1))
    }

    #[test]
    fn a_rollup_is_null_until_something_appears_and_red_as_soon_as_one_is() {
        let yaml = "[{ name: a, appears: 10s, queued: 5s, lasts: 60s }, { name: b, appears: 20s, queued: 0s, lasts: 10s, ends: failure }]";
        let checks = checks(yaml);
        let seen = [0, 10, 16, 25, 30, 100].map(|second| rollup(&checks, &[], at(second)));
        let (pending, failure) = (Some(Rollup::Pending), Some(Rollup::Failure));
        assert_eq!(seen, [None, pending, pending, pending, failure, failure]);
    }

    #[test]
    fn a_late_check_of_the_same_name_replaces_the_verdict() {
        let checks = checks(
            "[{ appears: 0s, queued: 0s, lasts: 5s, ends: failure }, { appears: 60s, queued: 0s, lasts: 5s }]",
        );
        let seen = [5, 60, 65].map(|second| rollup(&checks, &[], at(second)));
        assert_eq!(seen, [Some(Rollup::Failure), Some(Rollup::Pending), Some(Rollup::Success)]);
    }

    #[test]
    fn a_required_check_that_is_missing_is_expected() {
        let checks = checks("[{ name: lint, appears: 0s, queued: 0s, lasts: 5s }]");
        assert_eq!(rollup(&checks, &["build".to_owned()], at(9)), Some(Rollup::Expected));
        assert_eq!(rollup(&[], &["build".to_owned()], at(9)), None);
    }

    #[test]
    fn heads_and_chance_choose() {
        assert!(checks("[{ heads: [2] }, { probability: 0 }]").is_empty());
        assert_eq!(checks("[{ heads: [1, 3] }]").len(), 1);
    }
}
