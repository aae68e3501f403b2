//! An attempt at a task, as a run's events tell it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Details, Marker, Outcome, SessionRef, Work};

/// One attempt: at most one session.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// From 1.
    pub number: u32,
    /// What its session's title ends with.
    pub marker: Marker,
    /// Its session, once known.
    pub session: Option<SessionRef>,
    /// The session's last known state, in the service's words.
    pub state: Option<String>,
    /// Whether the session was found by its marker.
    pub adopted: bool,
    /// Whether its session was given up and put into the archive.
    pub archived: bool,
    /// Whether the archive was asked to take it: if it is there, we have put it there.
    pub(crate) archiving: bool,
    /// Whether the create was refused for certain: the intent is void.
    pub refused: bool,
    /// The intent.
    pub started_at: Timestamp,
    /// When its POST was first sent, by the service's clock, where that is another time.
    pub service_time: Option<Timestamp>,
    /// Its last POST has left by then, or never leaves; by the service's clock. None where that was not recorded.
    pub send_by: Option<Timestamp>,
    /// Its end.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Option<String>,
    /// What it made.
    pub work: Work,
    /// What its session has said and done, where that was read.
    pub details: Option<Arc<Details>>,
    /// The `seq` of the event that holds its change as a patch, if one does.
    pub diff: Option<u64>,
    /// Answers given in this attempt.
    pub replies: u32,
    /// Nudges sent in this attempt.
    pub nudges: u32,
    /// Milliseconds from the session's end until we saw it, if it ended while we followed it.
    pub detected_after_ms: Option<u64>,
    /// Whether its end was taken back: its session was sent a message after it, and may come to work again.
    pub(crate) woken: bool,
    /// How long earlier invocations have followed it: `timeouts.task` is over all of them together.
    pub followed: SignedDuration,
    /// Since when the current one does.
    followed_since: Option<Timestamp>,
}

impl AttemptRecord {
    /// An intent, at this time.
    pub(super) fn new(number: u32, marker: Marker, service_time: Option<Timestamp>, ts: Timestamp) -> Self {
        Self {
            number,
            marker,
            session: None,
            state: None,
            adopted: false,
            archived: false,
            archiving: false,
            refused: false,
            started_at: ts,
            service_time,
            send_by: None,
            ended_at: None,
            outcome: None,
            reason: None,
            work: Work::default(),
            details: None,
            diff: None,
            replies: 0,
            nudges: 0,
            detected_after_ms: None,
            woken: false,
            followed: SignedDuration::ZERO,
            followed_since: Some(ts),
        }
    }

    /// An intent that nobody knows the end of: its POST may have created a session.
    #[must_use]
    pub fn is_open_intent(&self) -> bool {
        self.session.is_none() && self.outcome.is_none() && !self.refused
    }

    /// The intent by the service's clock, as far as that is known.
    #[must_use]
    pub fn asked_at(&self) -> Timestamp {
        self.service_time.unwrap_or(self.started_at)
    }

    /// From then on it is followed, until [`AttemptRecord::rest`].
    pub(super) fn follow(&mut self, since: Timestamp) {
        self.followed_since = Some(since);
    }

    /// The same, and how long it was followed before counts no more.
    pub(super) fn follow_anew(&mut self, since: Timestamp) {
        (self.followed, self.followed_since) = (SignedDuration::ZERO, Some(since));
    }

    /// It ends so; an end that is none takes back the one before, and what it takes from then on is counted by itself.
    pub(super) fn end_as(&mut self, outcome: Outcome) {
        let had_ended = self.outcome.is_some_and(|outcome| !outcome.is_open());
        if outcome.is_open() && had_ended {
            self.followed = SignedDuration::ZERO;
        }
        self.woken = outcome.is_open() && (self.woken || had_ended);
        self.archiving &= !self.woken;
        self.outcome = Some(outcome);
    }

    /// Nobody follows it after that.
    pub(super) fn rest(&mut self, until: Timestamp) {
        if let Some(since) = self.followed_since.take() {
            self.followed += until.duration_since(since).max(SignedDuration::ZERO);
        }
    }

    /// Whether it has no end yet, as far as anybody knows: its session is live, or its intent in doubt.
    pub(crate) fn is_at_work(&self) -> bool {
        self.is_live() || self.is_open_intent()
    }

    /// Whether something of it may be at work that nobody has seen the end of: an intent in doubt, a session that is
    /// followed, or one that was given up and left.
    #[must_use]
    pub fn is_loose(&self) -> bool {
        self.is_at_work() || self.is_left()
    }

    /// Whether its session was given up, and nobody has seen it end or put it away.
    pub(crate) fn is_left(&self) -> bool {
        let ended_badly = self.outcome.is_some_and(Outcome::is_failure);
        self.session.is_some() && ended_badly && !self.archived && !self.has_ended()
    }

    /// Whether its session was live when we asked the archive to take it: there is to be another one in its place.
    pub(crate) fn is_to_be_replaced(&self) -> bool {
        self.archiving && self.is_live()
    }

    /// Whether its session was seen to end, by the service's word for its state.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.as_deref().is_some_and(is_end)
    }

    /// A session that had not ended when we last looked.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.session.is_some() && self.outcome.is_none_or(Outcome::is_open)
    }
}

/// Whether a session of this state has ended.
pub(crate) fn is_end(state: &str) -> bool {
    matches!(state, "COMPLETED" | "FAILED")
}

/// Whether a session of this state waits for a person: nobody knows for how long.
pub(crate) fn is_waiting(state: &str) -> bool {
    matches!(state, "AWAITING_USER_FEEDBACK" | "AWAITING_PLAN_APPROVAL")
}
