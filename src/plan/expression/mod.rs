//! The language between `${{` and `}}`.
//!
//! Operators, functions and coercions are GitHub's; minijinja's filters, tests, arithmetic and `… if … else …` stand
//! beside them. `docs/expressions.md` describes it, and where it differs from GitHub's.

mod evaluate;
mod filters;
mod functions;
mod node;
mod operators;
mod parse;
mod postfix;
mod precedence;
#[cfg(test)]
mod tests;
mod token;

use std::ops::Range;

pub(super) use evaluate::{Trouble, Why};
use node::Node;
pub(super) use operators::member;
pub(super) use token::length;

/// An expression that was understood to its last character.
#[derive(Debug)]
pub(super) struct Expression {
    root: Node,
    names: Box<[Name]>,
}

/// A name that is looked up: `matrix.os` or `matrix['os']`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Its first part in lower case.
    pub(super) path: Vec<String>,
    /// The expression says what holds if there is none.
    pub(super) may_lack: bool,
    /// Where it stands in the expression.
    pub(super) at: Range<usize>,
}

/// Why an expression is not understood.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The bytes of the expression that are not.
    pub(super) at: Range<usize>,
    pub(super) what: String,
    pub(super) help: Option<String>,
}

impl Wrong {
    fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), help: None }
    }

    fn unexpected(at: Range<usize>, found: &str) -> Self {
        Self::new(at, format!("{} is not expected here", crate::manifest::quoted(found)))
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Expression {
    /// # Errors
    ///
    /// The first thing in it that is not understood.
    pub(super) fn parse(code: &str) -> Result<Self, Wrong> {
        let root = parse::parse(code)?;
        let mut names = Vec::new();
        root.names(false, &mut names);
        let lacking: Vec<Vec<String>> =
            names.iter().filter(|name: &&Name| name.may_lack).map(|name| name.path.clone()).collect();
        for name in &mut names {
            name.may_lack |= lacking.contains(&name.path);
        }
        Ok(Self { root, names: names.into() })
    }

    /// The names that it looks up.
    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }
}
