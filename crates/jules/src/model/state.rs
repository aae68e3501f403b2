//! A session's state.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest state that is taken in whole, in characters.
const LONGEST_WORD: usize = 100;

/// A session's state. Only [`Completed`](Self::Completed) and [`Failed`](Self::Failed) end it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// `QUEUED`
    Queued,
    /// `PLANNING`
    Planning,
    /// `AWAITING_PLAN_APPROVAL`
    AwaitingPlanApproval,
    /// `AWAITING_USER_FEEDBACK`; happens with plan approval off as well.
    AwaitingUserFeedback,
    /// `IN_PROGRESS`
    InProgress,
    /// `PAUSED`; the service has no call that resumes it.
    Paused,
    /// `FAILED`
    Failed,
    /// `COMPLETED`
    Completed,
    /// `STATE_UNSPECIFIED`
    Unspecified,
    /// A state that this version does not know, as the service wrote it, up to 100 characters.
    Unknown(String),
}

impl SessionState {
    /// Whether the session has ended.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// Whether the session waits for a human: for an approval, for an answer, or paused.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::AwaitingPlanApproval | Self::AwaitingUserFeedback | Self::Paused)
    }

    /// The service's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "QUEUED",
            Self::Planning => "PLANNING",
            Self::AwaitingPlanApproval => "AWAITING_PLAN_APPROVAL",
            Self::AwaitingUserFeedback => "AWAITING_USER_FEEDBACK",
            Self::InProgress => "IN_PROGRESS",
            Self::Paused => "PAUSED",
            Self::Failed => "FAILED",
            Self::Completed => "COMPLETED",
            Self::Unspecified => "STATE_UNSPECIFIED",
            Self::Unknown(text) => text,
        }
    }
}

impl From<&str> for SessionState {
    fn from(text: &str) -> Self {
        match text {
            "QUEUED" => Self::Queued,
            "PLANNING" => Self::Planning,
            "AWAITING_PLAN_APPROVAL" => Self::AwaitingPlanApproval,
            "AWAITING_USER_FEEDBACK" => Self::AwaitingUserFeedback,
            "IN_PROGRESS" => Self::InProgress,
            "PAUSED" => Self::Paused,
            "FAILED" => Self::Failed,
            "COMPLETED" => Self::Completed,
            "STATE_UNSPECIFIED" => Self::Unspecified,
            other => Self::Unknown(foreign_text::clip(other, LONGEST_WORD).into_owned()),
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for SessionState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SessionState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(String::deserialize(deserializer)?.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_round_trips_known_or_not() {
        let known = [
            "QUEUED",
            "PLANNING",
            "AWAITING_PLAN_APPROVAL",
            "AWAITING_USER_FEEDBACK",
            "IN_PROGRESS",
            "PAUSED",
            "FAILED",
            "COMPLETED",
            "STATE_UNSPECIFIED",
        ];
        for text in known {
            let state = SessionState::from(text);
            assert!(!matches!(state, SessionState::Unknown(_)), "{text}");
            assert_eq!(state.as_str(), text);
        }
        let odd: SessionState = serde_json::from_str("\"NAPPING\"").unwrap();
        assert_eq!(odd, SessionState::Unknown("NAPPING".into()));
        assert_eq!(serde_json::to_string(&odd).unwrap(), "\"NAPPING\"");
    }

    #[test]
    fn only_completed_and_failed_end_a_session() {
        let ended: Vec<_> = ["QUEUED", "PAUSED", "FAILED", "COMPLETED", "NAPPING"]
            .into_iter()
            .filter(|text| SessionState::from(*text).is_terminal())
            .collect();
        assert_eq!(ended, ["FAILED", "COMPLETED"]);
    }
}
