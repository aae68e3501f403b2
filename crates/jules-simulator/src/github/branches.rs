//! What happens to branches: heads that come, bases that move, merges, the merge queue.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;

use super::{
    actor::Actor,
    check::{Check, CheckScript, Verdict},
    pull::{Closing, EventKind, Head, Mergeability, PullIx, Queued, RepositoryIx},
    repository::{NO_COMMIT, PushKind, oid},
    words::ReviewState,
    world::{Todo, World},
};

/// A head on its way.
#[derive(Debug)]
pub(super) struct NewHead {
    pub(super) by: Actor,
    pub(super) at: Timestamp,
    pub(super) is_forced: bool,
    pub(super) message: String,
    pub(super) starts_workflows: bool,
}

/// What runs where a scenario does not say: one check that succeeds.
fn usual_checks() -> Vec<CheckScript> {
    vec![CheckScript {
        name: "build".to_owned(),
        appears: None,
        queued: None,
        lasts: None,
        ends: Verdict::Success,
        heads: None,
        probability: 1.0,
        status: false,
    }]
}

impl World {
    /// Puts a head on the branch.
    pub(super) fn push(&mut self, ix: PullIx, new: NewHead) {
        let NewHead { by, at, is_forced, message, starts_workflows } = new;
        let pull = &mut self.pulls[ix.0];
        let nth = pull.heads.len();
        let dice = pull.dice.with("head").nth(nth as u64);
        let usual = usual_checks();
        let scripts = pull.script.checks.as_deref().unwrap_or(&usual);
        let checks = match starts_workflows {
            true => Check::of_head(scripts, nth + 1, at, self.speed, dice),
            false => Vec::new(),
        };
        let before = pull.heads.last().map(|head| head.oid.clone());
        let after = oid(dice);
        let ends: Vec<Timestamp> = checks.iter().filter_map(|check| check.ends).collect();
        pull.heads.push(Head { oid: after.clone(), at, by: by.clone(), message, checks });
        pull.mergeability = Mergeability::Unasked;
        pull.queued = None;
        pull.touch(at);
        if is_forced {
            let forced = EventKind::ForcePushed { before: nth.saturating_sub(1), after: nth };
            pull.happen(at, by.clone(), forced);
        }
        let (branch, repository) = (pull.branch.clone(), pull.repository);
        let repository = &mut self.repositories[repository.0];
        if repository.script.dismiss_stale_reviews {
            for review in pull.reviews.iter_mut().filter(|review| review.state == ReviewState::Approved) {
                review.state = ReviewState::Dismissed;
            }
        }
        let kind = match (&before, is_forced) {
            (None, _) => PushKind::BranchCreation,
            (Some(_), true) => PushKind::ForcePush,
            (Some(_), false) => PushKind::Push,
        };
        repository.push(&branch, before.unwrap_or_else(|| NO_COMMIT.to_owned()), after, at, by, kind);
        for end in ends {
            self.plan(end, Todo::Checked(ix, nth));
        }
        self.plan_deeds(ix, Some(nth + 1), at);
    }

    /// Somebody pushes to the base while pull requests are open.
    pub(super) fn move_base_later(&mut self, ix: RepositoryIx, from: Timestamp) {
        let repository = &self.repositories[ix.0];
        let is_open = |pull: &PullIx| self.pulls[pull.0].is_open();
        if let Some(span) = repository.script.base_moves
            && !repository.is_moving
            && repository.pulls.iter().any(is_open)
        {
            let dice = repository.dice.with("moves").nth(repository.activity.len() as u64);
            // Never at once: time would stand still.
            let at = later(from, self.real(span, dice).max(Duration::from_millis(1)));
            self.repositories[ix.0].is_moving = true;
            self.plan(at, Todo::BaseMoves(ix));
        }
    }

    pub(super) fn move_base(&mut self, ix: RepositoryIx, base: &str, by: Actor, at: Timestamp) {
        self.repositories[ix.0].commit_to(base, at, by, PushKind::Push);
        self.base_moved(ix, base, None);
    }

    /// What a new commit on a base does to the open pull requests.
    pub(super) fn base_moved(&mut self, ix: RepositoryIx, base: &str, merged: Option<PullIx>) {
        let repository = &self.repositories[ix.0];
        let chance = repository.script.conflicts;
        let commits = repository.activity.len() as u64;
        for other in repository.pulls.iter().filter(|pull| Some(**pull) != merged) {
            let pull = &mut self.pulls[other.0];
            if pull.is_open() && pull.base == base {
                pull.mergeability = Mergeability::Unasked;
                pull.is_behind = true;
                // Most repositories have no conflicts, and dice cost more than all the rest.
                pull.has_conflict |= chance > 0.0 && pull.dice.with("conflict").nth(commits).unit() < chance;
            }
        }
    }

    /// Merges it, whatever stands against that.
    pub(super) fn merge(&mut self, ix: PullIx, by: Actor, at: Timestamp, kind: PushKind) -> String {
        let pull = &self.pulls[ix.0];
        let (repository, base) = (pull.repository, pull.base.clone());
        let commit = self.repositories[repository.0].commit_to(&base, at, by.clone(), kind);
        self.repositories[repository.0].merged_at = Some(at);
        let pull = &mut self.pulls[ix.0];
        pull.closing = Some(Closing { at, by: by.clone(), merged: Some(commit.clone()) });
        pull.auto_merge = None;
        pull.queued = None;
        pull.happen(at, by.clone(), EventKind::Merged);
        pull.happen(at, by.clone(), EventKind::Closed);
        self.base_moved(repository, &base, Some(ix));
        if self.repositories[repository.0].script.delete_branch_on_merge {
            self.delete_branch(ix, by, at);
        }
        commit
    }

    pub(super) fn close(&mut self, ix: PullIx, by: Actor, at: Timestamp) {
        let pull = &mut self.pulls[ix.0];
        pull.closing = Some(Closing { at, by: by.clone(), merged: None });
        pull.auto_merge = None;
        pull.queued = None;
        pull.happen(at, by, EventKind::Closed);
    }

    /// Deletes the head branch, which closes a pull request that is open.
    pub(super) fn delete_branch(&mut self, ix: PullIx, by: Actor, at: Timestamp) {
        let pull = &mut self.pulls[ix.0];
        if std::mem::replace(&mut pull.branch_deleted, true) {
            return;
        }
        let (branch, before, repository) = (pull.branch.clone(), pull.head().oid.clone(), pull.repository);
        let nothing = NO_COMMIT.to_owned();
        self.repositories[repository.0].push(
            &branch,
            before,
            nothing,
            at,
            by.clone(),
            PushKind::BranchDeletion,
        );
        if self.pulls[ix.0].is_open() {
            self.close(ix, by, at);
        }
    }

    /// Puts it into the merge queue of its repository.
    pub(super) fn enqueue(&mut self, ix: PullIx, by: Actor, at: Timestamp) {
        let repository = self.repository_of(ix);
        let Some(span) = repository.script.merge_queue else { return };
        let length = self.real(span, self.pulls[ix.0].dice.with("queue"));
        let pull = &mut self.pulls[ix.0];
        pull.queued = Some(Queued { at, by });
        pull.auto_merge = None;
        pull.touch(at);
        let head = pull.newest();
        self.plan(later(at, length), Todo::QueueDone(ix, head));
    }

    pub(super) fn queue_done(&mut self, ix: PullIx, head: usize, at: Timestamp) {
        let pull = &self.pulls[ix.0];
        let Some(queued) = pull.queued.clone().filter(|_| pull.newest() == head) else { return };
        // The queue brings it up to date by itself.
        let standing = self.standing(ix, at);
        if pull.has_conflict || pull.is_draft || standing.unmet().is_some() {
            self.pulls[ix.0].queued = None;
            self.pulls[ix.0].touch(at);
        } else {
            self.merge(ix, queued.by, at, PushKind::QueueMerge);
        }
    }
}
