//! The filters and tests of minijinja.

use super::token::{Kind, Token};
use super::wrong::Wrong;
use crate::manifest::{listed, nearest, quoted};

/// What a filter does with a number that keeps its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing, and it takes what is not defined.
    Anything,
    /// Nothing.
    AsItIs,
    /// It works on the text.
    Text,
    /// It works on the number.
    Numbers,
    /// It chooses by the number, and what it gives keeps its spelling.
    Choice,
}

const FILTERS: [(&str, Takes); 48] = [
    ("abs", Takes::Numbers),
    ("attr", Takes::AsItIs),
    ("batch", Takes::AsItIs),
    ("bool", Takes::Numbers),
    ("capitalize", Takes::Text),
    ("chain", Takes::AsItIs),
    ("count", Takes::Text),
    ("d", Takes::Anything),
    ("default", Takes::Anything),
    ("dictsort", Takes::Choice),
    ("e", Takes::Text),
    ("escape", Takes::Text),
    ("first", Takes::AsItIs),
    ("float", Takes::Numbers),
    ("format", Takes::Numbers),
    ("groupby", Takes::Choice),
    ("indent", Takes::Text),
    ("int", Takes::Numbers),
    ("items", Takes::AsItIs),
    ("join", Takes::AsItIs),
    ("last", Takes::AsItIs),
    ("length", Takes::Text),
    ("lines", Takes::Text),
    ("list", Takes::AsItIs),
    ("lower", Takes::Text),
    ("map", Takes::AsItIs),
    ("max", Takes::Choice),
    ("min", Takes::Choice),
    ("pprint", Takes::Numbers),
    ("reject", Takes::Choice),
    ("rejectattr", Takes::Choice),
    ("replace", Takes::Text),
    ("reverse", Takes::Text),
    ("round", Takes::Numbers),
    ("safe", Takes::Text),
    ("select", Takes::Choice),
    ("selectattr", Takes::Choice),
    ("slice", Takes::AsItIs),
    ("sort", Takes::Choice),
    ("split", Takes::Text),
    ("string", Takes::AsItIs),
    ("sum", Takes::Numbers),
    ("title", Takes::Text),
    ("tojson", Takes::AsItIs),
    ("trim", Takes::Text),
    ("unique", Takes::Choice),
    ("upper", Takes::Text),
    ("zip", Takes::AsItIs),
];

const TESTS: [&str; 37] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
    "null",
];

pub(super) fn is_filter(name: &str) -> bool {
    FILTERS.iter().any(|(known, _)| *known == name)
}

pub(super) fn takes(filter: &str) -> Takes {
    FILTERS.iter().find(|(name, _)| *name == filter).map_or(Takes::AsItIs, |(_, takes)| *takes)
}

/// Whether a test may be asked of what is not defined.
pub(super) fn is_about_definition(test: &str) -> bool {
    matches!(test, "defined" | "undefined")
}

pub(super) fn filter(token: &Token<'_>) -> Result<&'static str, Wrong> {
    let known = FILTERS.map(|(name, _)| name);
    named(token, "filter", &known)
}

pub(super) fn test(token: &Token<'_>) -> Result<&'static str, Wrong> {
    Ok(match named(token, "test", &TESTS)? {
        "null" => "none",
        test => test,
    })
}

fn named(token: &Token<'_>, kind: &str, known: &[&'static str]) -> Result<&'static str, Wrong> {
    let name = token.text;
    if let (Some(found), Kind::Name) = (known.iter().find(|known| **known == name), &token.kind) {
        return Ok(found);
    }
    if name.is_empty() {
        return Err(Wrong::new(token.range(), format!("it ends where the name of a {kind} is expected")));
    }
    let wrong = Wrong::new(token.range(), format!("{} is no name of a {kind}", quoted(name)));
    let minus = name.split_once('-').filter(|(before, _)| known.contains(before));
    Err(match (minus, nearest(name, known.iter().copied()).filter(|_| name.len() > 1)) {
        (Some((before, after)), _) => {
            wrong.help(format!("a subtraction wants spaces: {}", quoted(&format!("{before} - {after}"))))
        }
        (None, Some(near)) => wrong.help(format!("did you mean {}?", quoted(near))),
        (None, None) if kind == "filter" => wrong.help(format!(
            "`|` hands a value to a filter, and `||` is GitHub's or; filters are {}",
            listed(known.iter().copied())
        )),
        (None, None) => wrong.help(format!("tests are {}", listed(known.iter().copied()))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_and_test_is_known_to_minijinja_and_the_reverse() {
        let engine = minijinja::Environment::new();
        let mut state = engine.empty_state();
        let unknown = |kind: minijinja::ErrorKind| {
            matches!(kind, minijinja::ErrorKind::UnknownFilter | minijinja::ErrorKind::UnknownTest)
        };
        for (name, _) in FILTERS {
            let made = state.apply_filter(name, &["x".into()]);
            assert!(made.err().is_none_or(|error| !unknown(error.kind())), "{name}");
        }
        for name in TESTS.iter().filter(|name| **name != "null") {
            let made = state.perform_test(name, &["x".into()]);
            assert!(made.err().is_none_or(|error| !unknown(error.kind())), "{name}");
        }
        assert!(FILTERS.is_sorted_by_key(|(name, _)| *name));
    }
}
