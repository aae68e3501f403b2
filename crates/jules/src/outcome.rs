//! What became of a session.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::batches::BatchSource as _;
use super::patience::Patience;
use super::stream::Feed;
use super::{ActivityKind, ChangeSet, Error, Jules, PullRequest, Session, SessionState};

/// What became of a session that has ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SessionOutcome {
    /// The session as it was read last.
    pub session: Session,
    /// `Completed` or `Failed`.
    pub state: SessionState,
    /// The pull request, if there is one.
    pub pull_request: Option<PullRequest>,
    /// The change set: from the outputs, or else the last one in the activities (each holds the whole work).
    pub change_set: Option<ChangeSet>,
    /// Why it failed, if it did and said so.
    pub failure_reason: Option<String>,
}

impl SessionOutcome {
    /// Whether the session completed.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state == SessionState::Completed
    }

    /// The files that the change set creates, path → content. Paths are foreign text: check them before writing.
    #[must_use]
    pub fn generated_files(&self) -> BTreeMap<String, String> {
        self.change_set.as_ref().map(ChangeSet::generated_files).unwrap_or_default()
    }
}

/// The shortest pause between two looks while outputs are waited for.
const LOOK: Duration = Duration::from_secs(2);

/// Turns a session that has ended into its outcome.
///
/// `COMPLETED` may come before the outputs, or without any: then it is read again for the settle time, and after that
/// the last change set in the activities is the work. Why a session failed stands only in its activities.
pub(super) async fn settle(jules: &Jules, mut session: Session) -> Result<SessionOutcome, Error> {
    let failed = session.state == Some(SessionState::Failed);
    if !failed && session.outputs.is_empty() {
        session = read_until_outputs(jules, session).await?;
    }
    let mut outcome = SessionOutcome {
        state: session.state.clone().unwrap_or(SessionState::Unspecified),
        pull_request: session.pull_request().cloned(),
        change_set: session.change_set().cloned(),
        failure_reason: None,
        session,
    };
    if failed || outcome.session.outputs.is_empty() {
        outcome.read_activities(jules).await?;
    }
    Ok(outcome)
}

async fn read_until_outputs(jules: &Jules, mut session: Session) -> Result<Session, Error> {
    let deadline = Instant::now() + jules.options().settle;
    let mut patience = Patience::default();
    patience.answered();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !session.outputs.is_empty() {
            return Ok(session);
        }
        tokio::time::sleep(jules.options().poll_interval.max(LOOK).min(left)).await;
        match jules.get_session(&session.id).await {
            Ok(read) if read.is_terminal() => session = read,
            Ok(_) => {}
            Err(error) if patience.bears(&error, Instant::now()) => {}
            Err(error) => return Err(error),
        }
    }
}

impl SessionOutcome {
    async fn read_activities(&mut self, jules: &Jules) -> Result<(), Error> {
        let mut patience = Patience::default();
        patience.answered();
        let mut history = Feed::history(jules.clone(), self.session.id.clone(), patience);
        let (mut change_set, mut reason) = (None, None);
        while let Some(batch) = history.next_batch().await {
            for activity in batch? {
                change_set = activity.change_set().cloned().or(change_set);
                if let ActivityKind::SessionFailed { reason: given } = activity.kind {
                    reason = given.or(reason);
                }
            }
        }
        self.change_set = self.change_set.take().or(change_set);
        if self.state == SessionState::Failed {
            self.failure_reason = reason;
        }
        Ok(())
    }
}
