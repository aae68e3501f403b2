//! What the activities say of a session that waits, and what was done about that: plain decisions.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Attention, Question};
use crate::outcome::SIDE_READING;
use crate::time::later;
use crate::{Cursor, Error, Session, SessionClient, SessionDigest, SessionState};

/// What the activities say of a session that waits. They are read on from where they were, and only when it has changed.
#[derive(Default)]
pub(super) struct Needs {
    pub(super) digest: SessionDigest,
    cursor: Cursor,
    /// When the session had changed last as they were read.
    changed: Option<Timestamp>,
    /// How many activities of the agent were read.
    pub(super) agents: usize,
    /// Our last answer.
    sent: Option<Sent>,
    /// What a person has done.
    pub(super) done: Option<Done>,
}

/// What a person was told of a session and has done about it, through a handle or its clones.
#[derive(Debug, Default)]
pub(crate) struct Person(Mutex<(Option<usize>, Option<Done>)>);

/// Something that was done about what a session waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    /// How many activities of the agent there were before it.
    agents: usize,
    /// Until then it may be missing from what the service shows.
    until: Instant,
}

impl Person {
    /// What is to be done was told, after so many activities of the agent.
    pub(super) fn is_told(&self, agents: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(agents);
    }

    /// It was done; the service may take so long to show it.
    pub(crate) fn has_done(&self, patience: Duration) {
        let mut person = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = later(Instant::now(), patience);
        person.1 = person.0.take().map(|agents| Done { agents, until }).or(person.1);
    }

    pub(super) fn done(&self) -> Option<Done> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// An answer that has left.
struct Sent {
    /// The service has surely taken it.
    is_accepted: bool,
    /// How many messages of the user there were before it, and how many activities of the agent.
    users: usize,
    agents: usize,
    /// Until then it may be missing from the activities, and its session be shown as it was before.
    until: Instant,
}

impl Needs {
    /// Whether the session waits for something that was not seen to be done.
    pub(super) fn are_open(&self, session: &Session) -> bool {
        let is_waiting = session.state.as_ref().is_some_and(SessionState::is_waiting);
        is_waiting
            && (session.update_time.is_none() || session.update_time != self.changed || self.is_overdue())
    }

    /// Reads what is new; whether that could be had.
    pub(super) async fn read(&mut self, client: &SessionClient, session: &Session) -> bool {
        let read = async {
            let mut history = client.activities().history().from(self.cursor.clone());
            while let Some(activity) = history.next().await {
                let activity = activity?;
                self.agents += usize::from(activity.is_from_agent());
                self.digest.take(activity);
                self.cursor = history.cursor();
            }
            Ok::<_, Error>(())
        };
        let is_read = matches!(tokio::time::timeout(SIDE_READING, read).await, Ok(Ok(())));
        self.changed = session.update_time.filter(|_| is_read);
        is_read
    }

    /// What a person has to do about a session that waits.
    pub(super) fn attention(&self, session: Session, is_read: bool) -> Option<Attention> {
        let digest = &self.digest;
        let is_done = is_read
            && self.done.is_some_and(|done| self.agents <= done.agents && Instant::now() < done.until);
        let is_approved = is_done || (is_read && digest.plan_approved);
        let is_addressed = is_done || (is_read && digest.is_addressed());
        match session.state {
            Some(SessionState::AwaitingPlanApproval) if !is_approved => {
                let plan = digest.plan.clone().filter(|_| is_read);
                Some(Attention::Plan { session, plan })
            }
            Some(SessionState::AwaitingUserFeedback) if !is_addressed => {
                let text = digest.question().filter(|_| is_read);
                Some(Attention::Question(Question { session, text }))
            }
            Some(SessionState::Paused) if !is_addressed => Some(Attention::Paused(session)),
            _ => None,
        }
    }

    /// Our answer has left.
    pub(super) fn sent(&mut self, is_accepted: bool, patience: Duration) {
        let (users, agents) = (self.digest.counts.user_messages, self.agents);
        self.sent = Some(Sent { is_accepted, users, agents, until: later(Instant::now(), patience) });
    }

    /// Whether there is a question that was not answered yet. What the service has taken is not sent again, however late it
    /// lists it: the agent has to have gone on. What it may not have taken is, when it had its time to list it.
    pub(super) fn may_answer(&self) -> bool {
        let is_new = self.sent.as_ref().is_none_or(|sent| {
            let (is_shown, went_on) =
                (self.digest.counts.user_messages > sent.users, self.agents > sent.agents);
            let is_late = Instant::now() >= sent.until;
            if is_shown { went_on } else { is_late && (went_on || !sent.is_accepted) }
        });
        is_new && !self.digest.is_addressed()
    }

    /// Whether the session may be shown as it was before our answer.
    pub(super) fn may_be_old(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| self.agents <= sent.agents && Instant::now() < sent.until)
    }

    /// Whether our answer, or what a person has done, was to be shown by now, and is not.
    fn is_overdue(&self) -> bool {
        let is_due = |done: Done| {
            self.agents <= done.agents && Instant::now() >= done.until && !self.digest.is_addressed()
        };
        if self.done.is_some_and(is_due) {
            return true;
        }
        self.sent.as_ref().is_some_and(|sent| {
            self.digest.counts.user_messages <= sent.users && Instant::now() >= sent.until
        })
    }
}
