//! From the tree to typed values, with the place and the way out of every mistake.
//!
//! serde stops at the first mistake. Here the entry that holds it is set aside and the tree is read again, so that
//! one look at the manifest reports them all.

use std::collections::HashSet;
use std::sync::Arc;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::diagnostic::Diagnostic;
use super::document::Document;
use super::fault::Fault;
use super::habits;
use super::literal::{self, LITERAL};
use super::located::LOCATED;
use super::node::{Key, Node, Value};

/// How often the tree is read again at most.
const MAX_ROUNDS: usize = 20;

/// Reads `root` as a `T`.
///
/// # Errors
///
/// Every mistake that could be told apart, at most twenty.
pub(super) fn decode<T: DeserializeOwned>(
    document: &Arc<Document>,
    root: &Node,
) -> Result<T, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let mut aside = HashSet::new();
    let mut keys_aside: Vec<String> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let from = NodeDeserializer { document, node: root, aside: &aside };
        match T::deserialize(from) {
            Ok(value) if findings.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(fault) => {
                let node = fault.node;
                if fault.missing().is_some_and(|missing| keys_aside.iter().any(|key| key == missing)) {
                    // It is there, and what is wrong with it is told.
                    break;
                }
                let is_jobs = |found: &Diagnostic| {
                    found.way_out().is_some_and(|help| {
                        help.starts_with("did you mean `jobs`") || help == habits::COMMENT
                    })
                };
                if fault.missing() == Some("jobs") && findings.iter().any(is_jobs) {
                    break;
                }
                keys_aside.extend(fault.path.first().cloned());
                findings.push(fault.into_diagnostic(document, root));
                let Some(node) = node.filter(|node| *node != std::ptr::from_ref(root)) else { break };
                aside.insert(node);
            }
        }
    }
    Err(findings)
}

/// A node as serde reads it.
#[derive(Clone, Copy)]
struct NodeDeserializer<'a> {
    document: &'a Document,
    node: &'a Node,
    aside: &'a HashSet<*const Node>,
}

impl<'a> NodeDeserializer<'a> {
    fn over(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    fn at(self, fault: Fault) -> Fault {
        fault.at(self.node.span, self.node)
    }

    /// A number or boolean as it is written: `3.10`, not `3.1`.
    fn spelling(self) -> Option<&'a str> {
        let text = self.document.slice(self.node.span);
        let plain =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b));
        plain.then_some(text)
    }

    fn visit_text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let canonical = match &self.node.value {
            Value::Text(text) => return visitor.visit_str(text),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::UInt(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::Null | Value::Seq(_) | Value::Map(_) => return self.visit_any(visitor),
        };
        visitor.visit_str(self.spelling().unwrap_or(&canonical))
    }

    fn visit_any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let written_as = |canonical: &str| self.spelling().filter(|text| *text != canonical);
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            // A number that is not written in the usual way is meant as written: `3.10` is a version.
            Value::Int(value) => match written_as(&value.to_string()) {
                Some(text) => visitor.visit_str(text),
                None => visitor.visit_i64(*value),
            },
            Value::UInt(value) => visitor.visit_u64(*value),
            Value::Float(value) => match written_as(&value.to_string()) {
                Some(text) => visitor.visit_str(text),
                None => visitor.visit_f64(*value),
            },
            Value::Text(text) => visitor.visit_str(text),
            Value::Seq(items) => visitor.visit_seq(Items { from: self, items: items.iter(), index: 0 }),
            Value::Map(entries) => {
                visitor.visit_map(Entries { from: self, entries: entries.iter(), value: None })
            }
        }
    }

    /// As [`NodeDeserializer::visit_any`], but numbers come as bytes: as they are written.
    fn visit_literal<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = |canonical: String| self.spelling().map_or(canonical, str::to_owned);
        match &self.node.value {
            Value::Int(value) => visitor.visit_bytes(number(value.to_string()).as_bytes()),
            Value::UInt(value) => visitor.visit_bytes(number(value.to_string()).as_bytes()),
            Value::Float(value) => visitor.visit_bytes(number(value.to_string()).as_bytes()),
            Value::Text(text) if self.spelling() == Some(text) && literal::is_odd_number(text) => {
                visitor.visit_bytes(text.as_bytes())
            }
            Value::Text(_) => visitor.visit_newtype_struct(self),
            Value::Null | Value::Bool(_) | Value::Seq(_) | Value::Map(_) => self.visit_any(visitor),
        }
    }

    fn visit_number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Int(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            _ => self.visit_any(visitor),
        }
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.visit_number(visitor).map_err(|fault| self.at(fault))
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Fault;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_any(visitor).map_err(|fault| self.at(fault))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_text(visitor).map_err(|fault| self.at(fault))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|fault| self.at(fault))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == LOCATED {
            return visitor.visit_seq(LocatedParts { from: self, part: 0 }).map_err(|fault| self.at(fault));
        }
        if name == LITERAL {
            return self.visit_literal(visitor).map_err(|fault| self.at(fault));
        }
        visitor.visit_newtype_struct(self).map_err(|fault| self.at(fault))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Value::Text(text) = &self.node.value else {
            let fault = Fault::new(format!("expected one word, found {}", self.node.value.describe()));
            return Err(self.at(fault));
        };
        visitor.visit_enum(text.as_str().into_deserializer()).map_err(|fault: Fault| self.at(fault))
    }

    /// serde would take a list for the fields in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Seq(_) => Err(self.at(Fault::invalid_type(Unexpected::Seq, &visitor))),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i128 u128 char bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
    }
}

struct Items<'a> {
    from: NodeDeserializer<'a>,
    items: std::slice::Iter<'a, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let aside = self.from.aside;
        let Some(node) = self.items.find(|node| {
            self.index += 1;
            !aside.contains(&std::ptr::from_ref(*node))
        }) else {
            return Ok(None);
        };
        let step = || format!("[{}]", self.index - 1);
        let from = self.from.over(node);
        seed.deserialize(from).map(Some).map_err(|fault| from.at(fault).within(step()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'a> {
    from: NodeDeserializer<'a>,
    entries: std::slice::Iter<'a, (Key, Node)>,
    value: Option<&'a (Key, Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let aside = self.from.aside;
        let Some(entry) = self.entries.find(|(_, node)| !aside.contains(&std::ptr::from_ref(node))) else {
            return Ok(None);
        };
        self.value = Some(entry);
        let (key, node) = entry;
        seed.deserialize(KeyDeserializer { key }).map(Some).map_err(|fault| fault.at(key.span, node))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (key, node) = self.value.take().expect("serde asks for a value only after its key");
        seed.deserialize(self.from.over(node)).map_err(|fault| fault.within(key.text.clone()))
    }
}

struct KeyDeserializer<'a> {
    key: &'a Key,
}

impl<'de> Deserializer<'de> for KeyDeserializer<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(&self.key.text)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == LOCATED {
            return visitor.visit_seq(KeyParts { key: self.key, part: 0 });
        }
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Start, end and value: what `Located` reads.
struct LocatedParts<'a> {
    from: NodeDeserializer<'a>,
    part: u8,
}

impl<'de> SeqAccess<'de> for LocatedParts<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.part += 1;
        match self.part {
            1 => offset(seed, self.from.node.span.start),
            2 => offset(seed, self.from.node.span.end),
            3 => seed.deserialize(self.from).map(Some),
            _ => Ok(None),
        }
    }
}

struct KeyParts<'a> {
    key: &'a Key,
    part: u8,
}

impl<'de> SeqAccess<'de> for KeyParts<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.part += 1;
        match self.part {
            1 => offset(seed, self.key.span.start),
            2 => offset(seed, self.key.span.end),
            3 => seed.deserialize(StrDeserializer::<Fault>::new(&self.key.text)).map(Some),
            _ => Ok(None),
        }
    }
}

fn offset<'de, S: DeserializeSeed<'de>>(seed: S, at: u32) -> Result<Option<S::Value>, Fault> {
    seed.deserialize(U32Deserializer::<Fault>::new(at)).map(Some)
}
