//! How values are compared, found true and looked into: by GitHub's rules.

use std::cmp::Ordering;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};

use crate::plan::data::{Spelt, members, text};
use crate::plan::equality::{number_of_text, same_text, upper};

/// Whose rules say what is true: to minijinja an empty list or mapping is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    GitHub,
    Minijinja,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What `.*` makes: its members are those of each of its items.
#[derive(Debug)]
pub(super) struct Filtered(Vec<Value>);

impl Object for Filtered {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }
}

pub(super) fn is_true(value: &Value, truth: Truth) -> bool {
    match (truth, value.kind()) {
        (Truth::GitHub, ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) => true,
        (Truth::GitHub, ValueKind::Number) => value.is_true() && !number(value).is_nan(),
        _ => value.is_true(),
    }
}

/// Whether it is neither list nor mapping.
pub(super) fn is_primitive(value: &Value) -> bool {
    !matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}

/// Texts without case.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(upper).collect()
}

/// A value as a number; one that has none equals nothing, not even itself.
fn number(value: &Value) -> f64 {
    match value.kind() {
        ValueKind::None => 0.0,
        ValueKind::Bool => f64::from(u8::from(value.is_true())),
        ValueKind::Number => f64::try_from(value.clone()).unwrap_or(f64::NAN),
        ValueKind::String => value.as_str().map_or(f64::NAN, number_of_text),
        _ => value.downcast_object_ref::<Spelt>().map_or(f64::NAN, |spelt| spelt.0.value),
    }
}

/// GitHub's `==`, but for lists and mappings, which equal what has the same items.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a.kind(), b.kind()) {
        (ValueKind::String, ValueKind::String) => {
            same_text(a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default())
        }
        (ValueKind::None, ValueKind::None) => true,
        (ValueKind::Seq | ValueKind::Iterable, ValueKind::Seq | ValueKind::Iterable) => {
            let (Ok(mut a), Ok(mut b)) = (a.try_iter(), b.try_iter()) else { return false };
            loop {
                match (a.next(), b.next()) {
                    (None, None) => return true,
                    (Some(a), Some(b)) if equal(&a, &b) => {}
                    _ => return false,
                }
            }
        }
        (ValueKind::Map, ValueKind::Map) => {
            let Ok(mut keys) = a.try_iter() else { return false };
            let pair = |key: &Value| Some((a.get_item(key).ok()?, b.get_item(key).ok()?));
            a.len() == b.len()
                && keys.all(|key| pair(&key).is_some_and(|(a, b)| !b.is_undefined() && equal(&a, &b)))
        }
        _ if !is_primitive(a) || !is_primitive(b) => false,
        _ => number(a) == number(b),
    }
}

/// Which of two values is greater by GitHub's `<`: texts go without case, values of different types by number.
pub(super) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    if a.kind() == ValueKind::String && b.kind() == ValueKind::String {
        return Some(folded(a.as_str()?).cmp(&folded(b.as_str()?)));
    }
    if !is_primitive(a) || !is_primitive(b) {
        return None;
    }
    number(a).partial_cmp(&number(b))
}

/// What a value has under a key or an index; undefined if nothing.
pub(in crate::plan) fn member(of: &Value, key: &Value) -> Value {
    if let Some(Filtered(items)) = of.downcast_object_ref::<Filtered>() {
        let found = items.iter().map(|item| member(item, key)).filter(|found| !found.is_undefined());
        return Value::from_object(Filtered(found.collect()));
    }
    match of.kind() {
        ValueKind::Map => {
            let key = text_of_key(key);
            if let Some(found) = of.get_attr(&key).ok().filter(|found| !found.is_undefined()) {
                return found;
            }
            let Ok(mut keys) = of.try_iter() else { return Value::UNDEFINED };
            let found = keys.find(|other| same_text(&text_of_key(other), &key));
            found.and_then(|key| of.get_item(&key).ok()).unwrap_or_default()
        }
        ValueKind::Seq | ValueKind::Iterable if is_primitive(key) => {
            let length = of.len().unwrap_or(0) as f64;
            let index = number(key).floor();
            // As in minijinja, the last one is -1.
            let index = if index < 0.0 { length + index } else { index };
            if !(0.0..length).contains(&index) {
                return Value::UNDEFINED;
            }
            of.get_item_by_index(index as usize).unwrap_or_default()
        }
        _ => Value::UNDEFINED,
    }
}

/// All members.
pub(super) fn every(of: &Value) -> Value {
    let items = match of.downcast_object_ref::<Filtered>() {
        Some(Filtered(items)) => items.iter().flat_map(members).collect(),
        None => members(of),
    };
    Value::from_object(Filtered(items))
}

pub(super) fn text_of_key(key: &Value) -> String {
    text(key).unwrap_or_default()
}
