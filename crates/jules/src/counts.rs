//! How many activities of each kind a session has.

use std::fmt;

use serde::Serialize;

use super::ActivityKind;

/// How many activities of each kind there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActivityCounts {
    /// Messages of the agent.
    pub agent_messages: usize,
    /// Messages of the user.
    pub user_messages: usize,
    /// Plans; each after the first one is a revision.
    pub plans: usize,
    /// Approvals of plans.
    pub approvals: usize,
    /// Reports of progress.
    pub progress: usize,
    /// Ends that were no failures.
    pub completions: usize,
    /// Failures.
    pub failures: usize,
    /// Those of no kind, or of one that this version does not know.
    pub others: usize,
}

impl ActivityCounts {
    pub(super) fn add(&mut self, kind: &ActivityKind) {
        let count = match kind {
            ActivityKind::AgentMessaged { .. } => &mut self.agent_messages,
            ActivityKind::UserMessaged { .. } => &mut self.user_messages,
            ActivityKind::PlanGenerated(_) => &mut self.plans,
            ActivityKind::PlanApproved { .. } => &mut self.approvals,
            ActivityKind::ProgressUpdated { .. } => &mut self.progress,
            ActivityKind::SessionCompleted => &mut self.completions,
            ActivityKind::SessionFailed { .. } => &mut self.failures,
            ActivityKind::None | ActivityKind::Unknown(_) => &mut self.others,
        };
        *count += 1;
    }
}

/// As a sentence says it: `2 messages of the agent, 1 plan, 5 reports of progress`, or `none`.
impl fmt::Display for ActivityCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (self.agent_messages, "message of the agent", "messages of the agent"),
            (self.user_messages, "message of the user", "messages of the user"),
            (self.plans, "plan", "plans"),
            (self.approvals, "approval", "approvals"),
            (self.progress, "report of progress", "reports of progress"),
            (self.completions, "completion", "completions"),
            (self.failures, "failure", "failures"),
            (self.others, "other", "others"),
        ];
        let mut comma = "";
        for (count, one, many) in named.into_iter().filter(|(count, ..)| *count > 0) {
            write!(f, "{comma}{count} {}", if count == 1 { one } else { many })?;
            comma = ", ";
        }
        if comma.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_a_sentence() {
        assert_eq!(ActivityCounts::default().to_string(), "none");
        let counts = ActivityCounts { agent_messages: 2, plans: 1, others: 3, ..ActivityCounts::default() };
        assert_eq!(counts.to_string(), "2 messages of the agent, 1 plan, 3 others");
    }
}
