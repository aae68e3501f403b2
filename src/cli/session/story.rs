//! What a session's activities tell, folded into what a reader asks for.

use std::collections::VecDeque;

use futures::StreamExt as _;

use crate::api::{Activity, ActivityKind, AgentPlan, ChangeSet, Error, Session, SessionClient};

/// The fold of a session's activities.
#[derive(Debug)]
pub(super) struct Story {
    /// How many messages to keep.
    keep: usize,
    /// The last plan.
    pub(super) plan: Option<AgentPlan>,
    /// Whether a plan was approved since.
    pub(super) plan_approved: bool,
    /// The last messages, oldest first.
    pub(super) messages: VecDeque<Activity>,
    /// The last change set: each holds the whole work.
    pub(super) change_set: Option<ChangeSet>,
    /// Why it failed, as far as it said so.
    pub(super) failure_reason: Option<String>,
    /// How many activities there were.
    pub(super) activities: usize,
}

impl Story {
    /// A story that keeps so many messages.
    pub(super) fn keeping(keep: usize) -> Self {
        Self {
            keep,
            plan: None,
            plan_approved: false,
            messages: VecDeque::new(),
            change_set: None,
            failure_reason: None,
            activities: 0,
        }
    }

    /// Reads all that has happened until now.
    pub(super) async fn read(client: &SessionClient, keep: usize) -> Result<Self, Error> {
        let mut story = Self::keeping(keep);
        let mut history = client.activities().history();
        while let Some(activity) = history.next().await {
            story.add(activity?);
        }
        Ok(story)
    }

    /// Takes the next activity.
    pub(super) fn add(&mut self, mut activity: Activity) {
        self.activities += 1;
        if let Some(change_set) = activity.change_set() {
            self.change_set = Some(change_set.clone());
        }
        match &mut activity.kind {
            ActivityKind::PlanGenerated(plan) => {
                self.plan = Some(std::mem::take(plan));
                self.plan_approved = false;
            }
            ActivityKind::PlanApproved { .. } => self.plan_approved = true,
            ActivityKind::SessionFailed { reason } => self.failure_reason = reason.take(),
            ActivityKind::AgentMessaged { .. } | ActivityKind::UserMessaged { .. } => {
                // Pictures are not kept: a story is what fits on a screen.
                activity.artifacts.clear();
                self.messages.push_back(activity);
                if self.messages.len() > self.keep {
                    self.messages.pop_front();
                }
            }
            _ => {}
        }
    }

    /// The session's change set: the one among its outputs, else the last one in the activities.
    pub(super) fn change_set_of<'a>(&'a self, session: &'a Session) -> Option<&'a ChangeSet> {
        session.change_set().or(self.change_set.as_ref()).filter(|change_set| !change_set.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn story(keep: usize, activities: Vec<Value>) -> Story {
        let mut story = Story::keeping(keep);
        activities.into_iter().for_each(|value| story.add(serde_json::from_value(value).unwrap()));
        story
    }

    #[test]
    fn the_last_of_everything_counts() {
        let told = story(
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
        let told = story(
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
        assert!(
            story(0, vec![json!({"id": "1", "artifacts": [{"changeSet": {}}]})])
                .change_set_of(&bare)
                .is_none()
        );
    }
}
