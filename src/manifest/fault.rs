//! A mistake on its way out of serde, in the words of this program.

use std::fmt;
use std::sync::Arc;

use serde::de;

use super::diagnostic::{Diagnostic, joined, nearest, quoted};
use super::document::{Document, Span};
use super::habits;
use super::node::{Node, PLAIN_SPACE, Value, odd_space};

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
    /// An entry of the mapping at the path, by its key.
    Key(Box<str>),
    /// A word that is none of those that can stand there.
    Variant(Box<str>),
    /// An entry that is not there.
    MissingKey(&'static str),
}

impl Fault {
    /// The key that is not there, if that is the mistake.
    pub(super) fn missing(&self) -> Option<&'static str> {
        match self.about {
            About::MissingKey(key) => Some(key),
            About::Value | About::Shape(_) | About::Key(_) | About::Variant(_) => None,
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

    /// The finding, with its place in the tree that was read.
    pub(super) fn into_diagnostic(self, document: &Arc<Document>, root: &Node) -> Diagnostic {
        let node = self.node.and_then(|node| root.find(node));
        let mut help = self.help;
        let place = Place::of(&self.path, root);
        let (message, habit) = match &self.about {
            About::Value => (place.before(&self.message), None),
            About::MissingKey(_) => (place.behind(&self.message), None),
            About::Key(key) => {
                let odd = key.chars().find_map(odd_space);
                let message = odd.map(|space| {
                    let bare = key.trim_matches(|c| odd_space(c).is_some() || c == ' ');
                    format!("{space} stands at the key {}", quoted(bare))
                });
                let habit = odd.map(|_| PLAIN_SPACE.to_owned());
                let habit = habit.or_else(|| habits::of_entry(key, node?, place.is_job()));
                help = help.map(|help| habits::filled(&help, key, node).into());
                if &**key == "on" && habits::is_workflow(root.entry("jobs")) {
                    help = Some(habits::WORKFLOW.into());
                }
                (place.behind(message.as_deref().unwrap_or(&self.message)), habit)
            }
            About::Shape(shapes) => {
                let (expected, found) = &**shapes;
                let spelt = node.filter(|node| matches!(node.value, Value::Float(_)));
                let spelt = spelt.map(|node| format!("the number {}", quoted(document.slice(node.span))));
                let found = spelt.as_ref().unwrap_or(found);
                let habit = place.key().and_then(|key| habits::of_value(key, expected, found, node));
                (place.before(&format!("expected {expected}, found {found}")), habit)
            }
            About::Variant(word) => {
                (place.before(&self.message), place.key().and_then(|key| habits::of_word(key, word)))
            }
        };
        let finding = Diagnostic::new(message).at(document, self.span.unwrap_or(root.span));
        match habit.map(Into::into).or(help) {
            Some(help) => finding.help(help),
            None => finding,
        }
    }
}

/// Where in the manifest a mistake is.
struct Place {
    /// The job that holds it, in words.
    job: Option<String>,
    /// Keys and indices from there on, joined.
    rest: String,
    key: Option<String>,
}

impl Place {
    /// `path` is innermost first.
    fn of(path: &[String], root: &Node) -> Self {
        let mut steps: Vec<&str> = path.iter().rev().map(String::as_str).collect();
        let key = path.iter().find(|step| !step.starts_with('[')).cloned();
        let mut job = None;
        if let ["jobs", index, ..] = steps[..]
            && let Ok(index) = index.trim_matches(['[', ']']).parse::<usize>()
        {
            let id = root.entry("jobs").and_then(|jobs| jobs.item(index)).and_then(|job| job.entry("id"));
            job = Some(match id.map(|id| &id.value) {
                Some(Value::Text(id)) => format!("job {}", quoted(id)),
                _ => format!("job number {}", index + 1),
            });
            steps.drain(..2);
        }
        let mut rest = String::new();
        for step in steps {
            if !rest.is_empty() && !step.starts_with('[') {
                rest.push('.');
            }
            rest.push_str(step);
        }
        Self { job, rest, key }
    }

    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether the keys there are those of a job.
    fn is_job(&self) -> bool {
        self.job.is_some() && self.rest.is_empty()
    }

    fn words(&self) -> Option<String> {
        match (&self.job, self.rest.is_empty()) {
            (None, true) => None,
            (None, false) => Some(quoted(&self.rest)),
            (Some(job), true) => Some(job.clone()),
            (Some(job), false) => Some(format!("{} of {job}", quoted(&self.rest))),
        }
    }

    fn before(&self, message: &str) -> String {
        self.words().map_or_else(|| message.to_owned(), |words| format!("{words}: {message}"))
    }

    fn behind(&self, message: &str) -> String {
        self.words().map_or_else(|| message.to_owned(), |words| format!("{message} in {words}"))
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
            about: About::Variant(variant.into()),
            ..Self::new(format!("{} is not one of its values", quoted(variant)))
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = match (habits::of_key(field, expected), nearest(field, expected.iter().copied())) {
            (Some(help), _) => help.to_owned(),
            (None, Some(name)) => format!("did you mean {}?", quoted(name)),
            (None, None) => format!("known keys: {}", joined(expected, "and")),
        };
        // `strategy.max-parallel`, as the documents name it.
        let group = field.split_once('.').filter(|(group, _)| expected.contains(group));
        let help = group
            .map_or(help, |(group, key)| format!("write {}", quoted(&format!("{group}: {{ {key}: … }}"))));
        Self {
            help: Some(help.into()),
            about: About::Key(field.into()),
            ..Self::new(format!("unknown key {}", quoted(field)))
        }
    }

    fn missing_field(field: &'static str) -> Self {
        let help = match field {
            "jobs" => "write `jobs:`, below it `- id: NAME`, and the job's other keys below `id`".to_owned(),
            _ => format!("add `{field}:`"),
        };
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
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number".to_owned(),
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
