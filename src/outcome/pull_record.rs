//! The pull requests of a task, as a run's events tell them.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EventKind, PullRequest, PullState, PullStatus, RunId, SessionRef, Stage};

/// How many changes of a pull request are kept: one that goes to and fro for weeks must not fill the memory.
const LONGEST_HISTORY: usize = 256;

/// A pull request that was read: how it stands, and how it came to that.
#[derive(Clone, Debug, PartialEq)]
pub struct PullRecord {
    /// As it was last read.
    pub status: Arc<PullStatus>,
    /// Its stages, oldest first; the last is that of `status`. Of very many the first and the newest are kept.
    pub history: Vec<PullChange>,
}

/// A pull request came to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullChange {
    /// When.
    pub at: Timestamp,
    /// Whether it was open then.
    pub state: PullState,
    /// What it waited for from then on.
    pub stage: Stage,
}

/// A pull request of an earlier run that a task ended with, instead of a session of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdoptedPull {
    /// Which.
    pub pull: PullRequest,
    /// The session that made it, where that is known.
    pub session: Option<SessionRef>,
    /// The run that had it, where the ledger knows.
    pub run: Option<RunId>,
}

/// Something that we do to a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullAction {
    /// Merge it.
    Merge,
    /// Close it unmerged.
    Close,
    /// Send a message to its session.
    Message,
    /// Bring its branch up to date with its base.
    Update,
}

impl PullAction {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Close => "close",
            Self::Message => "message",
            Self::Update => "update",
        }
    }
}

/// What became of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullResult {
    /// It is done.
    Done,
    /// It was so already.
    AlreadySo,
    /// It was refused: nothing has changed.
    Refused,
    /// No answer tells. It has to be read again before anything is repeated.
    InDoubt,
}

/// Something that we did to a pull request, or were about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullWrite {
    /// To which: its page.
    pub url: String,
    /// What.
    pub action: PullAction,
    /// The head that it was meant for.
    pub head: Option<String>,
    /// Who had it done: the name of the user.
    pub by: String,
    /// When: before the request left.
    pub at: Timestamp,
    /// What became of it; none if nobody knows, because the process died in between.
    pub result: Option<PullResult>,
}

/// All that is known of a task's pull requests after its sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PullRecords {
    /// Those that were read.
    pulls: Vec<PullRecord>,
    /// What was done to them, oldest first.
    writes: Vec<PullWrite>,
    /// One of an earlier run that stands for a session.
    adopted: Option<Box<AdoptedPull>>,
}

impl PullRecords {
    /// The one with this page, if it was read.
    #[must_use]
    pub fn of(&self, url: &str) -> Option<&PullRecord> {
        self.pulls.iter().find(|pull| pull.status.url == url)
    }

    /// Those that were read, in the order in which they were first.
    pub fn iter(&self) -> impl Iterator<Item = &PullRecord> {
        self.pulls.iter()
    }

    /// What was done to them, oldest first.
    #[must_use]
    pub fn writes(&self) -> &[PullWrite] {
        &self.writes
    }

    /// The pull request of an earlier run that the task ended with.
    #[must_use]
    pub fn adopted(&self) -> Option<&AdoptedPull> {
        self.adopted.as_deref()
    }

    /// Whether a message about this head has left, or may have: there is never a second one.
    #[must_use]
    pub fn has_message_for(&self, head: &str) -> bool {
        let may_have_left = |write: &PullWrite| {
            write.action == PullAction::Message && write.result != Some(PullResult::Refused)
        };
        self.writes.iter().any(|write| may_have_left(write) && write.head.as_deref() == Some(head))
    }

    /// What we were about to do to it and nobody knows the end of.
    #[must_use]
    pub fn in_doubt(&self, url: &str) -> Option<&PullWrite> {
        let of = self.writes.iter().rev().find(|write| write.url == url)?;
        matches!(of.result, None | Some(PullResult::InDoubt)).then_some(of)
    }

    /// Whether a reading is worth an event: something else is told than before, or it is the first since `began`, when
    /// the invocation began.
    #[must_use]
    pub fn is_news(&self, read: &PullStatus, began: Timestamp) -> bool {
        let known = self.pulls.iter().find(|pull| pull.status.is_of(read));
        known.is_none_or(|known| !known.status.tells_the_same(read) || known.status.checked_at < began)
    }

    /// The task is open again: what stood for a session does so no more.
    pub(super) fn reopen(&mut self) {
        self.adopted = None;
    }

    /// This was done to them, oldest first, and nothing else.
    pub(crate) fn replace_writes(&mut self, writes: Vec<PullWrite>) {
        self.writes = writes;
    }

    /// What an event tells of them, at `ts`; others leave them as they are.
    pub(crate) fn apply(&mut self, kind: &EventKind, ts: Timestamp) {
        match kind {
            EventKind::PullRequestRead { pull, .. } => self.read(pull, ts),
            EventKind::PullRequestAdopted { pull, session, run, .. } => {
                self.adopt(pull, session.as_ref(), run.as_ref());
            }
            EventKind::PullRequestActing { url, action, head, by, .. } => self.writes.push(PullWrite {
                url: url.clone(),
                action: *action,
                head: head.clone(),
                by: by.clone(),
                at: ts,
                result: None,
            }),
            EventKind::PullRequestActed { url, action, result, .. } => self.conclude(url, *action, *result),
            _ => {}
        }
    }

    fn adopt(&mut self, pull: &PullRequest, session: Option<&SessionRef>, run: Option<&RunId>) {
        let (pull, session, run) = (pull.clone(), session.cloned(), run.cloned());
        self.adopted = Some(Box::new(AdoptedPull { pull, session, run }));
    }

    /// The end of the last intent of this kind.
    fn conclude(&mut self, url: &str, action: PullAction, result: PullResult) {
        let mut last = self.writes.iter_mut().rev();
        if let Some(write) = last.find(|write| write.url == url && write.action == action) {
            write.result = Some(result);
        }
    }

    fn read(&mut self, status: &Arc<PullStatus>, ts: Timestamp) {
        let at = status.since.min(ts);
        let change = PullChange { at, state: status.state, stage: status.stage };
        match self.pulls.iter_mut().find(|pull| pull.status.is_of(status)) {
            Some(known) => known.read(status, change),
            // Most sessions have one, and a thousand of them should not take the room of four thousand.
            None => {
                self.pulls.reserve_exact(1);
                self.pulls.push(PullRecord { status: Arc::clone(status), history: vec![change] });
            }
        }
    }
}

impl PullRecord {
    fn read(&mut self, status: &Arc<PullStatus>, change: PullChange) {
        let moved = (self.status.state, self.status.stage) != (status.state, status.stage);
        // Its page stays that under which the task knows it.
        self.status = match status.url == self.status.url {
            true => Arc::clone(status),
            false => Arc::new(PullStatus { url: self.status.url.clone(), ..PullStatus::clone(status) }),
        };
        if moved {
            // Told later, it cannot have come about before what was told before.
            let at = self.history.last().map_or(change.at, |last| change.at.max(last.at));
            if self.history.len() == LONGEST_HISTORY {
                self.history.remove(1);
            }
            self.history.push(PullChange { at, ..change });
        }
    }
}

#[cfg(test)]
mod tests;
