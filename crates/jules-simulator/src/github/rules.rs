//! What a scenario says about repositories.

use std::time::Duration;

use serde::Deserialize;

use crate::{pattern::Pattern, span::Span};

use super::{
    script::PullScript,
    words::{MergeMethod, Permission},
};

/// What some repositories are like. Lengths of time are service time.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct RepositoryScript {
    /// Over `owner/repo`.
    #[serde(rename = "match")]
    pub(super) pattern: Option<Pattern>,
    pub(super) private: Option<bool>,
    /// What its users' tokens may do.
    pub(super) permission: Permission,
    /// Whether its owner demands a single sign-on that no token has.
    pub(super) saml: bool,
    pub(super) methods: Vec<MergeMethod>,
    pub(super) auto_merge: bool,
    pub(super) delete_branch_on_merge: bool,
    pub(super) required_checks: Vec<String>,
    pub(super) required_reviews: usize,
    /// Whether a push takes approvals away.
    pub(super) dismiss_stale_reviews: bool,
    /// Whether a branch has to hold its base's newest commit.
    pub(super) up_to_date: bool,
    /// Whether an admin's merge passes whatever is required.
    pub(super) admins_bypass: bool,
    /// How long an entry of its merge queue takes; without it there is none.
    pub(super) merge_queue: Option<Span>,
    /// Whether it has hooks before a merge.
    pub(super) hooks: bool,
    /// How long `mergeable` is UNKNOWN once somebody asks after a push or a merge.
    pub(super) mergeable_after: Span,
    /// How long after a merge another is refused because the base was modified.
    pub(super) settles_after_merge: Span,
    /// How often somebody pushes to the base while pull requests are open.
    pub(super) base_moves: Option<Span>,
    /// The chance that a commit on the base conflicts with an open pull request.
    pub(super) conflicts: f64,
    pub(super) renamed: Option<Renaming>,
    pub(super) archived_after: Option<Span>,
    pub(super) deleted_after: Option<Span>,
    /// Pull requests of others, there from the start.
    pub(super) pull_requests: Vec<OtherScript>,
}

impl Default for RepositoryScript {
    fn default() -> Self {
        Self {
            pattern: None,
            private: None,
            permission: Permission::Write,
            saml: false,
            methods: vec![MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase],
            auto_merge: false,
            delete_branch_on_merge: false,
            required_checks: Vec::new(),
            required_reviews: 0,
            dismiss_stale_reviews: false,
            up_to_date: false,
            admins_bypass: false,
            merge_queue: None,
            hooks: false,
            mergeable_after: Span::fixed(Duration::from_secs(2)),
            settles_after_merge: Span::fixed(Duration::ZERO),
            base_moves: None,
            conflicts: 0.0,
            renamed: None,
            archived_after: None,
            deleted_after: None,
            pull_requests: Vec::new(),
        }
    }
}

/// Another name for a repository.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Renaming {
    /// `owner/repo`; `{repo}` stands for the old name.
    pub(super) to: String,
    pub(super) after: Span,
}

/// A pull request that no session made.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OtherScript {
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    /// Default made from the title.
    pub(super) branch: Option<String>,
    pub(super) author: String,
    /// How long before the start it was opened (default 1h).
    pub(super) opened: Option<Span>,
    #[serde(default)]
    pub(super) then: PullScript,
}
