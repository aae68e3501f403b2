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
mod wrong;

use std::ops::Range;

use minijinja::value::Value;

pub(super) use evaluate::{Names, Trouble, Why};
pub(super) use node::Name;
use node::Node;
pub(super) use operators::member;
pub(super) use token::length;
pub(super) use wrong::Wrong;

/// An expression that was understood to its last character.
#[derive(Debug)]
pub(super) struct Expression {
    root: Node,
    names: Box<[Name]>,
    /// Where texts in single quotes stand, without their quotes.
    single_quoted: Box<[Range<usize>]>,
}

impl Expression {
    /// # Errors
    ///
    /// The first thing in it that is not understood.
    pub(super) fn parse(code: &str) -> Result<Self, Wrong> {
        let (root, single_quoted) = parse::parse(code)?;
        let mut names = Vec::new();
        root.names(false, &mut names);
        let lacking: Vec<Vec<String>> =
            names.iter().filter(|name: &&Name| name.may_lack).map(|name| name.path.clone()).collect();
        for name in &mut names {
            name.may_lack |= lacking.contains(&name.path);
        }
        Ok(Self { root, names: names.into(), single_quoted: single_quoted.into() })
    }

    /// Where texts in single quotes stand in it, without their quotes.
    pub(super) fn single_quoted(&self) -> &[Range<usize>] {
        &self.single_quoted
    }

    /// # Errors
    ///
    /// A name that is not defined, an operation that does not fit its values, or too much work.
    pub(super) fn evaluate(&self, names: &impl Names) -> Result<Value, Trouble> {
        evaluate::evaluate(&self.root, names)
    }

    /// The names that it looks up.
    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }
}
