//! From a session's last state to the end of its attempt: late outputs, late activities, the judgement.

use tokio::time::Instant;

use super::{Driver, End, Phase, Step};
use crate::engine::action::Purpose;
use crate::engine::input::Now;
use crate::engine::judge::judge;
use crate::outcome::Outcome;
use jules::{Made, Settled, Settling};

impl Driver {
    /// A look that was asked for then shows it completed. The wait for more outputs is over only with a look after it.
    pub(super) fn on_completed(&mut self, asked: Instant, now: Now, steps: &mut Vec<Step>) {
        let since = match self.phase {
            Phase::Settling { since } => since,
            _ => now.instant,
        };
        self.phase = Phase::Settling { since };
        let settling = Settling { asked: self.terms.asked, grace: self.terms.timeouts.settle };
        match settling.after(asked.saturating_duration_since(since), self.made()) {
            Settled::Outputs => steps.push(self.end_completed()),
            Settled::NotBefore(_) => {
                let pause = self.terms.interval.min(settling.grace / 3);
                let over = since + settling.grace;
                steps.push(Step::ReadAt((now.instant + pause).min(over).max(now.instant)));
            }
            Settled::Activities => self.close(Purpose::Work, now, steps),
        }
    }

    pub(super) fn made(&self) -> Option<Made> {
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

    pub(super) fn end(&mut self, outcome: Outcome, reason: Option<String>) -> Step {
        self.phase = Phase::Ended;
        Step::End(End { work: self.work.clone(), ..End::new(outcome, reason) })
    }
}
