//! One repository.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::dice::Dice;

use super::{actor::Actor, pull::PullIx, rules::RepositoryScript};

/// A repository.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) owner: String,
    pub(super) name: String,
    /// Names that it had.
    pub(super) former: Vec<String>,
    pub(super) default_branch: String,
    pub(super) is_private: bool,
    pub(super) made_at: Timestamp,
    pub(super) pushed_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) is_deleted: bool,
    pub(super) script: RepositoryScript,
    pub(super) dice: Dice,
    /// The number of its first pull request; the others' follow it.
    pub(super) first_number: u64,
    /// Oldest first.
    pub(super) pulls: Vec<PullIx>,
    /// Commits of branches that pull requests are merged into, newest last.
    bases: BTreeMap<String, Vec<String>>,
    /// When a merge last changed one.
    pub(super) merged_at: Option<Timestamp>,
    /// Every push, oldest first.
    pub(super) activity: Vec<Push>,
    /// Whether the base is moving by itself.
    pub(super) is_moving: bool,
}

/// A change of a branch.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) branch: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) at: Timestamp,
    pub(super) by: Actor,
    pub(super) kind: PushKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushKind {
    Push,
    ForcePush,
    BranchCreation,
    BranchDeletion,
    Merge,
    QueueMerge,
}

impl PushKind {
    /// Its name in answers and queries.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::ForcePush => "force_push",
            Self::BranchCreation => "branch_creation",
            Self::BranchDeletion => "branch_deletion",
            Self::Merge => "pr_merge",
            Self::QueueMerge => "merge_queue_merge",
        }
    }
}

/// The object id of nothing.
pub(super) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

impl Repository {
    pub(super) fn new(
        full_name: &str,
        script: RepositoryScript,
        default_branch: &str,
        is_private: bool,
        made_at: Timestamp,
    ) -> Self {
        let (owner, name) = full_name.split_once('/').unwrap_or((full_name, ""));
        Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
            former: Vec::new(),
            default_branch: default_branch.to_owned(),
            is_private: script.private.unwrap_or(is_private),
            made_at,
            pushed_at: made_at,
            archived_at: None,
            is_deleted: false,
            dice: Dice::new(1).with(full_name),
            script,
            first_number: 1 + Dice::new(0).with(full_name).bits() % 400,
            pulls: Vec::new(),
            bases: BTreeMap::new(),
            merged_at: None,
            activity: Vec::new(),
            is_moving: false,
        }
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    pub(super) fn database_id(&self) -> i64 {
        100_000_000 + (self.dice.with("id").bits() % 800_000_000) as i64
    }

    pub(super) fn url(&self) -> String {
        format!("https://github.com/{}", self.full_name())
    }

    pub(super) fn owner_actor(&self) -> Actor {
        Actor::organization(&self.owner)
    }

    /// The newest commit of a branch that is merged into.
    pub(super) fn base_oid(&self, branch: &str) -> String {
        let moved = self.bases.get(branch).and_then(|commits| commits.last());
        moved.cloned().unwrap_or_else(|| oid(self.dice.with("base").with(branch)))
    }

    /// A commit on a base; its id.
    pub(super) fn commit_to(&mut self, branch: &str, at: Timestamp, by: Actor, kind: PushKind) -> String {
        let before = self.base_oid(branch);
        let commits = self.bases.entry(branch.to_owned()).or_default();
        let after = oid(self.dice.with("base").with(branch).nth(1 + commits.len() as u64));
        commits.push(after.clone());
        self.push(branch, before, after.clone(), at, by, kind);
        after
    }

    /// Notes a change of a branch.
    pub(super) fn push(
        &mut self,
        branch: &str,
        before: String,
        after: String,
        at: Timestamp,
        by: Actor,
        kind: PushKind,
    ) {
        self.pushed_at = self.pushed_at.max(at);
        self.activity.push(Push { branch: branch.to_owned(), before, after, at, by, kind });
    }
}

/// The object id of a commit that these dice make.
pub(super) fn oid(dice: Dice) -> String {
    let (a, b, c) = (dice.with("a").bits(), dice.with("b").bits(), dice.with("c").bits() as u32);
    format!("{a:016x}{b:016x}{c:08x}")
}
