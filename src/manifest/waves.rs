//! `strategy.waves`: which repositories come first, and what lets the next ones follow.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diagnostic::{Diagnostic, quoted};
use super::located::Located;
use super::setting::Limit::NotZero;
use super::setting::{Limit, Setting, Wrong, settings};

const HOUR: Duration = Duration::from_secs(60 * 60);

settings! {
    /// `strategy.waves`: repositories one set after the other.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Waves, written WaveKeys {
        /// How many repositories each wave has: counts, or shares such as `10%` of all; at least one, and the last size repeats.
        sizes: Vec<WaveSize> = vec![WaveSize::Count(2), WaveSize::Percent(10.0), WaveSize::Percent(100.0)];
        /// Which repositories come first: `spread` (by a hash of their names) or `manifest`.
        order: WaveOrder;
        /// What lets the next wave begin.
        pass: WavePass;
        /// What follows a wave that has passed: `continue`, or `ask` for a person's word.
        then: Then;
    }
}

settings! {
    /// `strategy.waves.pass`: what lets the next wave begin.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct WavePass, written WavePassKeys {
        /// What makes a task of the wave a success: its session has `ended` well, the `checks` of its pull request have passed, or
        /// that is `merged`.
        when: PassWhen;
        /// How many of the wave's tasks have to be a success, as a share.
        min_success: Share = Share(90.0);
        /// How long a wave may take; after that later waves wait for a person.
        within: Duration = 24 * HOUR, NotZero;
        /// How long the success has to last before the next wave begins.
        soak: Duration = Duration::ZERO;
    }
}

/// How many repositories a wave has: at least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WaveSize {
    /// So many.
    Count(usize),
    /// So many of a hundred of all repositories, rounded up.
    Percent(f64),
}

/// So many of a hundred, 0–100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

/// Which repositories come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaveOrder {
    /// By a hash of their names, so that those of one owner or kind do not all come first: the default.
    #[default]
    Spread,
    /// As in the manifest.
    Manifest,
}

/// What makes a task of a wave a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PassWhen {
    /// Its session has ended well: the default.
    #[default]
    Ended,
    /// The checks of its pull request have passed.
    Checks,
    /// Its pull request is merged.
    Merged,
}

/// What follows a wave that has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// The next one: the default.
    #[default]
    Continue,
    /// A person's word.
    Ask,
}

impl Setting for Vec<WaveSize> {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }

    fn shown(&self) -> Option<Value> {
        let shown = |size: &WaveSize| match size {
            WaveSize::Count(count) => Value::from(*count),
            WaveSize::Percent(share) => format!("{share}%").into(),
        };
        Some(self.iter().map(shown).collect())
    }

    fn check(written: &Located<Self>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        if written.value.is_empty() {
            let finding = Diagnostic::new(format!("`{key}` is empty"));
            wrong(finding.help("write for example `[2, 10%, 100%]`"), written.span);
        }
        let nothing = |size: &WaveSize| matches!(size, WaveSize::Count(0) | WaveSize::Percent(0.0));
        if written.value.iter().any(nothing) {
            let finding = Diagnostic::new(format!("`{key}` has a wave without a repository"));
            wrong(finding.help("write for example `[2, 10%, 100%]`"), written.span);
        }
    }
}

impl Setting for Share {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }

    fn shown(&self) -> Option<Value> {
        Some(format!("{}%", self.0).into())
    }
}

/// The number of a text such as `12.5%`.
fn percent(text: &str) -> Option<f64> {
    let share: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&share).then_some(share)
}

impl<'de> Deserialize<'de> for WaveSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let count = || text.parse::<u32>().ok().map(|count| Self::Count(count as usize));
        percent(&text).map(Self::Percent).or_else(count).ok_or_else(|| {
            let text = quoted(&text);
            de::Error::custom(format_args!(
                "{text} is neither a count nor a share; help: write for example `5` or `25%`"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        percent(&text).map(Self).ok_or_else(|| {
            let text = quoted(&text);
            de::Error::custom(format_args!("{text} is no share; help: write for example `90%`"))
        })
    }
}

impl JsonSchema for WaveSize {
    fn schema_name() -> Cow<'static, str> {
        "WaveSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^([0-9]+|(100|[0-9]{1,2})(\\.[0-9]+)?%)$" }],
        })
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(100|[0-9]{1,2})(\\.[0-9]+)?%$" })
    }
}
