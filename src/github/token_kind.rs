//! What kind of token it is: GitHub's tell by their first letters, and each reaches other things.

use super::GitHub;

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A user's, with scopes.
    Classic,
    /// A user's for the repositories of one owner.
    FineGrained,
    /// A user's by way of a program, such as `gh`.
    OAuth,
    /// An app's, such as the one that each job of Actions has.
    App,
    /// None that this version knows.
    Other,
}

impl GitHub {
    /// The kind of its token.
    pub(crate) fn token_kind(&self) -> TokenKind {
        let known = [
            ("github_pat_", TokenKind::FineGrained),
            ("ghp_", TokenKind::Classic),
            ("gho_", TokenKind::OAuth),
            ("ghu_", TokenKind::OAuth),
            ("ghs_", TokenKind::App),
        ];
        let fits = |(prefix, _): &&(&str, TokenKind)| self.transport.token_begins_with(prefix);
        known.iter().find(fits).map_or(TokenKind::Other, |(_, kind)| *kind)
    }
}
