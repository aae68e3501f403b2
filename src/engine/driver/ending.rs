//! From a session's last state to the end of its attempt: late outputs, late activities, the judgement.

use super::{Driver, End, Phase, Step};
use crate::api::{Made, Settled, Settling};
use crate::engine::action::Purpose;
use crate::engine::input::Now;
use crate::engine::judge::judge;
use crate::outcome::Outcome;

impl Driver {
    pub(super) fn on_completed(&mut self, now: Now, steps: &mut Vec<Step>) {
        let since = match self.phase {
            Phase::Settling { since } => since,
            Phase::Working | Phase::Answered { .. } | Phase::Closing { .. } | Phase::Ended => now.instant,
        };
        self.phase = Phase::Settling { since };
        let settling = Settling { asked: self.terms.asked, grace: self.terms.timeouts.settle };
        match settling.after(now.instant - since, self.made()) {
            Settled::Outputs => steps.push(self.end_completed()),
            Settled::NotBefore(left) => {
                let pause = self.terms.interval.min(settling.grace / 3).min(left);
                steps.push(Step::ReadAt(now.instant + pause));
            }
            Settled::Activities => self.close(Purpose::Work, now, steps),
        }
    }

    fn made(&self) -> Option<Made> {
        Made::of(self.work.pull_request.is_some(), self.work.change.is_some())
    }

    /// Whether the activities of the ended session are to be read once more, and when.
    pub(super) fn closes_later(&mut self, now: Now) -> bool {
        let Phase::Closing { until, again, .. } = &mut self.phase else { return false };
        *again = Some((now.instant + self.terms.interval).min(*until));
        now.instant < *until
    }

    pub(super) fn close(&mut self, purpose: Purpose, now: Now, steps: &mut Vec<Step>) {
        self.phase = Phase::Closing { purpose, until: now.instant + self.terms.timeouts.settle, again: None };
        steps.push(Step::Read { purpose, since: None });
    }

    pub(super) fn end_completed(&mut self) -> Step {
        let (outcome, reason) = judge(self.terms.expect, &self.work);
        self.end(outcome, reason.map(str::to_owned))
    }

    pub(super) fn end_timed_out(&mut self) -> Step {
        // It ended in time; only its activities could not be read, or what was to follow its change did not come.
        let is_settling = matches!(self.phase, Phase::Settling { .. }) && self.made().is_some();
        if is_settling || matches!(self.phase, Phase::Closing { purpose: Purpose::Work, .. }) {
            return self.end_completed();
        }
        if matches!(self.phase, Phase::Closing { purpose: Purpose::Reason, .. }) {
            let reason = "the session failed; its activities, which say why, could not be read";
            return self.end(Outcome::Failed, Some(reason.to_owned()));
        }
        let limit = jiff::SignedDuration::try_from(self.terms.timeouts.task).unwrap_or_default();
        let mut reason = format!("not ended after {limit:#}; the last state was {}", self.state.as_str());
        if let Some(failure) = &self.last_failure {
            reason.push_str(&format!("; the last look failed: {failure}"));
        }
        self.end(Outcome::TimedOut, Some(reason))
    }

    pub(super) fn end(&mut self, outcome: Outcome, reason: Option<String>) -> Step {
        self.phase = Phase::Ended;
        Step::End(End { work: self.work.clone(), ..End::new(outcome, reason) })
    }
}
