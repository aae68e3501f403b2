//! Who asks, and what their token reaches.

use crate::pattern::Pattern;

use super::{
    actor::Actor,
    pull::RepositoryIx,
    script::{Script, TokenKind, TokenScript},
    words::Permission,
    world::World,
};

/// Who a request comes from.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    pub(super) actor: Actor,
    pub(super) kind: TokenKind,
    owners: Option<Vec<String>>,
    repositories: Option<Vec<Pattern>>,
    most: Option<Permission>,
}

/// Whether a repository is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// As if it were not there.
    Nothing,
    /// Refused: the owner demands a single sign-on.
    SignOn,
    Seen,
}

impl Viewer {
    /// Whose token this is, if it is one.
    pub(super) fn of(script: &Script, token: &str) -> Option<Self> {
        if script.tokens.is_empty() {
            return Some(Self {
                actor: Actor::named(&script.login),
                kind: TokenKind::User,
                owners: None,
                repositories: None,
                most: None,
            });
        }
        script.tokens.iter().find(|known| known.token.is(token)).map(|known| Self::with(script, known))
    }

    fn with(script: &Script, token: &TokenScript) -> Self {
        let actor = match (&token.login, token.kind) {
            (Some(login), _) => Actor::named(login),
            (None, TokenKind::Actions) => Actor::actions(),
            (None, TokenKind::User | TokenKind::FineGrained) => Actor::named(&script.login),
        };
        Self {
            actor,
            kind: token.kind,
            owners: token.owners.clone(),
            repositories: token.repositories.clone(),
            most: token.permission,
        }
    }

    /// What the limits of several tokens of one user are counted by.
    pub(super) fn account(&self) -> String {
        self.actor.rest_login()
    }

    /// Whether the token was given for this repository.
    fn covers(&self, world: &World, ix: RepositoryIx) -> bool {
        let repository = &world.repositories[ix.0];
        let name = repository.full_name();
        self.owners
            .as_ref()
            .is_none_or(|owners| owners.iter().any(|owner| owner.eq_ignore_ascii_case(&repository.owner)))
            && self
                .repositories
                .as_ref()
                .is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(&name)))
    }

    pub(super) fn sees(&self, world: &World, ix: RepositoryIx) -> Sight {
        let repository = &world.repositories[ix.0];
        let is_public = !repository.is_private;
        if repository.is_deleted || world.permission(ix) == Permission::None {
            Sight::Nothing
        } else if repository.script.saml {
            Sight::SignOn
        } else if self.covers(world, ix) || is_public {
            Sight::Seen
        } else {
            Sight::Nothing
        }
    }

    /// What it may do in a repository that it sees.
    pub(super) fn permission(&self, world: &World, ix: RepositoryIx) -> Permission {
        if !self.covers(world, ix) {
            return Permission::Read;
        }
        let given = world.permission(ix);
        self.most.map_or(given, |most| most.min(given))
    }

    pub(super) fn reads_checks(&self) -> bool {
        self.kind != TokenKind::FineGrained
    }

    /// Why it may not do what its user may.
    pub(super) fn inaccessible(&self) -> &'static str {
        match self.kind {
            TokenKind::User => "Must have push access to view or change the repository.",
            TokenKind::FineGrained => "Resource not accessible by personal access token",
            TokenKind::Actions => "Resource not accessible by integration",
        }
    }
}
