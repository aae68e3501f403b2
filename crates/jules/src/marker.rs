//! The word that ends a session's title and tells which create it is of.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use foreign_text::first_line;

/// A longer title is cut, in characters.
const LONGEST_TITLE: usize = 200;
/// The fewest and the most characters of a marker's word: a short one may end anybody's title.
const SHORTEST: usize = 6;
const LONGEST: usize = 80;

/// The marker of a create: `[word]` at the end of the session's title.
///
/// The service has no idempotency key, so a create whose answer is lost is settled by looking for its marker. One is of one
/// create: whoever creates a second session with it cannot tell the two.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TitleMarker(Arc<str>);

/// Why a text is not a marker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a marker: one has {SHORTEST} to {LONGEST} ASCII letters, digits, `-`, `_` or `.`")]
pub struct InvalidMarker {
    text: String,
}

impl TitleMarker {
    /// A marker with this word, which may stand in its brackets.
    ///
    /// # Errors
    ///
    /// [`InvalidMarker`] when the word is not one of 6 to 80 ASCII letters, digits, `-`, `_` and `.`.
    pub fn new(text: &str) -> Result<Self, InvalidMarker> {
        let word = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if (SHORTEST..=LONGEST).contains(&word.len()) && word.bytes().all(is_plain) {
            return Ok(Self(word.into()));
        }
        Err(InvalidMarker { text: text.chars().take(LONGEST).flat_map(char::escape_debug).collect() })
    }

    /// A marker that nobody else has: `jules-` and sixteen hexadecimal digits.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("jules-{:016x}", fastrand::u64(..)).into())
    }

    /// The marker that ends this title, if one does.
    #[must_use]
    pub fn of_title(title: &str) -> Option<Self> {
        let title = title.trim_end();
        let end = title.get(title.rfind('[')?..)?;
        end.ends_with(']').then(|| Self::new(end).ok()).flatten()
    }

    /// The title of a session: this text with the marker behind it, in one line of at most 200 characters.
    #[must_use]
    pub fn title(&self, text: &str) -> String {
        let marker = self.to_string();
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // A space and the sign of a cut stand between.
        let mut cut: String = line.chars().take((LONGEST_TITLE - 2).saturating_sub(marker.len())).collect();
        if cut.len() < line.len() {
            cut.push('…');
        }
        format!("{cut} {marker}").trim_start().to_owned()
    }

    /// The title of a session that was given none: its prompt's first line.
    pub(super) fn title_of_prompt(&self, prompt: &str) -> String {
        self.title(first_line(prompt))
    }

    /// The word, without the brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// With its brackets, as it stands in a title.
impl fmt::Display for TitleMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

impl fmt::Debug for TitleMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl FromStr for TitleMarker {
    type Err = InvalidMarker;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl AsRef<str> for TitleMarker {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<TitleMarker> for String {
    fn from(marker: TitleMarker) -> Self {
        marker.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> TitleMarker {
        TitleMarker::new("nightly-7").unwrap()
    }

    #[test]
    fn is_found_at_the_end_of_a_title_and_nowhere_else() {
        let title = marker().title("Upgrade serde\n in web");
        assert_eq!(title, "Upgrade serde in web [nightly-7]");
        assert_eq!(TitleMarker::of_title(&format!("{title} \n")), Some(marker()));
        for title in
            ["", "[", "]", "Fix [nightly-7] later", "Fix [the bug]", "Fix [WIP]", "Fix nightly-7]", "[ü]"]
        {
            assert_eq!(TitleMarker::of_title(title), None, "{title}");
        }
    }

    #[test]
    fn survives_a_title_without_end() {
        let title = marker().title(&"ü".repeat(5_000));
        assert!(title.chars().count() <= LONGEST_TITLE && title.contains("… ["));
        assert_eq!(TitleMarker::of_title(&title), Some(marker()));
        assert_eq!(marker().title(""), "[nightly-7]");
        let longest = TitleMarker::new(&"x".repeat(LONGEST)).unwrap();
        assert_eq!(TitleMarker::of_title(&longest.title(&"a b ".repeat(100))), Some(longest));
    }

    #[test]
    fn a_word_that_is_none_is_told_without_what_it_could_do() {
        for text in
            ["", "short", "two words", "[[nested]]", "ümlaut-7", "\u{1b}[31mred", &"x".repeat(LONGEST + 1)]
        {
            let error = TitleMarker::new(text).unwrap_err().to_string();
            assert!(!error.contains('\u{1b}') && error.contains("ASCII"), "{error}");
        }
        assert_eq!(TitleMarker::new("[nightly-7]"), Ok(marker()));
    }

    #[test]
    fn random_ones_differ() {
        let (one, other) = (TitleMarker::random(), TitleMarker::random());
        assert!(one != other && TitleMarker::of_title(&one.title("x")) == Some(one));
    }
}
