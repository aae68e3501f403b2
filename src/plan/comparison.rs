//! `==` and `!=` in expressions, which are GitHub's: minijinja would find `'3.9'` and `3.9` different.
//!
//! minijinja has no way to replace an operator, so its two sides become the arguments of a function.

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::data::to_literal;
use super::equality::{self, same_text};
use super::expression::{Kind, Token, tokens};
use crate::manifest::Span;

const EQUAL: &str = "_equal";
const UNEQUAL: &str = "_unequal";

/// Makes the functions known that [`rewritten`] calls.
pub(super) fn register(engine: &mut Environment<'_>) {
    engine.add_function(EQUAL, |a: Value, b: Value| equal(&a, &b));
    engine.add_function(UNEQUAL, |a: Value, b: Value| equal(&a, &b).map(|equal| !equal));
}

/// The code with its comparisons as calls; those in a chain (`a == b == c`) stay as they are.
pub(super) fn rewritten(code: &str) -> String {
    let tokens = tokens(code);
    let mut before = vec![String::new(); tokens.len()];
    let mut after = vec![0_usize; tokens.len()];
    let mut is_comma = vec![false; tokens.len()];
    for at in 0..tokens.len() {
        let function = match tokens[at].text {
            "==" => EQUAL,
            "!=" => UNEQUAL,
            _ => continue,
        };
        let left = side(&tokens, (0..at).rev(), [")", "]", "}"], ["(", "[", "{"]);
        let right = side(&tokens, at + 1..tokens.len(), ["(", "[", "{"], [")", "]", "}"]);
        if let (Some(from), Some(to)) = (left, right) {
            before[from].insert_str(0, &format!("{function}("));
            after[to] += 1;
            is_comma[at] = true;
        }
    }
    let mut written = String::with_capacity(code.len());
    for (at, token) in tokens.iter().enumerate() {
        written.push_str(token.space);
        written.push_str(&before[at]);
        written.push_str(if is_comma[at] { "," } else { token.text });
        written.push_str(&")".repeat(after[at]));
    }
    written
}

/// The last token of a comparison's side; none where it is empty or another comparison follows.
fn side(
    tokens: &[Token<'_>],
    walk: impl Iterator<Item = usize>,
    opens: [&str; 3],
    closes: [&str; 3],
) -> Option<usize> {
    let (mut depth, mut last) = (0_usize, None);
    for at in walk {
        let text = tokens[at].text;
        let is_member = at > 0 && tokens[at - 1].text == ".";
        if opens.contains(&text) {
            depth += 1;
        } else if closes.contains(&text) {
            if depth == 0 {
                break;
            }
            depth -= 1;
        } else if depth == 0 && !is_member {
            match (tokens[at].kind, text) {
                (Kind::Symbol, "==" | "!=" | "<" | ">" | "<=" | ">=") | (Kind::Name, "in") => return None,
                (Kind::Symbol, "," | ":" | "=") | (Kind::Name, "and" | "or" | "not" | "if" | "else") => break,
                _ => {}
            }
        }
        last = Some(at);
    }
    last
}

fn equal(a: &Value, b: &Value) -> Result<bool, Error> {
    if a.is_undefined() || b.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    Ok(match (a.kind(), b.kind()) {
        (ValueKind::String, ValueKind::String) => {
            same_text(a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default())
        }
        (ValueKind::Seq | ValueKind::Map | ValueKind::Iterable, _)
        | (_, ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) => a == b,
        (one, other) if one == other => a == b,
        _ => number(a) == number(b),
    })
}

/// A value as GitHub coerces it; not a number equals nothing.
fn number(value: &Value) -> f64 {
    to_literal(value, Span::default()).map_or(f64::NAN, |literal| equality::number(&literal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_calls() {
        for (code, expected) in [
            ("a == b", "_equal(a , b)"),
            ("a.if != 'x == y'", "_unequal(a.if , 'x == y')"),
            (
                "not a == b and (c|default(d == 1)) == e[f == 2]",
                "not _equal(a , b) and _equal((c|default(_equal(d , 1))) , e[_equal(f , 2)])",
            ),
            (
                "'x' if a + 1 == b * 2 else {'k': c == d}",
                "'x' if _equal(a + 1 , b * 2) else {'k': _equal(c , d)}",
            ),
            ("((a == b) == c) == d", "_equal((_equal((_equal(a , b)) , c)) , d)"),
            ("a == b == c", "a == b == c"),
            ("a == -1", "_equal(a , -1)"),
            ("a ==", "a =="),
            ("== a", "== a"),
            ("a <= b", "a <= b"),
        ] {
            assert_eq!(rewritten(code), expected, "{code}");
        }
    }
}
