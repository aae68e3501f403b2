//! The API key: a value that can be sent but not printed.

use std::borrow::Cow;
use std::fmt;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A key shorter than this is not searched for in text: it would tear words apart, and no real key is that short. A
/// beginning of this length counts as the key.
const SHORTEST_REDACTED: usize = 8;

/// An API key for Jules. Wiped from memory when dropped; its `Debug` prints `***`, and there is no `Display`.
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// Why a text cannot be an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Nothing is left after trimming.
    #[error("it is empty")]
    Empty,
    /// A control character, a space inside, or a character beyond ASCII.
    #[error("it holds a character that cannot be part of a key (position {position}); is it one line?")]
    Character {
        /// Counted in characters of the trimmed text, from 1.
        position: usize,
    },
}

impl ApiKey {
    /// Takes a key, without the white space around it.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when nothing is left, or when a character is not visible ASCII: such a key cannot be a
    /// header's value.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if let Some(at) = text.chars().position(|c| !c.is_ascii_graphic()) {
            return Err(InvalidKey::Character { position: at + 1 });
        }
        Ok(Self(SecretString::from(text)))
    }

    /// `text` without the key, for logs and errors: every occurrence becomes `***`, whatever escapes and invisible
    /// characters it is written with, and so does every beginning of at least eight characters, for texts are cut. JSON
    /// stays JSON.
    ///
    /// Keys of fewer than eight characters (stand-ins in tests) are not searched for.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let key = self.0.expose_secret();
        if key.len() < SHORTEST_REDACTED {
            return Cow::Borrowed(text);
        }
        foreign_text::mask(text, key, SHORTEST_REDACTED)
    }

    /// The same for an answer's body; nothing where it does not hold the key. What holds it is text afterwards.
    pub(super) fn redact_body(&self, body: &[u8]) -> Option<Vec<u8>> {
        // Nearly every body is UTF-8, which is told faster than it is mended.
        let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
        match self.redact(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(clean.into_bytes()),
        }
    }

    /// The key as a header value that HTTP libraries treat as sensitive.
    pub(super) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(self.0.expose_secret())
            .expect("visible ASCII, checked by ApiKey::new, is a valid header value");
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl std::str::FromStr for ApiKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed() {
        let key = ApiKey::new("  AIza-secret-key\r\n").unwrap();
        assert_eq!(key.header().as_bytes(), b"AIza-secret-key");
        assert!(key.header().is_sensitive());
    }

    #[test]
    fn a_key_with_a_line_break_inside_is_refused_without_being_shown() {
        let error = ApiKey::new("AIza\nsecond").unwrap_err();
        assert_eq!(error, InvalidKey::Character { position: 5 });
        assert!(!error.to_string().contains("AIza"));
        assert_eq!(ApiKey::new(" \n").unwrap_err(), InvalidKey::Empty);
        assert!(ApiKey::new("schlüssel").is_err());
    }

    #[test]
    fn a_key_cannot_be_printed() {
        let key = ApiKey::new("AIza-secret-key").unwrap();
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(key.redact("no AIza-secret-key here, AIza-secret-key"), "no *** here, ***");
    }

    #[test]
    fn half_a_key_and_a_key_in_escapes_are_the_key() {
        let key = ApiKey::new("AIza-secret-key").unwrap();
        assert_eq!(key.redact("cut at AIza-secr…, AIza\u{1B}[1m\\-secret\u{200B}-key"), "cut at ***…, ***");
        assert_eq!(key.redact("AIza-se"), "AIza-se");
        assert_eq!(key.redact_body(b"\xff AIza-secret-key").as_deref(), Some("\u{FFFD} ***".as_bytes()));
        assert_eq!(key.redact_body(b"\xff"), None);
    }

    #[test]
    fn a_short_stand_in_does_not_tear_text_apart() {
        assert_eq!(ApiKey::new("k").unwrap().redact("a kind key"), "a kind key");
    }
}
