//! `waiting`: what is done when the agent asks or falls silent.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::located::{Located, WordOrMapping};
use super::setting::{Limit, Setting, Wrong};

/// `waiting.user-feedback`; fail by default. Its text is a template until a task is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UserFeedback<T = String> {
    /// Answer with this text, at most so often; then `needs_input`.
    Reply {
        /// What to answer; rendered, without the agent's question.
        text: T,
        /// How often in one attempt.
        max: u32,
    },
    /// `needs_input` at once.
    #[default]
    Fail,
    /// `detached`: a human will answer.
    Detach,
}

/// `waiting.stall`; fail by default. Its text is a template until a task is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StallPolicy<T = String> {
    /// Send this text, at most so often; then `stalled`.
    Nudge {
        /// What to send.
        text: T,
        /// How often in one attempt.
        max: u32,
    },
    /// `stalled` at once.
    #[default]
    Fail,
}

impl<T> UserFeedback<T> {
    pub(crate) fn try_map<U, E>(&self, map: impl FnOnce(&T) -> Result<U, E>) -> Result<UserFeedback<U>, E> {
        Ok(match self {
            Self::Reply { text, max } => UserFeedback::Reply { text: map(text)?, max: *max },
            Self::Fail => UserFeedback::Fail,
            Self::Detach => UserFeedback::Detach,
        })
    }
}

impl<T> StallPolicy<T> {
    pub(crate) fn try_map<U, E>(&self, map: impl FnOnce(&T) -> Result<U, E>) -> Result<StallPolicy<U>, E> {
        Ok(match self {
            Self::Nudge { text, max } => StallPolicy::Nudge { text: map(text)?, max: *max },
            Self::Fail => StallPolicy::Fail,
        })
    }
}

/// `waiting.user-feedback` as written.
#[derive(Clone, Debug)]
pub(crate) enum Feedback {
    Fail,
    Detach,
    Reply(Reply),
}

/// Answer with a text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Reply {
    /// What to answer; takes `${{ … }}`.
    pub(crate) reply: Located<String>,
    /// How often in one attempt.
    #[schemars(range(min = 1), extend("default" = MAX))]
    pub(crate) max: Option<Located<u32>>,
}

/// `waiting.stall` as written.
#[derive(Clone, Debug)]
pub(crate) enum Stall {
    Fail,
    Nudge(Nudge),
}

/// Send a text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Nudge {
    /// What to send; takes `${{ … }}`.
    pub(crate) nudge: Located<String>,
    /// How often in one attempt.
    #[schemars(range(min = 1), extend("default" = MAX))]
    pub(crate) max: Option<Located<u32>>,
}

/// How often a text is sent in one attempt where `max` is not written.
const MAX: u32 = 1;

fn check_text(
    (name, text): (&str, &Located<String>),
    max: Option<&Located<u32>>,
    key: &str,
    wrong: &mut Wrong<'_>,
) {
    if let Some(max) = max {
        u32::check(max, &format!("{key}.max"), &[Limit::AtLeast(1)], wrong);
    }
    if text.trim().is_empty() {
        wrong(Diagnostic::new(format!("`{key}.{name}` is empty")), text.span);
    }
}

impl Setting for UserFeedback<Located<String>> {
    type Written = Feedback;

    fn meant(written: Located<Feedback>) -> Self {
        match written.value {
            Feedback::Fail => Self::Fail,
            Feedback::Detach => Self::Detach,
            Feedback::Reply(Reply { reply, max }) => {
                Self::Reply { text: reply, max: max.map_or(MAX, |max| max.value) }
            }
        }
    }

    fn shown(&self) -> Option<Value> {
        matches!(self, Self::Fail).then(|| "fail".into())
    }

    fn check(written: &Located<Feedback>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        if let Feedback::Reply(Reply { reply, max }) = &written.value {
            check_text(("reply", reply), max.as_ref(), key, wrong);
        }
    }
}

impl Setting for StallPolicy<Located<String>> {
    type Written = Stall;

    fn meant(written: Located<Stall>) -> Self {
        match written.value {
            Stall::Fail => Self::Fail,
            Stall::Nudge(Nudge { nudge, max }) => {
                Self::Nudge { text: nudge, max: max.map_or(MAX, |max| max.value) }
            }
        }
    }

    fn shown(&self) -> Option<Value> {
        matches!(self, Self::Fail).then(|| "fail".into())
    }

    fn check(written: &Located<Stall>, key: &str, _: &[Limit], wrong: &mut Wrong<'_>) {
        if let Stall::Nudge(Nudge { nudge, max }) = &written.value {
            check_text(("nudge", nudge), max.as_ref(), key, wrong);
        }
    }
}

impl<'de> Deserialize<'de> for Feedback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrMapping {
            expected: "`fail`, `detach` or `{ reply: …, max: … }`",
            word: |text| match text {
                "fail" => Some(Self::Fail),
                "detach" => Some(Self::Detach),
                _ => None,
            },
            mapping: Self::Reply,
        })
    }
}

impl JsonSchema for Feedback {
    fn schema_name() -> Cow<'static, str> {
        "UserFeedback".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "enum": ["fail", "detach"] }, generator.subschema_for::<Reply>()] })
    }
}

impl<'de> Deserialize<'de> for Stall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrMapping {
            expected: "`fail` or `{ nudge: …, max: … }`",
            word: |text| (text == "fail").then_some(Self::Fail),
            mapping: Self::Nudge,
        })
    }
}

impl JsonSchema for Stall {
    fn schema_name() -> Cow<'static, str> {
        "StallPolicy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "fail" }, generator.subschema_for::<Nudge>()] })
    }
}
