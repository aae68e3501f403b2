//! One pull request, as far as time has come.

use std::sync::Arc;

use jiff::Timestamp;

use crate::dice::Dice;

use super::{
    actor::Actor,
    check::Check,
    script::PullScript,
    words::{MergeMethod, ReviewState},
};

/// The place of a repository in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RepositoryIx(pub(super) usize);

/// The place of a pull request in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PullIx(pub(super) usize);

/// A pull request.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) repository: RepositoryIx,
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) author: Actor,
    pub(super) base: String,
    pub(super) branch: String,
    /// The session that opened it, by its place.
    pub(super) session: Option<usize>,
    /// What tells the session's task from others.
    pub(super) task: Option<u64>,
    pub(super) script: Arc<PullScript>,
    pub(super) dice: Dice,
    pub(super) opened_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) edited_at: Option<Timestamp>,
    pub(super) is_draft: bool,
    pub(super) is_locked: bool,
    pub(super) closing: Option<Closing>,
    /// Oldest first, never empty.
    pub(super) heads: Vec<Head>,
    pub(super) reviews: Vec<Review>,
    pub(super) comments: Vec<Comment>,
    pub(super) labels: Vec<String>,
    pub(super) timeline: Vec<Event>,
    pub(super) files: Vec<ChangedFile>,
    pub(super) mergeability: Mergeability,
    pub(super) has_conflict: bool,
    /// Whether its base has a commit that its branch has not.
    pub(super) is_behind: bool,
    pub(super) branch_deleted: bool,
    pub(super) auto_merge: Option<AutoMerge>,
    pub(super) queued: Option<Queued>,
    pub(super) fixes: u32,
    /// What clients were shown, for the statistics.
    pub(super) shown: Shown,
}

/// A file that it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedFile {
    pub(crate) path: String,
    pub(crate) additions: usize,
    pub(crate) deletions: usize,
}

impl ChangedFile {
    /// The files of a unified diff.
    pub(crate) fn of_patch(patch: &str) -> Vec<Self> {
        let mut files: Vec<Self> = Vec::new();
        for line in patch.lines() {
            if let Some(names) = line.strip_prefix("diff --git a/") {
                let path = names.split_once(" b/").map_or(names, |(path, _)| path).to_owned();
                files.push(Self { path, additions: 0, deletions: 0 });
            } else if let Some(file) = files.last_mut()
                && !line.starts_with("+++")
                && !line.starts_with("---")
            {
                file.additions += usize::from(line.starts_with('+'));
                file.deletions += usize::from(line.starts_with('-'));
            }
        }
        files
    }
}

/// How it ended.
#[derive(Debug, Clone)]
pub(super) struct Closing {
    pub(super) at: Timestamp,
    pub(super) by: Actor,
    /// The commit on the base, if it was merged.
    pub(super) merged: Option<String>,
}

/// What its branch once pointed to.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) oid: String,
    pub(super) at: Timestamp,
    pub(super) by: Actor,
    pub(super) message: String,
    pub(super) checks: Vec<Check>,
}

#[derive(Debug)]
pub(super) struct Review {
    pub(super) at: Timestamp,
    pub(super) by: Actor,
    pub(super) by_writer: bool,
    pub(super) state: ReviewState,
    pub(super) body: String,
    /// The head that it is about, by its place.
    pub(super) head: usize,
}

#[derive(Debug)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) at: Timestamp,
    pub(super) by: Actor,
    pub(super) body: String,
}

/// Something in its timeline.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) by: Actor,
    pub(super) what: EventKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EventKind {
    Closed,
    Reopened,
    Merged,
    ForcePushed { before: usize, after: usize },
    ConvertedToDraft,
    ReadyForReview,
    Locked,
    Labeled(String),
    Unlabeled(String),
    Dismissed { review: usize, was: ReviewState },
}

/// How far GitHub is with finding out whether it can be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mergeability {
    /// Nobody has asked since something moved.
    Unasked,
    /// Known from then on.
    KnownFrom(Timestamp),
}

#[derive(Debug, Clone)]
pub(super) struct AutoMerge {
    pub(super) at: Timestamp,
    pub(super) by: Actor,
    pub(super) method: MergeMethod,
}

/// Its entry in the merge queue.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) at: Timestamp,
    pub(super) by: Actor,
}

/// What answers have told of its newest head.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The head, by its place.
    head: usize,
    /// When an answer told that its checks have succeeded, each moment once.
    green: Vec<Timestamp>,
    /// When an answer last told its merge state, and whether that was one to merge in.
    state: Option<(Timestamp, bool)>,
}

/// So many moments are remembered: enough to tell once from often.
const MOST_MOMENTS: usize = 64;

impl Shown {
    pub(super) fn green(&mut self, head: usize, now: Timestamp) {
        if self.head != head {
            *self = Self { head, green: Vec::new(), ..*self };
        }
        if self.green.last() != Some(&now) && self.green.len() < MOST_MOMENTS {
            self.green.push(now);
        }
    }

    pub(super) fn state(&mut self, is_go: bool, now: Timestamp) {
        self.state = Some((now, is_go));
    }

    pub(super) fn last_state(&self) -> Option<(Timestamp, bool)> {
        self.state
    }

    pub(super) fn green_at(&self, head: usize) -> &[Timestamp] {
        if self.head == head { &self.green } else { &[] }
    }
}

impl Pull {
    /// The place of its newest head.
    pub(super) fn newest(&self) -> usize {
        self.heads.len().saturating_sub(1)
    }

    pub(super) fn head(&self) -> &Head {
        &self.heads[self.newest()]
    }

    pub(super) fn is_open(&self) -> bool {
        self.closing.is_none()
    }

    pub(super) fn is_merged(&self) -> bool {
        self.merged().is_some()
    }

    /// How it was merged, if it was.
    pub(super) fn merged(&self) -> Option<&Closing> {
        self.closing.as_ref().filter(|closing| closing.merged.is_some())
    }

    /// `OPEN`, `CLOSED` or `MERGED`.
    pub(super) fn state(&self) -> &'static str {
        match &self.closing {
            None => "OPEN",
            Some(closing) if closing.merged.is_some() => "MERGED",
            Some(_) => "CLOSED",
        }
    }

    pub(super) fn is_from_fork(&self) -> bool {
        self.script.from_fork == Some(true)
    }

    /// Whose the fork is that its branch is in.
    pub(super) fn fork_owner(&self) -> Option<Actor> {
        self.is_from_fork().then(|| Actor::named(&self.author.login))
    }

    pub(super) fn touches_workflows(&self) -> bool {
        self.script.workflows == Some(true)
    }

    /// The newest opinion of each reviewer, oldest first, with the reviews' places.
    pub(super) fn opinions(&self, writers_only: bool) -> Vec<(usize, &Review)> {
        let mut opinions: Vec<(usize, &Review)> = Vec::new();
        for (place, review) in self.reviews.iter().enumerate() {
            let counts = review.state.is_opinion() || review.state == ReviewState::Dismissed;
            if counts && (review.by_writer || !writers_only) {
                opinions.retain(|(_, other)| other.by != review.by);
                opinions.push((place, review));
            }
        }
        opinions.retain(|(_, review)| review.state.is_opinion());
        opinions
    }

    /// Whether somebody else than the service pushed to its branch, or rewrote it. Logins in `ours` are not strangers.
    pub(super) fn touched_by<'a>(&'a self, ours: &'a [Actor]) -> impl Iterator<Item = &'a Actor> {
        let jules = Actor::jules();
        let opener = self.heads.first().map(|head| head.by.clone());
        self.heads
            .iter()
            .map(|head| &head.by)
            .filter(move |by| **by != jules && Some(*by) != opener.as_ref() && !ours.contains(by))
    }

    /// Something about it changed.
    pub(super) fn touch(&mut self, at: Timestamp) {
        self.updated_at = self.updated_at.max(at);
    }

    pub(super) fn happen(&mut self, at: Timestamp, by: Actor, what: EventKind) {
        self.timeline.push(Event { at, by, what });
        self.touch(at);
    }
}
