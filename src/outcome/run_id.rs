//! A run's id.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A run's id: the second it began in UTC and four random hex digits, `20261122-020005-7c1f`.
///
/// Ids sort by time. The four digits stand in the marker of every session of the run.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Arc<str>);

impl RunId {
    /// The id of a run that begins now; `random` gives the four digits.
    #[must_use]
    pub fn new(began: Timestamp, random: u16) -> Self {
        let second = began.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%d-%H%M%S");
        Self(format!("{second}-{random:04x}").into())
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The four digits that markers carry.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let digits = |part: Option<&str>, len, radix| {
            part.is_some_and(|p| p.len() == len && p.chars().all(|c| c.is_digit(radix)))
        };
        let fits = digits(parts.next(), 8, 10)
            && digits(parts.next(), 6, 10)
            && digits(parts.next(), 4, 16)
            && parts.next().is_none();
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(format!("`{text}` is not a run id such as 20261122-020005-7c1f"))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_the_second_and_four_digits() {
        let id = RunId::new("2026-11-22T02:00:05.9Z".parse().unwrap(), 0x7c1f);
        assert_eq!(id.as_str(), "20261122-020005-7c1f");
        assert_eq!(id.short(), "7c1f");
        assert_eq!(id.as_str().parse::<RunId>().unwrap(), id);
    }

    #[test]
    fn refuses_what_is_not_an_id() {
        for text in
            ["", "x", "20261122-020005-7c1", "20261122-020005-7c1f-", "2026112é-02000-7c1f", "../../etc"]
        {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
