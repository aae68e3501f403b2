//! `max-failures` and `fail-fast`: when so many tasks have failed that nothing more is started.

use crate::outcome::Outcome;
use crate::plan::{MaxFailures, Strategy};

/// A share of fewer ended tasks than these says nothing yet.
const LEAST_ENDED: usize = 5;

/// How the tasks of the run have ended, in earlier invocations as well.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    ended: usize,
    failed: usize,
    /// Whether one of them has failed in this invocation.
    pub(super) fails_now: bool,
    /// Why nothing more is started, once that is so.
    pub(super) why: Option<String>,
}

impl Breaker {
    pub(super) fn count(&mut self, outcome: Outcome, is_failure: bool) {
        let has_ended = match outcome {
            Outcome::Succeeded
            | Outcome::NoChange
            | Outcome::Failed
            | Outcome::NeedsInput
            | Outcome::TimedOut
            | Outcome::Stalled
            | Outcome::Error => true,
            Outcome::Skipped | Outcome::Deferred | Outcome::Detached => false,
        };
        self.ended += usize::from(has_ended);
        self.failed += usize::from(is_failure);
    }

    /// Why a later invocation starts nothing either, with the figures: what is run again counts no more.
    pub(super) fn lasting_verdict(&self, rules: &Strategy) -> Option<String> {
        let Self { ended, failed, .. } = *self;
        Self { ended, failed, ..Self::default() }.verdict(rules)
    }

    /// Why the rules let nothing more start, with the figures.
    pub(super) fn verdict(&self, rules: &Strategy) -> Option<String> {
        if rules.fail_fast && self.fails_now {
            return Some("a task failed, and `fail-fast` is set".to_owned());
        }
        let Self { ended, failed, .. } = *self;
        let bound = match rules.max_failures? {
            MaxFailures::Count(most) if failed >= most => format!("`max-failures` is {most}"),
            MaxFailures::Percent(most)
                if ended >= LEAST_ENDED && failed as f64 * 100.0 > most * ended as f64 =>
            {
                format!("more than {most}%")
            }
            MaxFailures::Count(_) | MaxFailures::Percent(_) => return None,
        };
        Some(format!("{failed} of {ended} ended tasks failed, {bound}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(ended: usize, failed: usize, max: MaxFailures) -> Option<String> {
        let rules = Strategy { max_failures: Some(max), ..Strategy::default() };
        Breaker { ended, failed, ..Breaker::default() }.verdict(&rules)
    }

    #[test]
    fn a_share_is_of_what_has_ended_and_says_its_figures() {
        let quarter = |ended, failed| verdict(ended, failed, MaxFailures::Percent(25.0));
        assert_eq!(quarter(12, 4).as_deref(), Some("4 of 12 ended tasks failed, more than 25%"));
        assert_eq!(quarter(12, 3), None, "a quarter is not more than a quarter");
        assert_eq!(quarter(4, 4), None, "too few to tell");
        assert_eq!(quarter(5, 2).as_deref(), Some("2 of 5 ended tasks failed, more than 25%"));
        let half = verdict(200, 26, MaxFailures::Percent(12.5));
        assert_eq!(half.as_deref(), Some("26 of 200 ended tasks failed, more than 12.5%"));
        assert_eq!(verdict(5, 5, MaxFailures::Percent(100.0)), None);
    }

    #[test]
    fn a_count_needs_no_floor() {
        assert_eq!(verdict(2, 1, MaxFailures::Count(2)), None);
        let two = verdict(2, 2, MaxFailures::Count(2));
        assert_eq!(two.as_deref(), Some("2 of 2 ended tasks failed, `max-failures` is 2"));
    }
}
