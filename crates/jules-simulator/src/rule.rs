//! Rules of a scenario: which sessions behave how.

use serde::Deserialize;

use super::{behaviour::Behaviour, create::Create, pattern::Pattern};

/// A rule: which sessions, and how they behave.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    pub(super) when: When,
    #[serde(default)]
    pub(super) then: Behaviour,
}

/// Conditions of a rule; all that are given must hold. With `*` or `?` in it a text is a glob over the whole,
/// without it a part.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct When {
    pub(super) prompt: Option<Pattern>,
    pub(super) title: Option<Pattern>,
    /// Over `owner/repo`; a session without a source never matches.
    pub(super) source: Option<Pattern>,
    pub(super) branch: Option<Pattern>,
    /// Whether the session has no source.
    pub(super) repoless: Option<bool>,
    /// Only this share of the sessions that match so far, 0 to 1; which ones, their content decides. Not in a fault.
    pub(super) probability: Option<f64>,
    /// Only these of the sessions that match so far, counted from 1; not in a fault.
    pub(super) nth: Option<OneOrMany<u64>>,
}

impl When {
    /// Whether everything but `probability` and `nth` holds.
    pub(super) fn matches(&self, create: &Create) -> bool {
        let fits = |pattern: &Option<Pattern>, text: Option<&str>| {
            pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.matches(text)))
        };
        let source = create.source.as_ref();
        let repo = source.and_then(|source| source.name.strip_prefix("sources/github/"));
        fits(&self.prompt, Some(&create.prompt))
            && fits(&self.title, create.title.as_deref())
            && fits(&self.source, repo)
            && fits(&self.branch, source.map(|source| source.branch.as_str()))
            && self.repoless.is_none_or(|repoless| repoless == source.is_none())
    }

    /// What is wrong with the numbers, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        self.probability
            .filter(|chance| !(0.0..=1.0).contains(chance))
            .map(|chance| format!("`probability: {chance}` is not between 0 and 1"))
    }
}

/// `3` or `[1, 3]`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}
