//! What to do when a session waits: for an approval, for an answer, or because its agent is silent.

use tokio::time::Instant;

use super::{Driver, MAX_APPROVALS, Phase, Step};
use crate::engine::action::Purpose;
use crate::engine::input::{Act, Digest, FailureKind, Now, RequestFailure};
use crate::outcome::Outcome;
use crate::plan::{PlanApproval, StallPolicy, UserFeedback};
use jules::{SessionDigest, SessionState};

impl Driver {
    pub(super) fn on_plan(&mut self, now: Now, steps: &mut Vec<Step>) {
        if !self.may_answer(now) {
            return;
        }
        match self.terms.waiting.plan_approval {
            PlanApproval::Approve if self.spent.approvals < MAX_APPROVALS => {
                self.spent.approvals += 1;
                self.acting = true;
                steps.push(Step::Approve);
            }
            PlanApproval::Approve => {
                let reason = format!("the plan still waits for approval after {MAX_APPROVALS} approvals");
                steps.push(self.end_waiting(reason));
            }
            PlanApproval::Fail => {
                let reason = "the plan waits for approval, and `waiting.plan-approval` is `fail`".to_owned();
                steps.push(self.end_waiting(reason));
            }
            PlanApproval::Detach => {
                steps.push(
                    self.end(Outcome::Detached, Some("the plan waits for a human's approval".to_owned())),
                );
            }
        }
    }

    pub(super) fn on_question(&mut self, now: Now, steps: &mut Vec<Step>) {
        if !self.may_answer(now) {
            return;
        }
        if self.phase == Phase::Working {
            // It has just come to ask: the activities only tell what.
            return self.close(Purpose::Question, now, steps);
        }
        self.reading = Some(Purpose::Question);
        steps.push(Step::Read { purpose: Purpose::Question, since: None });
    }

    /// After an answer the old state is shown for a while: only a newer message of the agent is a question.
    pub(super) fn on_question_read(&mut self, digest: &Digest, now: Now) -> Vec<Step> {
        if self.state != SessionState::AwaitingUserFeedback {
            return Vec::new();
        }
        self.question = digest.told.question().or(self.question.take());
        if digest.told.unanswered().is_none() || !self.is_new(&digest.told) {
            self.phase = Phase::Answered { again_after: now.instant + 2 * self.terms.interval };
            return Vec::new();
        }
        self.answer_question(now)
    }

    /// Whether the agent has done anything since our last reply, which the activities may not show yet.
    pub(super) fn is_new(&self, told: &SessionDigest) -> bool {
        let is_owed = self.owed == Some(Act::Reply);
        is_owed || told.last_agent.is_none() || told.last_agent > self.replied_after
    }

    /// The session waits for an answer, at work or completed.
    pub(super) fn answer_question(&mut self, now: Now) -> Vec<Step> {
        match &self.terms.waiting.user_feedback {
            UserFeedback::Reply { text, max }
                if (self.spent.replies < *max || self.owed == Some(Act::Reply))
                    && !self.deadline.is_over(now.instant) =>
            {
                let text = text.clone();
                let again = self.owed.take_if(|act| *act == Act::Reply).is_some();
                self.spent.replies += u32::from(!again);
                self.replied_after = self.last_agent;
                self.acting = true;
                if self.state == SessionState::Completed {
                    self.phase = Phase::Waking { read: None };
                }
                vec![Step::Send { act: Act::Reply, text, again }]
            }
            UserFeedback::Reply { .. } | UserFeedback::Fail => vec![self.end_unanswered()],
            UserFeedback::Detach => {
                let question = self.question.take();
                let otherwise = || "the session waits for a human's feedback".to_owned();
                vec![self.end(Outcome::Detached, Some(question.unwrap_or_else(otherwise)))]
            }
        }
    }

    /// The session waits for an answer, and gets none any more.
    pub(super) fn end_unanswered(&mut self) -> Step {
        let question = self.question.take();
        let otherwise = || "the session waits for feedback; what it asks is not known".to_owned();
        self.end_waiting(question.unwrap_or_else(otherwise))
    }

    /// Nobody helps it any further. What it was asked for may be there already: another session would make it twice.
    fn end_waiting(&mut self, reason: String) -> Step {
        if !self.is_met() {
            return self.end(Outcome::NeedsInput, Some(reason));
        }
        self.end(Outcome::Succeeded, Some(format!("the session has not ended; it waits: {reason}")))
    }

    /// An approval or a message was answered, or not.
    pub(in crate::engine) fn on_acted(
        &mut self,
        act: Act,
        result: Result<(), &RequestFailure>,
        now: Now,
    ) -> Vec<Step> {
        self.acting = false;
        if self.phase == Phase::Ended {
            return Vec::new();
        }
        let soon = now.instant + self.terms.interval;
        match (act, result) {
            (Act::Approve, Ok(())) => {
                self.answered(now.instant + 3 * self.terms.interval);
                vec![Step::Approved, Step::ReadAt(soon)]
            }
            // It may have arrived: the state is given time to show it.
            (Act::Approve, Err(failure)) => {
                let unsent =
                    matches!(failure.kind, FailureKind::Passing { unsent: true } | FailureKind::Refused);
                let patience = if unsent { 1 } else { 3 };
                self.answered(now.instant + patience * self.terms.interval);
                vec![Step::Note(format!("the plan could not be approved: {}", failure.text))]
            }
            (Act::Reply | Act::Nudge, Ok(())) => {
                self.quiet_since = now.instant;
                self.answered(soon);
                vec![Step::ReadAt(soon)]
            }
            // A message is not idempotent: it is sent again only when it surely did not arrive.
            (Act::Reply | Act::Nudge, Err(failure)) => {
                let unsent = matches!(
                    failure.kind,
                    FailureKind::Passing { unsent: true }
                        | FailureKind::Refused
                        | FailureKind::Missing
                        | FailureKind::Key
                );
                if unsent {
                    self.owed = Some(act);
                } else {
                    self.quiet_since = now.instant;
                }
                self.answered(soon);
                vec![Step::Note(format!("a message could not be sent: {}", failure.text))]
            }
        }
    }

    fn answered(&mut self, again_after: Instant) {
        if !self.is_over_for_us() {
            self.phase = Phase::Answered { again_after };
        }
    }

    pub(super) fn on_silence_read(&mut self, now: Now) -> Vec<Step> {
        if now.instant < self.silent_at() {
            return Vec::new();
        }
        if self.has_nudges() { self.nudge() } else { self.give_up(Outcome::Stalled, now) }
    }

    pub(super) fn has_nudges(&self) -> bool {
        matches!(&self.terms.waiting.stall, StallPolicy::Nudge { max, .. } if self.spent.nudges < *max || self.owed == Some(Act::Nudge))
    }

    pub(super) fn nudge(&mut self) -> Vec<Step> {
        let StallPolicy::Nudge { text, .. } = &self.terms.waiting.stall else { return Vec::new() };
        let text = text.clone();
        let again = self.owed.take_if(|act| *act == Act::Nudge).is_some();
        self.spent.nudges += u32::from(!again);
        self.acting = true;
        vec![Step::Send { act: Act::Nudge, text, again }]
    }

    pub(super) fn may_answer(&self, now: Now) -> bool {
        match self.phase {
            Phase::Answered { again_after } => now.instant >= again_after,
            Phase::Working => true,
            Phase::LastLook { .. }
            | Phase::Settling { .. }
            | Phase::Waking { .. }
            | Phase::Closing { .. }
            | Phase::Ended => false,
        }
    }
}
