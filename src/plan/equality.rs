//! When two values are the same, by the `==` of GitHub's expressions.
//!
//! GitHub compares each leaf of an `exclude` or `include` by an expression of its own, such as
//! `matrix['node']['version'] == 14`. The rules stand under "Operators" in its documentation of expressions: values of
//! different types are compared as numbers, texts without case.

use crate::manifest::Literal;

/// Whether `value` has every leaf that `wanted` names, with an equal value. What is not there is null.
pub(super) fn holds(wanted: &Literal, value: Option<&Literal>) -> bool {
    match wanted {
        Literal::Map(entries) => entries.iter().all(|(key, wanted)| {
            let inner = value.and_then(|value| entry(value, key));
            holds(wanted, inner)
        }),
        Literal::List(items) => items.iter().enumerate().all(|(at, wanted)| {
            let inner = value.and_then(|value| match value {
                Literal::List(items) => items.get(at),
                other => entry(other, &at.to_string()),
            });
            holds(wanted, inner)
        }),
        leaf => equal(leaf, value.unwrap_or(&Literal::Null)),
    }
}

/// What a mapping has under a key, or a list at the index that the key spells.
fn entry<'a>(value: &'a Literal, key: &str) -> Option<&'a Literal> {
    match value {
        Literal::Map(entries) => {
            entries.iter().find(|(name, _)| same_text(name, key)).map(|(_, value)| value)
        }
        Literal::List(items) => {
            let index = number_of_text(key).floor();
            (0.0..1e9).contains(&index).then(|| items.get(index as usize))?
        }
        Literal::Null | Literal::Bool(_) | Literal::Number(_) | Literal::Text(_) => None,
    }
}

/// GitHub's `==` for two values; lists and mappings equal nothing.
fn equal(a: &Literal, b: &Literal) -> bool {
    use Literal::{Bool, Null, Text};
    match (a, b) {
        (Null, Null) => true,
        (Bool(a), Bool(b)) => a == b,
        (Text(a), Text(b)) => same_text(a, b),
        (a, b) => number(a) == number(b),
    }
}

/// A letter without case: its single capital, if it has one. The dotless i keeps to itself.
pub(super) fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (c, upper.next(), upper.next()) {
        ('ı', ..) | (_, _, Some(_)) => c,
        (_, one, None) => one.unwrap_or(c),
    }
}

/// Texts without case, each letter by [`upper`].
pub(super) fn same_text(a: &str, b: &str) -> bool {
    let ascii = a.is_ascii() && b.is_ascii();
    a.eq_ignore_ascii_case(b) || (!ascii && a.chars().map(upper).eq(b.chars().map(upper)))
}

/// A value as a number; one that has none equals nothing, not even itself.
fn number(value: &Literal) -> f64 {
    match value {
        Literal::Null => 0.0,
        Literal::Bool(value) => f64::from(u8::from(*value)),
        Literal::Number(number) => number.value,
        Literal::Text(text) => number_of_text(text),
        Literal::List(_) | Literal::Map(_) => f64::NAN,
    }
}

/// A text as a number: what it spells, nothing as 0.
pub(super) fn number_of_text(text: &str) -> f64 {
    let text = text.trim();
    let radix = |digits: &str, radix: u32| {
        let only_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        only_digits.then(|| u64::from_str_radix(digits, radix).map_or(f64::NAN, |n| n as f64))
    };
    match text {
        "" => return 0.0,
        "Infinity" | "+Infinity" => return f64::INFINITY,
        "-Infinity" => return f64::NEG_INFINITY,
        _ => {}
    }
    let hex = text.strip_prefix("0x").and_then(|digits| radix(digits, 16));
    if let Some(value) = hex.or_else(|| text.strip_prefix("0o").and_then(|digits| radix(digits, 8))) {
        return value;
    }
    // Rust also reads `inf` and `nan`.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if plain { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_equal_each_other_as_on_github() {
        // `tests/readers/equality.mjs` writes which are equal by GitHub's own package.
        let table = include_str!("../../tests/readers/equality.json");
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        let list = |of: &serde_json::Value| of.as_array().unwrap().clone();
        let values = list(&table["values"]);
        let literals: Vec<Literal> =
            values.iter().map(|yaml| Literal::read(yaml.as_str().unwrap())).collect();
        for (at, equals) in list(&table["equal"]).iter().enumerate() {
            let equals = list(equals);
            for (other, literal) in literals.iter().enumerate() {
                let expected = equals.contains(&other.into());
                assert_eq!(equal(&literals[at], literal), expected, "{} == {}", values[at], values[other]);
            }
        }
    }

    #[test]
    fn mappings_match_by_leaf_and_lists_by_index() {
        for (wanted, value, expected) in [
            ("{ v: 14 }", "{ v: 14, arch: x64 }", true),
            ("{ V: '14.0' }", "{ v: 14 }", true),
            ("{ v: 14, gone: ~ }", "{ v: 14 }", true),
            ("{ v: { w: a } }", "{ v: { w: A, x: 1 } }", true),
            ("{ v: { w: a } }", "{ v: a }", false),
            ("{ v: 15 }", "{ v: 14 }", false),
            ("{}", "anything", true),
            ("[]", "[1]", true),
            ("[1]", "[1, 2]", true),
            ("[1, 2]", "[1]", false),
            ("[1, ~]", "[1]", true),
            ("[[a]]", "[[A, b], c]", true),
            ("[1]", "1", false),
            ("{ 0: a }", "[a, b]", true),
            ("[a]", "{ 0: a }", true),
            ("a", "[a]", false),
        ] {
            assert_eq!(
                holds(&Literal::read(wanted), Some(&Literal::read(value))),
                expected,
                "{wanted} in {value}"
            );
        }
        assert!(
            holds(&Literal::read("{ a: { b: '' } }"), None),
            "what is not there is null, and that is empty"
        );
    }

    proptest! {
        #[test]
        fn a_text_equals_itself_without_case_and_the_number_that_it_spells(text in "[a-zA-Zä-ü ._-]{0,8}", number in -999_i32..999) {
            let quoted = |text: &str| Literal::read(&serde_json::Value::from(text).to_string());
            prop_assert!(equal(&quoted(&text), &quoted(&text.to_ascii_uppercase())));
            for spelling in [format!("{number}"), format!(" {number}.0 "), format!("{number}e0")] {
                prop_assert!(equal(&quoted(&spelling), &Literal::read(&number.to_string())), "{}", spelling);
            }
        }
    }
}
