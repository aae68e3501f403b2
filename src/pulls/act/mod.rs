//! What may be done to a pull request: plain decisions from one reading and from what is known beside it. No clock, no socket.

mod merge;
mod others;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub(crate) use merge::{MergeTerms, Seen, merge};
pub(crate) use others::{close, message, update};
pub(crate) use text::with_failed_checks;

use crate::github::{Details, MergeMethod, Permission, PullRequest};
use crate::outcome::{PullRecords, PullState, PullStatus, Stage};

/// How old a reading may be that something is decided by.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// What is known when it is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    /// How it stands, by the last reading.
    pub(crate) status: &'a PullStatus,
    /// What GitHub showed in it; none where it told nothing.
    pub(crate) reading: Option<&'a PullRequest>,
    /// Its labels, reviews and checks, read with it.
    pub(crate) details: Option<&'a Details>,
    /// When that reading was asked for: what it shows is no older.
    pub(crate) asked_at: Timestamp,
    /// What was done to it before.
    pub(crate) records: &'a PullRecords,
    pub(crate) now: Timestamp,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It, now.
    Do(Step),
    /// Nothing before then: it is decided again by another reading.
    Wait(Timestamp),
    /// The reading is too old, or GitHub has not told all: read again.
    Read,
    /// Nothing: it is so already.
    AlreadySo,
    /// Nothing.
    Leave(Left),
}

/// One write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Merge(MergeMethod),
    Enqueue,
    Close,
    Message,
    Update,
}

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// In a word or two, by which they are counted: `touched`, `checks pending`.
    pub(crate) label: String,
    /// What a person has to know, if that is more: foreign text.
    pub(crate) reason: Option<String>,
    /// Whether doing the same later may do it: nobody has to act before that but machines.
    pub(crate) may_come: bool,
    /// Whether the token is what keeps it from being done.
    pub(crate) is_barred: bool,
}

impl Left {
    pub(crate) fn because(label: &str, reason: impl Into<String>) -> Self {
        Self { label: label.to_owned(), reason: Some(reason.into()), may_come: false, is_barred: false }
    }

    /// For what it waits for.
    fn at(status: &PullStatus) -> Self {
        let stage = status.stage;
        let may_come = matches!(
            stage,
            Stage::Working | Stage::Queued | Stage::ChecksPending | Stage::Checking | Stage::Behind
        );
        Self { label: stage.label().to_owned(), reason: status.reason.clone(), may_come, is_barred: false }
    }
}

impl Case<'_> {
    /// What holds for everything: a reading of this moment, of an open pull request that is ours alone.
    fn common(&self) -> Result<&PullRequest, Decision> {
        let status = self.status;
        if matches!(status.stage, Stage::Foreign | Stage::Touched) || status.touched_by.is_some() {
            return Err(Decision::Leave(Left { label: touched(status).to_owned(), ..Left::at(status) }));
        }
        if self.now.duration_since(status.checked_at) > FRESH {
            return Err(Decision::Read);
        }
        let Some(reading) = self.reading.filter(|reading| status.head.as_ref() == Some(&reading.head)) else {
            return Err(if status.stage == Stage::Unknown {
                Decision::Leave(Left::at(status))
            } else {
                Decision::Read
            });
        };
        // Nothing may be done to what only a later version understands.
        if status.state != PullState::Open || status.stage == Stage::Unknown || reading.is_cross_repository {
            // It was shown, but not all of it.
            let is_barred = status.stage == Stage::Unknown;
            return Err(Decision::Leave(Left { is_barred, ..Left::at(status) }));
        }
        Ok(reading)
    }

    fn may_write(reading: &PullRequest) -> Result<(), Decision> {
        // What is not told is found out by trying.
        let is_reader = |it: &Permission| matches!(it, Permission::Read | Permission::Triage);
        if !reading.repository.viewer_permission.as_ref().is_some_and(is_reader) {
            return Ok(());
        }
        let left =
            Left::because("not allowed", "the token may not write to its repository; see jules-batch doctor");
        Err(Decision::Leave(Left { is_barred: true, ..left }))
    }
}

fn touched(status: &PullStatus) -> &'static str {
    match (status.stage, &status.touched_by) {
        (Stage::Foreign, _) => Stage::Foreign.label(),
        (Stage::Touched, None) => "touched or on hold",
        _ => Stage::Touched.label(),
    }
}

fn length(length: Duration) -> SignedDuration {
    SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX)
}
