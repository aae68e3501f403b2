//! Before an attempt is given up its session is looked at once more: it may have ended while nobody looked.

use std::time::Duration;

use tokio::time::Instant;

use super::{Driver, End, Phase, Step};
use crate::engine::action::Purpose;
use crate::engine::input::Now;
use crate::engine::judge::{PATIENCE, is_fresh};
use crate::outcome::Outcome;
use crate::plan::UserFeedback;
use jules::SessionState;

impl Driver {
    /// The attempt is over for us, unless a look that begins now shows better.
    pub(super) fn give_up(&mut self, outcome: Outcome, now: Now) -> Vec<Step> {
        self.phase = Phase::LastLook { outcome, since: now.instant, until: now.instant + self.patience() };
        vec![Step::LookAt(now.instant)]
    }

    /// How long evidence is waited for when the task's own time is over. What our own quota holds up is not missing.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE.min(self.terms.timeouts.task) + self.terms.turn
    }

    /// The session was shown although its attempt is to be given up.
    pub(super) fn on_last_look(&mut self, asked: Instant, now: Now) -> Vec<Step> {
        let Phase::LastLook { outcome, since, .. } = self.phase else { return Vec::new() };
        let mut steps = Vec::new();
        let is_silent = now.instant >= self.silent_at();
        // It had completed, and its outputs were waited for.
        let is_judged = matches!(outcome, Outcome::Error | Outcome::NeedsInput);
        match self.state {
            SessionState::Completed if !is_judged || self.made().is_some() => {
                self.on_completed(asked, now, &mut steps);
            }
            SessionState::Failed => self.close(Purpose::Reason, now, &mut steps),
            // Nobody knows what it has done since.
            _ if asked < since || !is_fresh(asked, self.terms.interval, now.instant) => {
                steps.push(Step::LookAt(now.instant));
            }
            _ if self.is_met() => {
                let reason = format!("the session has not ended; its state is {}", self.state.as_str());
                steps.push(self.end(Outcome::Succeeded, Some(reason)));
            }
            SessionState::Completed if outcome == Outcome::NeedsInput => {
                self.close(Purpose::Work, now, &mut steps);
            }
            SessionState::Completed => steps.push(self.end(outcome, Some(self.why(outcome)))),
            _ if is_judged || (outcome == Outcome::Stalled && !is_silent) => {
                self.phase = Phase::Working;
                self.answer_state(now, &mut steps);
            }
            SessionState::AwaitingUserFeedback => steps.push(self.end_unanswered()),
            _ => {
                let reason = format!("{}; the last state was {}", self.why(outcome), self.state.as_str());
                steps.push(self.end(outcome, Some(reason)));
            }
        }
        steps
    }

    /// No look could be had: whoever takes the session up again will see what became of it.
    pub(super) fn end_unseen(&mut self, outcome: Outcome) -> Step {
        let failure = self.last_failure.as_deref().unwrap_or("no answer");
        let (why, state) = (self.why(outcome), self.state.as_str());
        let reason = format!("{why}, but it could not be looked at: {failure}; the last state was {state}");
        self.phase = Phase::Ended;
        let end = End::new(Outcome::Detached, Some(reason));
        Step::End(End { work: self.work.clone(), unseen: true, ..end })
    }

    fn why(&self, outcome: Outcome) -> String {
        let timeouts = &self.terms.timeouts;
        let shown = |limit: Duration| {
            let millis = limit.as_secs_f64() * self.terms.speed * 1e3;
            jiff::SignedDuration::from_millis(millis.round() as i64)
        };
        match outcome {
            Outcome::Error => return "completed without having worked".to_owned(),
            Outcome::NeedsInput => return "completed, answered, and not at work again".to_owned(),
            Outcome::Stalled => {}
            _ => return format!("not ended after {:#}", shown(timeouts.task)),
        }
        let nudges = match self.spent.nudges {
            0 => String::new(),
            1 => " and one nudge".to_owned(),
            n => format!(" and {n} nudges"),
        };
        format!("no sign of the agent for {:#}{nudges}", shown(timeouts.stall))
    }

    /// The time for what an ended session was to show is over: what is known decides, and nothing known is no verdict.
    pub(super) fn end_closing(&mut self, purpose: Purpose) -> Step {
        if purpose == Purpose::Reason {
            return self
                .end_failed(None, "the session failed; its activities, which say why, could not be read");
        }
        if self.made().is_some() {
            return self.end_completed();
        }
        let failure = self.last_failure.as_deref().unwrap_or("no answer");
        let reason = format!("completed; what it made is not known: it could not be looked at: {failure}");
        self.phase = Phase::Ended;
        // An answer, ours or the next run's, sets it to work again: it keeps its slot for that.
        let unseen = matches!(self.terms.waiting.user_feedback, UserFeedback::Reply { .. });
        Step::End(End { work: self.work.clone(), unseen, ..End::new(Outcome::Detached, Some(reason)) })
    }
}
