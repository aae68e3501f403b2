//! A mistake on its way out of serde, in the words of this program.

use std::fmt;
use std::sync::Arc;

use serde::de;

use super::diagnostic::{Diagnostic, joined, nearest, quoted};
use super::document::{Document, Span};
use super::habits;
use super::node::Node;

/// A mistake on its way out of serde, gathering its place.
#[derive(Debug)]
pub(super) struct Fault {
    message: String,
    help: Option<Box<str>>,
    span: Option<Span>,
    pub(super) node: Option<*const Node>,
    /// Keys and indices, innermost first.
    pub(super) path: Vec<String>,
    about: About,
}

/// What the message speaks of.
#[derive(Debug)]
enum About {
    /// The value at the path.
    Value,
    /// The value, which has another shape: what was expected and found.
    Shape(Box<(String, String)>),
    /// An entry of the mapping at the path.
    Key,
    /// An entry that is not there.
    MissingKey(&'static str),
}

impl Fault {
    /// The key that is not there, if that is the mistake.
    pub(super) fn missing(&self) -> Option<&'static str> {
        match self.about {
            About::MissingKey(key) => Some(key),
            About::Value | About::Shape(_) | About::Key => None,
        }
    }

    pub(super) fn new(message: String) -> Self {
        Self { message, help: None, span: None, node: None, path: Vec::new(), about: About::Value }
    }

    pub(super) fn at(mut self, span: Span, node: &Node) -> Self {
        if self.node.is_none() {
            self.span = Some(span);
            self.node = Some(node);
        }
        self
    }

    pub(super) fn within(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }

    pub(super) fn into_diagnostic(self, document: &Arc<Document>, fallback: Span) -> Diagnostic {
        let key = self.path.iter().find(|step| !step.starts_with('['));
        let habit = match (key, &self.about) {
            (Some(key), About::Shape(shapes)) => habits::of_value(key, &shapes.0, &shapes.1),
            _ => None,
        };
        let of_key = matches!(self.about, About::Key | About::MissingKey(_));
        let mut path = String::new();
        for step in self.path.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        let message = match (path.is_empty(), of_key) {
            (true, _) => self.message,
            (false, true) => format!("{} in {}", self.message, quoted(&path)),
            (false, false) => format!("{}: {}", quoted(&path), self.message),
        };
        let finding = Diagnostic::new(message).at(document, self.span.unwrap_or(fallback));
        match self.help.or(habit.map(Into::into)) {
            Some(help) => finding.help(help),
            None => finding,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        // Our own values write "what is wrong; help: the way out".
        match text.split_once("; help: ") {
            Some((message, help)) => Self { help: Some(help.into()), ..Self::new(message.to_owned()) },
            None => Self::new(text),
        }
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let (expected, found) = (plain_expectation(&expected.to_string()), plain_unexpected(unexpected));
        let message = format!("expected {expected}, found {found}");
        Self { about: About::Shape(Box::new((expected, found))), ..Self::new(message) }
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            help: Some(choices(variant, expected).into()),
            ..Self::new(format!("{} is not one of its values", quoted(variant)))
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = match (habits::of_key(field, expected), nearest(field, expected.iter().copied())) {
            (Some(help), _) => help.to_owned(),
            (None, Some(name)) => format!("did you mean {}?", quoted(name)),
            (None, None) => format!("known keys: {}", joined(expected, "and")),
        };
        Self {
            help: Some(help.into()),
            about: About::Key,
            ..Self::new(format!("unknown key {}", quoted(field)))
        }
    }

    fn missing_field(field: &'static str) -> Self {
        let help = format!("add `{field}:`");
        let message = format!("the key {} is missing", quoted(field));
        Self { help: Some(help.into()), about: About::MissingKey(field), ..Self::new(message) }
    }
}

fn choices(written: &str, known: &'static [&'static str]) -> String {
    let all = joined(known, "or");
    match nearest(written, known.iter().copied()) {
        Some(name) => format!("did you mean {}? It can be {all}", quoted(name)),
        None => format!("it can be {all}"),
    }
}

fn plain_expectation(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        other if other.starts_with("struct ") => "a mapping".to_owned(),
        other => other.to_owned(),
    }
}

fn plain_unexpected(unexpected: de::Unexpected<'_>) -> String {
    match unexpected {
        de::Unexpected::Bool(value) => format!("`{value}`"),
        de::Unexpected::Unsigned(n) => format!("the number `{n}`"),
        de::Unexpected::Signed(n) => format!("the number `{n}`"),
        de::Unexpected::Float(n) => format!("the number `{n}`"),
        de::Unexpected::Str(text) => format!("the text {}", quoted(text)),
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}
