//! The API key: a value that can be sent but not printed.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A key shorter than this is not searched for in text: it would tear words apart, and no real key is that short. A
/// beginning of this length counts as the key.
const SHORTEST_REDACTED: usize = 8;

/// The same of an end of the key without its beginning, and of a key in Base64.
const SHORTEST_DISGUISED: usize = 16;

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

    /// The same, and without an end of the key that has lost its beginning, and without the key in Base64, as far as
    /// sixteen characters of it are there. It takes five times as long.
    #[must_use]
    pub fn redact_disguised<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let key = self.0.expose_secret();
        let end = key.len().checked_sub(SHORTEST_DISGUISED).filter(|start| *start >= SHORTEST_REDACTED);
        let end = end.map(|start| key[start..].to_owned());
        let text = self.redact(text);
        end.into_iter().chain(in_base64(key)).fold(text, |text, form| {
            match foreign_text::mask(&text, &form, SHORTEST_DISGUISED) {
                Cow::Borrowed(_) => text,
                Cow::Owned(clean) => Cow::Owned(clean),
            }
        })
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

/// How the key looks within a text in Base64, by where it begins in that: the letters that are its own alone.
fn in_base64(key: &str) -> impl Iterator<Item = String> {
    (0..3).filter_map(move |before: usize| {
        let encoded = STANDARD_NO_PAD.encode([&[0; 2][..before], key.as_bytes()].concat());
        let own = encoded.get((before * 8).div_ceil(6)..(before + key.len()) * 8 / 6)?;
        (own.len() >= SHORTEST_DISGUISED).then(|| own.to_owned())
    })
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
    fn an_end_of_the_key_and_the_key_in_base64_are_the_key() {
        use base64::engine::general_purpose::STANDARD;
        let key = ApiKey::new("AIzaSyD-leak_me_0123456789-nuxyz_ABCDEF").unwrap();
        assert_eq!(key.redact_disguised("… _0123456789-nuxyz_ABCDEF!"), "… _0123456***!");
        for before in ["", "k", "me", "key", "x-goog-api-key: "] {
            let encoded =
                STANDARD.encode(format!("{before}AIzaSyD-leak_me_0123456789-nuxyz_ABCDEF and more"));
            let left = key.redact_disguised(&encoded);
            assert!(left.contains("***") && left.len() + 45 < encoded.len(), "{encoded} → {left}");
        }
        assert_eq!(key.redact_disguised("nothing of the kind"), "nothing of the kind");
        assert_eq!(ApiKey::new("AIza-short-key").unwrap().redact_disguised("key"), "key");
    }

    #[test]
    fn a_short_stand_in_does_not_tear_text_apart() {
        assert_eq!(ApiKey::new("k").unwrap().redact("a kind key"), "a kind key");
    }
}
