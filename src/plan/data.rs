//! Values between manifest and expressions, and the text that people see of them.

use minijinja::value::{Kwargs, StringInput, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use crate::manifest::{Literal, Located, Span};

/// A value of the manifest as expressions see it. A number that is spelt oddly is a text, marked as safe.
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
            None => Value::from_safe_string((*number.written).to_owned()),
        },
        Literal::Text(text) => Value::from(text.as_str()),
        Literal::List(items) => items.iter().map(to_value).collect(),
        Literal::Map(map) => {
            Value::from_pairs(map.iter().map(|(key, value)| (key.as_str(), to_value(value))))
        }
    }
}

/// A value of an expression as one of the manifest, at the place of the expression; nothing for what is no data.
pub(super) fn to_literal(value: &Value, span: Span) -> Option<Literal> {
    let items = || value.try_iter().ok();
    Some(match value.kind() {
        ValueKind::None => Literal::Null,
        ValueKind::Bool => Literal::Bool(value.is_true()),
        ValueKind::Number => Literal::number(&value.to_string()),
        ValueKind::String => match value.as_str()? {
            // A number that keeps its spelling.
            text if value.is_safe() && Literal::is_number(text) => Literal::number(text),
            text => Literal::Text(Located::new(text.to_owned(), span)),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            Literal::List(items()?.map(|item| to_literal(&item, span)).collect::<Option<_>>()?)
        }
        ValueKind::Map => {
            let entry = |key: Value| {
                let member = to_literal(&value.get_item(&key).ok()?, span)?;
                Some((Located::new(key.to_string(), span), member))
            };
            Literal::Map(items()?.map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// As GitHub writes values: null is nothing, lists and mappings are JSON.
pub(super) fn push_value(text: &mut String, value: &Value) {
    use std::fmt::Write as _;
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => {}
        ValueKind::Bool => text.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => match to_literal(value, Span::default()) {
            Some(literal) => text.push_str(&literal.text()),
            None => text.push_str(&value.to_string()),
        },
        _ => match value.as_str() {
            Some(string) => text.push_str(string),
            None => write!(text, "{value}").expect("writing to a string cannot fail"),
        },
    }
}

/// A value as the text that people see.
pub(super) fn shown(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.clone()),
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        _ => {
            let mut text = String::new();
            push_value(&mut text, value);
            Ok(text.into())
        }
    }
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
