//! The activity resource: one thing that happened in a session.

use std::hash::{DefaultHasher, Hash, Hasher};

use foreign_text::cut;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::artifact::{Artifact, ChangeSet};
use super::lenient::{
    TITLE, WORDS, elements, is_zero, or_default, put, take, take_all, take_text, take_words,
};
use crate::ActivityId;

/// One thing that happened in a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Activity {
    /// The id, unique within the session. When the service sends none that is usable, one made from the content.
    pub id: ActivityId,
    /// The resource name, as the service wrote it.
    pub name: Option<String>,
    /// When it happened. Several activities can share one timestamp.
    pub create_time: Option<Timestamp>,
    /// Who caused it.
    pub originator: Originator,
    /// A line for humans.
    pub description: Option<String>,
    /// What happened.
    pub kind: ActivityKind,
    /// What it carries besides words.
    pub artifacts: Vec<Artifact>,
}

impl Activity {
    /// An activity without a time, a description or artifacts.
    #[must_use]
    pub fn new(id: ActivityId, originator: Originator, kind: ActivityKind) -> Self {
        Self { id, name: None, create_time: None, originator, description: None, kind, artifacts: Vec::new() }
    }

    /// Whether the agent caused it. When the service does not say, the kind decides.
    #[must_use]
    pub fn is_from_agent(&self) -> bool {
        match &self.originator {
            Originator::Agent => true,
            Originator::User | Originator::System => false,
            Originator::Unknown(_) => matches!(
                self.kind,
                ActivityKind::AgentMessaged { .. }
                    | ActivityKind::PlanGenerated(_)
                    | ActivityKind::ProgressUpdated { .. }
            ),
        }
    }

    /// Whether it says that the session has ended. A message can still set the session going again.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.kind, ActivityKind::SessionCompleted | ActivityKind::SessionFailed { .. })
    }

    /// The text, when it is a message of the agent or the user.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match &self.kind {
            ActivityKind::AgentMessaged { message } | ActivityKind::UserMessaged { message } => Some(message),
            ActivityKind::PlanGenerated(_)
            | ActivityKind::PlanApproved { .. }
            | ActivityKind::ProgressUpdated { .. }
            | ActivityKind::SessionCompleted
            | ActivityKind::SessionFailed { .. }
            | ActivityKind::None
            | ActivityKind::Unknown(_) => None,
        }
    }

    /// What it tells, in one line: a command that was run, else a title, a plan, the first line of a message; none where it
    /// says nothing. Text of others, neither shortened nor made harmless.
    #[must_use]
    pub fn headline(&self) -> Option<String> {
        let first_line =
            |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        let commands = self.artifacts.iter().rev().filter_map(|artifact| match artifact {
            Artifact::BashOutput(bash) => bash.command.as_deref().and_then(first_line),
            Artifact::ChangeSet(_) | Artifact::Media(_) | Artifact::Unknown(_) => None,
        });
        if let Some(command) = { commands }.next() {
            return Some(format!("$ {command}"));
        }
        let description = self.description.as_deref();
        let told = match &self.kind {
            ActivityKind::ProgressUpdated { title, description } => {
                [title.as_deref(), description.as_deref()]
            }
            ActivityKind::AgentMessaged { message } | ActivityKind::UserMessaged { message } => {
                [Some(message.as_str()), None]
            }
            ActivityKind::PlanGenerated(plan) => {
                let steps = match plan.steps.len() {
                    1 => "1 step".to_owned(),
                    count => format!("{count} steps"),
                };
                let first = plan.steps.iter().find_map(|step| step.title.as_deref().and_then(first_line));
                let first = first.map_or_else(String::new, |first| format!(": {first}"));
                return Some(format!("plan of {steps}{first}"));
            }
            ActivityKind::PlanApproved { .. } => [Some("plan approved"), None],
            ActivityKind::SessionCompleted => [Some("completed"), None],
            ActivityKind::SessionFailed { reason } => [reason.as_deref(), Some("failed")],
            ActivityKind::None | ActivityKind::Unknown(_) => [None, None],
        };
        told.into_iter().chain([description]).flatten().find_map(first_line)
    }

    /// The last change set that it carries.
    #[must_use]
    pub fn change_set(&self) -> Option<&ChangeSet> {
        self.artifacts.iter().rev().find_map(|artifact| match artifact {
            Artifact::ChangeSet(change_set) => Some(change_set),
            Artifact::Media(_) | Artifact::BashOutput(_) | Artifact::Unknown(_) => None,
        })
    }
}

/// Who caused an activity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Originator {
    /// The user.
    User,
    /// The agent.
    Agent,
    /// The service itself.
    System,
    /// Somebody else, as the service wrote it; empty when it said nothing.
    Unknown(String),
}

impl Originator {
    /// The service's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
            Self::System => "system",
            Self::Unknown(text) => text,
        }
    }
}

impl From<&str> for Originator {
    fn from(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "user" => Self::User,
            "agent" => Self::Agent,
            "system" => Self::System,
            _ => Self::Unknown(text.to_owned()),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ActivityKind {
    /// The agent wrote.
    AgentMessaged {
        /// Its words.
        message: String,
    },
    /// The user wrote.
    UserMessaged {
        /// The user's words.
        message: String,
    },
    /// The agent made a plan.
    PlanGenerated(AgentPlan),
    /// A plan was approved.
    PlanApproved {
        /// The plan's id.
        plan_id: Option<String>,
    },
    /// The agent got on.
    ProgressUpdated {
        /// A headline.
        title: Option<String>,
        /// The details.
        description: Option<String>,
    },
    /// The session completed.
    SessionCompleted,
    /// The session failed.
    SessionFailed {
        /// Why; often missing.
        reason: Option<String>,
    },
    /// Nothing but the common fields.
    None,
    /// Something that this version does not know: the fields that came, as an object.
    Unknown(Value),
}

/// The agent's plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AgentPlan {
    /// The plan's id.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The steps, in order.
    #[serde(deserialize_with = "elements", skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PlanStep>,
    /// When it was made.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub create_time: Option<Timestamp>,
}

/// A step of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PlanStep {
    /// The step's id.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A headline.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The details.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its place, from 0. The service drops the zero.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub index: u64,
}

/// The fields that every activity may have; any other object among the fields says what happened.
const COMMON: [&str; 6] = ["name", "id", "description", "createTime", "originator", "artifacts"];

impl<'de> Deserialize<'de> for Activity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let name = take_text(&mut map, "name");
        let id = [take_text(&mut map, "id"), name.clone()]
            .into_iter()
            .flatten()
            .find_map(|text| ActivityId::new(&text).ok())
            .unwrap_or_else(|| id_of_content(&map));
        let originator = take_text(&mut map, "originator").unwrap_or_default();
        Ok(Self {
            id,
            name,
            create_time: take(&mut map, "createTime"),
            originator: Originator::from(originator.as_str()),
            description: take_words(&mut map, "description", WORDS),
            artifacts: take_all(&mut map, "artifacts"),
            kind: read_kind(map),
        })
    }
}

/// An id for an activity that has none: the same for the same content, so that it is still seen only once.
fn id_of_content(map: &Map<String, Value>) -> ActivityId {
    let mut hasher = DefaultHasher::new();
    Value::Object(map.clone()).to_string().hash(&mut hasher);
    ActivityId::new(&format!("unnamed-{:016x}", hasher.finish()))
        .expect("letters, digits and a dash make a valid id")
}

fn read_kind(mut map: Map<String, Value>) -> ActivityKind {
    let mut body = |key: &str| match map.get(key) {
        Some(Value::Object(_)) => take::<Map<String, Value>>(&mut map, key),
        _ => None,
    };
    if let Some(mut body) = body("agentMessaged") {
        return ActivityKind::AgentMessaged {
            message: take_words(&mut body, "agentMessage", WORDS).unwrap_or_default(),
        };
    }
    if let Some(mut body) = body("userMessaged") {
        return ActivityKind::UserMessaged {
            message: take_words(&mut body, "userMessage", WORDS).unwrap_or_default(),
        };
    }
    if let Some(mut body) = body("planGenerated") {
        return ActivityKind::PlanGenerated(take(&mut body, "plan").unwrap_or_default());
    }
    if let Some(mut body) = body("planApproved") {
        return ActivityKind::PlanApproved { plan_id: take_text(&mut body, "planId") };
    }
    if let Some(mut body) = body("progressUpdated") {
        let title = take_words(&mut body, "title", TITLE);
        return ActivityKind::ProgressUpdated {
            title,
            description: take_words(&mut body, "description", WORDS),
        };
    }
    if let Some(mut body) = body("sessionFailed") {
        return ActivityKind::SessionFailed {
            reason: take_text(&mut body, "reason").map(|reason| cut(reason, WORDS).into_owned()),
        };
    }
    if body("sessionCompleted").is_some() {
        return ActivityKind::SessionCompleted;
    }
    map.retain(|_, value| value.is_object());
    if map.is_empty() { ActivityKind::None } else { ActivityKind::Unknown(Value::Object(map)) }
}

impl Serialize for Activity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = write_kind(&self.kind);
        put(&mut map, "name", &self.name);
        put(&mut map, "id", &self.id);
        put(&mut map, "createTime", &self.create_time);
        put(&mut map, "description", &self.description);
        if !self.originator.as_str().is_empty() {
            put(&mut map, "originator", &self.originator.as_str());
        }
        if !self.artifacts.is_empty() {
            put(&mut map, "artifacts", &self.artifacts);
        }
        map.serialize(serializer)
    }
}

fn write_kind(kind: &ActivityKind) -> Map<String, Value> {
    let (key, body) = match kind {
        ActivityKind::AgentMessaged { message } => ("agentMessaged", json!({"agentMessage": message})),
        ActivityKind::UserMessaged { message } => ("userMessaged", json!({"userMessage": message})),
        ActivityKind::PlanGenerated(plan) => ("planGenerated", json!({"plan": plan})),
        ActivityKind::PlanApproved { plan_id } => ("planApproved", present(&[("planId", plan_id)])),
        ActivityKind::ProgressUpdated { title, description } => {
            ("progressUpdated", present(&[("title", title), ("description", description)]))
        }
        ActivityKind::SessionCompleted => ("sessionCompleted", json!({})),
        ActivityKind::SessionFailed { reason } => ("sessionFailed", present(&[("reason", reason)])),
        ActivityKind::None => return Map::new(),
        ActivityKind::Unknown(Value::Object(map)) => {
            let foreign = map.iter().filter(|(key, _)| !COMMON.contains(&key.as_str()));
            return foreign.map(|(key, value)| (key.clone(), value.clone())).collect();
        }
        ActivityKind::Unknown(_) => return Map::new(),
    };
    Map::from_iter([(key.to_owned(), body)])
}

/// An object of those texts that are there.
fn present(fields: &[(&str, &Option<String>)]) -> Value {
    let mut map = Map::new();
    for (key, value) in fields {
        put(&mut map, key, value);
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Activity {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_kind_round_trips() {
        for kind in [
            json!({"agentMessaged": {"agentMessage": "hi"}}),
            json!({"userMessaged": {"userMessage": "yo"}}),
            json!({"planGenerated": {"plan": {"id": "p", "steps": [{"title": "a"}, {"title": "b", "index": 1}]}}}),
            json!({"planApproved": {"planId": "p"}}),
            json!({"progressUpdated": {"title": "t"}}),
            json!({"sessionCompleted": {}}),
            json!({"sessionFailed": {"reason": "no disk"}}),
            json!({"sessionFailed": {}}),
            json!({"coffeeBrewed": {"cups": 2}}),
            json!({}),
        ] {
            let mut value = json!({
                "name": "sessions/1/activities/a", "id": "a", "createTime": "2026-11-22T02:00:05Z",
                "originator": "agent", "description": "d", "artifacts": [{"hologram": {}}],
            });
            value.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
            assert_eq!(serde_json::to_value(read(value.clone())).unwrap(), value);
        }
    }

    #[test]
    fn an_activity_may_have_no_kind_or_an_unknown_one() {
        assert_eq!(read(json!({"id": "a", "newFlag": true})).kind, ActivityKind::None);
        let odd = read(json!({"id": "a", "coffeeBrewed": {"cups": 2}, "newFlag": true}));
        assert_eq!(odd.kind, ActivityKind::Unknown(json!({"coffeeBrewed": {"cups": 2}})));
        let known = read(json!({"id": "a", "sessionCompleted": {}, "extra": {"x": 1}}));
        assert_eq!(known.kind, ActivityKind::SessionCompleted);
    }

    #[test]
    fn dropped_zero_values_are_read_as_zero() {
        let activity = read(json!({"id": "a", "planGenerated": {"plan": {"steps": [{"title": "first"}]}}}));
        let ActivityKind::PlanGenerated(plan) = activity.kind else { panic!("{:?}", activity.kind) };
        assert_eq!(plan.steps[0].index, 0);
    }

    #[test]
    fn originators_are_read_in_any_case() {
        for text in ["AGENT", "Agent", "agent"] {
            assert_eq!(read(json!({"id": "a", "originator": text})).originator, Originator::Agent);
        }
        assert_eq!(Originator::from("Robot"), Originator::Unknown("Robot".into()));
        assert!(read(json!({"id": "a", "progressUpdated": {}})).is_from_agent());
        assert!(!read(json!({"id": "a", "originator": "user", "progressUpdated": {}})).is_from_agent());
    }

    #[test]
    fn an_activity_without_an_id_gets_a_stable_one() {
        let one = json!({"createTime": "2026-11-22T02:00:05Z", "progressUpdated": {"title": "t"}});
        let other = json!({"createTime": "2026-11-22T02:00:05Z", "progressUpdated": {"title": "u"}});
        assert_eq!(read(one.clone()).id, read(one.clone()).id);
        assert_ne!(read(one).id, read(other).id);
        assert_eq!(read(json!({"name": "sessions/1/activities/x"})).id.as_str(), "x");
    }

    #[test]
    fn bodies_of_the_wrong_type_do_not_fail() {
        let odd = read(json!({
            "id": 12, "createTime": [], "originator": 4, "artifacts": {"a": 1}, "agentMessaged": {"agentMessage": 5},
        }));
        assert_eq!(odd.id.as_str(), "12");
        assert_eq!(odd.kind, ActivityKind::AgentMessaged { message: String::new() });
        assert_eq!(read(json!({"id": "a", "agentMessaged": "x"})).kind, ActivityKind::None);
    }
}
