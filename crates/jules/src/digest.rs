//! What a session's activities tell, folded into what a reader asks for.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Activity, ActivityKind, AgentPlan, Artifact, ChangeSet, Session};

/// A session's activities, folded. [`Activities::digest`](super::Activities::digest) reads it from the service.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SessionDigest {
    /// How many activities there were.
    pub activities: usize,
    /// When the agent last did something.
    pub last_agent: Option<Timestamp>,
    /// The last plan.
    pub plan: Option<AgentPlan>,
    /// Whether that plan was approved.
    pub plan_approved: bool,
    /// The last messages of agent and user, oldest first, without their artifacts.
    pub messages: VecDeque<Activity>,
    /// The agent's last message.
    pub agent_message: Option<String>,
    /// The last change set: each holds the whole work.
    pub change_set: Option<ChangeSet>,
    /// Why it failed, if it said so.
    pub failure_reason: Option<String>,
    /// How many messages to keep.
    keep: usize,
    /// The user has written since the agent's last message.
    answered: bool,
    /// Something other than the session's end came since the agent's last message.
    went_on: bool,
}

impl SessionDigest {
    /// An empty digest that will keep up to this many messages.
    #[must_use]
    pub fn keeping(messages: usize) -> Self {
        Self { keep: messages, ..Self::default() }
    }

    /// Takes the next activity, oldest first.
    pub fn take(&mut self, mut activity: Activity) {
        self.activities += 1;
        if activity.is_from_agent() {
            self.last_agent = self.last_agent.max(activity.create_time);
        }
        // Taken out, so that a message is kept without its pictures.
        let artifacts = std::mem::take(&mut activity.artifacts).into_iter().rev();
        let mut change_sets = artifacts.filter_map(|artifact| match artifact {
            Artifact::ChangeSet(change_set) => Some(change_set),
            Artifact::Media(_) | Artifact::BashOutput(_) | Artifact::Unknown(_) => None,
        });
        self.change_set = change_sets.next().or(self.change_set.take());
        self.went_on |= !activity.is_end();
        match &mut activity.kind {
            ActivityKind::PlanGenerated(plan) => {
                self.plan = Some(std::mem::take(plan));
                self.plan_approved = false;
            }
            ActivityKind::PlanApproved { .. } => self.plan_approved = true,
            ActivityKind::SessionFailed { reason } => {
                self.failure_reason = reason.take().filter(|reason| !reason.trim().is_empty());
            }
            ActivityKind::AgentMessaged { message } => {
                self.agent_message = Some(message.clone());
                (self.answered, self.went_on) = (false, false);
            }
            ActivityKind::UserMessaged { .. } => self.answered = true,
            ActivityKind::ProgressUpdated { .. }
            | ActivityKind::SessionCompleted
            | ActivityKind::None
            | ActivityKind::Unknown(_) => {}
        }
        if activity.message().is_some() {
            self.messages.push_back(activity);
            if self.messages.len() > self.keep {
                self.messages.pop_front();
            }
        }
    }

    /// The agent's last message, unless the user has written since.
    #[must_use]
    pub fn unanswered(&self) -> Option<&str> {
        self.agent_message.as_deref().filter(|_| !self.answered)
    }

    /// The agent's last message, if it is the last thing that happened but for the session's end. By its place it is an
    /// open question; whether it asks anything, only a reader can tell.
    #[must_use]
    pub fn open_question(&self) -> Option<&str> {
        self.agent_message.as_deref().filter(|_| !self.went_on)
    }

    /// The session's change set: the one among its outputs, or else the last one in the activities; none when it changes
    /// nothing.
    #[must_use]
    pub fn change_set_of<'a>(&'a self, session: &'a Session) -> Option<&'a ChangeSet> {
        session.change_set().or(self.change_set.as_ref()).filter(|change_set| !change_set.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn digest(keep: usize, activities: Vec<Value>) -> SessionDigest {
        let mut digest = SessionDigest::keeping(keep);
        activities.into_iter().for_each(|value| digest.take(serde_json::from_value(value).unwrap()));
        digest
    }

    #[test]
    fn the_last_of_everything_counts() {
        let told = digest(
            2,
            vec![
                json!({"id": "1", "planGenerated": {"plan": {"id": "p1"}}}),
                json!({"id": "2", "planApproved": {"planId": "p1"}}),
                json!({"id": "3", "agentMessaged": {"agentMessage": "one"}}),
                json!({"id": "4", "userMessaged": {"userMessage": "two"}}),
                json!({"id": "5", "agentMessaged": {"agentMessage": "three"}, "artifacts": [{"media": {"data": "aGk="}}]}),
                json!({"id": "6", "planGenerated": {"plan": {"id": "p2"}}}),
                json!({"id": "7", "artifacts": [{"changeSet": {"gitPatch": {"unidiffPatch": "a"}}}]}),
                json!({"id": "8", "artifacts": [{"changeSet": {"gitPatch": {"unidiffPatch": "b"}}}]}),
                json!({"id": "9", "sessionFailed": {"reason": "no disk"}}),
            ],
        );
        assert_eq!(told.plan.unwrap().id.as_deref(), Some("p2"));
        assert!(!told.plan_approved);
        let said: Vec<_> = told.messages.iter().map(|message| message.message().unwrap()).collect();
        assert_eq!(said, ["two", "three"]);
        assert!(told.messages[1].artifacts.is_empty());
        assert_eq!(told.change_set.unwrap().patch(), "b");
        assert_eq!((told.failure_reason.as_deref(), told.activities), (Some("no disk"), 9));
    }

    #[test]
    fn outputs_win_over_activities_and_nothing_is_no_change_set() {
        let told = digest(
            0,
            vec![json!({"id": "1", "artifacts": [{"changeSet": {"gitPatch": {"unidiffPatch": "a"}}}]})],
        );
        let bare: Session = serde_json::from_value(json!({"id": "1"})).unwrap();
        assert_eq!(told.change_set_of(&bare).unwrap().patch(), "a");
        let with_output: Session = serde_json::from_value(
            json!({"id": "1", "outputs": [{"changeSet": {"gitPatch": {"unidiffPatch": "out"}}}]}),
        )
        .unwrap();
        assert_eq!(told.change_set_of(&with_output).unwrap().patch(), "out");
        let empty = digest(0, vec![json!({"id": "1", "artifacts": [{"changeSet": {}}]})]);
        assert!(empty.change_set_of(&bare).is_none());
    }

    #[test]
    fn a_question_is_open_while_nothing_but_the_end_follows_it() {
        let asks = json!({"id": "1", "agentMessaged": {"agentMessage": "Which?"}});
        for (then, unanswered, open) in [
            (json!({"id": "2", "sessionCompleted": {}}), true, true),
            (json!({"id": "2", "progressUpdated": {"title": "Went on"}}), true, false),
            (json!({"id": "2", "userMessaged": {"userMessage": "This one."}}), false, false),
        ] {
            let told = digest(0, vec![asks.clone(), then.clone()]);
            assert_eq!(
                (told.unanswered().is_some(), told.open_question().is_some()),
                (unanswered, open),
                "{then}"
            );
            let told = digest(
                0,
                vec![asks.clone(), then, json!({"id": "3", "agentMessaged": {"agentMessage": "And now?"}})],
            );
            assert_eq!(told.open_question(), Some("And now?"));
        }
        assert_eq!(digest(0, Vec::new()).unanswered(), None);
    }
}
