//! What a scenario says about GitHub: the key `github`, and `on-github` of a session's behaviour.

use std::{fmt, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{
    pattern::Pattern,
    scenario::AcceptedKey,
    span::Span,
    wake::{Wake, WakeEnding, Waker},
};

use super::{
    check::CheckScript,
    deed::{Deed, DeedScript},
    rules::RepositoryScript,
    words::Permission,
};

/// The key `github`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "GitHub"))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Script {
    /// Who started the sessions, and whose every token is that the scenario does not list.
    pub(super) login: String,
    /// Tokens that are accepted; none listed: any that is not empty, as the user's own.
    pub(super) tokens: Vec<TokenScript>,
    pub(super) limits: LimitsScript,
    /// The first that matches a repository decides; each key it leaves out has its default.
    pub(super) repositories: Vec<RepositoryScript>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            login: "octocat".to_owned(),
            tokens: Vec::new(),
            limits: LimitsScript::default(),
            repositories: Vec::new(),
        }
    }
}

impl Script {
    /// A token that is accepted.
    pub(crate) fn token(&self) -> &str {
        self.tokens.first().map_or("any-token", |known| known.token.text())
    }
}

/// A token and what it reaches.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TokenScript {
    pub(super) token: AcceptedKey,
    #[serde(default)]
    pub(super) kind: TokenKind,
    /// Whose it is; default the scenario's `login`, and `github-actions[bot]` for a token of Actions.
    pub(super) login: Option<String>,
    /// Owners whose repositories it reaches; default all.
    pub(super) owners: Option<Vec<String>>,
    /// Repositories that it reaches; default all.
    pub(super) repositories: Option<Vec<Pattern>>,
    /// What it may do at most; default what the repository lets its user do.
    pub(super) permission: Option<Permission>,
}

/// Kinds of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum TokenKind {
    /// A person's, classic: it reaches what the person reaches.
    #[default]
    User,
    /// A person's, for one owner; it cannot read check runs.
    FineGrained,
    /// Of a workflow run: for one repository; its pushes start no workflow, and it cannot merge workflows.
    Actions,
}

/// What a token may use. In service time; GitHub's own numbers by default.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct LimitsScript {
    pub(super) requests_per_hour: u64,
    pub(super) points_per_hour: u64,
    pub(super) points_per_minute: u64,
    pub(super) writes_per_minute: u64,
    pub(super) writes_per_hour: u64,
    /// The status of an answer to who exceeds a secondary limit; 200 for GraphQL alone.
    pub(super) secondary_status: u16,
    /// Whether that answer says when to come again.
    pub(super) retry_after: bool,
}

impl Default for LimitsScript {
    fn default() -> Self {
        Self {
            requests_per_hour: 5_000,
            points_per_hour: 5_000,
            points_per_minute: 2_000,
            writes_per_minute: 80,
            writes_per_hour: 500,
            secondary_status: 403,
            retry_after: true,
        }
    }
}

/// What becomes of a pull request. Lengths of time are service time.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct PullScript {
    /// Whose name it bears.
    pub(super) author: Option<Author>,
    pub(super) draft: Option<bool>,
    /// Whether its branch is in a fork.
    pub(super) from_fork: Option<bool>,
    /// Whether its body ends with the service's line (default true).
    pub(super) footer: Option<bool>,
    /// Whether it changes files under `.github/workflows`.
    pub(super) workflows: Option<bool>,
    /// What runs for its heads; default one check that succeeds.
    pub(super) checks: Option<Vec<CheckScript>>,
    /// Who does what to it.
    pub(super) deeds: Option<Vec<DeedScript>>,
    /// Whether the service pushes when a check of its head fails.
    pub(super) ci_fixer: Option<Fixer>,
    /// What a comment of the session's user makes the session do.
    pub(super) on_comment: Option<Answer>,
    /// Words that no client knows, in place of its own.
    pub(super) words: Option<Words>,
}

/// In whose name the service opens pull requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Author {
    #[default]
    Jules,
    User,
}

/// How the service mends what a check found.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Fixer {
    pub(super) after: Span,
    pub(super) lasts: Span,
    pub(super) outcome: WakeEnding,
    /// How often it tries.
    pub(super) times: u32,
}

impl Default for Fixer {
    fn default() -> Self {
        let wake = Wake::by_message();
        Self { after: wake.after, lasts: wake.lasts, outcome: WakeEnding::Push, times: 1 }
    }
}

impl Fixer {
    pub(super) fn wake(&self) -> Wake {
        Wake { by: Waker::CiFixer, after: self.after, lasts: self.lasts, outcome: self.outcome }
    }
}

/// What a comment leads to.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Answer {
    pub(super) after: Option<Span>,
    pub(super) lasts: Option<Span>,
    pub(super) outcome: WakeEnding,
}

impl Answer {
    pub(super) fn wake(&self) -> Wake {
        let usual = Wake::by_message();
        Wake {
            by: Waker::Comment,
            after: self.after.unwrap_or(usual.after),
            lasts: self.lasts.unwrap_or(usual.lasts),
            outcome: self.outcome,
        }
    }
}

/// Words of GitHub's that are not known yet.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Words {
    pub(super) mergeable: Option<Word>,
    pub(super) merge_state_status: Option<Word>,
    pub(super) review_decision: Option<Word>,
    pub(super) rollup: Option<Word>,
}

/// A value of an enum as GraphQL writes it.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Word(pub(super) Arc<str>);

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |ch: char| ch.is_ascii_uppercase() || ch.is_ascii_digit() || ch == '_';
        if text.starts_with(|ch: char| ch.is_ascii_uppercase()) && text.chars().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(format!("`{text}` is no word of GitHub's: write it as `DAYDREAMING`"))
        }
    }
}

impl PullScript {
    /// What is wrong with the numbers, if anything.
    pub(crate) fn complaint(&self) -> Option<String> {
        let checks = self.checks.iter().flatten().map(|check| check.probability);
        let mut chances = checks.chain(self.deeds.iter().flatten().map(|deed| deed.probability));
        let odd = chances.find(|chance| !(0.0..=1.0).contains(chance));
        odd.map(|chance| format!("`probability: {chance}` is not between 0 and 1"))
    }

    /// Whether the service's line stands in its body.
    pub(crate) fn has_footer(&self) -> bool {
        self.footer != Some(false)
    }

    /// Of a session that was there before the start: somebody merged its pull request a day later.
    pub(crate) fn of_old() -> Arc<Self> {
        let merge = DeedScript {
            does: Deed::Merge,
            after: Span::fixed(Duration::from_secs(86_400)),
            head: None,
            by: "alice".to_owned(),
            writer: true,
            text: String::new(),
            probability: 1.0,
        };
        Arc::new(Self { deeds: Some(vec![merge]), ..Self::default() })
    }

    /// This script, and `base` where it is silent.
    pub(crate) fn over(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            author: self.author.or(base.author),
            draft: self.draft.or(base.draft),
            from_fork: self.from_fork.or(base.from_fork),
            footer: self.footer.or(base.footer),
            workflows: self.workflows.or(base.workflows),
            checks: self.checks.or(base.checks),
            deeds: self.deeds.or(base.deeds),
            ci_fixer: self.ci_fixer.or(base.ci_fixer),
            on_comment: self.on_comment.or(base.on_comment),
            words: self.words.or(base.words),
        }
    }

    /// The words that it makes up, each with the enum it belongs to.
    pub(crate) fn made_up(&self) -> impl Iterator<Item = (&'static str, Arc<str>)> {
        let words = self.words.clone().unwrap_or_default();
        let named = [
            ("MergeableState", words.mergeable),
            ("MergeStateStatus", words.merge_state_status),
            ("PullRequestReviewDecision", words.review_decision),
            ("StatusState", words.rollup),
        ];
        named.into_iter().filter_map(|(name, word)| Some((name, word?.0)))
    }
}

impl Script {
    /// What makes no sense, if anything.
    pub(crate) fn complaint(&self) -> Option<String> {
        let is_name = |name: &str| name.split('/').filter(|part| !part.is_empty()).count() == 2;
        for repository in &self.repositories {
            if !(0.0..=1.0).contains(&repository.conflicts) {
                return Some(format!("`conflicts: {}` is not between 0 and 1", repository.conflicts));
            }
            if let Some(to) = repository.renamed.as_ref().map(|renamed| &renamed.to).filter(|to| !is_name(to))
            {
                return Some(format!("`renamed: {{ to: {to} }}` is not written as `owner/repo`"));
            }
            if repository.methods.is_empty() {
                return Some("`methods` names no way to merge".to_owned());
            }
        }
        let status = self.limits.secondary_status;
        (!matches!(status, 200 | 403 | 429))
            .then(|| format!("`secondary-status: {status}` is none of 200, 403 and 429"))
    }

    /// The scripts of pull requests that no session made.
    pub(super) fn pull_scripts(&self) -> impl Iterator<Item = &PullScript> {
        self.repositories.iter().flat_map(|repository| &repository.pull_requests).map(|other| &other.then)
    }

    /// What the repository of this name is like.
    pub(super) fn repository(&self, full_name: &str) -> RepositoryScript {
        let fits = |script: &&RepositoryScript| {
            script.pattern.as_ref().is_none_or(|pattern| pattern.matches(full_name))
        };
        self.repositories.iter().find(fits).cloned().unwrap_or_default()
    }
}
