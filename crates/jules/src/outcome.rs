//! What became of a session, and when that is settled.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::patience::Patience;
use super::wait::{self, LastState};
use super::{ChangeSet, Error, PullRequest, Session, SessionClient, SessionDigest, SessionState};

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
    /// The change set, if it changes anything: from the outputs, or else the last one in the activities (each holds the
    /// whole work).
    pub change_set: Option<ChangeSet>,
    /// Why it failed, if it did and said so.
    pub failure_reason: Option<String>,
    /// What the agent still asks ([`SessionDigest::open_question`]), if it completed without the outputs that were asked
    /// for.
    pub open_question: Option<String>,
}

impl SessionOutcome {
    /// What became of a session that has ended: its outputs count, and where they do not say enough, its activities.
    #[must_use]
    pub fn new(session: Session, activities: &SessionDigest) -> Self {
        let state = session.state.clone().unwrap_or(SessionState::Unspecified);
        let failed = state == SessionState::Failed;
        Self {
            pull_request: session.pull_request().cloned(),
            change_set: activities.change_set_of(&session).cloned(),
            failure_reason: activities.failure_reason.clone().filter(|_| failed),
            open_question: activities.open_question().filter(|_| !failed).map(str::to_owned),
            state,
            session,
        }
    }

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

/// What a session makes, in the order in which it comes: the later one says that the earlier one is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Made {
    /// A change set.
    Change,
    /// A pull request.
    PullRequest,
}

impl Made {
    /// The most that is there.
    #[must_use]
    pub fn of(has_pull_request: bool, has_change: bool) -> Option<Self> {
        has_pull_request.then_some(Self::PullRequest).or(has_change.then_some(Self::Change))
    }
}

/// When it is settled what a completed session has made: outputs can come some time after the state, a pull request
/// after its change set, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// What was asked for. A change that comes first does not end the wait for a pull request.
    pub asked: Made,
    /// How long it is waited for.
    pub grace: Duration,
}

/// What [`Settling`] says to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing: the outputs say it all.
    Outputs,
    /// Read the session again; the wait is over after this time.
    NotBefore(Duration),
    /// Read the activities: what the outputs lack, they tell now or never.
    Activities,
}

impl Settling {
    /// What to do about a session whose outputs show this, so long after it was first seen completed.
    #[must_use]
    pub fn after(self, completed: Duration, outputs: Option<Made>) -> Settled {
        if outputs >= Some(self.asked) {
            return Settled::Outputs;
        }
        match self.grace.saturating_sub(completed) {
            Duration::ZERO => Settled::Activities,
            left => Settled::NotBefore(left),
        }
    }
}

/// The shortest pause between two looks while outputs are waited for.
const LOOK: Duration = Duration::from_secs(2);

/// How far our clock and the service's may differ before a session that has just ended seems to have ended long ago.
const CLOCKS: Duration = Duration::from_secs(5 * 60);

/// Turns a session that has ended into its outcome; nothing when it goes on meanwhile.
pub(super) async fn settle(
    client: &SessionClient,
    mut session: Session,
    patience: &mut Patience,
    last: &LastState,
) -> Result<Option<SessionOutcome>, Error> {
    let options = client.jules.options();
    let (read, age) = (Instant::now(), age(&session).saturating_sub(CLOCKS));
    while session.state == Some(SessionState::Completed) {
        let settling = Settling { asked: client.asked(&session), grace: options.settle };
        let outputs = Made::of(session.pull_request().is_some(), session.change_set().is_some());
        match settling.after(age + read.elapsed(), outputs) {
            Settled::Outputs => return Ok(Some(SessionOutcome::new(session, &SessionDigest::default()))),
            Settled::Activities => break,
            Settled::NotBefore(left) => {
                tokio::time::sleep(options.poll_interval.max(LOOK).min(left)).await;
                session = wait::until(client, patience, last, |_| true).await?;
            }
        }
    }
    if !session.is_terminal() {
        return Ok(None);
    }
    let activities = client.activities().digest(0).await?;
    Ok(Some(SessionOutcome::new(session, &activities)))
}

/// How long ago the session last changed: one that ended long ago is not waited for.
fn age(session: &Session) -> Duration {
    let since = session.update_time.map(|at| Timestamp::now().duration_since(at));
    since.and_then(|age| age.try_into().ok()).unwrap_or_default()
}
