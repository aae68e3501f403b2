//! Who does things on GitHub.

use std::sync::Arc;

use crate::dice::Dice;

/// A user, a bot, or the owner of repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actor {
    /// As GraphQL has it: a bot's is without `[bot]`.
    pub(super) login: Arc<str>,
    pub(super) kind: ActorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActorKind {
    User,
    Bot,
    Organization,
}

/// The login of the service's own account.
const JULES: &str = "google-labs-jules";

impl Actor {
    /// Who has this login; a bot's ends with `[bot]`.
    pub(super) fn named(login: &str) -> Self {
        match login.strip_suffix("[bot]") {
            Some(name) => Self { login: name.into(), kind: ActorKind::Bot },
            None => Self { login: login.into(), kind: ActorKind::User },
        }
    }

    pub(super) fn jules() -> Self {
        Self { login: JULES.into(), kind: ActorKind::Bot }
    }

    pub(super) fn actions() -> Self {
        Self { login: "github-actions".into(), kind: ActorKind::Bot }
    }

    /// As GraphQL's `viewer`, which is always a user: a bot's login ends with `[bot]` there.
    pub(super) fn as_user(&self) -> Self {
        Self { login: self.rest_login().into(), kind: ActorKind::User }
    }

    /// The owner of repositories.
    pub(super) fn organization(login: &str) -> Self {
        Self { login: login.into(), kind: ActorKind::Organization }
    }

    /// As REST has it: a bot's ends with `[bot]`.
    pub(super) fn rest_login(&self) -> String {
        match self.kind {
            ActorKind::Bot => format!("{}[bot]", self.login),
            ActorKind::User | ActorKind::Organization => self.login.to_string(),
        }
    }

    /// The name of its type, in GraphQL as in REST.
    pub(super) fn type_name(&self) -> &'static str {
        match self.kind {
            ActorKind::User => "User",
            ActorKind::Bot => "Bot",
            ActorKind::Organization => "Organization",
        }
    }

    /// What it is to a repository, which it may write to or not.
    pub(super) fn association(&self, is_writer: bool) -> &'static str {
        match (self.kind, is_writer) {
            (ActorKind::Bot, _) => "NONE",
            (ActorKind::User | ActorKind::Organization, true) => "MEMBER",
            (ActorKind::User | ActorKind::Organization, false) => "CONTRIBUTOR",
        }
    }

    pub(super) fn database_id(&self) -> i64 {
        match &*self.login {
            JULES => 161_369_871,
            "octocat" => 583_231,
            "github-actions" => 41_898_282,
            login => 1_000_000 + (Dice::new(0).with(login).bits() % 150_000_000) as i64,
        }
    }

    pub(super) fn node_id(&self) -> String {
        let prefix = match self.kind {
            ActorKind::User => "U",
            ActorKind::Bot => "BOT",
            ActorKind::Organization => "O",
        };
        format!("{prefix}_kgDO{:08x}", self.database_id())
    }

    pub(super) fn url(&self) -> String {
        match self.kind {
            ActorKind::Bot => format!("https://github.com/apps/{}", self.login),
            ActorKind::User | ActorKind::Organization => format!("https://github.com/{}", self.login),
        }
    }

    pub(super) fn avatar_url(&self) -> String {
        format!("https://avatars.githubusercontent.com/u/{}?v=4", self.database_id())
    }

    /// The address in its commits.
    pub(super) fn email(&self) -> String {
        format!("{}+{}@users.noreply.github.com", self.database_id(), self.rest_login())
    }
}
