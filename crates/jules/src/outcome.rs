//! What became of a session, and when that is settled.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::patience::Patience;
use super::wait::{self, LastState};
use super::{ChangeSet, Error, PullRequest, Session, SessionClient, SessionDigest, SessionState, Unchanged};

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
    /// What the agent still asks ([`Unchanged::Asks`]), if it completed without changing anything: it waits for an answer,
    /// which sets it going again, or has not taken up the one that it got.
    pub open_question: Option<String>,
    /// Whether it completed right after its plan, without any work ([`Unchanged::NeverWorked`]).
    pub never_worked: bool,
    /// Whether its activities could not be read. Then nobody knows why it failed.
    pub unread: bool,
}

impl SessionOutcome {
    /// What became of a session that has ended: its outputs count, and where they say nothing, its activities.
    #[must_use]
    pub fn new(session: Session, activities: &SessionDigest) -> Self {
        let mut outcome = Self::unread(session);
        outcome.unread = false;
        outcome.change_set = activities.change_set_of(&outcome.session).cloned();
        if !outcome.is_completed() {
            outcome.failure_reason.clone_from(&activities.failure_reason);
        } else if !outcome.has_changed() {
            match activities.unchanged() {
                Unchanged::Asks(question) => outcome.open_question = Some(question.to_owned()),
                Unchanged::Answered => outcome.open_question.clone_from(&activities.agent_message),
                Unchanged::NeverWorked => outcome.never_worked = true,
                Unchanged::Worked => {}
            }
        }
        outcome
    }

    /// What its outputs alone tell of a session that has ended.
    #[must_use]
    pub fn unread(session: Session) -> Self {
        Self {
            state: session.state.clone().unwrap_or(SessionState::Unspecified),
            pull_request: session.pull_request().cloned(),
            change_set: session.change_set().filter(|change_set| !change_set.is_empty()).cloned(),
            failure_reason: None,
            open_question: None,
            never_worked: false,
            unread: true,
            session,
        }
    }

    /// Whether there is a pull request or a change set.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.pull_request.is_some() || self.change_set.is_some()
    }

    /// Whether the session completed.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state == SessionState::Completed
    }

    /// Whether nothing is wrong with it as far as the session tells: it completed, has worked and asks nothing, or it failed
    /// after it had opened a pull request. Whether it has changed anything is another question.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        match self.is_completed() {
            true => self.open_question.is_none() && !self.never_worked,
            false => self.pull_request.is_some(),
        }
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
#[non_exhaustive]
pub struct Settling {
    /// What was asked for. A change that comes first does not end the wait for a pull request.
    pub asked: Made,
    /// How long it is waited for.
    pub grace: Duration,
}

/// What [`Settling`] says to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing: the outputs say it all. More may follow, but it was waited for.
    Outputs,
    /// Read the session again; the wait is over after this time.
    NotBefore(Duration),
    /// Read the activities: they say now or never what the outputs do not, for these show nothing.
    Activities,
}

impl Settling {
    /// A wait for what was asked for, for so long.
    #[must_use]
    pub fn new(asked: Made, grace: Duration) -> Self {
        Self { asked, grace }
    }

    /// What to do about a session whose outputs show this, so long after it was first seen completed.
    #[must_use]
    pub fn after(self, completed: Duration, outputs: Option<Made>) -> Settled {
        if outputs >= Some(self.asked) {
            return Settled::Outputs;
        }
        match self.grace.saturating_sub(completed) {
            Duration::ZERO if outputs.is_some() => Settled::Outputs,
            Duration::ZERO => Settled::Activities,
            left => Settled::NotBefore(left),
        }
    }
}

/// The shortest pause between two looks while outputs are waited for.
const LOOK: Duration = Duration::from_secs(2);

/// How long activities may take where the session itself tells what it has made.
pub(super) const SIDE_READING: Duration = Duration::from_secs(10);

/// How far the service's clocks may differ from each other before what has just happened seems to have happened long ago.
pub(super) const CLOCKS: Duration = Duration::from_secs(5 * 60);

/// Turns a session that has ended into its outcome; nothing when it goes on meanwhile.
pub(super) async fn settle(
    client: &SessionClient,
    mut session: Session,
    patience: &mut Patience,
    last: &LastState,
) -> Result<Option<SessionOutcome>, Error> {
    let options = client.jules.options();
    let age = age(session.update_time, client.jules.service_time()).saturating_sub(CLOCKS);
    let read = Instant::now();
    loop {
        match session.state {
            Some(SessionState::Completed) => {}
            Some(SessionState::Failed) => return Ok(Some(failed(client, session).await)),
            _ => return Ok(None),
        }
        let settling = Settling { asked: client.asked(&session), grace: options.settle };
        let outputs = Made::of(session.pull_request().is_some(), session.change_set().is_some());
        let pause = match settling.after(age + read.elapsed(), outputs) {
            Settled::NotBefore(left) => options.poll_interval.max(LOOK).min(left),
            Settled::Outputs | Settled::Activities => {
                let outcome = SessionOutcome::unread(session);
                let is_over = read.elapsed() >= options.fresh_patience;
                if outcome.has_changed() {
                    let is_all = outputs >= Some(settling.asked)
                        || age > options.fresh_patience.saturating_add(CLOCKS);
                    if is_all || is_over || !is_answered(client).await {
                        return Ok(Some(SessionOutcome { unread: false, ..outcome }));
                    }
                } else {
                    let activities = client.activities().digest(0).await?;
                    if is_over || !activities.may_wake(options.fresh_patience, client.jules.service_time()) {
                        return Ok(Some(SessionOutcome::new(outcome.session, &activities)));
                    }
                }
                options.poll_interval.max(LOOK)
            }
        };
        client.jules.pause(pause).await;
        session = wait::until(client, patience, last, |_| true).await?;
    }
}

/// Whether somebody has answered a session that lacks what it was asked for, so that it may wake. What cannot be read
/// soon says nothing.
async fn is_answered(client: &SessionClient) -> bool {
    let read = tokio::time::timeout(SIDE_READING, client.activities().digest(0)).await;
    let (within, now) = (client.jules.options().fresh_patience, client.jules.service_time());
    matches!(read, Ok(Ok(activities)) if activities.may_wake(within, now))
}

/// What became of a failed session; its activities only add why.
async fn failed(client: &SessionClient, session: Session) -> SessionOutcome {
    match tokio::time::timeout(SIDE_READING, client.activities().digest(0)).await {
        Ok(Ok(activities)) => SessionOutcome::new(session, &activities),
        Ok(Err(_)) | Err(_) => SessionOutcome::unread(session),
    }
}

/// How long ago that was at the service; of what was never, nobody knows.
pub(super) fn age(since: Option<Timestamp>, now: Timestamp) -> Duration {
    let age = since.map(|at| now.duration_since(at));
    age.and_then(|age| age.try_into().ok()).unwrap_or_default()
}
