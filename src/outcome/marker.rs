//! The marker that ends a session's title and tells whose session it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::outcome::RunId;
use crate::plan::TaskKey;
use jules::TitleMarker;

/// How many digits of the key there can be.
const KEY_DIGITS: [usize; 2] = [8, 16];

/// ` [jb-<key16>-<run4>-<attempt>]` at the end of a session's title; that of an older program has eight digits of the key.
///
/// The API has no idempotency key, so a create whose answer is lost is settled by looking for its marker.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Marker {
    key: String,
    run: String,
    attempt: u32,
}

impl Marker {
    /// The marker of a task's attempt in a run; attempts count from 1.
    #[must_use]
    pub fn new(key: &TaskKey, run: &RunId, attempt: u32) -> Self {
        Self { key: key.short().to_owned(), run: run.short().to_owned(), attempt }
    }

    /// The marker that ends this title, if one does.
    #[must_use]
    pub fn of_title(title: &str) -> Option<Self> {
        TitleMarker::of_title(title)?.to_string().parse().ok()
    }

    /// The title of a session: the task's own with the marker behind it, in one line of at most 200 characters.
    #[must_use]
    pub fn title(&self, title: &str) -> String {
        let marker = self.to_string();
        // Nothing but a damaged key is no word.
        TitleMarker::new(&marker).map_or(marker, |marker| marker.title(title))
    }

    /// Whether it belongs to this task, whatever the run and the attempt.
    #[must_use]
    pub fn is_of_task(&self, key: &TaskKey) -> bool {
        key.short().starts_with(&self.key)
    }

    /// Whether both are the marker of one attempt, one of them perhaps as an older program wrote it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let is_key = self.key.starts_with(&other.key) || other.key.starts_with(&self.key);
        is_key && (&self.run, self.attempt) == (&other.run, other.attempt)
    }

    /// Whether it belongs to this run.
    #[must_use]
    pub fn is_of_run(&self, run: &RunId) -> bool {
        self.run == run.short()
    }

    /// The first sixteen characters of the task's key; eight in the marker of an older program.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part of its run's id that it carries.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The attempt, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[jb-{}-{}-{}]", self.key, self.run, self.attempt)
    }
}

impl FromStr for Marker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a marker such as [jb-0123456789abcdef-7c1f-1]");
        let inner = text.strip_prefix("[jb-").and_then(|rest| rest.strip_suffix(']')).ok_or_else(wrong)?;
        let mut parts = inner.split('-');
        let mut hex = |lengths: &[usize]| {
            let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let part =
                parts.next().filter(|part| lengths.contains(&part.len()) && part.bytes().all(is_digit));
            part.map(str::to_owned).ok_or_else(wrong)
        };
        let (key, run) = (hex(&KEY_DIGITS)?, hex(&[4])?);
        let attempt = parts.next().and_then(|p| p.parse().ok()).ok_or_else(wrong)?;
        if parts.next().is_some() {
            return Err(wrong());
        }
        Ok(Self { key, run, attempt })
    }
}

impl TryFrom<String> for Marker {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Marker> for String {
    fn from(marker: Marker) -> Self {
        marker.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        let run = RunId::new("2026-11-22T02:00:05Z".parse().unwrap(), 0x7c1f);
        Marker::new(&TaskKey::new("0123456789abcdef01"), &run, 2)
    }

    #[test]
    fn is_found_at_the_end_of_a_title() {
        let title = marker().title("Upgrade serde\n in web");
        assert_eq!(title, "Upgrade serde in web [jb-0123456789abcdef-7c1f-2]");
        assert_eq!(Marker::of_title(&title), Some(marker()));
        assert_eq!(Marker::of_title(&format!("{title} \n")), Some(marker()));
    }

    #[test]
    fn survives_a_title_without_end() {
        let title = marker().title(&"ü".repeat(5_000));
        assert!(title.chars().count() <= 200);
        assert_eq!(Marker::of_title(&title), Some(marker()));
        assert_eq!(marker().title(""), "[jb-0123456789abcdef-7c1f-2]");
    }

    #[test]
    fn one_of_an_older_program_is_still_read() {
        let old = Marker::of_title("Fix it [jb-01234567-7c1f-2]").unwrap();
        assert!(old.is_of_task(&TaskKey::new("0123456789abcdef01")) && old.is_same(&marker()));
        assert!(!old.is_of_task(&TaskKey::new("0123456889abcdef01")));
        let next = Marker::of_title("Fix it [jb-01234567-7c1f-3]").unwrap();
        assert!(!next.is_same(&marker()));
    }

    #[test]
    fn is_not_found_elsewhere() {
        for title in [
            "",
            "[",
            "Fix [jb-0123abcd-7c1f-2] later",
            "[jb-0123abcd-7c1f]",
            "[jb-0123abcdef-7c1f-2]",
            "[jb-0123ABCD-7c1f-2]",
            "[jb-0123abcd-7c1f-2-3]",
            "[jb-0123abcd-7c1f-x]",
        ] {
            assert_eq!(Marker::of_title(title), None, "{title}");
        }
    }
}
