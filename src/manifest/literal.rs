//! Values of the user's choice: what `vars` and `matrix` hold.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::document::Span;
use super::located::Located;

/// The name under which a [`Literal`] asks our deserializer for numbers as they are written.
pub(super) const LITERAL: &str = "$manifest::Literal";

/// A value of the user's choice: text, number, boolean, null, list or mapping.
#[derive(Clone, Debug)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(Number),
    Text(Located<String>),
    List(Vec<Literal>),
    /// In the order of the file.
    Map(Vec<(Located<String>, Literal)>),
}

/// A number and its spelling: `3.10` is a version to people and 3.1 to arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) written: Box<str>,
}

impl Number {
    pub(crate) fn new(written: &str) -> Self {
        let value = parse_number(written).unwrap_or(f64::NAN);
        Self { value, written: written.into() }
    }

    /// The number as JSON, where that spells it in the same way.
    pub(crate) fn json(&self) -> Option<serde_json::Number> {
        let whole = |text: &str| text.parse().map(serde_json::Number::from_i128).ok().flatten();
        match whole(&self.written) {
            Some(number) => (number.to_string() == *self.written).then_some(number),
            None if self.value.to_string() == *self.written => serde_json::Number::from_f64(self.value),
            None => None,
        }
    }

    /// Whether JSON could hold the spelling as a number.
    fn is_json(&self) -> bool {
        serde_json::from_str::<serde_json::Number>(&self.written).is_ok()
    }
}

impl Literal {
    /// A number that is spelt so.
    pub(crate) fn number(written: &str) -> Self {
        Self::Number(Number::new(written))
    }

    /// Whether a text spells a number.
    pub(crate) fn is_number(text: &str) -> bool {
        parse_number(text).is_some()
    }

    /// The value as JSON. A number that is not spelt in the usual way becomes a text, which keeps its spelling.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => {
                number.json().map_or_else(|| Json::String((*number.written).to_owned()), Json::Number)
            }
            Self::Text(text) => Json::String(text.value.clone()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                entries.iter().map(|(key, value)| (key.value.clone(), value.to_json())).collect()
            }
        }
    }

    /// Whether a text of it holds an expression.
    pub(crate) fn has_expression(&self) -> bool {
        match self {
            Self::Text(text) => text.contains("${{"),
            Self::List(items) => items.iter().any(Self::has_expression),
            Self::Map(entries) => {
                entries.iter().any(|(key, value)| key.contains("${{") || value.has_expression())
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => false,
        }
    }

    /// What kind of value it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text in quotes",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let inner: usize = match self {
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(Self::weight).sum(),
            Self::Map(entries) => entries.iter().map(|(key, value)| key.len() + value.weight()).sum(),
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
        };
        inner + size_of::<Self>()
    }

    /// A value of [`Literal::to_json`]: of its texts, those that spell numbers were numbers.
    pub(crate) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::number(&number.to_string()),
            Json::String(text) if Self::is_number(text) => Self::number(text),
            Json::String(text) => Self::Text(Located::new(text.clone(), Span::default())),
            Json::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            Json::Object(map) => Self::Map(
                map.iter()
                    .map(|(key, value)| (Located::new(key.clone(), Span::default()), Self::of_json(value)))
                    .collect(),
            ),
        }
    }

    /// The one text of this value, wherever people read it: a text as it is, a number as it is written, `true`, `null`,
    /// lists and mappings as compact JSON.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.value.clone(),
            other => other.json(),
        }
    }

    /// As JSON on one line; its numbers as they are written.
    pub(crate) fn json(&self) -> String {
        let mut json = String::new();
        self.push_json(&mut json, None);
        json
    }

    /// As JSON over several lines.
    pub(crate) fn pretty_json(&self) -> String {
        let mut json = String::new();
        self.push_json(&mut json, Some(0));
        json
    }

    /// A value as a manifest writes it.
    #[cfg(test)]
    pub(crate) fn read(yaml: &str) -> Self {
        let document = std::sync::Arc::new(super::Document::new("value", yaml));
        let root = super::node::parse(&document).unwrap();
        super::decode::decode(&document, &root).unwrap()
    }

    /// `depth` is how many levels a line is indented; without, all is one line.
    fn push_json(&self, into: &mut String, depth: Option<usize>) {
        let inner = depth.map(|depth| depth + 1);
        match self {
            Self::Number(number) if number.is_json() => into.push_str(&number.written),
            // As GitHub and browsers have it.
            Self::Number(number) if depth.is_some() && !number.value.is_finite() => into.push_str("null"),
            Self::List(items) => joined(into, "[]", depth, items, |into, item| item.push_json(into, inner)),
            Self::Map(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
                joined(into, "{}", depth, sorted, |into, (key, value)| {
                    into.push_str(&Json::from(key.as_str()).to_string());
                    into.push_str(if depth.is_some() { ": " } else { ":" });
                    value.push_json(into, inner);
                });
            }
            Self::Number(number) => into.push_str(&Json::from(&*number.written).to_string()),
            Self::Null | Self::Bool(_) | Self::Text(_) => into.push_str(&self.to_json().to_string()),
        }
    }
}

fn joined<T>(
    into: &mut String,
    brackets: &str,
    depth: Option<usize>,
    items: impl IntoIterator<Item = T>,
    push: impl Fn(&mut String, T),
) {
    let line = |into: &mut String, depth: usize| {
        into.push('\n');
        into.extend(std::iter::repeat_n("  ", depth));
    };
    into.push_str(&brackets[..1]);
    let mut is_empty = true;
    for item in items {
        if !is_empty {
            into.push(',');
        }
        is_empty = false;
        depth.into_iter().for_each(|depth| line(into, depth + 1));
        push(into, item);
    }
    depth.filter(|_| !is_empty).into_iter().for_each(|depth| line(into, depth));
    into.push_str(&brackets[1..]);
}

/// Whether a plain text is a number to YAML that the YAML crate leaves a text: `007`, `.inf`, one beyond its range.
pub(super) fn is_odd_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    let special = digits.starts_with(".i")
        || digits.starts_with(".I")
        || digits.starts_with(".n")
        || digits.starts_with(".N");
    let long = digits.len() >= 19 && digits.bytes().all(|byte| byte.is_ascii_digit());
    (leading_zero || special || long) && parse_number(text).is_some()
}

/// A plain scalar of YAML 1.2's core schema as a number.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = |prefix, radix| {
        let digits = text.strip_prefix(prefix)?;
        let only_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        only_digits.then(|| {
            digits.chars().fold(0.0, |n, c| n * f64::from(radix) + f64::from(c.to_digit(radix).unwrap_or(0)))
        })
    };
    if let Some(value) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(value);
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => return Some(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => return Some(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(f64::NAN),
        _ => {}
    }
    // Rust also reads `inf` and `nan`.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    plain.then(|| text.parse().ok()).flatten()
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(LITERAL, LiteralVisitor)
    }
}

struct LiteralVisitor;

impl<'de> Visitor<'de> for LiteralVisitor {
    type Value = Literal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Literal, E> {
        Ok(Literal::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Literal, E> {
        Ok(Literal::Bool(value))
    }

    /// The spelling of a number: a manifest has no other bytes.
    fn visit_bytes<E>(self, written: &[u8]) -> Result<Literal, E> {
        Ok(Literal::Number(Number::new(&String::from_utf8_lossy(written))))
    }

    /// A text and its place.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Literal, D::Error> {
        Located::deserialize(deserializer).map(Literal::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Literal, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Literal::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Literal, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Literal::Map(entries))
    }
}

impl JsonSchema for Literal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Literal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = Schema::default();
        let about = "A value of the user's choice: text, number, boolean, null, list or mapping.";
        schema.insert("description".to_owned(), about.into());
        schema
    }
}
