//! What people, and the machines of others, do to a pull request.

use serde::Deserialize;

use crate::span::Span;

/// Something done to a pull request, as a scenario writes it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct DeedScript {
    pub(super) does: Deed,
    /// From the opening, or from the head that `head` names, in service time.
    pub(super) after: Span,
    /// The head, from 1, whose arrival it is counted from.
    pub(super) head: Option<usize>,
    /// The login; `jules` is the service, and a bot's ends with `[bot]`.
    #[serde(default = "alice")]
    pub(super) by: String,
    /// Whether that login may write to the repository.
    #[serde(default = "yes")]
    pub(super) writer: bool,
    /// The label's name, the comment's text, the new base.
    #[serde(default)]
    pub(super) text: String,
    /// The chance that it happens.
    #[serde(default = "certain")]
    pub(super) probability: f64,
}

fn alice() -> String {
    "alice".to_owned()
}

fn yes() -> bool {
    true
}

fn certain() -> f64 {
    1.0
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    Push,
    ForcePush,
    Approve,
    RequestChanges,
    /// A review without an opinion.
    Review,
    /// Takes the last opinion back.
    Dismiss,
    Comment,
    Label,
    Unlabel,
    Close,
    Reopen,
    /// As an admin, past whatever is required.
    Merge,
    Draft,
    Ready,
    Lock,
    Unlock,
    /// The base moves to where it conflicts.
    Conflict,
    /// The conflict goes away.
    Resolve,
    /// The base gets a commit.
    MoveBase,
    DeleteBranch,
    /// The body becomes `text`, without the service's line.
    EditBody,
    /// The base becomes the branch `text`.
    Retarget,
    Enqueue,
    Dequeue,
    AutoMerge,
}
