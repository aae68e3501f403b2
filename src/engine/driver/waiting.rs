//! What to do when a session waits: for an approval, for an answer, or because its agent is silent.

use super::{Driver, MAX_APPROVALS, Phase, Step};
use crate::engine::action::Purpose;
use crate::engine::input::{Act, Digest, Now};
use crate::outcome::Outcome;
use crate::plan::{PlanApproval, StallPolicy, UserFeedback};
use jules::SessionState;

impl Driver {
    pub(super) fn on_plan(&mut self, now: Now, steps: &mut Vec<Step>) {
        if !self.may_answer(now) {
            return;
        }
        match self.terms.waiting.plan_approval {
            PlanApproval::Approve if self.spent.approvals < MAX_APPROVALS => {
                self.spent.approvals += 1;
                self.busy = true;
                steps.push(Step::Approve);
            }
            PlanApproval::Approve => {
                let reason = format!("the plan still waits for approval after {MAX_APPROVALS} approvals");
                steps.push(self.end(Outcome::NeedsInput, Some(reason)));
            }
            PlanApproval::Fail => {
                let reason = "the plan waits for approval, and `waiting.plan-approval` is `fail`".to_owned();
                steps.push(self.end(Outcome::NeedsInput, Some(reason)));
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
        self.busy = true;
        steps.push(Step::Read { purpose: Purpose::Question, since: None });
    }

    pub(super) fn on_question_read(&mut self, digest: &Digest, now: Now) -> Vec<Step> {
        if self.state != SessionState::AwaitingUserFeedback {
            return Vec::new();
        }
        // After an answer the old state is shown for a while: only a newer message of the agent is a question.
        if matches!(self.phase, Phase::Answered { .. }) && digest.told.unanswered().is_none() {
            self.phase = Phase::Answered { again_after: now.instant + 2 * self.terms.interval };
            return Vec::new();
        }
        let asked =
            |otherwise: &str| Some(digest.told.agent_message.as_deref().unwrap_or(otherwise).to_owned());
        match &self.terms.waiting.user_feedback {
            UserFeedback::Reply { text, max }
                if self.spent.replies < *max || self.owed == Some(Act::Reply) =>
            {
                let text = text.clone();
                let again = self.owed.take_if(|act| *act == Act::Reply).is_some();
                self.spent.replies += u32::from(!again);
                self.busy = true;
                vec![Step::Send { act: Act::Reply, text, again }]
            }
            UserFeedback::Reply { .. } | UserFeedback::Fail => {
                vec![self.end(
                    Outcome::NeedsInput,
                    asked("the session waits for feedback without asking anything"),
                )]
            }
            UserFeedback::Detach => {
                vec![self.end(Outcome::Detached, asked("the session waits for a human's feedback"))]
            }
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
        self.busy = true;
        vec![Step::Send { act: Act::Nudge, text, again }]
    }

    pub(super) fn may_answer(&self, now: Now) -> bool {
        match self.phase {
            Phase::Answered { again_after } => now.instant >= again_after,
            Phase::Working => true,
            Phase::LastLook { .. } | Phase::Settling { .. } | Phase::Closing { .. } | Phase::Ended => false,
        }
    }
}
