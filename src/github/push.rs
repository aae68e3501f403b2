//! The pushes of a branch, as REST's activity lists them.

use serde::Deserialize;

use super::Account;

/// One push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Push {
    /// The commit that the branch points to since.
    pub(crate) after: String,
    /// Whose it was; a bot's login ends with `[bot]`. None for an account that is gone.
    pub(crate) actor: Option<String>,
    pub(crate) kind: PushKind,
}

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PushKind {
    Push,
    ForcePush,
    BranchCreation,
    BranchDeletion,
    PrMerge,
    MergeQueueMerge,
    #[serde(untagged)]
    Other(String),
}

/// As REST writes it.
#[derive(Deserialize)]
struct Wire {
    after: String,
    activity_type: PushKind,
    actor: Option<Account>,
}

impl<'de> Deserialize<'de> for Push {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { after, activity_type, actor } = Wire::deserialize(deserializer)?;
        Ok(Self { after, actor: actor.map(|actor| actor.login), kind: activity_type })
    }
}
