//! What the simulator plays, as a user writes it in YAML.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::SignedDuration;
use serde::Deserialize;
use thiserror::Error;

use super::{behaviour::Behaviour, dice::Dice, github, method::Scope, mishap::Fault, rule::Rule, span::Span};

/// A scenario: sources, limits, faults, and rules for how sessions behave.
///
/// Without any of it every repository is connected, any key that is not empty is good, nothing fails, and sessions
/// take a few minutes and mostly end with a pull request. Which way a session goes then depends on its prompt,
/// title and source alone.
///
/// Every key it can have:
///
/// ```yaml
#[doc = include_str!("reference.yaml")]
/// ```
#[derive(Debug, Clone)]
pub struct Scenario {
    pub(super) script: Script,
}

/// The keys of the YAML file.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Script {
    /// How many seconds of service time pass in one real second.
    pub(super) speed: f64,
    /// Changes every draw of chance.
    pub(super) seed: u64,
    /// Keys that are accepted; none listed: any key that is not empty.
    pub(super) keys: Vec<AcceptedKey>,
    /// Connected repositories.
    pub(super) sources: Vec<SourceSpec>,
    /// Whether repositories that are not listed are connected as well. Default: only when none is listed.
    pub(super) any_source: Option<bool>,
    pub(super) limits: Limits,
    pub(super) faults: Vec<Fault>,
    /// Behaviour of every session, where its rule is silent.
    pub(super) defaults: Behaviour,
    /// The first rule that matches decides.
    pub(super) rules: Vec<Rule>,
    /// How far the service's clock is from this machine's.
    pub(super) clock: Option<Skew>,
    /// How many old, finished sessions the account has.
    pub(super) history: usize,
    /// Whether the parameter `fields` selects parts of an answer; else it is an unknown parameter.
    pub(super) field_masks: bool,
    /// The address that those of the sessions' pages begin with.
    #[serde(skip)]
    pub(super) pages: Arc<str>,
    /// What GitHub is like, where the pull requests are.
    pub(super) github: github::Script,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            speed: 1.0,
            seed: 0,
            keys: Vec::new(),
            sources: Vec::new(),
            any_source: None,
            limits: Limits::default(),
            faults: Vec::new(),
            defaults: Behaviour::default(),
            rules: Vec::new(),
            clock: None,
            history: 0,
            field_masks: true,
            pages: "https://jules.google.com".into(),
            github: github::Script::default(),
        }
    }
}

/// A key the simulator accepts. It does not print: a scenario may have been written around a real one.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub(super) struct AcceptedKey(String);

impl AcceptedKey {
    pub(super) fn is(&self, key: &str) -> bool {
        self.0 == key
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AcceptedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Connected repositories: one, or `count` of them.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SourceSpec {
    /// `owner/repo`; with `count`, `{n}` in it is replaced by 1 to `count`.
    pub(super) repo: String,
    pub(super) count: Option<usize>,
    /// Its branches; a session on a branch that is not among them fails. Absent: any branch exists.
    #[serde(default)]
    pub(super) branches: Arc<[String]>,
    #[serde(default = "main_branch")]
    pub(super) default_branch: Arc<str>,
    #[serde(default)]
    pub(super) private: bool,
}

fn main_branch() -> Arc<str> {
    Arc::from("main")
}

/// A clock that shows another time than this machine's.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Skew {
    Ahead(Span),
    Behind(Span),
}

/// What the account may use.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Limits {
    /// Live sessions at once.
    pub(super) concurrent: Option<usize>,
    /// Sessions created in any 24 hours of service time.
    pub(super) per_day: Option<usize>,
    /// Requests in a minute of service time, by method or `all`.
    pub(super) per_minute: BTreeMap<Scope, u32>,
    /// How a create over `concurrent` or `per-day` is refused.
    pub(super) refusal: Refusal,
    /// Whether a 429 carries `Retry-After`.
    pub(super) retry_after: bool,
}

/// How creates over a cap are refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Refusal {
    /// 429 RESOURCE_EXHAUSTED.
    #[default]
    ResourceExhausted,
    /// 400 FAILED_PRECONDITION, which does not say why.
    FailedPrecondition,
}

const SLOWEST: f64 = 0.001;
const FASTEST: f64 = 1_000_000.0;

/// Why a scenario cannot be played.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not YAML, has a key that is not known, or a value that does not fit.
    #[error("scenario {origin} does not parse:\n{message}")]
    Parse {
        /// File name, or the name given to the text.
        origin: String,
        /// What is wrong and where.
        message: String,
    },
    /// It parses and makes no sense.
    #[error("scenario {origin}: {what}")]
    Invalid {
        /// File name, or the name given to the text.
        origin: String,
        /// What is wrong.
        what: String,
    },
}

impl Default for Scenario {
    /// Nothing scripted, real time.
    fn default() -> Self {
        Self { script: Script::default() }
    }
}

impl Scenario {
    /// A commented scenario with every key there is, in YAML.
    pub const REFERENCE: &str = include_str!("reference.yaml");

    /// Parses a scenario. `origin` names it in errors.
    ///
    /// # Errors
    /// When it is not valid YAML, has unknown keys, or values that make no sense.
    pub fn from_yaml(text: &str, origin: &str) -> Result<Self, ScenarioError> {
        let script = if text.trim().is_empty() {
            Script::default()
        } else {
            serde_saphyr::from_str::<Script>(text).map_err(|error| ScenarioError::Parse {
                origin: origin.to_owned(),
                message: error.to_string(),
            })?
        };
        match script.complaint() {
            Some(what) => Err(ScenarioError::Invalid { origin: origin.to_owned(), what }),
            None => Ok(Self { script }),
        }
    }

    /// Reads a scenario from a file.
    ///
    /// # Errors
    /// When the file cannot be read, or as [`Scenario::from_yaml`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path)
            .map_err(|source| ScenarioError::Read { path: path.to_owned(), source })?;
        Self::from_yaml(&text, &path.display().to_string())
    }

    /// The scenario behind `--simulate` without an argument: a minute of service time a second, repositories to
    /// match against, a few of the service's oddities, nothing that fails for ever.
    ///
    /// # Panics
    /// Never: the text is part of the crate, and a test parses it.
    pub fn demo() -> Self {
        Self::from_yaml(include_str!("demo.yaml"), "demo").expect("the built-in scenario is tested to parse")
    }

    /// The same scenario at another speed: seconds of service time in one real second, kept within 0.001 and
    /// 1,000,000.
    #[must_use]
    pub fn with_speed(mut self, speed: f64) -> Self {
        self.script.speed = speed.clamp(SLOWEST, FASTEST);
        self
    }

    /// The same scenario, whose sessions say that their pages are at `{origin}/session/ID`; at `https://jules.google.com`
    /// by default, as the service says.
    #[must_use]
    pub fn with_pages(mut self, origin: &str) -> Self {
        self.script.pages = origin.into();
        self
    }

    /// A key that it accepts.
    pub fn key(&self) -> &str {
        self.script.keys.first().map_or("any", |key| &key.0)
    }

    /// A token that its GitHub takes.
    #[must_use]
    pub fn github_token(&self) -> &str {
        self.script.github.token()
    }

    /// The JSON Schema (2020-12) of a scenario, for editors.
    #[cfg(feature = "schema")]
    pub fn json_schema() -> serde_json::Value {
        // `uint32` and the like are Rust's: validators refuse a format that they do not know.
        fn plain(schema: &mut schemars::Schema) {
            schema.remove("format");
            schemars::transform::transform_subschemas(&mut plain, schema);
        }
        let mut schema = schemars::schema_for!(Script);
        plain(&mut schema);
        schema.insert("title".to_owned(), "Scenario".into());
        schema.to_value()
    }

    /// How far the service's clock is ahead of this machine's.
    pub(super) fn clock_ahead(&self) -> SignedDuration {
        let length = |span: Span| SignedDuration::try_from(span.draw(Dice::new(0))).unwrap_or_default();
        match self.script.clock {
            None => SignedDuration::ZERO,
            Some(Skew::Ahead(span)) => length(span),
            Some(Skew::Behind(span)) => -length(span),
        }
    }

    /// Seconds of service time in one real second.
    pub fn speed(&self) -> f64 {
        self.script.speed
    }
}

impl Script {
    /// What makes no sense, if anything.
    fn complaint(&self) -> Option<String> {
        if !(SLOWEST..=FASTEST).contains(&self.speed) {
            return Some(format!("`speed: {}` is out of range: {SLOWEST} to {FASTEST}", self.speed));
        }
        let broken_source = self
            .sources
            .iter()
            .find(|source| source.repo.split('/').filter(|part| !part.is_empty()).count() != 2);
        if let Some(source) = broken_source {
            return Some(format!("source `{}` is not written as `owner/repo`", source.repo));
        }
        if let Some(scope) = self.limits.per_minute.keys().find(|scope| scope.is_githubs()) {
            return Some(format!(
                "`per-minute: {scope}` is GitHub's, whose limits stand under `github: limits`"
            ));
        }
        self.faults
            .iter()
            .find_map(Fault::complaint)
            .or_else(|| self.github.complaint())
            .or_else(|| self.defaults.complaint())
            .or_else(|| {
                self.rules.iter().find_map(|rule| rule.then.complaint().or_else(|| rule.when.complaint()))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::from_yaml(text, "test")
    }

    #[test]
    fn the_demo_and_the_empty_scenario_parse() {
        assert!(Scenario::demo().speed() > 1.0);
        assert_eq!(yaml("").unwrap().speed(), 1.0);
    }

    #[test]
    fn every_key_is_understood() {
        yaml(Scenario::REFERENCE).unwrap();
        yaml(include_str!("../../../tests/fixtures/scenarios/torture.yaml")).unwrap();
        yaml(include_str!("../../../tests/fixtures/scenarios/untidy.yaml")).unwrap();
        yaml(include_str!("../../../tests/interop/scenario.yaml")).unwrap();
        yaml(include_str!("../../../tests/github/scenario.yaml")).unwrap();
    }

    #[test]
    fn unknown_keys_and_senseless_values_are_errors() {
        for (text, word) in [
            ("sped: 3", "sped"),
            ("speed: 0", "speed"),
            ("rules: [{ when: { promt: x } }]", "promt"),
            ("rules: [{ then: { duration: soon } }]", "soon"),
            ("rules: [{ then: { turn: 2 } }]", "turn"),
            ("sources: [{ repo: backend }]", "backend"),
            ("limits: { per-minute: { pulls/merge: 3 } }", "github: limits"),
            ("faults: [{ kind: partial }]", "only GitHub"),
            ("faults: [{ kind: hang, on: github, during: 0s..5m, since: session }]", "sessions"),
            ("faults: [{ kind: partial, on: github, share: 3 }]", "share"),
            ("github: { repositories: [{ conflicts: 3 }] }", "conflicts"),
            ("github: { repositories: [{ renamed: { to: x, after: 1s } }] }", "owner/repo"),
            ("github: { limits: { secondary-status: 500 } }", "500"),
            ("defaults: { on-github: { checks: [{ probability: 2 }] } }", "probability"),
            ("defaults: { on-github: { words: { rollup: odd } } }", "odd"),
            ("defaults: { on-github: { deeds: [{ does: fly, after: 1s }] } }", "fly"),
            ("limits: { per-minute: { sessions.cancel: 3 } }", "sessions.cancel"),
            ("faults: [{ kind: slow, every: 2, nth: 3 }]", "one of"),
            ("faults: [{ kind: slow, probability: 2 }]", "probability"),
            ("faults: [{ kind: error-before, status: 200 }]", "200"),
            ("faults: [{ kind: hang, during: 5m }]", "during"),
            ("faults: [{ kind: hang, since: session }]", "since"),
            ("faults: [{ kind: hang, when: { nth: 1 } }]", "nth"),
            ("defaults: { outputs-at: 2 }", "outputs-at"),
            ("rules: [{ when: { probability: 2 } }]", "probability"),
            ("defaults: { wakes: [{ by: boredom }] }", "boredom"),
            ("defaults: { title: { cutt: 3 } }", "cutt"),
        ] {
            let error = yaml(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn keys_do_not_print() {
        let scenario = yaml("keys: [hush-hush]").unwrap();
        assert!(!format!("{scenario:?}").contains("hush"));
    }
}
