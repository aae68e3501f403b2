//! What an expression is made of.

use std::ops::Range;

use minijinja::value::Value;

use super::functions::Function;
use super::operators::{Comparison, Truth, text_of_key};

/// A name that is looked up: `matrix.os` or `matrix['os']`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Name {
    /// Its first part in lower case.
    pub(in crate::plan) path: Vec<String>,
    /// The expression says what holds if there is none.
    pub(in crate::plan) may_lack: bool,
    /// Where it stands in the expression.
    pub(in crate::plan) at: Range<usize>,
}

/// A part of an expression and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Range<usize>,
    pub(super) of: Of,
}

#[derive(Debug)]
pub(super) enum Of {
    Value(Value),
    /// One of the names that everything begins with, in lower case.
    Root(String),
    Member(Box<Node>, Box<Node>),
    /// `.*`: all members.
    Every(Box<Node>),
    /// `[from:to:step]`; what is left out is null.
    Slice(Box<[Node; 4]>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Call(Function, Vec<Argument>),
    Filter(Box<Node>, &'static str, Vec<Argument>),
    Test(Box<Node>, &'static str, Vec<Argument>),
    Not(Box<Node>, Truth),
    Negative(Box<Node>),
    /// The first that is false, or the last.
    And(Vec<Node>, Truth),
    /// The first that is true, or the last.
    Or(Vec<Node>, Truth),
    /// `~`: one text.
    Joined(Vec<Node>),
    Comparison(Comparison, Box<[Node; 2]>),
    Arithmetic(&'static str, Box<[Node; 2]>),
    /// What holds if, the test, what holds else.
    If(Box<[Node; 3]>),
}

#[derive(Debug)]
pub(super) struct Argument {
    /// `name=value`.
    pub(super) name: Option<String>,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(at: Range<usize>, of: Of) -> Self {
        Self { at, of }
    }

    /// `matrix`, `os` of `matrix.os`: nothing where a part is computed.
    pub(super) fn path(&self) -> Option<Vec<String>> {
        match &self.of {
            Of::Root(name) => Some(vec![name.clone()]),
            Of::Member(inner, key) => {
                let Of::Value(key) = &key.of else { return None };
                let mut path = inner.path()?;
                path.push(text_of_key(key));
                Some(path)
            }
            _ => None,
        }
    }

    /// Adds the names that are looked up.
    pub(super) fn names(&self, may_lack: bool, into: &mut Vec<Name>) {
        if let Some(path) = self.path() {
            into.push(Name { path, may_lack, at: self.at.clone() });
            return;
        }
        match &self.of {
            Of::Filter(inner, "default" | "d", arguments) | Of::Test(inner, _, arguments) => {
                inner.names(true, into);
                arguments.iter().for_each(|argument| argument.value.names(false, into));
            }
            Of::Or(parts, Truth::GitHub) => {
                for (at, part) in parts.iter().enumerate() {
                    part.names(at + 1 < parts.len(), into);
                }
            }
            _ => self.parts().into_iter().for_each(|part| part.names(false, into)),
        }
    }

    fn parts(&self) -> Vec<&Self> {
        match &self.of {
            Of::Value(_) | Of::Root(_) => Vec::new(),
            Of::Every(inner) | Of::Not(inner, _) | Of::Negative(inner) => vec![inner],
            Of::Member(inner, key) => vec![inner, key],
            Of::Slice(parts) => parts.iter().collect(),
            Of::List(parts) | Of::Joined(parts) | Of::And(parts, _) | Of::Or(parts, _) => {
                parts.iter().collect()
            }
            Of::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Of::Call(_, arguments) => arguments.iter().map(|argument| &argument.value).collect(),
            Of::Filter(inner, _, arguments) | Of::Test(inner, _, arguments) => {
                std::iter::once(&**inner).chain(arguments.iter().map(|argument| &argument.value)).collect()
            }
            Of::Comparison(_, sides) | Of::Arithmetic(_, sides) => sides.iter().collect(),
            Of::If(parts) => parts.iter().collect(),
        }
    }
}
