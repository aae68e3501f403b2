//! Expressions that are put together by chance.

use proptest::prelude::*;

use super::*;

/// Pieces of expressions, put together in any way.
fn pieces() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(
        &[
            "matrix",
            ".",
            "v",
            "name",
            "list",
            "rows",
            "nope",
            "*",
            "[",
            "]",
            "(",
            ")",
            "{",
            "}",
            ",",
            ":",
            "|",
            "||",
            "&&",
            "&",
            "!",
            "==",
            "!=",
            "<",
            ">=",
            "=",
            "+",
            "-",
            "~",
            "/",
            "**",
            "'",
            "\"",
            "''",
            "'a'",
            "\"b\"",
            "1",
            "-1",
            "1.50",
            "0x1f",
            ".5",
            " ",
            "  ",
            "and",
            "or",
            "not",
            "in",
            "is",
            "if",
            "else",
            "true",
            "null",
            "NaN",
            "contains(",
            "format(",
            "join(",
            "toJSON(",
            "fromJSON(",
            "case(",
            "range(",
            "default",
            "upper",
            "sort",
            "defined",
            "é",
            "\\",
            "$",
            "#",
            ";",
        ][..],
    );
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// A whole expression of GitHub's, in parentheses wherever they may stand, and its value by the rules as written.
#[derive(Clone, Debug)]
enum Github {
    Text(&'static str),
    Number(i8),
    Bool(bool),
    Not(Box<Github>),
    And(Box<Github>, Box<Github>),
    Or(Box<Github>, Box<Github>),
    Equal(Box<Github>, Box<Github>),
    Less(Box<Github>, Box<Github>),
}

#[derive(Clone, Debug, PartialEq)]
enum Worth {
    Text(&'static str),
    Number(f64),
    Bool(bool),
}

impl Worth {
    fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0,
            Self::Bool(value) => *value,
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Text(text) => {
                if text.is_empty() {
                    0.0
                } else {
                    text.parse().unwrap_or(f64::NAN)
                }
            }
            Self::Number(number) => *number,
            Self::Bool(value) => f64::from(u8::from(*value)),
        }
    }

    fn order(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.to_uppercase().cmp(&b.to_uppercase())),
            _ => self.number().partial_cmp(&other.number()),
        }
    }
}

impl Github {
    /// With parentheses only where the precedence wants them: `level` is what stands around it.
    fn code(&self, level: u8) -> String {
        let (own, code) = match self {
            Self::Text(text) => (9, format!("'{text}'")),
            Self::Number(number) => (9, number.to_string()),
            Self::Bool(value) => (9, value.to_string()),
            Self::Not(inner) => (5, format!("!{}", inner.code(5))),
            Self::Less(a, b) => (4, format!("{} < {}", a.code(4), b.code(5))),
            Self::Equal(a, b) => (3, format!("{} == {}", a.code(3), b.code(4))),
            Self::And(a, b) => (2, format!("{} && {}", a.code(2), b.code(3))),
            Self::Or(a, b) => (1, format!("{}||{}", a.code(1), b.code(2))),
        };
        if own < level { format!("({code})") } else { code }
    }

    fn worth(&self) -> Worth {
        match self {
            Self::Text(text) => Worth::Text(text),
            Self::Number(number) => Worth::Number(f64::from(*number)),
            Self::Bool(value) => Worth::Bool(*value),
            Self::Not(inner) => Worth::Bool(!inner.worth().is_true()),
            Self::And(a, b) => Some(a.worth()).filter(|a| !a.is_true()).unwrap_or_else(|| b.worth()),
            Self::Or(a, b) => Some(a.worth()).filter(Worth::is_true).unwrap_or_else(|| b.worth()),
            Self::Equal(a, b) => Worth::Bool(a.worth().order(&b.worth()) == Some(std::cmp::Ordering::Equal)),
            Self::Less(a, b) => Worth::Bool(a.worth().order(&b.worth()) == Some(std::cmp::Ordering::Less)),
        }
    }
}

fn github() -> impl Strategy<Value = Github> {
    let leaf = prop_oneof![
        proptest::sample::select(&["", "a", "A", "b", "1", "2", "0"][..]).prop_map(Github::Text),
        (-2_i8..3).prop_map(Github::Number),
        any::<bool>().prop_map(Github::Bool),
    ];
    leaf.prop_recursive(5, 32, 2, |inner| {
        let two = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            inner.clone().prop_map(|inner| Github::Not(Box::new(inner))),
            two().prop_map(|(a, b)| Github::And(a, b)),
            two().prop_map(|(a, b)| Github::Or(a, b)),
            two().prop_map(|(a, b)| Github::Equal(a, b)),
            two().prop_map(|(a, b)| Github::Less(a, b)),
        ]
    })
}

proptest! {
    #[test]
    fn operators_bind_and_are_worth_what_they_are_on_github(expression in github()) {
        let code = expression.code(0);
        let expected = match expression.worth() {
            Worth::Text(text) => text.to_owned(),
            Worth::Number(number) => number.to_string(),
            Worth::Bool(value) => value.to_string(),
        };
        prop_assert_eq!(shown(&code, &scope("{}")), Some(expected), "{}", code);
    }

    #[test]
    fn any_text_is_an_expression_or_refused_within_it(code in pieces()) {
        match Expression::parse(&code) {
            Ok(expression) => {
                // Whatever is worth something to its last character is not understood with more behind it.
                for more in [" 1", " 'x'", " )", " ;", " matrix", "]", " = 1"] {
                    let longer = format!("{code}{more}");
                    let is_argument = code.trim_end().rsplit("is ").next().is_some_and(|test| test.trim() == "defined");
                    prop_assert!(Expression::parse(&longer).is_err() || is_argument, "{}", longer);
                }
                if let Err(trouble) = expression.evaluate(&scope(MATRIX)) {
                    prop_assert!(code.get(trouble.at).is_some());
                }
            }
            Err(wrong) => prop_assert!(code.get(wrong.at.clone()).is_some() && !wrong.what.is_empty(), "{:?}", wrong),
        }
    }
}
