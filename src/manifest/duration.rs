//! Durations as people write them: `250ms`, `90s`, `45m`, `2h30m`, `90d`.

use std::borrow::Cow;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};

use super::diagnostic::quoted;

/// The longest duration that a manifest may name: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A duration in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period(pub(crate) Duration);

/// Reads `250ms`, `90s`, `45m`, `2h30m`, `90d`; `m` is minutes, and a day has 24 hours. jiff's friendly format without its
/// other calendar units.
///
/// # Errors
///
/// Why the text is not such a duration, and what would be: months and years (their length varies), negative ones,
/// a bare number, more than a year.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let not_one = || format!("{} is not a duration", quoted(text));
    if text.parse::<f64>().is_ok() {
        return Err(format!(
            "{} has no unit; help: write `{text}s` for seconds or `{text}m` for minutes",
            quoted(text)
        ));
    }
    let (days, rest) = days(text);
    let rest = if rest.is_empty() && days > 0 { Ok(SignedDuration::ZERO) } else { rest.parse() };
    let signed = rest.map_err(|_| {
        let calendar = ["mo", "y", "w"].iter().any(|unit| has_unit(text, unit));
        let help = if calendar {
            "weeks and longer are written in days, for example `14d`"
        } else {
            "write for example `250ms`, `90s`, `45m`, `2h30m` or `90d`"
        };
        format!("{}; help: {help}", not_one())
    })?;
    let duration = Duration::try_from(signed).map_err(|_| format!("{} is negative", quoted(text)))?;
    let duration = duration.saturating_add(Duration::from_secs(days.saturating_mul(24 * 60 * 60)));
    if duration > LONGEST {
        return Err(format!("{} is longer than a year", quoted(text)));
    }
    Ok(duration)
}

/// The whole days that a text begins with, and what follows them.
fn days(text: &str) -> (u64, &str) {
    let written = text.split_once('d').and_then(|(days, rest)| Some((days.parse().ok()?, rest.trim_start())));
    written.unwrap_or((0, text))
}

/// Whether a number in `text` is followed by a unit that starts so.
fn has_unit(text: &str, unit: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let starts = text.match_indices(unit).map(|(at, _)| at);
    starts.into_iter().any(|at| text[..at].trim_end().ends_with(|c: char| c.is_ascii_digit()))
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: `250ms`, `90s`, `45m`, `2h30m`, `90d`; `m` is minutes.",
            "type": "string",
            "pattern": "^[0-9]",
            "examples": ["250ms", "90s", "45m", "2h30m", "90d"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_written() {
        let cases = [
            ("250ms", 250),
            ("90s", 90_000),
            ("45m", 2_700_000),
            ("2h30m", 9_000_000),
            ("1h 5m", 3_900_000),
            ("0s", 0),
            ("90d", 7_776_000_000),
            ("1d 12h", 129_600_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_says_why() {
        for (text, part) in [
            ("90", "write `90s`"),
            ("-5m", "negative"),
            ("3mo", "in days"),
            ("1y", "in days"),
            ("2w", "in days"),
            ("d", "for example"),
            ("1.5d", "for example"),
            ("99999999999999999999d", "for example"),
            ("400d", "longer than a year"),
            ("45M2", "for example"),
            ("", "for example"),
            ("soon", "for example"),
            ("99999h", "longer than a year"),
        ] {
            let message = parse_duration(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn capital_m_is_not_taken_for_months() {
        assert!(parse_duration("45M").is_err());
    }
}
