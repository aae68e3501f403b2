//! What reaches the dispatcher: everything that happens outside becomes one of these.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::action::{Attempt, Purpose, TaskIx};
use super::ask::Ask;
use super::stop::StopReason;
use crate::outcome::{ApiUsage, Change, Details, LateSession, Marker, ServiceStatus, Work};
use jules::{SessionDigest, SessionId, SessionState};

/// The time of a decision: decisions never read a clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// For waiting.
    pub(super) instant: Instant,
    /// The service's time of day, for comparing with the service's times.
    pub(super) wall: Timestamp,
}

impl Now {
    /// How long ago that was at the service. Clocks differ: less than nothing is nothing.
    pub(super) fn since(self, at: Timestamp) -> Duration {
        Duration::try_from(self.wall.duration_since(at)).unwrap_or_default()
    }
}

/// Something happened.
#[derive(Debug)]
pub(super) enum Input {
    /// The first listing came back.
    Surveyed(Result<Listed, RequestFailure>),
    /// The last listing came back.
    Audited(Result<Listed, RequestFailure>),
    /// The turn of a create has come, or does not come.
    Turned { attempt: Attempt, result: Result<(), CreateFailure> },
    /// A POST was answered, or not.
    Posted { attempt: Attempt, result: Result<Box<Seen>, CreateFailure> },
    /// The search for the session of an intent ended: what was listed back to the time that was asked for.
    Searched { attempt: Attempt, result: Result<Listed, RequestFailure> },
    /// A poll was answered.
    Polled(Polled),
    /// A session's activities were read.
    Read { attempt: Attempt, purpose: Purpose, result: Result<Box<Digest>, RequestFailure> },
    /// What is told to people of a session that has ended was read, or could not be.
    Told { attempt: Attempt, told: Option<Box<Told>> },
    /// An approval or a message was answered.
    Acted { attempt: Attempt, act: Act, result: Result<(), RequestFailure> },
    /// A session that was given up is in the archive, or could not be put there.
    Archived { session: SessionId, result: Result<(), RequestFailure> },
    /// A session that an earlier invocation gave up was read.
    Looked { session: SessionId, result: Result<Box<Seen>, RequestFailure> },
    /// The session of a task's last attempt was read again; the request left then.
    Rechecked { task: TaskIx, asked: Instant, result: Result<Box<Seen>, RequestFailure> },
    /// Another process tells of sessions that it heard of too late.
    Late(Vec<LateSession>),
    /// The ledger does not answer, or does again.
    Ledger { is_away: bool },
    /// Time has passed.
    Tick,
    /// What the API was asked so far.
    Usage(ApiUsage, Box<ServiceStatus>),
    /// Somebody wants us to stop.
    Stop(StopReason),
}

impl Input {
    /// What an answer says of the key: taken, or refused in these words; none where it says nothing.
    pub(super) fn on_key(&self) -> Option<Result<(), &str>> {
        match self {
            Self::Surveyed(result) | Self::Audited(result) | Self::Searched { result, .. } => on_key(result),
            Self::Posted { result: Err(CreateFailure::Key(text)), .. } => Some(Err(text)),
            Self::Posted { result, .. } => result.is_ok().then_some(Ok(())),
            Self::Polled(Polled::Page { result, .. }) => on_key(result),
            Self::Polled(Polled::One { result, .. })
            | Self::Rechecked { result, .. }
            | Self::Looked { result, .. } => on_key(result),
            Self::Read { purpose: Purpose::Show, .. } => None,
            Self::Read { result, .. } => on_key(result),
            Self::Acted { result, .. } | Self::Archived { result, .. } => on_key(result),
            Self::Turned { .. }
            | Self::Told { .. }
            | Self::Late(_)
            | Self::Ledger { .. }
            | Self::Tick
            | Self::Usage(..)
            | Self::Stop(_) => None,
        }
    }
}

fn on_key<T>(result: &Result<T, RequestFailure>) -> Option<Result<(), &str>> {
    match result {
        Ok(_) => Some(Ok(())),
        Err(failure) => (failure.kind == FailureKind::Key).then_some(Err(&*failure.text)),
    }
}

/// What a listing shows.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) found: Vec<Seen>,
    /// How many sessions could not be read, of those that may be looked for: what is not found may be one of them.
    pub(super) unreadable: usize,
}

impl From<Vec<Seen>> for Listed {
    fn from(found: Vec<Seen>) -> Self {
        Self { found, unreadable: 0 }
    }
}

impl Listed {
    /// Why it does not prove that a session is not there.
    pub(super) fn gap(&self) -> Option<String> {
        (self.unreadable > 0).then(|| format!("{} of the listed sessions cannot be read", self.unreadable))
    }
}

/// The answer to a poll. It shows what was true at some time since the request left (`asked`), however long that had waited
/// for its turn; a process that slept meanwhile may get it hours later. Together with that wait it `took` so long.
#[derive(Debug)]
pub(super) enum Polled {
    /// A page of the newest sessions; `place` of them stand before it. `lean`: it was asked for without patches.
    Page { place: usize, lean: bool, asked: Instant, took: Duration, result: Result<Page, RequestFailure> },
    /// One session.
    One { session: SessionId, asked: Instant, took: Duration, result: Result<Box<Seen>, RequestFailure> },
}

/// What a page of sessions shows.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The watched sessions and their places on the page.
    pub(super) found: Vec<(usize, Seen)>,
    /// Those that no page has shown before, and that nobody watches.
    pub(super) strangers: Vec<Seen>,
    /// How many sessions the page holds.
    pub(super) count: usize,
    pub(super) bytes: usize,
    /// The next page's token.
    pub(super) next: Option<String>,
}

/// What the service showed of a session.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) id: SessionId,
    pub(super) title: Option<String>,
    pub(super) state: SessionState,
    pub(super) url: Option<String>,
    pub(super) created: Option<Timestamp>,
    /// When it last changed; for an ended session, when it ended.
    pub(super) updated: Option<Timestamp>,
    pub(super) work: Work,
    pub(super) archived: bool,
    /// What it was asked, where that was shown and read.
    pub(super) ask: Option<Ask>,
}

impl Seen {
    /// Whether it can make nothing any more by itself: it has ended, or was put away.
    pub(super) fn is_over(&self) -> bool {
        self.archived || self.state.is_terminal()
    }

    /// Whether it was asked this; none where that cannot be told. A marker alone proves nothing: anybody can write one.
    pub(super) fn is_asked(&self, ask: &Ask) -> Option<bool> {
        self.ask.as_ref()?.is(ask)
    }

    /// Our marker in its title.
    pub(super) fn marker(&self) -> Option<Marker> {
        Marker::of_title(self.title.as_deref()?)
    }
}

/// What is told of a session that has ended, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) details: Arc<Details>,
    /// Its change as a patch, cut where it is long; none where the activities hold none.
    pub(super) diff: Option<String>,
}

/// What a session's activities tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest {
    /// Without its change set, which can be megabytes.
    pub(super) told: SessionDigest,
    /// The size of that change set.
    pub(super) change: Option<Change>,
    /// What of it is told to people, where all of them were read.
    pub(super) told_of: Option<Box<Told>>,
    /// The service's time when they were read, if it is known.
    pub(super) read_at: Option<Timestamp>,
}

/// What we did to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Approved its plan.
    Approve,
    /// Answered the agent.
    Reply,
    /// Nudged the agent.
    Nudge,
}

/// A request that ended without an answer worth having, its retries spent.
#[derive(Clone, Debug)]
pub(super) struct RequestFailure {
    /// In one line, for people.
    pub(super) text: String,
    pub(super) kind: FailureKind,
}

/// What follows from the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// The key was refused (401).
    Key,
    /// 403: it was surely not done, and may be taken the next time.
    Refused,
    /// 404: too new, or gone.
    Missing,
    /// It may work later. `unsent`: the service surely did not process it.
    Passing { unsent: bool },
    /// It will not work later either.
    Lasting,
}

/// Why there is no session in a POST's answer.
#[derive(Clone, Debug)]
pub(super) enum CreateFailure {
    /// The key was refused (401): nothing was created.
    Key(String),
    /// The account that runs share has no room now: it is asked again after this time. `spent`: its day is.
    Account { again: Duration, spent: bool },
    /// For capacity, for certain (429).
    Capacity { cause: String, retry_after: Option<Duration> },
    /// Certain: the run was stopping before it was sent.
    Withdrawn(String),
    /// Certain, and lasting if it comes again and again (403, 404).
    Refused(String),
    /// Certain and lasting (400 INVALID_ARGUMENT).
    Lasting(String),
    /// Certain and passing: the request never left (connection refused).
    Unsent(String),
    /// Certain and passing: it could not leave in time, and did not leave later.
    Late(String),
    /// Nobody knows. `capacity`: if there is no session, then it was for capacity (400 FAILED_PRECONDITION).
    Doubt { cause: String, capacity: bool },
}
