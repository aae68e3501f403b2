//! The language of `--select` and `--exclude`.
//!
//! `job(upgrade) & !tag(slow)`: predicates over a task, joined by `and`, `or`, `not` and `-` ("but not"). A bare word
//! is looked for in the task's id. Who selects more than tasks adds [predicates](MorePredicates) of its own.

mod parse;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::equality::same_text;
use super::source::finds;
use super::task::{JobId, Task, TaskId, TaskSource, Unresolved};
use super::values::texts;
use super::wildcard::Wildcard;
use crate::manifest::{Expect, nearest, quoted};

/// A parsed expression of `--select` or `--exclude`.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
    expression: Expression,
}

#[derive(Clone, Debug)]
enum Expression {
    All,
    None,
    Job(Wildcard, Range<usize>),
    Source(Wildcard),
    Branch(Wildcard),
    Tag(Wildcard),
    Id(Wildcard),
    Matrix(String, Wildcard),
    Expect(Expect),
    /// Counted from 1.
    Wave(usize, Range<usize>),
    /// One of [`MorePredicates`], and what stands in its parentheses.
    More(&'static str, String),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

/// What is wrong with what stands in parentheses, and the way out.
pub(crate) type Misfit = (String, String);

/// Predicates beside those of tasks, for a command that selects something else by its task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MorePredicates {
    /// Their names.
    pub(crate) names: &'static [&'static str],
    /// How they are written, for whoever writes another.
    pub(crate) help: &'static str,
    /// Whether this may stand in the parentheses of that one; else what is wrong, and the way out.
    pub(crate) check: fn(&str, &str) -> Result<(), Misfit>,
}

/// What is known of a task whose like is selected, whether it is planned or recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) id: &'a TaskId,
    pub(crate) job: &'a JobId,
    pub(crate) source: Option<&'a TaskSource>,
    pub(crate) tags: &'a [String],
    pub(crate) matrix: &'a BTreeMap<String, serde_json::Value>,
    /// None where nobody recorded it: then no `expect(…)` means it.
    pub(crate) expect: Option<Expect>,
    /// The number of its repository's wave, from 1; none where that is in none.
    pub(crate) wave: Option<usize>,
}

impl<'a> Subject<'a> {
    fn of(task: &'a Task) -> Self {
        Self {
            id: &task.id,
            job: &task.job,
            source: task.source.as_ref(),
            tags: &task.tags,
            matrix: &task.matrix,
            expect: Some(task.expect),
            wave: task.wave,
        }
    }
}

/// Why no task of a plan is in a wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoWaves {
    /// The manifest has none.
    Unwritten,
    /// Its repositories are not all known, or nobody has told.
    Untold,
}

/// An expression that is not understood; displays itself over several lines with a caret under the culprit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FilterError {
    text: String,
    at: Range<usize>,
    what: String,
    help: String,
}

impl FilterError {
    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.what
    }

    /// The way out.
    #[must_use]
    pub fn way_out(&self) -> &str {
        &self.help
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDEST: usize = 100;
        writeln!(f, "{}", self.what)?;
        let before = self.text[..self.at.start].chars().count();
        let width = self.text[self.at.clone()].chars().count().max(1);
        let shown = |c| if foreign_text::is_text(c) { c } else { ' ' };
        if self.text.chars().count() <= WIDEST {
            let line: String = self.text.chars().map(shown).collect();
            writeln!(f, "  {line}")?;
            writeln!(f, "  {:before$}{}", "", "^".repeat(width))?;
        }
        write!(f, "  help: {}", self.help)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parse::parse(text, None).map(|expression| Self { text: text.to_owned(), expression })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Filter {
    /// Whether a task is meant.
    #[must_use]
    pub fn matches(&self, task: &Task) -> bool {
        self.expression.matches(&Subject::of(task), &|_, _| false)
    }

    /// Reads an expression that may hold more predicates than those of tasks.
    ///
    /// # Errors
    ///
    /// The first thing that is not understood.
    pub(crate) fn with_more(text: &str, more: &MorePredicates) -> Result<Self, FilterError> {
        parse::parse(text, Some(more)).map(|expression| Self { text: text.to_owned(), expression })
    }

    /// Whether this is meant; `more` answers for the added predicates, by name and what stands in their parentheses.
    pub(crate) fn means_subject(&self, subject: &Subject<'_>, more: &dyn Fn(&str, &str) -> bool) -> bool {
        self.expression.matches(subject, more)
    }

    /// Whether tasks that are not known yet are meant; `None` where it depends on which they will be.
    pub(super) fn means(&self, open: &Unresolved) -> Option<bool> {
        self.expression.means(open)
    }

    /// # Errors
    ///
    /// A job that is named without wildcards and is not among `jobs`, or a wave where `no_waves` says why there is none.
    pub(super) fn check(&self, jobs: &[&str], no_waves: Option<NoWaves>) -> Result<(), FilterError> {
        let mut open = vec![&self.expression];
        while let Some(expression) = open.pop() {
            match expression {
                Expression::Job(pattern, at) if pattern.is_literal() => {
                    let name = pattern.as_text();
                    if !jobs.contains(&name.as_str()) {
                        return Err(self.unknown_job(&name, at.clone(), jobs));
                    }
                }
                Expression::Wave(_, at) => {
                    if let Some(why) = no_waves {
                        return Err(self.no_wave(why, at.clone()));
                    }
                }
                Expression::Not(inner) => open.push(inner),
                Expression::And(parts) | Expression::Or(parts) => open.extend(parts),
                Expression::All
                | Expression::None
                | Expression::Job(..)
                | Expression::Source(_)
                | Expression::Branch(_)
                | Expression::Tag(_)
                | Expression::Id(_)
                | Expression::Matrix(..)
                | Expression::Expect(_)
                | Expression::More(..) => {}
            }
        }
        Ok(())
    }

    fn no_wave(&self, why: NoWaves, at: Range<usize>) -> FilterError {
        let (what, help) = match why {
            NoWaves::Unwritten => (
                "the manifest has no waves",
                "write `strategy.waves`, or select by job, source or tag, such as `tag(canary)`",
            ),
            NoWaves::Untold => (
                "which wave a repository will be in is not known yet",
                "the account tells what `match` finds: jules-batch plan --check",
            ),
        };
        FilterError { text: self.text.clone(), at, what: what.to_owned(), help: help.to_owned() }
    }

    fn unknown_job(&self, name: &str, at: Range<usize>, jobs: &[&str]) -> FilterError {
        let help = match nearest(name, jobs.iter().copied()) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None => format!("known jobs: {}", crate::manifest::listed(jobs.iter().copied())),
        };
        FilterError {
            text: self.text.clone(),
            at,
            what: format!("the plan has no job {}", quoted(name)),
            help,
        }
    }
}

impl Expression {
    /// As [`Expression::matches`], for what a `match` will find: of that the job is known, and what the repositories are not
    /// called.
    fn means(&self, open: &Unresolved) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::None => Some(false),
            Self::Job(pattern, _) => Some(pattern.is_match(open.job.as_str())),
            Self::Source(pattern) if pattern.is_literal() && !finds(&open.pattern, &pattern.as_text()) => {
                Some(false)
            }
            Self::Source(_)
            | Self::Branch(_)
            | Self::Tag(_)
            | Self::Id(_)
            | Self::Matrix(..)
            | Self::Expect(_)
            | Self::Wave(..)
            | Self::More(..) => None,
            Self::Not(inner) => inner.means(open).map(|is_meant| !is_meant),
            Self::And(parts) => all_mean(parts, open, true),
            Self::Or(parts) => all_mean(parts, open, false),
        }
    }

    fn matches(&self, task: &Subject<'_>, more: &dyn Fn(&str, &str) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Job(pattern, _) => pattern.is_match(task.job.as_str()),
            Self::Source(pattern) => {
                // Names of repositories are without case, here and in ids.
                let github = task.source.map(|source| &*source.github);
                github.is_some_and(|github| pattern.is_match_folding(github, 0..github.len()))
            }
            Self::Branch(pattern) => task.source.is_some_and(|source| pattern.is_match(&source.branch)),
            Self::Tag(pattern) => task.tags.iter().any(|tag| pattern.is_match(tag)),
            Self::Id(pattern) => {
                let start = task.job.as_str().len() + 1;
                let end = task.source.map_or(0, |source| start + source.github.len());
                pattern.is_match_folding(task.id.as_str(), start..end)
            }
            Self::Matrix(key, pattern) => task.matrix.iter().any(|(name, value)| {
                same_text(name, key) && texts(value).iter().any(|text| pattern.is_match(text))
            }),
            Self::Expect(expect) => task.expect == Some(*expect),
            Self::Wave(number, _) => task.wave == Some(*number),
            Self::More(name, argument) => more(name, argument),
            Self::Not(inner) => !inner.matches(task, more),
            Self::And(parts) => parts.iter().all(|part| part.matches(task, more)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(task, more)),
        }
    }
}

/// Whether all parts mean `wanted`: the opposite as soon as one does, unknown while one is.
fn all_mean(parts: &[Expression], open: &Unresolved, wanted: bool) -> Option<bool> {
    let mut is_known = true;
    for part in parts {
        match part.means(open) {
            Some(meant) if meant != wanted => return Some(meant),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(wanted)
}
