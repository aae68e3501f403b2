//! A job as written, and its keys under `defaults`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::located::{Located, Table};
use super::policy::{Expect, OnNoChange};
use super::schema::{Literal, Retries, TaskTimeouts, Waiting};

/// One entry under `jobs`: a prompt, where to run it, and how.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = require_id)]
pub(crate) struct Job {
    /// The job's name: letters, digits, `.`, `_` and `-`. The first part of every task's id.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"), length(max = 100))]
    pub(crate) id: Option<Located<String>>,
    /// The session's title; the task's id by default. Takes `${{ … }}`.
    pub(crate) title: Option<Located<String>>,
    /// What to do, in words for the agent. Takes `${{ … }}`; `$${{` is a literal `${{`.
    pub(crate) prompt: Option<Located<String>>,
    /// A file with the prompt, inside the manifest's folder.
    pub(crate) prompt_file: Option<Located<String>>,
    /// The repository to work on; without `source` and `sources` the session has none.
    pub(crate) source: Option<Located<SourceEntry>>,
    /// The repositories to work on, a task each.
    pub(crate) sources: Option<Located<Vec<Located<SourceEntry>>>>,
    /// The starting branch of sources that name none; else the repository's default branch. Takes `${{ … }}`.
    pub(crate) branch: Option<Located<String>>,
    /// Values to run the prompt with, a task for each combination, by GitHub's rules.
    pub(crate) matrix: Option<Located<Matrix>>,
    /// The jobs that must have ended well first: on the same source where they work on it, else all of their tasks.
    pub(crate) needs: Option<Needs>,
    /// Words to select tasks by. Take `${{ … }}`.
    pub(crate) tags: Option<Vec<Located<String>>>,
    /// What a completed session must have produced: `pull-request`, `change` or `any` (the default).
    pub(crate) expect: Option<Expect>,
    /// How a completed session without any change is reported: `pass` (the default), `skip` or `fail`.
    pub(crate) on_no_change: Option<OnNoChange>,
    /// Whether the service opens a pull request by itself; on by default.
    pub(crate) auto_pr: Option<bool>,
    /// Whether the session's plan waits for an approval; off by default.
    pub(crate) require_approval: Option<bool>,
    /// What to do when a session waits.
    pub(crate) waiting: Option<Waiting>,
    /// When to try a task again with a new session.
    pub(crate) retries: Option<Retries>,
    /// How long a task may take.
    pub(crate) timeouts: Option<TaskTimeouts>,
    /// Further environment variables that `${{ env.NAME }}` may read in this job.
    pub(crate) env: Option<Vec<Located<String>>>,
}

/// Any key of a job but `id`, for every job that does not set it itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Defaults(pub(crate) Job);

fn require_id(schema: &mut Schema) {
    schema.insert("required".to_owned(), serde_json::json!(["id"]));
}

impl JsonSchema for Defaults {
    fn schema_name() -> Cow<'static, str> {
        "Defaults".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Job::json_schema(generator);
        schema.remove("required");
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.remove("id");
        }
        let description = "Any key of a job but `id`, for every job that does not set it itself.";
        schema.insert("description".to_owned(), description.into());
        schema
    }
}

impl Job {
    /// The job with what `defaults` says where it says nothing itself; mappings of settings are merged key by key.
    ///
    /// `prompt` and `prompt-file` are one choice, and so are `source` and `sources`.
    pub(crate) fn over(mut self, defaults: &Job) -> Self {
        if self.prompt.is_none() && self.prompt_file.is_none() {
            self.prompt.clone_from(&defaults.prompt);
            self.prompt_file.clone_from(&defaults.prompt_file);
        }
        if self.source.is_none() && self.sources.is_none() {
            self.source.clone_from(&defaults.source);
            self.sources.clone_from(&defaults.sources);
        }
        fill(&mut self.title, &defaults.title);
        fill(&mut self.branch, &defaults.branch);
        fill(&mut self.matrix, &defaults.matrix);
        fill(&mut self.needs, &defaults.needs);
        fill(&mut self.tags, &defaults.tags);
        fill(&mut self.expect, &defaults.expect);
        fill(&mut self.on_no_change, &defaults.on_no_change);
        fill(&mut self.auto_pr, &defaults.auto_pr);
        fill(&mut self.require_approval, &defaults.require_approval);
        fill(&mut self.env, &defaults.env);
        self.waiting = merge(self.waiting, defaults.waiting.as_ref(), Waiting::over);
        self.retries = merge(self.retries, defaults.retries.as_ref(), Retries::over);
        self.timeouts = merge(self.timeouts, defaults.timeouts.as_ref(), TaskTimeouts::over);
        self
    }
}

fn fill<T: Clone>(own: &mut Option<T>, default: &Option<T>) {
    if own.is_none() {
        own.clone_from(default);
    }
}

fn merge<T: Clone>(own: Option<T>, default: Option<&T>, over: impl FnOnce(T, &T) -> T) -> Option<T> {
    match (own, default) {
        (Some(own), Some(default)) => Some(over(own, default)),
        (own, default) => own.or_else(|| default.cloned()),
    }
}

impl Waiting {
    pub(crate) fn over(mut self, defaults: &Self) -> Self {
        fill(&mut self.plan_approval, &defaults.plan_approval);
        fill(&mut self.user_feedback, &defaults.user_feedback);
        fill(&mut self.stall, &defaults.stall);
        self
    }
}

impl Retries {
    pub(crate) fn over(mut self, defaults: &Self) -> Self {
        fill(&mut self.count, &defaults.count);
        fill(&mut self.on, &defaults.on);
        fill(&mut self.backoff, &defaults.backoff);
        fill(&mut self.delay, &defaults.delay);
        fill(&mut self.max_delay, &defaults.max_delay);
        fill(&mut self.jitter, &defaults.jitter);
        self
    }
}

impl TaskTimeouts {
    pub(crate) fn over(mut self, defaults: &Self) -> Self {
        fill(&mut self.task, &defaults.task);
        fill(&mut self.stall, &defaults.stall);
        fill(&mut self.settle, &defaults.settle);
        self
    }
}

/// An entry under `sources`, or `source`.
#[derive(Clone, Debug)]
pub(crate) enum SourceEntry {
    /// `owner/repo` or `owner/repo@branch`.
    Short(String),
    Mapping(SourceMapping),
}

/// A repository, a pattern over the connected ones, or a file that lists some.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SourceMapping {
    /// `owner/repo`.
    pub(crate) github: Option<Located<String>>,
    /// A glob over the repositories connected to the account, such as `my-org/svc-*`.
    #[serde(rename = "match")]
    pub(crate) pattern: Option<Located<String>>,
    /// Globs of repositories that `match` leaves out.
    pub(crate) exclude: Option<Vec<Located<String>>>,
    /// A file inside the manifest's folder: a repository a line with `#` comments, or `.csv` with a header
    /// (`github`, `branch`).
    pub(crate) file: Option<Located<String>>,
    /// The starting branch.
    pub(crate) branch: Option<Located<String>>,
}

impl<'de> Deserialize<'de> for SourceEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = SourceEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`owner/repo`, `owner/repo@branch` or a mapping with `github`, `match` or `file`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SourceEntry, E> {
                Ok(SourceEntry::Short(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<SourceEntry, A::Error> {
                SourceMapping::deserialize(de::value::MapAccessDeserializer::new(access))
                    .map(SourceEntry::Mapping)
            }
        }

        deserializer.deserialize_any(EntryVisitor)
    }
}

impl JsonSchema for SourceEntry {
    fn schema_name() -> Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "description": "`owner/repo` or `owner/repo@branch`." },
                generator.subschema_for::<SourceMapping>(),
            ],
        })
    }
}

/// `needs`: one job or several.
#[derive(Clone, Debug)]
pub(crate) struct Needs(pub(crate) Vec<Located<String>>);

impl<'de> Deserialize<'de> for Needs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Located { value, span } = Located::<OneOrMany>::deserialize(deserializer)?;
        Ok(match value {
            OneOrMany::One(id) => Self(vec![Located::new(id, span)]),
            OneOrMany::Many(ids) => Self(ids),
        })
    }
}

impl JsonSchema for Needs {
    fn schema_name() -> Cow<'static, str> {
        "Needs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

enum OneOrMany {
    One(String),
    Many(Vec<Located<String>>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NeedsVisitor;

        impl<'de> Visitor<'de> for NeedsVisitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a job's id or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<OneOrMany, A::Error> {
                let mut ids = Vec::new();
                while let Some(id) = access.next_element()? {
                    ids.push(id);
                }
                Ok(OneOrMany::Many(ids))
            }
        }

        deserializer.deserialize_any(NeedsVisitor)
    }
}

/// `matrix`: the dimensions in the order of the file, and what to add and to leave out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) include: Vec<Located<Entry>>,
    pub(crate) exclude: Vec<Located<Entry>>,
}

/// A key of the matrix and its values.
#[derive(Clone, Debug)]
pub(crate) struct Dimension {
    pub(crate) name: Located<String>,
    pub(crate) values: Located<Vec<Located<Literal>>>,
}

/// An entry under `include` or `exclude`.
pub(crate) type Entry = Table<Located<Literal>>;

impl<'de> Deserialize<'de> for Matrix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MatrixVisitor)
    }
}

struct MatrixVisitor;

impl<'de> Visitor<'de> for MatrixVisitor {
    type Value = Matrix;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of names to lists")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Matrix, A::Error> {
        let mut matrix = Matrix::default();
        while let Some(key) = access.next_key::<Located<String>>()? {
            match key.value.as_str() {
                "include" => matrix.include = access.next_value()?,
                "exclude" => matrix.exclude = access.next_value()?,
                _ => matrix.dimensions.push(Dimension { name: key, values: access.next_value()? }),
            }
        }
        Ok(matrix)
    }
}

impl JsonSchema for Matrix {
    fn schema_name() -> Cow<'static, str> {
        "Matrix".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let combinations =
            json_schema!({ "type": "array", "items": { "type": "object", "minProperties": 1 } });
        json_schema!({
            "type": "object",
            "properties": { "include": combinations.clone(), "exclude": combinations },
            "additionalProperties": { "type": "array", "minItems": 1 },
        })
    }
}
