//! An activity in one line.

use std::fmt;

use super::{Activity, ActivityKind, Originator};

impl ActivityKind {
    /// The service's name of the kind: `agentMessaged`; `none` for an activity without one, `unknown` for one of a kind that
    /// this version does not know.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AgentMessaged { .. } => "agentMessaged",
            Self::UserMessaged { .. } => "userMessaged",
            Self::PlanGenerated(_) => "planGenerated",
            Self::PlanApproved { .. } => "planApproved",
            Self::ProgressUpdated { .. } => "progressUpdated",
            Self::SessionCompleted => "sessionCompleted",
            Self::SessionFailed { .. } => "sessionFailed",
            Self::None => "none",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// One line for a terminal or a log: when, who, what. Nothing that the others wrote acts on a terminal.
impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(time) = self.create_time {
            write!(f, "{time} ")?;
        }
        let who = match &self.originator {
            Originator::Unknown(_) if self.is_from_agent() => "agent",
            Originator::Unknown(text) if text.is_empty() => "service",
            known => known.as_str(),
        };
        let what = self.headline();
        let what = what.as_deref().unwrap_or(self.kind.as_str());
        write!(f, "{}: {}", foreign_text::line(who), foreign_text::line(what))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_activity_is_one_line() {
        let line = |value: Value| serde_json::from_value::<Activity>(value).unwrap().to_string();
        let shown = [
            json!({"id": "1", "originator": "agent", "createTime": "2026-11-22T02:00:05Z",
                "planGenerated": {"plan": {"steps": [{"title": "Read\nthe code"}, {"title": "Change it"}]}}}),
            json!({"id": "2", "originator": "USER", "userMessaged": {"userMessage": "\n Left.\nReally."}}),
            json!({"id": "3", "progressUpdated": {"title": "\u{1b}[31mRed\u{202e}"}}),
            json!({"id": "4", "originator": "agent", "artifacts": [{"bashOutput": {"command": "cargo test"}}]}),
            json!({"id": "5", "originator": "system", "sessionFailed": {}}),
            json!({"id": "6", "novelty": {}}),
            json!({"id": "7"}),
        ]
        .map(line);
        assert_eq!(
            shown,
            [
                "2026-11-22T02:00:05Z agent: plan of 2 steps: Read",
                "user: Left.",
                "agent: Red\u{fffd}",
                "agent: $ cargo test",
                "system: failed",
                "service: unknown",
                "service: none",
            ]
        );
    }
}
