//! Values that can be sent but not printed: the API key, and another service's token.

use std::borrow::Cow;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use foreign_text::{Secrets, Word};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A secret shorter than this is not searched for in text: it would tear words apart, and no real one is that short. A part
/// of this length counts as the secret, in Base64 as well.
const SHORTEST: usize = 8;

/// A file larger than this holds no secret.
const MAX_FILE: u64 = 64 * 1024;

/// A secret for some service, such as a token for GitHub. Wiped from memory when dropped; its `Debug` prints `***`, and
/// there is no `Display`.
#[derive(Clone)]
pub struct Secret {
    text: SecretString,
    search: Arc<Secrets>,
}

/// An API key for Jules. Wiped from memory when dropped; its `Debug` prints `***`, and there is no `Display`.
#[derive(Clone)]
pub struct ApiKey(Secret);

/// Why a text cannot be a key, or another secret.
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

/// Why the environment's secret is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// A text that cannot be one.
    #[error("what {origin} holds cannot be a secret")]
    Invalid {
        /// The variable, or the file, that it came from.
        origin: String,
        /// What is wrong with it.
        source: InvalidKey,
    },
    /// A file that cannot be read.
    #[error("cannot read the secret in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Secret {
    /// Takes a secret, without the white space around it.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when nothing is left, or when a character is not visible ASCII: it could not be a header's value.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if let Some(at) = text.chars().position(|c| !c.is_ascii_graphic()) {
            return Err(InvalidKey::Character { position: at + 1 });
        }
        let words = if text.len() < SHORTEST { Vec::new() } else { words(text) };
        Ok(Self { text: SecretString::from(text), search: Arc::new(Secrets::new(words)) })
    }

    /// What the first of these variables holds that is set and not blank; of one whose name ends with `_FILE`, what the file
    /// holds that it names. Some files, such as pipes, can be read only once: whoever needs the secret twice keeps it.
    ///
    /// # Errors
    ///
    /// [`SecretError`], when that cannot be a secret, or when the file cannot be read.
    pub fn from_env(names: &[&str]) -> Result<Option<Self>, SecretError> {
        Self::from_variables(names, |name| std::env::var(name).ok())
    }

    pub(super) fn from_variables(
        names: &[&str],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, SecretError> {
        let set = |name: &&str| variable(name).filter(|value| !value.trim().is_empty());
        let Some((name, value)) = names.iter().find_map(|name| Some((*name, set(name)?))) else {
            return Ok(None);
        };
        let (origin, text) = if name.ends_with("_FILE") {
            (value.clone(), read(Path::new(&value))?)
        } else {
            (name.to_owned(), value)
        };
        Self::new(&text).map(Some).map_err(|source| SecretError::Invalid { origin, source })
    }

    /// Whether it begins so: the tokens of some services tell by their first letters what they are.
    #[must_use]
    pub fn begins_with(&self, prefix: &str) -> bool {
        self.text.expose_secret().starts_with(prefix)
    }

    /// `text` without the secret, for logs and errors: every occurrence becomes `***`, whatever escapes and invisible
    /// characters it is written with, also in Base64, and so does every part of it of at least eight characters, for texts
    /// are cut. JSON stays JSON.
    ///
    /// Secrets of fewer than eight characters (stand-ins in tests) are not searched for.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.search.mask(text)
    }

    /// What is searched for, for whoever searches for more at once.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        self.search.words()
    }

    /// The value of an `Authorization` header with the secret as its bearer token, which HTTP libraries treat as sensitive.
    #[must_use]
    pub fn bearer(&self) -> HeaderValue {
        header(&format!("Bearer {}", self.text.expose_secret()))
    }
}

impl ApiKey {
    /// Takes a key, without the white space around it.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when nothing is left, or when a character is not visible ASCII: such a key cannot be a
    /// header's value.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        Secret::new(text).map(Self)
    }

    /// `text` without the key: see [`Secret::redact`].
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.redact(text)
    }

    /// What is searched for: see [`Secret::words`].
    #[must_use]
    pub fn words(&self) -> &[Word] {
        self.0.words()
    }

    /// The key as a header value that HTTP libraries treat as sensitive.
    pub(super) fn header(&self) -> HeaderValue {
        header(self.0.text.expose_secret())
    }
}

impl From<Secret> for ApiKey {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

/// An answer's body without the secrets; nothing where it does not hold one. What holds one is text afterwards.
pub(super) fn redact_body(secrets: &Secrets, body: &[u8]) -> Option<Vec<u8>> {
    // Nearly every body is UTF-8, which is told faster than it is mended.
    let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    match secrets.mask(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(clean) => Some(clean.into_bytes()),
    }
}

fn header(text: &str) -> HeaderValue {
    let mut value =
        HeaderValue::from_str(text).expect("visible ASCII, checked by Secret::new, is a valid header value");
    value.set_sensitive(true);
    value
}

fn read(path: &Path) -> Result<String, SecretError> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(source) => Err(SecretError::File { path: path.to_owned(), source }),
    }
}

/// The secret, and how it looks within a text in Base64, by where it begins in that: the letters that are its own alone.
fn words(secret: &str) -> Vec<Word> {
    let known = known_beginning(secret).len();
    let mut words = vec![Word::whole(secret).or_part(SHORTEST).known(known)];
    for before in 0..3 {
        let bytes = [&[0; 2][..before], secret.as_bytes()].concat();
        let letters = |bytes: usize| (bytes * 8).div_ceil(6);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            let own = &encoded[letters(before)..bytes.len() * 8 / 6];
            let known = letters(before + known) - letters(before);
            words.push(Word::whole(own).or_part(SHORTEST).known(known));
        }
    }
    words
}

/// How all secrets of a kind begin: GitHub's tokens, and JSON Web Tokens with the name of their algorithm.
fn known_beginning(secret: &str) -> &str {
    let header = secret.starts_with("eyJ").then(|| secret.find('.')).flatten();
    match header {
        Some(end) => &secret[..end],
        None => secret.get(..11).filter(|start| *start == "github_pat_").unwrap_or_default(),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
    fn a_part_of_a_key_and_a_key_in_escapes_are_the_key() {
        let key = ApiKey::new("AIza-secret-key").unwrap();
        assert_eq!(key.redact("cut at AIza-secr…, AIza\u{1B}[1m\\-secret\u{200B}-key"), "cut at ***…, ***");
        assert_eq!(
            key.redact("ends with a-secret-key or has za-secre inside"),
            "ends with *** or has *** inside"
        );
        assert_eq!(key.redact("AIza-se et-key"), "AIza-se et-key");
        assert_eq!(
            redact_body(&key.0.search, b"\xff AIza-secret-key").as_deref(),
            Some("\u{FFFD} ***".as_bytes())
        );
        assert_eq!(redact_body(&key.0.search, b"\xff"), None);
    }

    #[test]
    fn a_key_in_base64_is_the_key() {
        let key = ApiKey::new("AIzaSyD-leak_me_0123456789-nuxyz_ABCDEF").unwrap();
        for before in ["", "k", "me", "key", "x-goog-api-key: "] {
            for part in [
                "AIzaSyD-leak_me_0123456789-nuxyz_ABCDEF",
                "D-leak_me_0123456789",
                "AIzaSyD-leak",
                "yz_ABCDEF",
            ] {
                let text = format!("{before}{part} and more");
                for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let left = key.redact(&encoded);
                    // What is left of it tells less than a letter at each end.
                    let own = (part.len() * 8 - 10) / 6;
                    assert!(
                        left.contains("***") && left.len() + own <= encoded.len() + 3,
                        "{encoded} → {left}"
                    );
                }
            }
        }
        assert_eq!(key.redact("nothing of the kind"), "nothing of the kind");
    }

    #[test]
    fn how_its_kind_begins_is_no_secret() {
        let token = Secret::new("github_pat_11ABCDEFG0123456789").unwrap();
        let web = Secret::new("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJlIQ").unwrap();
        for kept in ["github_pat_ and Z2l0aHViX3BhdF8", "eyJhbGciOiJIUzI1NiJ9.e"] {
            assert_eq!((token.redact(kept), web.redact(kept)), (kept.into(), kept.into()));
        }
        assert_eq!(token.redact("github_pat_11ABCDEFG0…"), "***…");
        assert_eq!(web.redact("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi"), "***");
    }

    #[test]
    fn a_secret_is_of_the_first_variable_that_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "ghp_from-the-file\n").unwrap();
        let of = |variables: &[(&str, &str)]| {
            let find = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            Secret::from_variables(&["OURS", "OURS_FILE", "GH_TOKEN"], find)
        };
        let sent = |variables: &[(&str, &str)]| of(variables).unwrap().map(|secret| secret.bearer());
        let path = file.to_str().unwrap();
        let theirs = ("GH_TOKEN", "ghp_theirs");
        assert_eq!(sent(&[theirs, ("OURS", "ghp_ours"), ("OURS_FILE", path)]).unwrap(), "Bearer ghp_ours");
        assert_eq!(sent(&[theirs, ("OURS", " "), ("OURS_FILE", path)]).unwrap(), "Bearer ghp_from-the-file");
        assert!(sent(&[theirs]).unwrap().is_sensitive());
        assert!(sent(&[]).is_none());
        let error = of(&[("OURS", "ghp_a ghp_b"), theirs]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("ghp_"), "{error:?}");
        let error = of(&[("OURS_FILE", "/nonexistent/token"), theirs]).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the secret in /nonexistent/token");
    }

    #[test]
    fn a_short_stand_in_does_not_tear_text_apart() {
        assert_eq!(ApiKey::new("k").unwrap().redact("a kind key"), "a kind key");
    }
}
