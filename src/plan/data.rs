//! Values between manifest and expressions, and the text that people see of them.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr, StringInput, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use crate::manifest::{Literal, Located, Number, Span};

/// The longest text that a part of an expression may make, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 20;

/// The most that a value may come to where it is shown or kept, in bytes: what is in it may stand there often.
const MAX_WEIGHT: usize = 64 << 20;

/// A number whose usual spelling is another: what is seen of it is what was written.
#[derive(Debug)]
pub(super) struct Spelt(pub(super) Number);

impl Object for Spelt {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0.value != 0.0 && !self.0.value.is_nan()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.written)
    }
}

/// A value of the manifest as expressions see it.
pub(super) fn to_value(value: &Literal) -> Value {
    match value {
        Literal::Null => Value::from(()),
        Literal::Bool(value) => Value::from(*value),
        Literal::Number(number) => match number.json() {
            Some(json) => match (json.as_i64(), json.as_u64()) {
                (Some(value), _) => Value::from(value),
                (None, Some(value)) => Value::from(value),
                (None, None) => Value::from(number.value),
            },
            None => Value::from_object(Spelt(number.clone())),
        },
        Literal::Text(text) => Value::from(text.as_str()),
        Literal::List(items) => items.iter().map(to_value).collect(),
        Literal::Map(map) => {
            Value::from_pairs(map.iter().map(|(key, value)| (key.as_str(), to_value(value))))
        }
    }
}

/// The number that a text spells.
pub(super) fn number_value(written: &str) -> Option<Value> {
    Literal::is_number(written).then(|| to_value(&Literal::number(written)))
}

pub(super) fn infinity(is_negative: bool) -> Value {
    let (value, written) =
        if is_negative { (f64::NEG_INFINITY, "-Infinity") } else { (f64::INFINITY, "Infinity") };
    Value::from_object(Spelt(Number { value, written: written.into() }))
}

/// A value of an expression as one of the manifest, at the place of the expression; nothing for what is no data, or
/// more than 64 MiB of it.
pub(super) fn to_literal(value: &Value, span: Span) -> Option<Literal> {
    (weight(value, MAX_WEIGHT) < MAX_WEIGHT).then(|| literal(value, span))?
}

fn literal(value: &Value, span: Span) -> Option<Literal> {
    let items = || value.try_iter().ok();
    Some(match value.kind() {
        ValueKind::None => Literal::Null,
        ValueKind::Bool => Literal::Bool(value.is_true()),
        ValueKind::Number => Literal::number(&value.to_string()),
        ValueKind::String => Literal::Text(Located::new(value.as_str()?.to_owned(), span)),
        ValueKind::Seq | ValueKind::Iterable => {
            Literal::List(items()?.map(|item| literal(&item, span)).collect::<Option<_>>()?)
        }
        ValueKind::Map => {
            let entry = |key: Value| {
                let member = literal(&value.get_item(&key).ok()?, span)?;
                Some((Located::new(key.to_string(), span), member))
            };
            Literal::Map(items()?.map(entry).collect::<Option<_>>()?)
        }
        _ => Literal::Number(value.downcast_object_ref::<Spelt>()?.0.clone()),
    })
}

/// About how many bytes a value comes to, counted no further than `most`.
pub(super) fn weight(value: &Value, most: usize) -> usize {
    fn add(value: &Value, left: usize) -> usize {
        const SLOT: usize = 32;
        let own = SLOT + value.as_str().map_or(0, str::len);
        let mut left = left.saturating_sub(own);
        let items = match value.kind() {
            ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => value.try_iter().ok(),
            _ => None,
        };
        for item in items.into_iter().flatten() {
            if left == 0 {
                break;
            }
            if value.kind() == ValueKind::Map {
                left = value.get_item(&item).map_or(left, |member| add(&member, left));
            }
            left = add(&item, left);
        }
        left
    }
    most - add(value, most)
}

/// As GitHub writes values, but that lists and mappings are JSON: null is nothing. Nothing for what is no data, or more
/// than 64 MiB.
pub(super) fn text(value: &Value) -> Option<String> {
    Some(match value.kind() {
        ValueKind::None | ValueKind::Undefined => String::new(),
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => to_literal(value, Span::default())?.text(),
        _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    })
}

/// A value as GitHub's `toJSON()` writes it: over several lines.
pub(super) fn pretty_json(value: &Value) -> Option<String> {
    Some(to_literal(value, Span::default())?.pretty_json())
}

/// A value without numbers that keep their spelling.
pub(super) fn plain(value: &Value) -> Value {
    if let Some(Spelt(number)) = value.downcast_object_ref::<Spelt>() {
        let is_whole = !number.written.contains(['.', 'e', 'E']) || number.written.starts_with("0x");
        // Up to there every whole number is exact.
        return if is_whole && number.value.abs() < 9e15 {
            Value::from(number.value as i64)
        } else {
            Value::from(number.value)
        };
    }
    with_members(value, &plain)
}

/// The items of a list, or the values of a mapping.
pub(super) fn members(value: &Value) -> Vec<Value> {
    let items = value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => items.collect(),
        ValueKind::Map => items.filter_map(|key| value.get_item(&key).ok()).collect(),
        _ => Vec::new(),
    }
}

/// The value with each of its members changed; itself where it has none.
fn with_members(value: &Value, change: &dyn Fn(&Value) -> Value) -> Value {
    let Ok(items) = value.try_iter() else { return value.clone() };
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => items.map(|item| change(&item)).collect(),
        ValueKind::Map => Value::from_pairs(items.map(|key| {
            let member = value.get_item(&key).unwrap_or_default();
            (key, change(&member))
        })),
        _ => value.clone(),
    }
}

/// How numbers were written.
#[derive(Default)]
pub(super) struct Spelling(Vec<Value>);

impl Spelling {
    /// Notes the numbers in a value that keep their spelling.
    pub(super) fn learn(&mut self, value: &Value) {
        if value.downcast_object_ref::<Spelt>().is_some() {
            self.0.push(value.clone());
        }
        members(value).iter().for_each(|member| self.learn(member));
    }

    /// Spells the numbers of a value as they were.
    pub(super) fn restore(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        if value.kind() == ValueKind::Number {
            let same = self.0.iter().find(|spelt| plain(spelt) == value);
            return same.cloned().unwrap_or(value);
        }
        with_members(&value, &|member| self.restore(member.clone()))
    }
}

/// A value as the text that people see.
pub(super) fn shown(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.clone()),
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        _ => text(value).map(Value::from).ok_or_else(too_long),
    }
}

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, "its text is too long")
}

/// minijinja's `tojson`, for values as people see them: on one line, or with `indent` over several.
#[expect(clippy::needless_pass_by_value, reason = "so minijinja hands arguments over")]
pub(super) fn to_json(value: &Value, indent: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let indent = indent.or(kwargs.get::<Option<Value>>("indent")?);
    kwargs.assert_all_used()?;
    let literal = to_literal(value, Span::default()).ok_or_else(too_long)?;
    Ok(if indent.is_some_and(|indent| indent.is_true()) { literal.pretty_json() } else { literal.json() }
        .into())
}

/// minijinja's `join`, for items as people see them.
pub(super) fn join(
    state: &mut State,
    value: &Value,
    joiner: Option<StringInput<'_>>,
    attribute: Option<&str>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    if attribute.is_some() || value.kind() == ValueKind::String {
        return minijinja::filters::join(state, value, joiner, attribute, kwargs);
    }
    let items = value.try_iter()?.map(|item| shown(&item)).collect::<Result<Vec<_>, _>>()?;
    minijinja::filters::join(state, &Value::from(items), joiner, attribute, kwargs)
}
