//! One count of the service's account, for all runs that share a ledger.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;

use super::JournalError;
use crate::plan::TaskId;
use jules::SessionId;

/// What a create wants of the account.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Whose session.
    pub(crate) task: TaskId,
    /// How many sessions more the run could begin now.
    pub(crate) more: usize,
    /// A create of it before this one was in doubt, and may have made a session.
    pub(crate) lost: bool,
}

/// What the account says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// A slot, a place in the day and a turn are reserved: it may leave after this time, and soon.
    Granted { wait: Duration },
    /// There is no slot, or others come first: ask again after this time.
    Full { again: Duration },
    /// The day is spent: nothing is created before this time is over.
    Spent { free: Duration },
}

/// How long a request has to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Permit {
    /// For its turn, which is reserved.
    pub(crate) wait: Duration,
    /// Because the service has asked for a pause.
    pub(crate) pause: Duration,
}

/// The account that runs share. What it is asked is answered by other threads: nobody is held up.
pub(crate) trait SharedAccount: fmt::Debug + Send + Sync {
    /// Reserves what a create needs.
    fn reserve(&self, wish: Wish) -> BoxFuture<'static, Result<Reserved, JournalError>>;

    /// What was reserved last is not wanted.
    fn give_back(&self);

    /// Reserves one request of this lane. `held`: the kinds of requests whose pauses hold it.
    fn permit(&self, lane: &'static str, held: &[&'static str]) -> BoxFuture<'static, Permit>;

    /// The service has asked for a pause of this kind of requests.
    fn pause(&self, kind: &'static str, length: Duration);

    /// Sessions of runs that say nothing more: somebody else has to see when they end.
    fn orphans(&self) -> HashSet<SessionId>;

    /// These sessions have ended, whoever's they are.
    fn saw_ended(&self, sessions: Vec<SessionId>);
}
