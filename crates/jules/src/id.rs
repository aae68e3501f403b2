//! Names of resources: texts that are safe to put into a URL's path.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// Longer ids are refused; the service's own have some twenty characters.
const MAX_SEGMENT: usize = 256;

/// Why a text is not an id or a resource name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

impl InvalidId {
    pub(super) fn new(text: &str, expected: &'static str) -> Self {
        let text = text.chars().take(80).flat_map(char::escape_debug).collect();
        Self { text, expected }
    }
}

/// Whether `text` is one path segment that means nothing but itself: no separators, no `.`/`..`, no escapes.
pub(super) fn is_segment(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    !text.is_empty()
        && text.len() <= MAX_SEGMENT
        && text.bytes().all(plain)
        && !text.bytes().all(|b| b == b'.')
}

/// The id in the address of a session's page: `https://jules.google.com/session/123`, and with `task` as pull requests
/// name it. Other pages have such parts as well, but no number there.
fn id_of_page(text: &str) -> Option<String> {
    let page = match text.strip_prefix("jules.google.com/") {
        Some(_) => Url::parse(&format!("https://{text}")),
        None => Url::parse(text),
    };
    let page = page.ok().filter(|page| matches!(page.scheme(), "https" | "http"))?;
    let mut parts =
        page.path_segments()?.skip_while(|part| !matches!(*part, "session" | "sessions" | "task"));
    let id = parts.nth(1)?;
    id.bytes().all(|b| b.is_ascii_digit()).then(|| id.to_owned())
}

/// Whether a text has the form of the service's own ids.
pub(super) fn is_session_number(text: &str) -> bool {
    matches!(text.len(), 16..=20) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The id in the branch of a session's pull request: `slug-ID`, with `/` in the slug perhaps, or `jules-ID-8f3a2b1c`.
/// Only a number as long as the service's ids is surely one: branches end with versions and dates as well.
fn id_of_branch(text: &str) -> Option<String> {
    let is_hash = |part: &str| part.len() == 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
    let is_other =
        text.contains(':') || text.starts_with("jules.google.com/") || text.starts_with("sessions/");
    let (slug, last) = text.rsplit_once('-').filter(|_| !is_other)?;
    let id = match slug.rsplit_once('-') {
        Some((jules, id))
            if is_hash(last) && is_session_number(id) && jules.rsplit('/').next() == Some("jules") =>
        {
            id
        }
        _ if is_session_number(last) && !slug.is_empty() => last,
        _ => return None,
    };
    Some(id.to_owned())
}

macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident, $collection:literal, $expected:literal, $of_page:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes an id in any form that is named above.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] when it is none, empty, longer than 256 characters, or holds anything but ASCII letters,
            /// digits, `-`, `_`, `.` and `~`.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let text = text.trim();
                let of_page: Option<String> = $of_page(text);
                let text = of_page.as_deref().unwrap_or(text);
                let id = match text.rsplit_once(concat!($collection, "/")) {
                    Some((before, id)) if before.is_empty() || before.ends_with('/') => id,
                    _ => text,
                };
                let id = id.strip_suffix('/').unwrap_or(id);
                if is_segment(id) { Ok(Self(id.into())) } else { Err(InvalidId::new(text, $expected)) }
            }

            /// The id alone, without the collection's name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        text_traits!($name);
    };
}

macro_rules! text_traits {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl From<&$name> for String {
            fn from(name: &$name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

resource_id! {
    /// A session's id. The service's are decimal numbers that can exceed 64 bits, so it stays text.
    ///
    /// `314…`, `sessions/314…` and the addresses of its page are understood: `https://jules.google.com/session/314…`, and
    /// `https://jules.google.com/task/314…`, which pull requests link to; and the branch of its pull request, which
    /// ends with the id (`fix-typos-314…`) or is `jules-314…-8f3a2b1c`.
    SessionId,
    "sessions",
    "a session's id (`123`), name (`sessions/123`), page (`https://jules.google.com/session/123`) \
     or branch (`fix-typos-1234567890123456789`)",
    |text| id_of_page(text).or_else(|| id_of_branch(text))
}

resource_id! {
    /// An activity's id within its session.
    ///
    /// `abc` and `sessions/314/activities/abc` are both understood.
    ActivityId, "activities", "an activity's id (`abc` or `sessions/123/activities/abc`)", |_| None
}

impl SessionId {
    /// The session that a pull request's branch names, if it surely does.
    pub(super) fn of_branch(branch: &str) -> Option<Self> {
        id_of_branch(branch).and_then(|id| Self::new(&id).ok())
    }

    /// The resource name: `sessions/{id}`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("sessions/{}", self.0)
    }
}

/// A source's resource name: `sources/github/{owner}/{repo}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// Takes `owner/repo`, `github/owner/repo` or a whole `sources/…` name.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when it is none of these, or when a part holds anything but ASCII letters, digits, `-`, `_`, `.`
    /// and `~`.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        const EXPECTED: &str = "a source (`owner/repo` or `sources/github/owner/repo`)";
        let text = text.trim();
        let segments: Vec<&str> = text.split('/').collect();
        if !segments.iter().all(|segment| is_segment(segment)) {
            return Err(InvalidId::new(text, EXPECTED));
        }
        match segments.as_slice() {
            ["sources", _, ..] => Ok(Self(text.into())),
            ["github", _, _] => Ok(Self(format!("sources/{text}").into())),
            [_, _] => Ok(Self(format!("sources/github/{text}").into())),
            _ => Err(InvalidId::new(text, EXPECTED)),
        }
    }

    /// The whole name, `sources/…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `owner/repo` when it is a GitHub source.
    #[must_use]
    pub fn github(&self) -> Option<&str> {
        self.0.strip_prefix("sources/github/").filter(|rest| rest.split('/').count() == 2)
    }
}

text_traits!(SourceName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_alone_or_at_the_end_of_a_name() {
        assert_eq!(SessionId::new("123").unwrap().as_str(), "123");
        assert_eq!(SessionId::new("sessions/123").unwrap().as_str(), "123");
        assert_eq!(SessionId::new("123").unwrap().name(), "sessions/123");
        assert_eq!(ActivityId::new("sessions/1/activities/a-b").unwrap().as_str(), "a-b");
        assert_eq!(ActivityId::new("activities/a").unwrap().as_str(), "a");
    }

    #[test]
    fn a_session_has_many_names() {
        for before in [
            "",
            "sessions/",
            "https://jules.google.com/session/",
            "https://jules.google.com/task/",
            "http://127.0.0.1:8080/session/",
            "https://jules.google.com/u/0/sessions/",
            "jules.google.com/task/",
        ] {
            for behind in ["", "/"] {
                let name = format!(" {before}123{behind}\n");
                assert_eq!(name.parse::<SessionId>().unwrap().as_str(), "123", "{name:?}");
            }
        }
        for behind in ["?pli=1", "/?pli=1#top", "#top", "/code?x=1#y"] {
            let page = format!("https://jules.google.com/task/123{behind}");
            assert_eq!(page.parse::<SessionId>().unwrap().as_str(), "123", "{page}");
        }
        for page in [
            "https://jules.google.com/",
            "https://jules.google.com/session/",
            "https://jules.google.com/session/new",
            "https://github.com/o/task/pull/7",
            "ftp://jules.google.com/session/123",
            "https://jules.google.com/settings/123",
        ] {
            assert!(SessionId::new(page).is_err(), "{page:?} was taken");
        }
    }

    #[test]
    fn the_branch_of_a_pull_request_names_its_session() {
        const ID: &str = "1234567890123456789";
        for branch in [
            format!("fix-typos-{ID}"),
            format!("feature/fix-typos-{ID}"),
            format!("origin/refactor/2-{ID}"),
            format!("jules-{ID}-8f3a2b1c"),
            format!("refs/heads/jules-{ID}-01234567"),
        ] {
            assert_eq!(SessionId::new(&branch).unwrap().as_str(), ID, "{branch}");
        }
        for (text, kept) in [
            ("release-2026", "release-2026"),
            ("build-20261122020005", "build-20261122020005"),
            ("jules-8f3a2b1c", "jules-8f3a2b1c"),
            ("-1234567890123456789", "-1234567890123456789"),
            ("sessions/-1234567890123456789", "-1234567890123456789"),
            ("other-1234567890123456789-8f3a2b1c", "other-1234567890123456789-8f3a2b1c"),
        ] {
            assert_eq!(SessionId::new(text).unwrap().as_str(), kept, "not surely a branch");
        }
        for page in [
            "https://github.com/o/fix-1234567890123456789",
            "https://github.com/o/r/tree/x-1234567890123456789",
            "jules.google.com/x-1234567890123456789",
        ] {
            assert!(SessionId::new(page).is_err(), "{page} was taken");
        }
    }

    #[test]
    fn ids_beyond_64_bits_stay_exact() {
        let text = "31415926535897932384626433832795028841971";
        assert_eq!(SessionId::new(text).unwrap().to_string(), text);
    }

    #[test]
    fn ids_that_could_alter_the_path_are_refused() {
        for text in
            ["", " ", ".", "..", "1/2", "1:archive", "1?x", "1#x", "%2e", "a b", "1\n", "ü", "sessions/"]
        {
            let text = if text == "1\n" { "1\n2" } else { text };
            assert!(SessionId::new(text).is_err(), "{text:?} was taken");
        }
        assert!(SessionId::new(&"9".repeat(257)).is_err());
    }

    #[test]
    fn a_refused_id_is_shown_without_control_characters() {
        let error = SessionId::new("\u{1b}[31mred").unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn sources_are_understood_in_all_forms() {
        for text in ["o/r", "github/o/r", "sources/github/o/r"] {
            let name = SourceName::new(text).unwrap();
            assert_eq!(name.as_str(), "sources/github/o/r");
            assert_eq!(name.github(), Some("o/r"));
        }
        let other = SourceName::new("sources/abc").unwrap();
        assert_eq!((other.as_str(), other.github()), ("sources/abc", None));
    }

    #[test]
    fn sources_that_could_alter_the_path_are_refused() {
        for text in ["repo", "o/../r", "o//r", "a/b/c", "https://github.com/o/r", "o/r?x", "sources/", "/o/r"]
        {
            assert!(SourceName::new(text).is_err(), "{text:?} was taken");
        }
    }
}
