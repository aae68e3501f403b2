//! What clients do to pull requests, and why GitHub refuses. REST and GraphQL both come here.

use jiff::Timestamp;

use crate::clock::later;

use super::{
    branches::NewHead,
    doing,
    pull::{AutoMerge, PullIx, RepositoryIx},
    repository::{NO_COMMIT, PushKind},
    script::TokenKind,
    viewer::Viewer,
    words::{MergeMethod, MergeState, Permission},
    world::World,
};

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// REST's status.
    pub(super) status: u16,
    /// GraphQL's `type`.
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    fn not_mergeable(message: impl Into<String>) -> Self {
        Self::new(405, "UNPROCESSABLE", message)
    }

    fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, "UNPROCESSABLE", message)
    }
}

/// The world in the hands of who asks.
#[derive(Debug)]
pub(super) struct Acts<'a> {
    pub(super) world: &'a mut World,
    pub(super) viewer: &'a Viewer,
    pub(super) now: Timestamp,
}

/// How a merge is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct MergeRequest {
    /// The head that it is for.
    pub(super) head: Option<String>,
    pub(super) method: Option<MergeMethod>,
}

impl Acts<'_> {
    /// Whether the viewer may write to the repository now.
    pub(super) fn may_write(&self, ix: RepositoryIx) -> Result<(), Refusal> {
        if self.viewer.permission(self.world, ix) < Permission::Write {
            return Err(Refusal::new(403, "FORBIDDEN", self.viewer.inaccessible()));
        }
        self.is_alive(ix)
    }

    fn is_alive(&self, ix: RepositoryIx) -> Result<(), Refusal> {
        match self.world.repositories[ix.0].archived_at {
            None => Ok(()),
            Some(_) => Err(Refusal::new(403, "FORBIDDEN", "Repository was archived so is read-only.")),
        }
    }

    fn may_write_to(&self, ix: PullIx) -> Result<(), Refusal> {
        self.may_write(self.world.pulls[ix.0].repository)
    }

    /// Whether the head is the one that the client means.
    fn is_head(&self, ix: PullIx, expected: Option<&str>, message: &str) -> Result<(), Refusal> {
        match expected {
            Some(expected) if expected != self.world.pulls[ix.0].head().oid => {
                Err(Refusal::new(409, "UNPROCESSABLE", message))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Merges it; the commit on the base.
    pub(super) fn merge(&mut self, ix: PullIx, request: &MergeRequest) -> Result<String, Refusal> {
        self.may_write_to(ix)?;
        if let Some(head) = &request.head
            && !(head.len() == 40 && head.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(Refusal::unprocessable("sha wasn't a valid commit id."));
        }
        if !self.world.pulls[ix.0].is_open() {
            return Err(Refusal::not_mergeable("Pull Request is not mergeable"));
        }
        let modified = "Head branch was modified. Review and try the merge again.";
        self.is_head(ix, request.head.as_deref(), modified)?;
        let repository = self.world.repository_of(ix);
        let script = &repository.script;
        let method = request.method.unwrap_or_else(|| self.world.default_method(ix));
        if !script.methods.contains(&method) {
            return Err(Refusal::not_mergeable(method.refusal()));
        }
        let admin =
            self.viewer.permission(self.world, self.world.pulls[ix.0].repository) == Permission::Admin;
        let past_rules = admin && script.admins_bypass;
        if script.merge_queue.is_some() && !past_rules {
            return Err(Refusal::not_mergeable(
                "Repository rule violations found\n\nChanges must be made through the merge queue\n\n",
            ));
        }
        let settling = self.world.real(script.settles_after_merge, repository.dice);
        if repository.merged_at.is_some_and(|merged| self.now < later(merged, settling)) {
            return Err(Refusal::not_mergeable("Base branch was modified. Review and try the merge again."));
        }
        if self.viewer.kind == TokenKind::Actions && self.world.pulls[ix.0].touches_workflows() {
            return Err(Refusal::new(
                403,
                "FORBIDDEN",
                "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without \
                 `workflows` permission",
            ));
        }
        if let Some(obstacle) = self.world.standing(ix, self.now).obstacle(past_rules) {
            return Err(Refusal::not_mergeable(obstacle));
        }
        self.world.note_merge(ix, self.viewer, request.head.is_some(), self.now);
        Ok(self.world.merge(ix, self.viewer.actor.clone(), self.now, PushKind::Merge))
    }

    /// Merges the base into its branch.
    pub(super) fn update_branch(&mut self, ix: PullIx, expected: Option<&str>) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        let pull = &self.world.pulls[ix.0];
        if expected.is_some_and(|expected| expected != pull.head().oid) {
            return Err(Refusal::unprocessable("expected head sha didn’t match current head ref."));
        }
        if !pull.is_open() {
            return Err(Refusal::unprocessable("Pull Request is closed"));
        }
        if pull.has_conflict {
            return Err(Refusal::unprocessable("merge conflict between base and head"));
        }
        if !pull.is_behind {
            return Err(Refusal::unprocessable("There are no new commits on the base branch."));
        }
        let message = format!("Merge branch '{}' into {}", pull.base, pull.branch);
        let starts_workflows = self.viewer.kind != TokenKind::Actions;
        let by = self.viewer.actor.clone();
        self.world.push(ix, NewHead { by, at: self.now, is_forced: false, message, starts_workflows });
        self.world.pulls[ix.0].is_behind = false;
        Ok(())
    }

    pub(super) fn close(&mut self, ix: PullIx) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        if self.world.pulls[ix.0].is_open() {
            self.world.close(ix, self.viewer.actor.clone(), self.now);
        }
        Ok(())
    }

    pub(super) fn reopen(&mut self, ix: PullIx) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        let pull = &self.world.pulls[ix.0];
        if pull.is_merged() || pull.branch_deleted {
            return Err(Refusal::unprocessable("Validation Failed"));
        }
        if !pull.is_open() {
            doing::reopen(self.world, ix, self.viewer.actor.clone(), self.now);
        }
        Ok(())
    }

    /// Deletes a branch of a repository.
    pub(super) fn delete_branch(&mut self, ix: RepositoryIx, branch: &str) -> Result<(), Refusal> {
        self.may_write(ix)?;
        let repository = &self.world.repositories[ix.0];
        let has_it = |pull: &&PullIx| {
            let pull = &self.world.pulls[pull.0];
            pull.branch == branch && !pull.branch_deleted && !pull.is_from_fork()
        };
        let Some(pull) = repository.pulls.iter().rev().find(has_it).copied() else {
            return Err(Refusal::unprocessable("Reference does not exist"));
        };
        self.world.delete_branch(pull, self.viewer.actor.clone(), self.now);
        Ok(())
    }

    /// Comments on it; the comment's place.
    pub(super) fn comment(&mut self, ix: PullIx, body: &str) -> Result<usize, Refusal> {
        self.is_alive(self.world.pulls[ix.0].repository)?;
        if body.trim().is_empty() {
            return Err(Refusal::unprocessable("Validation Failed"));
        }
        let repository = self.world.pulls[ix.0].repository;
        let permission = self.viewer.permission(self.world, repository);
        if self.world.pulls[ix.0].is_locked && permission < Permission::Write {
            return Err(Refusal::new(403, "FORBIDDEN", "Unable to create comment because issue is locked."));
        }
        if permission < Permission::Write && self.viewer.kind != TokenKind::User {
            return Err(Refusal::new(403, "FORBIDDEN", self.viewer.inaccessible()));
        }
        doing::comment(self.world, ix, self.viewer.actor.clone(), body.to_owned(), self.now);
        Ok(self.world.pulls[ix.0].comments.len() - 1)
    }

    pub(super) fn enqueue(&mut self, ix: PullIx, expected: Option<&str>) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        let script = &self.world.repository_of(ix).script;
        if script.merge_queue.is_none() {
            return Err(Refusal::unprocessable("Merge queue is not enabled for this branch"));
        }
        let pull = &self.world.pulls[ix.0];
        if pull.queued.is_some() {
            return Err(Refusal::unprocessable("Pull request is already in the queue"));
        }
        if expected.is_some_and(|expected| expected != pull.head().oid) {
            return Err(Refusal::unprocessable("The head of the pull request was modified."));
        }
        if let Some(obstacle) = self.world.standing(ix, self.now).obstacle(false) {
            return Err(Refusal::unprocessable(obstacle));
        }
        self.world.note_merge(ix, self.viewer, expected.is_some(), self.now);
        self.world.enqueue(ix, self.viewer.actor.clone(), self.now);
        Ok(())
    }

    pub(super) fn dequeue(&mut self, ix: PullIx) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        self.world.pulls[ix.0].queued = None;
        Ok(())
    }

    /// Lets GitHub merge it as soon as nothing stands against that.
    pub(super) fn arm(&mut self, ix: PullIx, request: &MergeRequest) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        if !self.world.repository_of(ix).script.auto_merge {
            return Err(Refusal::unprocessable("Pull request Auto merge is not allowed for this repository"));
        }
        if !self.world.pulls[ix.0].is_open() {
            return Err(Refusal::unprocessable("Pull request is closed"));
        }
        let modified = "Head branch was modified. Review and try the merge again.";
        self.is_head(ix, request.head.as_deref(), modified)?;
        self.world.ask(ix, self.now);
        // What could be merged at once is not armed.
        let status = match self.world.standing(ix, self.now).merge_state() {
            MergeState::Clean | MergeState::HasHooks => Some("clean"),
            MergeState::Unstable => Some("unstable"),
            _ => None,
        };
        if let Some(status) = status {
            return Err(Refusal::unprocessable(format!("Pull request Pull request is in {status} status")));
        }
        let method = request.method.unwrap_or_else(|| self.world.default_method(ix));
        self.world.note_merge(ix, self.viewer, request.head.is_some(), self.now);
        let pull = &mut self.world.pulls[ix.0];
        pull.auto_merge = Some(AutoMerge { at: self.now, by: self.viewer.actor.clone(), method });
        pull.touch(self.now);
        self.world.follow_up(ix, self.now);
        Ok(())
    }

    pub(super) fn disarm(&mut self, ix: PullIx) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        if self.world.pulls[ix.0].auto_merge.take().is_none() {
            return Err(Refusal::unprocessable("Can't disable auto-merge for this pull request."));
        }
        Ok(())
    }

    pub(super) fn set_draft(&mut self, ix: PullIx, is_draft: bool) -> Result<(), Refusal> {
        self.may_write_to(ix)?;
        doing::set_draft(self.world, ix, self.viewer.actor.clone(), self.now, is_draft);
        Ok(())
    }

    /// Somebody else pushes right before what the client asked for.
    pub(super) fn push_before(&mut self, ix: PullIx, by: super::actor::Actor) {
        let message = "One more thing".to_owned();
        let new = NewHead { by, at: self.now, is_forced: false, message, starts_workflows: true };
        self.world.push(ix, new);
    }
}

/// The newest commit of a branch, if the repository has the branch.
pub(super) fn branch_oid(world: &World, ix: RepositoryIx, branch: &str) -> Option<String> {
    let repository = &world.repositories[ix.0];
    let has_it = |pull: &&PullIx| {
        let pull = &world.pulls[pull.0];
        pull.branch == branch && !pull.is_from_fork()
    };
    match repository.pulls.iter().rev().find(has_it) {
        Some(pull) => {
            let pull = &world.pulls[pull.0];
            Some(pull.head().oid.clone()).filter(|oid| !pull.branch_deleted && oid != NO_COMMIT)
        }
        None => {
            let is_base = |pull: &PullIx| world.pulls[pull.0].base == branch;
            let is_known = repository.default_branch == branch || repository.pulls.iter().any(is_base);
            is_known.then(|| repository.base_oid(branch))
        }
    }
}
