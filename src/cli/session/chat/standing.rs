//! How the session stands: what the agent is doing, and whether it waits for the user.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::cli::console::{DIM, YELLOW};
use jules::{SessionClient, SessionState};

/// Asks for the session's state now and then, beside everything else.
pub(super) struct Standing {
    state: watch::Receiver<Option<SessionState>>,
    soon: Arc<Notify>,
    asking: JoinHandle<()>,
}

impl Standing {
    /// Begins with a state that is known.
    pub(super) fn follow(client: SessionClient, known: Option<SessionState>, interval: Duration) -> Self {
        let (sender, state) = watch::channel(known);
        let soon = Arc::new(Notify::new());
        let wanted = soon.clone();
        let asking = tokio::spawn(async move {
            loop {
                // One that has ended goes on when it is told something.
                let has_ended = sender.borrow().as_ref().is_some_and(SessionState::is_terminal);
                if has_ended {
                    wanted.notified().await;
                } else {
                    let _ = tokio::time::timeout(interval, wanted.notified()).await;
                }
                // Without an answer nobody knows better.
                if let Ok(session) = client.info().await {
                    sender.send_if_modified(|state| {
                        let is_new = *state != session.state;
                        state.clone_from(&session.state);
                        is_new
                    });
                }
            }
        });
        Self { state, soon, asking }
    }

    /// Something has happened: asks at once.
    pub(super) fn ask_soon(&self) {
        self.soon.notify_one();
    }

    /// Waits for another state. Safe to drop.
    pub(super) async fn changed(&mut self) {
        if self.state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The state that was seen last.
    pub(super) fn state(&self) -> Option<SessionState> {
        self.state.borrow().clone()
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

/// Whether the agent goes no further without the user.
pub(super) fn waits(state: Option<&SessionState>) -> bool {
    matches!(state, Some(SessionState::AwaitingPlanApproval | SessionState::AwaitingUserFeedback))
}

/// What is told of a state; none where the activities tell it.
pub(super) fn cue(state: &SessionState) -> Option<String> {
    Some(match state {
        SessionState::AwaitingPlanApproval => {
            format!("{YELLOW}the plan waits{YELLOW:#}: /approve, or say what to change")
        }
        SessionState::AwaitingUserFeedback => format!("{YELLOW}the agent waits for your answer{YELLOW:#}"),
        SessionState::Queued => format!("{DIM}the session is queued{DIM:#}"),
        SessionState::Planning => format!("{DIM}the agent is planning{DIM:#}"),
        SessionState::InProgress => format!("{DIM}the agent is at work{DIM:#}"),
        SessionState::Paused => format!("{YELLOW}the session is paused{YELLOW:#}"),
        _ => return None,
    })
}

/// How the session is left. `has_ended`: its activities are all there.
pub(super) fn left(state: Option<&SessionState>, has_ended: bool) -> &'static str {
    match state {
        Some(SessionState::AwaitingPlanApproval) => "the plan still waits for approval",
        Some(SessionState::AwaitingUserFeedback) => "the agent still waits for your answer",
        Some(SessionState::Completed) => "the session has completed",
        Some(SessionState::Failed) => "the session has failed",
        Some(SessionState::Paused) => "the session is paused",
        Some(_) | None if has_ended => "the session has ended",
        Some(_) | None => "the session goes on",
    }
}
