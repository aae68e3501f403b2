//! Why something could not be read: never the same as "there is none".

use foreign_text::one_line;
use jiff::Timestamp;

/// What one reading gives for one of the things that it asked for.
pub(crate) type Reading<T> = Result<T, Unreadable>;

/// How much of GitHub's own words is kept, in bytes.
const SAID: usize = 300;

/// Why there is nothing to show of one thing. The others of the same request are not touched by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub(crate) struct Unreadable {
    pub(crate) kind: UnreadableKind,
    /// In one line, mostly GitHub's own words.
    pub(crate) said: String,
}

/// What that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnreadableKind {
    /// It is not there, or the token does not see it: GitHub says the same of both.
    Gone,
    /// The token may not read it.
    Forbidden,
    /// Its owner wants a token that is authorised for single sign-on.
    SignOn,
    /// The token is refused as such.
    BadToken,
    /// A rate limit holds everything until then.
    Limited(Timestamp),
    /// No answer, or one without it: asking again may help.
    Unanswered,
}

impl Unreadable {
    pub(super) fn new(kind: UnreadableKind, said: &str) -> Self {
        Self { kind, said: in_one_line(said) }
    }

    /// Whether it says nothing about the thing itself: what was known of it stands.
    pub(crate) fn is_passing(&self) -> bool {
        match self.kind {
            UnreadableKind::Limited(_) | UnreadableKind::Unanswered => true,
            UnreadableKind::Gone
            | UnreadableKind::Forbidden
            | UnreadableKind::SignOn
            | UnreadableKind::BadToken => false,
        }
    }
}

/// What GitHub said, so short that it can stand in a sentence.
pub(super) fn in_one_line(said: &str) -> String {
    one_line(said, SAID).into_owned()
}
