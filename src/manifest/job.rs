//! A job as written, and its keys under `defaults`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::document::Span;
use super::duration::Period;
use super::literal::Literal;
use super::located::{Located, Table, WordOrMapping};
use super::policy::{Expect, GiveUp, OnNoChange};
use super::repeat::Repeat;
use super::setting::{Limit, Setting, settings};
use super::settings::{RetryPolicy, Timeouts, WaitingPolicy};

settings! {
    /// One entry under `jobs`: a prompt, where to run it, and how.
    #[derive(Clone, Debug)]
    pub(crate) struct Job, written #[schemars(transform = require_id)] JobKeys {
        /// The job's name: letters, digits, `.`, `_` and `-`. The first part of every task's id.
        #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"), length(max = 100))]
        id: Option<Located<String>>;
        /// The session's title; the job, its matrix values and the prompt's first line by default. A marker is added that finds the session again. Takes `${{ … }}`.
        title: Option<Located<String>>;
        /// What to do, in words for the agent; this or `prompt-file` is required. Takes `${{ … }}`; `$${{` is a literal
        /// `${{`.
        prompt: Option<Located<String>>;
        /// A file with the prompt, in the manifest's folder or below it.
        prompt_file: Option<Located<String>>;
        /// The repository to work on; without `source` and `sources` the session has none.
        source: Option<Located<SourceEntry>>;
        /// The repositories to work on, a task each.
        sources: Option<Located<Vec<Located<SourceEntry>>>>;
        /// The starting branch of sources that name none; else the repository's default branch. Takes `${{ … }}`.
        branch: Option<Located<String>>;
        /// Values to run the prompt with, a task for each combination, by GitHub's rules for `include` and `exclude`.
        matrix: Option<Located<Matrix>>;
        /// The jobs that must have ended well first: on the same source where they work on it, else all of their tasks.
        /// `{ job: ID, until: merged }` waits until their pull requests are merged, in this run or a later one; `until: ended` is
        /// the default.
        needs: Option<Located<Needs>>;
        /// Words to select tasks by. Take `${{ … }}`.
        tags: Vec<Located<String>>;
        /// What a completed session must have produced: `pull-request`, `change` or `any`.
        expect: Expect;
        /// How a completed session without any change is reported: `pass`, `skip` or `fail`.
        on_no_change: OnNoChange;
        /// What becomes of a session that is given up and has not ended: `archive` pauses it, so that it holds no place at the
        /// service and opens no pull request unseen; `leave` lets it go on, and then there is no further attempt.
        give_up: GiveUp;
        /// Whether the service opens a pull request by itself.
        auto_pr: bool = true;
        /// Whether the session's plan waits for an approval.
        require_approval: bool = false;
        /// What to do when a session waits; key by key over the manifest's `waiting`.
        waiting: WaitingPolicy;
        /// When to try a task again with a new session; key by key over the manifest's `retries`.
        retries: RetryPolicy;
        /// How long a task may take: `task`, `stall` and `settle`, key by key over the manifest's `timeouts`.
        timeouts: Timeouts;
        /// `timeouts.task` in whole minutes, as GitHub's workflows write it.
        timeout_minutes: Option<u32>, Limit::AtLeast(1);
        /// How long a task that has ended is not done again: `never` (done is done), a time such as `20h`, counted from the
        /// beginning of the round in which it was done, or `always`.
        repeat: Repeat;
        /// Further environment variables that `${{ env.NAME }}` may read in this job.
        env: Vec<Located<String>>;
    }
}

/// Any key of a job but `id`, for every job that does not set it itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Defaults(pub(crate) JobKeys);

fn require_id(schema: &mut Schema) {
    schema.insert("required".to_owned(), serde_json::json!(["id"]));
}

impl JsonSchema for Defaults {
    fn schema_name() -> Cow<'static, str> {
        "Defaults".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = JobKeys::json_schema(generator);
        schema.remove("required");
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.remove("id");
        }
        let description = "Any key of a job but `id`, for every job that does not set it itself.";
        schema.insert("description".to_owned(), description.into());
        schema
    }
}

impl JobKeys {
    /// Turns `timeout-minutes` into `timeouts.task`; the place of the two where both are there.
    pub(crate) fn spell_out_timeout(&mut self) -> Option<Span> {
        // Nothing in no time is refused by the key's limit.
        let Located { value: minutes, span } = self.timeout_minutes.take_if(|minutes| minutes.value > 0)?;
        let timeouts = self.timeouts.get_or_insert_with(|| Located::new(Default::default(), span));
        if timeouts.value.task.is_some() {
            return Some(span);
        }
        let period = Period(Duration::from_secs(u64::from(minutes) * 60));
        timeouts.value.task = Some(Located::new(period, span));
        None
    }

    /// The job with what `defaults` says where it says nothing itself; groups of settings are merged key by key.
    ///
    /// `prompt` and `prompt-file` are one choice, and so are `source` and `sources`.
    pub(crate) fn over(mut self, mut defaults: Self) -> Self {
        if self.prompt.is_some() || self.prompt_file.is_some() {
            (defaults.prompt, defaults.prompt_file) = (None, None);
        }
        if self.source.is_some() || self.sources.is_some() {
            (defaults.source, defaults.sources) = (None, None);
        }
        // A job's id is its own.
        defaults.id = None;
        Job::overlay(&mut self, &defaults);
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
        deserializer.deserialize_any(WordOrMapping {
            expected: "`owner/repo`, `owner/repo@branch` or a mapping with `github`, `match` or `file`",
            word: |text| Some(Self::Short(text.to_owned())),
            mapping: Self::Mapping,
        })
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
pub(crate) struct Needs {
    /// All of them.
    pub(crate) jobs: Vec<Located<String>>,
    /// Those whose pull requests have to be merged.
    pub(crate) merged: Vec<String>,
}

/// An entry of `needs`.
enum NeedEntry {
    Job(String),
    Mapping(NeedMapping),
}

/// A job, and what of it is waited for.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NeedMapping {
    /// Its id.
    job: Located<String>,
    /// What of it is waited for: the end of its sessions (`ended`, the default), or until its pull requests are merged.
    until: Option<Until>,
}

/// What of a job is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Until {
    Ended,
    Merged,
}

impl<'de> Deserialize<'de> for NeedEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrMapping {
            expected: "a job's id, or a mapping with `job` and `until`",
            word: |text| Some(Self::Job(text.to_owned())),
            mapping: Self::Mapping,
        })
    }
}

impl<'de> Deserialize<'de> for Needs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Located { value, span } = Located::<OneOrMany>::deserialize(deserializer)?;
        let entries = match value {
            OneOrMany::One(id) => vec![Located::new(NeedEntry::Job(id), span)],
            OneOrMany::Many(entries) => entries,
        };
        let mut needs = Self { jobs: Vec::new(), merged: Vec::new() };
        for Located { value, span } in entries {
            match value {
                NeedEntry::Job(id) => needs.jobs.push(Located::new(id, span)),
                NeedEntry::Mapping(NeedMapping { job, until }) => {
                    needs.merged.extend((until == Some(Until::Merged)).then(|| job.value.clone()));
                    needs.jobs.push(job);
                }
            }
        }
        Ok(needs)
    }
}

impl JsonSchema for Needs {
    fn schema_name() -> Cow<'static, str> {
        "Needs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mapping = generator.subschema_for::<NeedMapping>();
        json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "anyOf": [{ "type": "string" }, mapping] } },
            ],
        })
    }
}

enum OneOrMany {
    One(String),
    Many(Vec<Located<NeedEntry>>),
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
