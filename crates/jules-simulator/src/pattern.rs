//! Patterns of a scenario's rules.

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

/// With `*` or `?` a glob over the whole text, without either a part of the text.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Pattern {
    Part(String),
    Glob(GlobMatcher),
}

impl Pattern {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Part(part) => text.contains(part.as_str()),
            Self::Glob(glob) => glob.is_match(text),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if !text.contains(['*', '?']) {
            return Ok(Self::Part(text));
        }
        GlobBuilder::new(&text)
            .backslash_escape(true)
            .build()
            .map(|glob| Self::Glob(glob.compile_matcher()))
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::try_from(pattern.to_owned()).unwrap().matches(text)
    }

    #[test]
    fn globs_cover_the_whole_text_and_parts_any_place() {
        assert!(matches("my-org/*", "my-org/backend"));
        assert!(!matches("my-org/*", "your-org/my-org/backend"));
        assert!(matches("Upgrade", "please Upgrade serde"));
        assert!(matches("[a", "brackets [a without a star are plain text"));
        assert!(!matches("upgrade", "please Upgrade serde"));
    }

    #[test]
    fn a_glob_spans_lines() {
        assert!(matches("*serde*", "first line\nthen serde\nlast"));
    }

    #[test]
    fn a_broken_glob_is_an_error() {
        assert!(Pattern::try_from("[a*".to_owned()).is_err());
    }
}
