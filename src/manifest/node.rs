//! YAML as a tree whose every node knows its place. The only module that knows the YAML crate.

mod explain;
mod second_look;

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};

use super::diagnostic::{Diagnostic, quoted};
use super::document::{Document, Span};
pub(super) use second_look::{PLAIN_SPACE, odd_space};

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// What a node holds, as YAML 1.2's core schema types it.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    Seq(Vec<Node>),
    /// In the order of the file; a key may stand in it twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping, as text.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) span: Span,
    pub(super) text: String,
}

impl Node {
    /// The node of this address in the tree.
    pub(super) fn find(&self, wanted: *const Self) -> Option<&Self> {
        if std::ptr::eq(self, wanted) {
            return Some(self);
        }
        match &self.value {
            Value::Seq(items) => items.iter().find_map(|item| item.find(wanted)),
            Value::Map(entries) => entries.iter().find_map(|(_, value)| value.find(wanted)),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::UInt(_)
            | Value::Float(_)
            | Value::Text(_) => None,
        }
    }

    /// The entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What stands under a key of a mapping.
    pub(super) fn entry(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(known, _)| known.text == key).map(|(_, value)| value)
    }

    /// An item of a list.
    pub(super) fn item(&self, index: usize) -> Option<&Self> {
        match &self.value {
            Value::Seq(items) => items.get(index),
            _ => None,
        }
    }
}

impl Value {
    /// What the value is called in messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the number `{value}`"),
            Self::UInt(value) => format!("the number `{value}`"),
            Self::Float(value) => format!("the number `{value}`"),
            Self::Text(text) => format!("the text {}", quoted(text)),
            Self::Seq(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads one YAML document.
///
/// # Errors
///
/// The first thing that is not YAML, a budget that is spent (depth, nodes, aliases), or keys that stand twice.
pub(super) fn parse(document: &Arc<Document>) -> Result<Node, Vec<Diagnostic>> {
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(document.text(), options())
        .map_err(|error| vec![explain::explain(document, &error)])?;
    let mut twice = Vec::new();
    let root = raw_node(document, raw, &mut twice);
    if twice.is_empty() { Ok(root) } else { Err(twice) }
}

/// Bounds that a manifest of 100,000 tasks stays within and that an attack meets within a second.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: 750_000,
            max_events: 1_500_000,
            max_aliases: 50_000,
            max_recorded_anchor_events: 200_000,
            max_merge_keys: 100_000,
            // One anchor may serve hundreds of jobs.
            enforce_alias_anchor_ratio: false,
            // Twice what any manifest needs, and little enough for the stack of a thread in a debug build.
            max_depth: 32,
            max_total_scalar_bytes: 64 * 1024 * 1024,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 300_000 },
        // Both places of a key that stands twice are worth showing: we look for them ourselves.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn span(document: &Document, location: Location) -> Span {
    let span = location.span();
    if let (Some(start), Some(len)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        return Span::new(start..start.saturating_add(usize::try_from(len).unwrap_or(0)));
    }
    // Only line and column are known, for instance at the end of the text.
    let index = usize::try_from(location.line()).unwrap_or(usize::MAX).saturating_sub(1);
    let line = document.line(index);
    let column = usize::try_from(location.column()).unwrap_or(1).saturating_sub(1);
    let within = document.text()[line.clone()].char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    Span::new(line.start + within..line.start + within)
}

/// A node as the YAML crate hands it over, before its place is counted in bytes.
enum Raw {
    Value(Value),
    Seq(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<RawKey>, Spanned<Raw>)>),
}

struct RawKey(String);

fn raw_node(document: &Arc<Document>, raw: Spanned<Raw>, twice: &mut Vec<Diagnostic>) -> Node {
    let value = match raw.value {
        Raw::Value(value) => value,
        Raw::Seq(items) => {
            Value::Seq(items.into_iter().map(|item| raw_node(document, item, twice)).collect())
        }
        Raw::Map(entries) => {
            let mut map = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = Key { span: span(document, key.defined), text: key.value.0 };
                map.push((key, raw_node(document, value, twice)));
            }
            find_twice(document, &map, twice);
            Value::Map(map)
        }
    };
    Node { span: span(document, raw.defined), value }
}

fn find_twice(document: &Arc<Document>, map: &[(Key, Node)], twice: &mut Vec<Diagnostic>) {
    let mut keys: Vec<&Key> = map.iter().map(|(key, _)| key).collect();
    keys.sort_by(|a, b| a.text.cmp(&b.text).then(a.span.cmp(&b.span)));
    for pair in keys.windows(2).filter(|pair| pair[0].text == pair[1].text) {
        let finding =
            Diagnostic::new(format!("the key {} stands twice in this mapping", quoted(&pair[1].text)))
                .at(document, pair[1].span)
                .related(document, pair[0].span, "first here")
                .help("keep one of them");
        twice.push(finding);
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Value(i64::try_from(value).map_or(Value::UInt(value), Value::Int)))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Text(value.to_string())))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Text(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Text(value)))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Value(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

impl<'de> Deserialize<'de> for RawKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Text is asked for, so that a number keeps its spelling.
        String::deserialize(deserializer).map(Self).map_err(|_| D::Error::custom(explain::KEY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> (Arc<Document>, Node) {
        let document = Arc::new(Document::new("jobs.yaml", text));
        let node = parse(&document).unwrap();
        (document, node)
    }

    fn map(node: &Node) -> &[(Key, Node)] {
        let Value::Map(entries) = &node.value else { panic!("not a mapping: {node:?}") };
        entries
    }

    #[test]
    fn every_node_knows_its_place() {
        let (document, root) = tree("ä: {b: 3.10}\nc:\n  - 'x y'\n");
        let (key, inner) = &map(&root)[0];
        assert_eq!(document.slice(key.span), "ä");
        let (key, number) = &map(inner)[0];
        assert_eq!((document.slice(key.span), document.slice(number.span)), ("b", "3.10"));
        let Value::Seq(items) = &map(&root)[1].1.value else { panic!("not a list") };
        assert_eq!(document.slice(items[0].span), "'x y'");
        assert_eq!(document.place(items[0].span.start).to_string(), "3:5");
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let (_, root) =
            tree("a: yes\nb: true\nc: 07\nd: 1_000\ne: ~\nf: 1e3\ng: 18446744073709551615\nh: .nan\n");
        let kinds: Vec<String> = map(&root).iter().map(|(_, node)| format!("{:?}", node.value)).collect();
        let expected = [
            "Text(\"yes\")",
            "Bool(true)",
            "Text(\"07\")",
            "Text(\"1_000\")",
            "Null",
            "Float(1000.0)",
            "UInt(18446744073709551615)",
            "Text(\".nan\")",
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn an_alias_points_at_its_anchor() {
        let (document, root) = tree("a: &x [1, 2]\nb: *x\n");
        let Value::Seq(items) = &map(&root)[1].1.value else { panic!("not a list") };
        assert_eq!(document.place(items[0].span.start).line, 1);
    }

    #[test]
    fn keys_that_stand_twice_are_all_reported() {
        let document = Arc::new(Document::new("jobs.yaml", "a: 1\nb: {c: 1, c: 2}\na: 2\n"));
        let findings = parse(&document).unwrap_err();
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[1].place().unwrap().to_string(), "3:1");
    }
}
