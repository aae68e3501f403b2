//! A manifest as written: every key of version 1, nothing filled in.
//!
//! The doc comments of this module and of [`super::job`] are the descriptions in the JSON Schema that editors show.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::duration::Period;
use super::job::{Defaults, Job};
use super::located::{Located, Table};
use super::policy::{Backoff, PlanApproval, PollStrategy, RetryOn};

/// A manifest of jules-batch: prompts × sources. Strings take `${{ … }}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "jules-batch manifest", extend("patternProperties" = { "^x-": true }))]
pub(crate) struct Written {
    /// The manifest format's version: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: Option<Located<u32>>,
    /// The run's name in reports; the file's name without its extension by default. Part of every task's key.
    pub(crate) name: Option<Located<String>>,
    /// Values for `${{ vars.NAME }}`; `--var NAME=VALUE` wins over them. A variable with the value `~` must be given so.
    pub(crate) vars: Option<Table<Literal>>,
    /// The environment variables that `${{ env.NAME }}` may read.
    pub(crate) env: Option<Vec<Located<String>>>,
    /// Keys for every job that does not set them itself.
    pub(crate) defaults: Option<Defaults>,
    /// How many sessions at once, and when to start no more.
    pub(crate) strategy: Option<Strategy>,
    /// What may be asked of the service.
    pub(crate) limits: Option<Limits>,
    /// How long things may take.
    pub(crate) timeouts: Option<RunTimeouts>,
    /// How a create whose answer was lost is settled.
    pub(crate) create: Option<Create>,
    /// How live sessions are watched.
    pub(crate) poll: Option<Poll>,
    /// What to do when a session waits.
    pub(crate) waiting: Option<Waiting>,
    /// When to try a task again with a new session.
    pub(crate) retries: Option<Retries>,
    /// What is to be done.
    #[schemars(length(min = 1))]
    pub(crate) jobs: Located<Vec<Located<Job>>>,
}

/// `strategy`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Strategy {
    /// Upper bound on live sessions; 3 by default.
    #[schemars(range(min = 1))]
    pub(crate) max_parallel: Option<Located<u32>>,
    /// The first failed task stops new ones; off by default.
    pub(crate) fail_fast: Option<bool>,
    /// So many failed tasks stop new ones: a count, or a share of the run's tasks such as `25%`.
    pub(crate) max_failures: Option<Located<MaxFailures>>,
    /// At most so many sessions are started in one invocation.
    #[schemars(range(min = 1))]
    pub(crate) max_tasks: Option<Located<u32>>,
}

/// `limits`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Limits {
    /// All requests together, a minute; 100 by default.
    #[schemars(range(min = 1))]
    pub(crate) requests_per_minute: Option<Located<u32>>,
    /// Sessions created, a minute; 20 by default.
    #[schemars(range(min = 1))]
    pub(crate) creates_per_minute: Option<Located<u32>>,
    /// Listings of activities, a minute; 100 by default.
    #[schemars(range(min = 1))]
    pub(crate) activities_per_minute: Option<Located<u32>>,
    /// Sessions created within a rolling 24 h; no bound by default.
    #[schemars(range(min = 1))]
    pub(crate) sessions_per_day: Option<Located<u32>>,
    /// How long creates may be refused for capacity with nothing of ours live before the rest is deferred; 30m by
    /// default.
    pub(crate) capacity_wait: Option<Located<Period>>,
}

/// `timeouts` of the manifest.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RunTimeouts {
    /// One attempt at a task, from its intent to its end; 2h by default.
    pub(crate) task: Option<Located<Period>>,
    /// Silence of the agent that counts as a stall; 20m by default.
    pub(crate) stall: Option<Located<Period>>,
    /// How long a completed session without outputs is read again; 30s by default.
    pub(crate) settle: Option<Located<Period>>,
    /// The whole run, from the start of the invocation; no bound by default.
    pub(crate) run: Option<Located<Period>>,
    /// One request; 30s by default.
    pub(crate) request: Option<Located<Period>>,
}

/// `timeouts` of a job.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TaskTimeouts {
    /// One attempt at a task, from its intent to its end.
    pub(crate) task: Option<Located<Period>>,
    /// Silence of the agent that counts as a stall.
    pub(crate) stall: Option<Located<Period>>,
    /// How long a completed session without outputs is read again.
    pub(crate) settle: Option<Located<Period>>,
}

/// `create`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Create {
    /// How often to look for the session before creating it again; 3 by default.
    #[schemars(range(min = 1))]
    pub(crate) looks: Option<Located<u32>>,
    /// The pause between two looks; 10s by default.
    pub(crate) look_delay: Option<Located<Period>>,
    /// A finished session of the same task is adopted when it was created within this time; 6h by default.
    pub(crate) adopt_within: Option<Located<Period>>,
}

/// `poll`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Poll {
    /// The usual distance between two looks at one session; 10s by default.
    pub(crate) interval: Option<Located<Period>>,
    /// Which request asks; `auto` by default.
    pub(crate) strategy: Option<PollStrategy>,
}

/// `waiting`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Waiting {
    /// The session's plan waits for an approval; `approve` by default.
    pub(crate) plan_approval: Option<PlanApproval>,
    /// The agent asks; `fail` by default.
    pub(crate) user_feedback: Option<Feedback>,
    /// The agent is silent for `timeouts.stall`; `fail` by default.
    pub(crate) stall: Option<Stall>,
}

/// `retries`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Retries {
    /// How many further attempts; 0 by default.
    #[schemars(range(max = 100))]
    pub(crate) count: Option<Located<u32>>,
    /// The outcomes that are tried again; `error`, `stalled` and `timed_out` by default.
    pub(crate) on: Option<Vec<RetryOn>>,
    /// How the pause grows; `exponential` by default.
    pub(crate) backoff: Option<Backoff>,
    /// The first pause; 30s by default.
    pub(crate) delay: Option<Located<Period>>,
    /// The longest pause; 10m by default.
    pub(crate) max_delay: Option<Located<Period>>,
    /// Whether the pause is drawn between zero and its full length; on by default.
    pub(crate) jitter: Option<bool>,
}

/// `waiting.user-feedback`.
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
    /// How often in one attempt; 1 by default.
    #[schemars(range(min = 1))]
    pub(crate) max: Option<Located<u32>>,
}

/// `waiting.stall`.
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
    /// How often in one attempt; 1 by default.
    #[schemars(range(min = 1))]
    pub(crate) max: Option<Located<u32>>,
}

/// `strategy.max-failures`: a count, or per cent of the run's tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MaxFailures {
    Count(u32),
    Percent(f64),
}

/// A value of the user's choice: text, number, boolean, null, list or mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal(pub(crate) serde_json::Value);

impl<'de> Deserialize<'de> for Feedback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FeedbackVisitor;

        impl<'de> Visitor<'de> for FeedbackVisitor {
            type Value = Feedback;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`fail`, `detach` or `{ reply: …, max: … }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Feedback, E> {
                match text {
                    "fail" => Ok(Feedback::Fail),
                    "detach" => Ok(Feedback::Detach),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Feedback, A::Error> {
                Reply::deserialize(de::value::MapAccessDeserializer::new(access)).map(Feedback::Reply)
            }
        }

        deserializer.deserialize_any(FeedbackVisitor)
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
        struct StallVisitor;

        impl<'de> Visitor<'de> for StallVisitor {
            type Value = Stall;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`fail` or `{ nudge: …, max: … }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stall, E> {
                match text {
                    "fail" => Ok(Stall::Fail),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Stall, A::Error> {
                Nudge::deserialize(de::value::MapAccessDeserializer::new(access)).map(Stall::Nudge)
            }
        }

        deserializer.deserialize_any(StallVisitor)
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

impl<'de> Deserialize<'de> for MaxFailures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            let text = super::diagnostic::quoted(&text);
            de::Error::custom(format_args!(
                "{text} is neither a count nor a share; help: write for example `5` or `25%`"
            ))
        };
        match text.strip_suffix('%') {
            Some(share) => {
                let share: f64 = share.trim().parse().map_err(|_| wrong())?;
                if (0.0..=100.0).contains(&share) { Ok(Self::Percent(share)) } else { Err(wrong()) }
            }
            None => text.parse().map(Self::Count).map_err(|_| wrong()),
        }
    }
}

impl JsonSchema for MaxFailures {
    fn schema_name() -> Cow<'static, str> {
        "MaxFailures".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^([0-9]+|(100|[0-9]{1,2})(\\.[0-9]+)?%)$" }],
        })
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiteralVisitor)
    }
}

struct LiteralVisitor;

impl<'de> Visitor<'de> for LiteralVisitor {
    type Value = Literal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Literal, E> {
        Ok(Literal(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Literal, E> {
        Ok(Literal(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Literal, E> {
        Ok(Literal(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Literal, E> {
        Ok(Literal(value.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Literal, E> {
        Ok(Literal(text.into()))
    }

    fn visit_unit<E>(self) -> Result<Literal, E> {
        Ok(Literal(serde_json::Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Literal, A::Error> {
        let mut items = Vec::new();
        while let Some(Literal(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Literal(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Literal, A::Error> {
        let mut map = serde_json::Map::new();
        while let Some((key, Literal(value))) = access.next_entry::<String, Literal>()? {
            map.insert(key, value);
        }
        Ok(Literal(map.into()))
    }
}

impl JsonSchema for Literal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}
