//! A session as the service plays it.

use jiff::Timestamp;
use tokio::time::Instant;

use crate::engine::input::Seen;
use crate::outcome::PullRequest;
use jules::{ActivityKind, AgentPlan, SessionState};

pub(super) struct Played {
    pub(super) seen: Seen,
    pub(super) polls_left: u32,
    /// When the last look was asked for that was answered.
    pub(super) looked: Option<Instant>,
    pub(super) end: End,
    pub(super) asks: bool,
    /// Its question was not answered before it was put away.
    pub(super) unanswered: bool,
    /// How many polls after an answer it wakes.
    pub(super) wakes_in: Option<u32>,
    /// When it was answered.
    pub(super) answered: Option<Timestamp>,
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    PullRequest,
    Failure,
    Question,
    Idle,
}

impl Played {
    pub(super) fn is_asking_last(&self) -> bool {
        self.end == End::Question && self.seen.state == SessionState::Completed
    }

    /// A moment of its life.
    pub(super) fn go_on(&mut self) {
        if self.wakes_in == Some(0) && self.is_asking_last() && !self.seen.archived {
            self.seen.state = SessionState::InProgress;
            (self.end, self.polls_left) = (End::PullRequest, 2);
        }
        self.wakes_in = self.wakes_in.map(|left| left.saturating_sub(1));
        if self.seen.is_over() || self.seen.state == SessionState::AwaitingUserFeedback {
            return;
        }
        self.polls_left = self.polls_left.saturating_sub(1);
        if std::mem::take(&mut self.asks) {
            self.seen.state = SessionState::AwaitingUserFeedback;
        } else if self.polls_left > 0 {
            self.seen.state = SessionState::InProgress;
        } else {
            let failed = self.end == End::Failure;
            self.seen.state = if failed { SessionState::Failed } else { SessionState::Completed };
            if self.end == End::PullRequest {
                let url = format!("https://github.com/o/r/pull/{}", self.seen.id.as_str());
                let pull = PullRequest { url, number: None, title: None, base_ref: None, head_ref: None };
                self.seen.work.pull_request = Some(pull.into());
            }
        }
    }

    /// Its activities.
    pub(super) fn course(&self) -> Vec<ActivityKind> {
        let question = || ActivityKind::AgentMessaged { message: "Which way?".to_owned() };
        let answer = || ActivityKind::UserMessaged { message: "That way.".to_owned() };
        let plan = || ActivityKind::PlanGenerated(AgentPlan::default());
        match (&self.seen.state, self.end) {
            (SessionState::Completed, End::Question) if self.wakes_in.is_some() => {
                vec![plan(), question(), ActivityKind::SessionCompleted, answer()]
            }
            (SessionState::Completed, End::Question) => {
                vec![plan(), question(), ActivityKind::SessionCompleted]
            }
            (SessionState::Completed, _) => vec![plan(), ActivityKind::SessionCompleted],
            (SessionState::Failed, _) => {
                vec![ActivityKind::SessionFailed { reason: Some("out of luck".to_owned()) }]
            }
            (SessionState::AwaitingUserFeedback, _) => vec![question()],
            _ if self.unanswered => vec![question()],
            _ => vec![question(), answer()],
        }
    }
}
