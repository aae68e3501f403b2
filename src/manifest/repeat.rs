//! `repeat`: how long a task that has ended is not done again.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use super::diagnostic::{Diagnostic, quoted};
use super::duration::{Period, parse_duration};
use super::located::Located;
use super::setting::{Limit, Setting, Wrong};

/// `repeat`: whether, and after what time, a `run` does a task again that it has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// Done is done: the default. A campaign converges so.
    #[default]
    Never,
    /// Again when the round in which it was done began at least so long ago: a night.
    Every(Duration),
    /// Again with every `run` that finds the last round complete: a step of a pipeline.
    Always,
}

impl Setting for Repeat {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }

    fn shown(&self) -> Option<Value> {
        match self {
            Self::Never => Some("never".into()),
            Self::Always => Some("always".into()),
            Self::Every(duration) => duration.shown(),
        }
    }

    fn check(written: &Located<Self>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        if written.value == Self::Every(Duration::ZERO) {
            let finding = Diagnostic::new(format!("`{key}` must be longer than zero"));
            wrong(finding.help("write `always` to do the work with every run"), written.span);
        }
    }
}

impl<'de> Deserialize<'de> for Repeat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.trim() {
            "never" => Ok(Self::Never),
            "always" => Ok(Self::Always),
            span if span.split_whitespace().count() >= 5 => Err(de::Error::custom(format_args!(
                "{} is no way to repeat; help: write `20h` for a round a day; the hour is said where `jules-batch run` is called, as by cron",
                quoted(span)
            ))),
            span if span.starts_with(|c: char| c.is_ascii_digit()) => {
                parse_duration(span).map(Self::Every).map_err(de::Error::custom)
            }
            "daily" | "nightly" => Err(de::Error::custom(format_args!(
                "{} is no way to repeat; help: write `20h`: what has ended so long ago is done again",
                quoted(&text)
            ))),
            "weekly" => Err(de::Error::custom(format_args!(
                "{} is no way to repeat; help: write `6d`: what has ended so long ago is done again",
                quoted(&text)
            ))),
            other => Err(de::Error::custom(format_args!(
                "{} is no way to repeat; help: write `never`, `always` or a duration such as `20h`",
                quoted(other)
            ))),
        }
    }
}

impl JsonSchema for Repeat {
    fn schema_name() -> Cow<'static, str> {
        "Repeat".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "enum": ["never", "always"] }, generator.subschema_for::<Period>()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Repeat, String> {
        serde_json::from_value(text.into()).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn a_word_or_a_time() {
        assert_eq!(read("never"), Ok(Repeat::Never));
        assert_eq!(read("always"), Ok(Repeat::Always));
        assert_eq!(read("20h"), Ok(Repeat::Every(Duration::from_secs(20 * 3_600))));
        assert!(read("daily").unwrap_err().contains("`20h`"));
        assert!(read("20").unwrap_err().contains("no unit"));
    }
}
