//! Which of the service's accounts a manifest's runs count for, and what they are to have of it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diagnostic::{Diagnostic, quoted};
use super::located::Located;
use super::setting::{Limit, Setting, Wrong};

/// The longest name of an account.
const LONGEST: usize = 64;

/// The name of an account of the service: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountName(String);

impl AccountName {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for AccountName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=LONGEST).contains(&text.len()) && text.chars().all(is_plain) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{} is no name of an account; use up to {LONGEST} letters, digits, `-`, `_` and `.`",
            quoted(text)
        ))
    }
}

impl<'de> Deserialize<'de> for AccountName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for AccountName {
    fn schema_name() -> Cow<'static, str> {
        "AccountName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" })
    }
}

impl Setting for AccountName {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }

    fn shown(&self) -> Option<Value> {
        Some(self.0.as_str().into())
    }
}

/// How many of an account's live sessions a manifest's runs are to have where others want them as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountShare {
    /// So many.
    Slots(u32),
    /// This percentage of them, 1–100.
    Percent(u8),
}

impl<'de> Deserialize<'de> for AccountShare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let share = match text.strip_suffix('%') {
            Some(share) => share.trim().parse().ok().filter(|share| *share <= 100).map(Self::Percent),
            None => text.parse().ok().map(Self::Slots),
        };
        share.ok_or_else(|| {
            de::Error::custom(format_args!(
                "{} is neither a count nor a share; help: write for example `4` or `40%`",
                quoted(&text)
            ))
        })
    }
}

impl JsonSchema for AccountShare {
    fn schema_name() -> Cow<'static, str> {
        "AccountShare".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^([1-9][0-9]*|(100|[1-9][0-9]?)%)$" }],
        })
    }
}

impl Setting for AccountShare {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }

    fn check(written: &Located<Self>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        if matches!(written.value, Self::Slots(0) | Self::Percent(0)) {
            let finding = Diagnostic::new(format!("`{key}` of 0 would leave nothing where others want all"));
            wrong(finding.help("write at least `1` or `1%`, or remove it"), written.span);
        }
    }
}
