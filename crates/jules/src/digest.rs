//! What a session's activities tell, folded into what a reader asks for.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::outcome::{CLOCKS, age};
use super::{Activity, ActivityCounts, ActivityKind, AgentPlan, Artifact, ChangeSet, Session};

/// A session's activities, folded. [`Activities::digest`](super::Activities::digest) reads it from the service.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SessionDigest {
    /// How many activities there were.
    pub activities: usize,
    /// How many of each kind.
    pub counts: ActivityCounts,
    /// When the agent last did something.
    pub last_agent: Option<Timestamp>,
    /// When the user last wrote.
    pub last_user: Option<Timestamp>,
    /// The last plan.
    pub plan: Option<AgentPlan>,
    /// Whether that plan was approved.
    pub plan_approved: bool,
    /// The last messages of agent and user, oldest first, without their artifacts.
    pub messages: VecDeque<Activity>,
    /// The agent's last message.
    pub agent_message: Option<String>,
    /// The agent's last words, wherever they stand: its message, the text of its progress, or an activity's description.
    pub last_words: Option<String>,
    /// What the agent did last, in one line ([`Activity::headline`]).
    pub last_activity: Option<String>,
    /// The last change set: each holds the whole work.
    pub change_set: Option<ChangeSet>,
    /// Why it failed, if it said so.
    pub failure_reason: Option<String>,
    /// How many messages to keep.
    keep: usize,
    /// When the agent wrote its last message.
    message_at: Option<Timestamp>,
    /// The user has written since the agent's last message.
    answered: bool,
    /// The user has written, or the agent has done something, since the agent's last message.
    went_on: bool,
    /// The agent has neither done nor said anything since the user wrote, nor has the session ended.
    addressed: bool,
    /// The agent has done or said something since its last plan.
    worked: bool,
}

/// What its activities tell of a completed session that has changed nothing.
///
/// Known by the places of the activities alone: what a text means, only a reader can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unchanged<'a> {
    /// The agent's message is the last word, and nothing was done after it: an open question, until somebody answers.
    Asks(&'a str),
    /// A message has come since: it may wake the session, which is shown as completed for a minute or two still.
    Answered,
    /// It completed right after its plan, without any work.
    NeverWorked,
    /// It worked, and left everything as it was.
    Worked,
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
        self.counts.add(&activity.kind);
        let has_artifacts = !activity.artifacts.is_empty();
        if activity.is_from_agent() {
            self.last_agent = self.last_agent.max(activity.create_time);
            self.last_activity = activity.headline().or(self.last_activity.take());
            self.last_words = words(&activity).map(str::to_owned).or(self.last_words.take());
        }
        // Taken out, so that a message is kept without its pictures.
        let artifacts = std::mem::take(&mut activity.artifacts).into_iter().rev();
        let mut change_sets = artifacts.filter_map(|artifact| match artifact {
            Artifact::ChangeSet(change_set) => Some(change_set),
            Artifact::Media(_) | Artifact::BashOutput(_) | Artifact::Unknown(_) => None,
        });
        self.change_set = change_sets.next().or(self.change_set.take());
        self.place(&activity, has_artifacts);
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
            }
            ActivityKind::UserMessaged { .. }
            | ActivityKind::ProgressUpdated { .. }
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

    /// What the activity's place says of who has the word, and of the work.
    fn place(&mut self, activity: &Activity, has_artifacts: bool) {
        let is_agents = activity.is_from_agent() || has_artifacts;
        match &activity.kind {
            ActivityKind::AgentMessaged { message } if !is_blank(message) => {
                (self.answered, self.went_on, self.addressed) = (false, false, false);
                self.message_at = activity.create_time;
                self.worked = true;
            }
            // The service takes an empty message, writes it down, and does nothing about it.
            ActivityKind::UserMessaged { message } if !is_blank(message) => {
                // One that is listed late was written before what the agent has done meanwhile.
                let is_behind = |agent| activity.create_time.is_none() || activity.create_time >= agent;
                let is_answer = is_behind(self.message_at);
                (self.answered, self.went_on) = (self.answered || is_answer, self.went_on || is_answer);
                self.addressed |= is_behind(self.last_agent);
                self.last_user = self.last_user.max(activity.create_time);
            }
            ActivityKind::PlanGenerated(_) => {
                (self.went_on, self.addressed, self.worked) = (true, false, false);
            }
            ActivityKind::SessionCompleted | ActivityKind::SessionFailed { .. } => self.addressed = false,
            ActivityKind::ProgressUpdated { .. } | ActivityKind::None | ActivityKind::Unknown(_)
                if is_agents =>
            {
                (self.went_on, self.addressed, self.worked) = (true, false, true);
            }
            // A plan is approved by a timer as well.
            ActivityKind::PlanApproved { .. }
            | ActivityKind::AgentMessaged { .. }
            | ActivityKind::UserMessaged { .. }
            | ActivityKind::ProgressUpdated { .. }
            | ActivityKind::None
            | ActivityKind::Unknown(_) => {}
        }
    }

    /// Whether the user has written, and the agent has neither done nor said anything since, nor has the session ended.
    #[must_use]
    pub fn is_addressed(&self) -> bool {
        self.addressed
    }

    /// The agent's last message, unless the user has written since.
    #[must_use]
    pub fn unanswered(&self) -> Option<&str> {
        self.agent_message.as_deref().filter(|_| !self.answered)
    }

    /// The agent's last message, if neither agent nor user has done or said anything since. By its place it is an open
    /// question; whether it asks anything, only a reader can tell.
    #[must_use]
    pub fn open_question(&self) -> Option<&str> {
        self.agent_message.as_deref().filter(|message| !self.went_on && !is_blank(message))
    }

    /// What a session that waits for feedback asks: the agent's last message, and what it has said elsewhere since.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        let message = self.unanswered().filter(|message| !is_blank(message));
        match (message, self.last_words.as_deref()) {
            (Some(message), Some(words)) if message != words => Some(format!("{message}\n{words}")),
            (message, words) => message.or(words).map(str::to_owned),
        }
    }

    /// What they tell of a completed session that has changed nothing, all of them read.
    #[must_use]
    pub fn unchanged(&self) -> Unchanged<'_> {
        match self.open_question() {
            Some(question) => Unchanged::Asks(question),
            None if self.addressed => Unchanged::Answered,
            None if self.worked => Unchanged::Worked,
            None => Unchanged::NeverWorked,
        }
    }

    /// Whether a message came last, and so lately that the session, which has completed, may still be shown as it was
    /// before: `within` that time it wakes if it ever does, and the service's clocks may differ by five minutes. `now` is
    /// the service's ([`Jules::service_time`](super::Jules::service_time)).
    #[must_use]
    pub fn may_wake(&self, within: Duration, now: Timestamp) -> bool {
        self.addressed && age(self.last_user, now) < within.saturating_add(CLOCKS)
    }

    /// The session's change set: the one among its outputs, or else the last one in the activities; none when it changes
    /// nothing.
    #[must_use]
    pub fn change_set_of<'a>(&'a self, session: &'a Session) -> Option<&'a ChangeSet> {
        session.change_set().or(self.change_set.as_ref()).filter(|change_set| !change_set.is_empty())
    }
}

/// The activity's text.
fn words(activity: &Activity) -> Option<&str> {
    let texts = match &activity.kind {
        ActivityKind::AgentMessaged { message } => [Some(message), None],
        ActivityKind::ProgressUpdated { title, description } => [description.as_ref(), title.as_ref()],
        ActivityKind::None | ActivityKind::Unknown(_) => [None, None],
        ActivityKind::UserMessaged { .. }
        | ActivityKind::PlanGenerated(_)
        | ActivityKind::PlanApproved { .. }
        | ActivityKind::SessionCompleted
        | ActivityKind::SessionFailed { .. } => return None,
    };
    let mut texts = texts.into_iter().chain([activity.description.as_ref()]).flatten();
    texts.find(|text| !is_blank(text)).map(String::as_str)
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
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

    #[test]
    fn an_answer_that_is_listed_late_answers_only_what_was_asked_before_it() {
        let at = |second: u32, kind: Value| {
            let mut activity = kind;
            activity["createTime"] = json!(format!("2026-11-22T02:00:{second:02}Z"));
            activity
        };
        let asks =
            |second| at(second, json!({"originator": "agent", "agentMessaged": {"agentMessage": "Which?"}}));
        let works = at(3, json!({"originator": "agent", "progressUpdated": {"title": "Reads"}}));
        let answer = at(2, json!({"originator": "user", "userMessaged": {"userMessage": "This one."}}));
        let told = |activities: &[&Value]| {
            let told = digest(0, activities.iter().copied().cloned().collect());
            (told.unanswered().is_some(), told.is_addressed())
        };
        assert_eq!(told(&[&asks(1), &answer]), (false, true));
        assert_eq!(told(&[&asks(2), &answer]), (false, true), "nobody knows which was first");
        assert_eq!(told(&[&asks(1), &works, &answer]), (false, false), "it has gone on already");
        assert_eq!(told(&[&asks(1), &asks(3), &answer]), (true, false), "it asks again");
    }

    /// One activity a letter: a plan, the timer's approval, progress, a command, a message of agent or user, a blank one of
    /// the user, an end, a note without a kind.
    fn told(course: &str) -> SessionDigest {
        let activity = |letter| match letter {
            'P' => json!({"originator": "agent", "planGenerated": {"plan": {"id": "p"}}}),
            'v' => json!({"originator": "user", "planApproved": {"planId": "p"}}),
            'w' => json!({"originator": "agent", "progressUpdated": {"title": "Read the code"}}),
            'b' => json!({"originator": "agent", "artifacts": [{"bashOutput": {"command": "ls"}}]}),
            'A' => json!({"originator": "agent", "agentMessaged": {"agentMessage": "Which one?"}}),
            'U' => json!({"originator": "user", "userMessaged": {"userMessage": "This one."}}),
            '_' => json!({"originator": "user", "userMessaged": {}}),
            'E' => json!({"originator": "system", "sessionCompleted": {}}),
            's' => json!({"originator": "system", "description": "The machine is ready."}),
            other => panic!("{other}"),
        };
        digest(0, course.chars().map(activity).collect())
    }

    #[test]
    fn the_course_of_a_session_that_changed_nothing_tells_why() {
        let asks = Unchanged::Asks("Which one?");
        for (course, wanted) in [
            // A question instead of work, or after it.
            ("PvAE", asks),
            ("APvwAE", asks),
            ("PvwbA", asks),
            // The plan is approved by a timer, whatever the agent has asked.
            ("PAvE", asks),
            // An empty message answers nothing.
            ("PvAE_", asks),
            // Asked again after an answer.
            ("PvAEUwAE", asks),
            // An answer has come, and nothing since.
            ("PvAEU", Unchanged::Answered),
            ("PvwU", Unchanged::Answered),
            ("PvAEUs", Unchanged::Answered),
            // Nothing but a plan; not even that.
            ("PvE", Unchanged::NeverWorked),
            ("PE", Unchanged::NeverWorked),
            ("wAPvE", Unchanged::NeverWorked),
            ("sPvsE", Unchanged::NeverWorked),
            ("E", Unchanged::NeverWorked),
            // Work that changed nothing.
            ("PvwE", Unchanged::Worked),
            ("PvbE", Unchanged::Worked),
            ("wE", Unchanged::Worked),
            ("PvAwE", Unchanged::Worked),
            ("PvAEUwE", Unchanged::Worked),
            // Asked, answered, and ended without another word.
            ("PvAEUE", Unchanged::Worked),
        ] {
            assert_eq!(told(course).unchanged(), wanted, "{course}");
        }
    }

    #[test]
    fn a_question_is_told_wherever_it_stands() {
        let message = json!({"originator": "agent", "agentMessaged": {"agentMessage": "Left?"}});
        let answer = json!({"originator": "user", "userMessaged": {"userMessage": "Right."}});
        let progress =
            json!({"originator": "agent", "progressUpdated": {"title": "Waiting", "description": "Up?"}});
        let bare = json!({"originator": "agent", "description": "Down?"});
        let end = json!({"originator": "system", "sessionCompleted": {}, "description": "The end"});
        let (message, answer, progress, bare) = (&message, &answer, &progress, &bare);
        for (activities, wanted) in [
            (vec![message], "Left?"),
            (vec![message, answer, progress], "Up?"),
            (vec![message, answer, progress, bare, &end], "Down?"),
            (vec![message, progress], "Left?\nUp?"),
            (vec![message, answer], "Left?"),
        ] {
            let told = digest(0, activities.iter().map(|value| (**value).clone()).collect());
            assert_eq!(told.question().as_deref(), Some(wanted), "{activities:?}");
        }
        assert_eq!(told("PvE").question(), None);
    }
}
