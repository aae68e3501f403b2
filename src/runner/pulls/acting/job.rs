//! One pull request on its way to its end.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::reader::Shown;
use super::super::{KnownPull, PullRead};
use crate::github::{Details, PullRequest, UnreadableKind};
use crate::pulls::{Left, Seen};

/// A pull request that is acted on.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) pull: KnownPull,
    /// What GitHub showed in the last reading, if it told anything.
    pub(super) reading: Option<PullRequest>,
    pub(super) details: Option<Details>,
    /// When that reading was asked for.
    pub(super) asked_at: Timestamp,
    pub(super) seen: Option<Seen>,
    /// When it is decided next.
    pub(super) due: Instant,
    /// Whether it has to be read before.
    pub(super) is_stale: bool,
    /// Readings in vain, in a row.
    pub(super) readings: u32,
    /// Writes that did not do it.
    pub(super) writes: u32,
    /// Whether its last write has no answer.
    pub(super) is_in_doubt: bool,
    /// The head that it was last written to.
    pub(super) written: Option<String>,
    /// Whether its base takes merges through a queue alone.
    pub(super) wants_queue: bool,
    /// Why GitHub did not show it when it was asked last.
    pub(super) unreadable: Option<UnreadableKind>,
    /// What became of it.
    pub(crate) end: Option<End>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is done; what else there is to say.
    Done(String),
    /// It waits in a merge queue: GitHub merges it.
    Queued,
    /// It was so before.
    AlreadySo,
    /// Nothing was done.
    Left(Left),
    /// It was refused, and why: foreign text.
    Failed(String),
    /// Nobody knows whether it was done.
    InDoubt(String),
}

impl Job {
    pub(super) fn new(pull: KnownPull, takes_unchecked: bool) -> Self {
        let seen = pull.status().and_then(|status| Seen::after(None, status, takes_unchecked));
        Self {
            pull,
            reading: None,
            details: None,
            asked_at: Timestamp::UNIX_EPOCH,
            seen,
            due: Instant::now(),
            is_stale: false,
            readings: 0,
            writes: 0,
            is_in_doubt: false,
            written: None,
            wants_queue: false,
            unreadable: None,
            end: None,
        }
    }

    /// It was read.
    pub(super) fn take(
        &mut self,
        (read, shown): (&PullRead, Shown),
        asked_at: Timestamp,
        takes_unchecked: bool,
    ) {
        (self.is_stale, self.asked_at) = (false, asked_at);
        self.unreadable = read.unreadable().map(|why| why.kind);
        self.pull.take(read);
        (self.reading, self.details) = (shown.reading, shown.details);
        if read.tells() {
            self.seen = Seen::after(self.seen.take(), &read.status, takes_unchecked);
        }
    }

    /// It is read and decided once more, in so long.
    pub(super) fn again_in(&mut self, length: Duration) {
        self.due = Instant::now() + length;
        self.is_stale = true;
    }

    /// Its repository, as it is called now.
    pub(super) fn repository(&self) -> Option<&str> {
        self.pull.status().and_then(|status| status.repository.as_deref())
    }

    /// Whether its head is another than the one that was written to.
    pub(super) fn has_moved(&self) -> bool {
        let head = self.pull.status().and_then(|status| status.head.as_ref());
        self.written.is_some() && self.written.as_ref() != head
    }
}
