//! The functions of GitHub's expressions, and two of minijinja's.

use std::ops::Range;

use minijinja::value::{Value, ValueKind};
use serde_json::value::RawValue;

use super::operators::{equal, folded, is_primitive};
use super::token::Token;
use super::wrong::Wrong;
use crate::manifest::{listed, nearest, quoted};
use crate::plan::data::{MAX_TEXT, number_value, pretty_json, text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Case,
    Contains,
    EndsWith,
    Format,
    FromJson,
    Join,
    StartsWith,
    ToJson,
    /// minijinja's.
    Dict,
    Range,
}

const ALL: [(&str, Function, usize, usize); 10] = [
    ("case", Function::Case, 3, 255),
    ("contains", Function::Contains, 2, 2),
    ("endsWith", Function::EndsWith, 2, 2),
    ("format", Function::Format, 1, 255),
    ("fromJSON", Function::FromJson, 1, 1),
    ("join", Function::Join, 1, 2),
    ("startsWith", Function::StartsWith, 2, 2),
    ("toJSON", Function::ToJson, 1, 1),
    ("dict", Function::Dict, 0, 255),
    ("range", Function::Range, 1, 3),
];

impl Function {
    pub(super) fn name(self) -> &'static str {
        ALL.iter().find(|(_, function, ..)| *function == self).map_or("", |(name, ..)| name)
    }
}

/// The function of a name, which GitHub reads without case.
pub(super) fn named(token: &Token<'_>) -> Result<Function, Wrong> {
    let name = token.text;
    let found = ALL.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    found.map(|(_, function, ..)| *function).ok_or_else(|| {
        let known = ALL.map(|(name, ..)| name);
        let help = match name.to_ascii_lowercase().as_str() {
            "success" | "failure" | "always" | "cancelled" => {
                "which tasks run is said by `needs`, `tags` and `run --select`".to_owned()
            }
            "hashfiles" => {
                "files are not read: write the value under `vars`, or give it with `--var`".to_owned()
            }
            lower if super::filters::is_filter(lower) => format!("it is a filter: `x | {lower}`"),
            _ => match nearest(name, known) {
                Some(near) => format!("did you mean {}?", quoted(&format!("{near}()"))),
                None => format!("functions are {}", listed(known)),
            },
        };
        Wrong::new(token.range(), format!("there is no function {}", quoted(&format!("{name}()")))).help(help)
    })
}

/// # Errors
///
/// Too few or too many arguments, or one with a name where none has.
pub(super) fn check(
    function: Function,
    name: &Token<'_>,
    count: usize,
    named: Option<Range<usize>>,
) -> Result<(), Wrong> {
    let Some((known, _, least, most)) = ALL.iter().find(|(_, other, ..)| *other == function) else {
        return Ok(());
    };
    if let Some(at) = named.filter(|_| function != Function::Dict) {
        return Err(Wrong::new(at, format!("`{known}()` takes no values by name")));
    }
    let takes = match (least, most) {
        (least, most) if least == most => least.to_string(),
        (least, 255) => format!("at least {least}"),
        (least, most) => format!("{least} to {most}"),
    };
    if count < *least || count > *most {
        let s = if *least == 1 && *most == 1 { "" } else { "s" };
        return Err(Wrong::new(
            name.range(),
            format!("`{known}()` takes {takes} value{s}, and here it has {count}"),
        ));
    }
    if function == Function::Case && count.is_multiple_of(2) {
        let help = "write `case(TEST, VALUE, …, OTHERWISE)`";
        return Err(Wrong::new(name.range(), "`case()` has no value for what is left").help(help));
    }
    Ok(())
}

/// What a function of GitHub's makes of its arguments, of which there are enough.
///
/// # Errors
///
/// What it cannot work with, in words.
pub(super) fn call(function: Function, arguments: &[Value]) -> Result<Value, String> {
    let shown = |value: &Value| text(value).ok_or_else(|| "its text is too long".to_owned());
    let both = || Ok::<_, String>((folded(&shown(&arguments[0])?), folded(&shown(&arguments[1])?)));
    let are_primitive = arguments.iter().take(2).all(is_primitive);
    Ok(match function {
        Function::Contains if matches!(arguments[0].kind(), ValueKind::Seq | ValueKind::Iterable) => {
            let mut items = arguments[0].try_iter().map_err(|error| error.to_string())?;
            items.any(|item| equal(&item, &arguments[1])).into()
        }
        Function::Contains | Function::StartsWith | Function::EndsWith if !are_primitive => false.into(),
        Function::Contains => both().map(|(text, part)| text.contains(&part))?.into(),
        Function::StartsWith => both().map(|(text, part)| text.starts_with(&part))?.into(),
        Function::EndsWith => both().map(|(text, part)| text.ends_with(&part))?.into(),
        Function::Format => format(&shown(&arguments[0])?, &arguments[1..])?.into(),
        Function::Join => join(&arguments[0], arguments.get(1))?.into(),
        Function::ToJson => pretty_json(&arguments[0]).ok_or("its text is too long")?.into(),
        Function::FromJson => {
            let json = shown(&arguments[0])?;
            match serde_json::from_str::<&RawValue>(&json) {
                Ok(raw) => from_json(raw).map_err(|error| format!("this is no JSON: {error}"))?,
                Err(_) if json.trim().is_empty() => return Err("an empty text is no JSON".to_owned()),
                Err(error) => return Err(format!("{} is no JSON: {error}", quoted(&json))),
            }
        }
        Function::Case => {
            for pair in arguments.chunks_exact(2) {
                match pair[0].kind() {
                    ValueKind::Bool if pair[0].is_true() => return Ok(pair[1].clone()),
                    ValueKind::Bool => {}
                    _ => return Err("a test of `case()` is neither true nor false".to_owned()),
                }
            }
            arguments[arguments.len() - 1].clone()
        }
        Function::Dict | Function::Range => Value::UNDEFINED,
    })
}

fn join(list: &Value, separator: Option<&Value>) -> Result<String, String> {
    const LONG: &str = "the joined text is too long";
    if is_primitive(list) {
        return text(list).ok_or_else(|| LONG.to_owned());
    }
    let separator = match separator.filter(|separator| is_primitive(separator)) {
        Some(separator) => text(separator).ok_or(LONG)?,
        None => ",".to_owned(),
    };
    if list.kind() == ValueKind::Map {
        return Ok(String::new());
    }
    let mut joined = String::new();
    for (at, item) in list.try_iter().map_err(|error| error.to_string())?.enumerate() {
        if at > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&text(&item).ok_or(LONG)?);
        if joined.len() > MAX_TEXT {
            return Err(LONG.to_owned());
        }
    }
    Ok(joined)
}

/// `{0}` is the first of `values`; `{{` and `}}` are braces.
fn format(pattern: &str, values: &[Value]) -> Result<String, String> {
    let mut made = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        made.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            made.push_str(brace);
            rest = after;
            continue;
        }
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (Some(close), Ok(index), "{") = (after.find('}'), after[..digits].parse::<usize>(), brace) else {
            return Err(format!(
                "{} has a `{brace}` that belongs to no `{{0}}`; a brace is doubled",
                quoted(pattern)
            ));
        };
        let value = values.get(index).ok_or_else(|| {
            format!(
                "{} has {}, which is the value number {}, and {} given",
                quoted(pattern),
                quoted(&format!("{{{index}}}")),
                index + 1,
                match values.len() {
                    0 => "none is".to_owned(),
                    1 => "1 is".to_owned(),
                    more => format!("{more} are"),
                }
            )
        })?;
        made.push_str(&text(value).ok_or("the formatted text is too long")?);
        if made.len() > MAX_TEXT {
            return Err("the formatted text is too long".to_owned());
        }
        rest = &after[close + 1..];
    }
    made.push_str(rest);
    Ok(made)
}

/// A value of JSON, its numbers as they are written.
fn from_json(raw: &RawValue) -> Result<Value, serde_json::Error> {
    let json = raw.get();
    Ok(match json.as_bytes().first() {
        Some(b'{') => {
            let entries: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
            let entries = entries.into_iter().map(|(key, value)| Ok((key, from_json(value)?)));
            Value::from_pairs(entries.collect::<Result<Vec<_>, serde_json::Error>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json)?;
            Value::from(items.into_iter().map(from_json).collect::<Result<Vec<_>, _>>()?)
        }
        Some(b'"') => Value::from(serde_json::from_str::<String>(json)?),
        Some(b't' | b'f') => Value::from(serde_json::from_str::<bool>(json)?),
        _ => number_value(json).unwrap_or_else(|| Value::from(())),
    })
}
