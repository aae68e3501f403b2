//! An expression as written, made ready for minijinja.
//!
//! Two things are ours. A name may hold `-`, as in GitHub's expressions: `matrix.python-version` is one name, and a
//! subtraction wants spaces. And what `~` joins is joined as it would be shown, where minijinja writes `True`.

/// The filter that makes a value the text that people see.
pub(super) const TEXT_FILTER: &str = "_text";

/// What minijinja reads, and the names that it looks up.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) code: String,
    pub(super) names: Vec<Name>,
}

/// A name that is looked up: `matrix.os` or `matrix['os']`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) path: Vec<String>,
    /// The expression says what holds if there is none.
    pub(super) may_lack: bool,
}

/// # Errors
///
/// A filter or test that is followed by a `-` without a space: its name.
pub(super) fn prepare(written: &str) -> Result<Prepared, String> {
    let tokens = tokens(written);
    let mut prepared = Prepared { code: String::with_capacity(written.len()), names: Vec::new() };
    let mut joins = Joins::default();
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at];
        if let Some(text) = joins.before(token) {
            insert_before_space(&mut prepared.code, &text);
        }
        let before = at.checked_sub(1).map(|at| tokens[at]);
        match token {
            Token { kind: Kind::Name, text, .. } if is_operation(before) && text.contains('-') => {
                return Err(text.to_owned());
            }
            Token { kind: Kind::Name, .. } if !is_operation(before) && !is_member(before) => {
                let (name, end) = name_at(&tokens, at);
                prepared.names.extend(name);
                for token in &tokens[at..end] {
                    prepared.push(*token);
                }
                at = end;
                continue;
            }
            token => prepared.push(token),
        }
        at += 1;
    }
    if let Some(text) = joins.end() {
        insert_before_space(&mut prepared.code, &text);
    }
    let lacking: Vec<Vec<String>> =
        prepared.names.iter().filter(|name| name.may_lack).map(|name| name.path.clone()).collect();
    for name in &mut prepared.names {
        name.may_lack |= lacking.contains(&name.path);
    }
    Ok(prepared)
}

impl Prepared {
    fn push(&mut self, token: Token<'_>) {
        self.code.push_str(token.space);
        match token.kind {
            Kind::Name if is_odd(token.text) && self.code.ends_with('.') => {
                self.code.pop();
                self.code.push_str(&format!("[\"{}\"]", token.text));
            }
            // No root is called so, and the error names what was written.
            Kind::Name => self.code.push_str(&token.text.replace('-', "_")),
            _ => self.code.push_str(token.text),
        }
    }
}

/// Whether minijinja reads a member's name otherwise: one with `-`, or one that begins with a digit.
fn is_odd(name: &str) -> bool {
    name.contains('-') || (name.starts_with(|c: char| c.is_ascii_digit()) && name.parse::<u64>().is_err())
}

/// `x ` becomes `x|filter `.
fn insert_before_space(code: &mut String, text: &str) {
    code.insert_str(code.trim_end().len(), text);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Text,
    Number,
    Symbol,
}

/// A token and the space in front of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) space: &'a str,
    pub(super) text: &'a str,
}

/// All but space at the end.
pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut rest = code;
    while !rest.trim_start().is_empty() {
        let (space, from) = rest.split_at(rest.len() - rest.trim_start().len());
        let is_member = tokens.last().is_some_and(|last| last.text == ".");
        let first = from.as_bytes()[0];
        let until = |end: fn(char) -> bool| from.find(end).unwrap_or(from.len());
        let (kind, length) = match first {
            b'"' | b'\'' => (Kind::Text, text_length(from, first)),
            b'0'..=b'9' if !is_member => (Kind::Number, number_length(from)),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                (Kind::Name, until(|c| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')))
            }
            _ => {
                let double = ["//", "**", "==", "!=", ">=", "<="].iter().any(|op| from.starts_with(op));
                (Kind::Symbol, if double { 2 } else { from.chars().next().map_or(1, char::len_utf8) })
            }
        };
        let (text, after) = from.split_at(length);
        tokens.push(Token { kind, space, text });
        rest = after;
    }
    tokens
}

/// The length of a text in quotes; all that is left where it is not closed.
fn text_length(from: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in from.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    from.len()
}

/// The length of a number, with its fraction and exponent.
fn number_length(from: &str) -> usize {
    let bytes = from.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let exponent = matches!(bytes[at], b'+' | b'-') && at > 0 && matches!(bytes[at - 1], b'e' | b'E');
        let has_digit_after = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        match bytes[at] {
            b'0'..=b'9' | b'_' | b'a'..=b'z' | b'A'..=b'Z' => {}
            b'.' if has_digit_after => {}
            _ if exponent && has_digit_after => {}
            _ => break,
        }
        at += 1;
    }
    at
}

/// Whether the token behind this one names a filter or a test.
fn is_operation(before: Option<Token<'_>>) -> bool {
    before.is_some_and(|before| before.text == "|" || (before.kind == Kind::Name && before.text == "is"))
}

fn is_member(before: Option<Token<'_>>) -> bool {
    before.is_some_and(|before| before.text == ".")
}

const KEYWORDS: [&str; 14] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "True", "false", "False", "none", "None", "self"];

/// The name that starts at a token, if it is looked up, and where it ends.
fn name_at(tokens: &[Token<'_>], start: usize) -> (Option<Name>, usize) {
    let first = tokens[start];
    let mut path = vec![first.text.to_owned()];
    let mut at = start + 1;
    loop {
        match tokens.get(at..).unwrap_or_default() {
            [dot, member, ..] if dot.text == "." && member.kind == Kind::Name => {
                path.push(member.text.to_owned());
                at += 2;
            }
            [open, inner, close, ..]
                if open.text == "["
                    && close.text == "]"
                    && matches!(inner.kind, Kind::Text | Kind::Number) =>
            {
                path.push(inner.text.trim_matches(['"', '\'']).to_owned());
                at += 3;
            }
            _ => break,
        }
    }
    let next = |n: usize| tokens.get(at + n).map_or("", |token| token.text);
    let is_keyword = path.len() == 1 && KEYWORDS.contains(&first.text);
    let is_argument = path.len() == 1 && next(0) == "=";
    if is_keyword || is_argument || next(0) == "(" {
        // A call looks its function up elsewhere; a method belongs to the name before it.
        let is_method = next(0) == "(" && path.len() > 1;
        path.pop();
        let name = is_method.then_some(Name { path, may_lack: false });
        return (name, at);
    }
    let has_default = next(0) == "|" && matches!(next(1), "default" | "d");
    (Some(Name { path, may_lack: has_default || next(0) == "is" }), at)
}

/// Where the filter goes into what `~` joins: behind each side that is not arithmetic, whose result is a number.
#[derive(Debug, Default)]
struct Joins {
    open: Vec<Side>,
    side: Side,
}

/// What stands between two operators that bind less than `~`, or two `~`.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    has_operand: bool,
    is_arithmetic: bool,
    is_joined: bool,
}

impl Joins {
    /// What to put in front of a token.
    fn before(&mut self, token: Token<'_>) -> Option<String> {
        match token.text {
            "(" | "[" | "{" => {
                self.side.has_operand = true;
                self.open.push(std::mem::take(&mut self.side));
                None
            }
            ")" | "]" | "}" => {
                let filter = self.filter(self.side.is_joined);
                self.side = self.open.pop().unwrap_or_default();
                filter
            }
            "~" => {
                let filter = self.filter(true);
                self.side = Side { is_joined: true, ..Side::default() };
                filter
            }
            "+" | "-" | "*" | "/" | "//" | "%" | "**" => {
                self.side.is_arithmetic = true;
                None
            }
            "and" | "or" | "not" | "in" | "if" | "else" | "," | ":" | "=" | "==" | "!=" | "<" | ">"
            | "<=" | ">="
                if token.kind != Kind::Text =>
            {
                let filter = self.filter(self.side.is_joined);
                self.side = Side::default();
                filter
            }
            // The test's result would be joined.
            "is" => {
                self.side.is_arithmetic = true;
                None
            }
            _ => {
                self.side.has_operand = true;
                None
            }
        }
    }

    fn end(&self) -> Option<String> {
        self.filter(self.side.is_joined)
    }

    fn filter(&self, is_joined: bool) -> Option<String> {
        let Side { has_operand, is_arithmetic, .. } = self.side;
        (is_joined && has_operand && !is_arithmetic).then(|| format!("|{TEXT_FILTER}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(written: &str) -> String {
        prepare(written).unwrap().code
    }

    #[test]
    fn a_name_may_hold_hyphens() {
        for (written, expected) in [
            ("matrix.a-b", "matrix[\"a-b\"]"),
            ("matrix.a-b.c-d.e", "matrix[\"a-b\"][\"c-d\"].e"),
            ("matrix['a-b'].c-1", "matrix['a-b'][\"c-1\"]"),
            ("vars.map[matrix.a-b]", "vars.map[matrix[\"a-b\"]]"),
            ("matrix.a-", "matrix[\"a-\"]"),
            ("matrix.a.3x", "matrix.a[\"3x\"]"),
            ("matrix.a - 1", "matrix.a - 1"),
            ("matrix.a -1", "matrix.a -1"),
            ("3-1", "3-1"),
            ("1e-3 + 2.5e+1-1", "1e-3 + 2.5e+1-1"),
            ("'a-b' ~ \"x.a-b\"", "'a-b'|_text ~ \"x.a-b\"|_text"),
            ("-matrix.a", "-matrix.a"),
            ("my-name", "my_name"),
        ] {
            assert_eq!(code(written), expected, "{written}");
        }
        assert_eq!(prepare("matrix.a | length-1").unwrap_err(), "length-1");
        assert_eq!(prepare("matrix.a is defined-1").unwrap_err(), "defined-1");
    }

    #[test]
    fn what_is_joined_is_joined_as_it_is_shown() {
        for (written, expected) in [
            ("a ~ b ~ c", "a|_text ~ b|_text ~ c|_text"),
            ("f(x ~ y, z) ~ '|'", "f(x|_text ~ y|_text, z)|_text ~ '|'|_text"),
            ("a * 2 ~ b + 1", "a * 2 ~ b + 1"),
            ("x ~ a if c else d", "x|_text ~ a|_text if c else d"),
            ("(a or b) ~ c[d]", "(a or b)|_text ~ c[d]|_text"),
            ("not a ~ b", "not a|_text ~ b|_text"),
            ("a|upper ~ b|default('x')", "a|upper|_text ~ b|default('x')|_text"),
        ] {
            assert_eq!(code(written), expected, "{written}");
        }
    }

    #[test]
    fn names_that_are_looked_up_are_known() {
        let names = |written: &str| {
            let names = prepare(written).unwrap().names;
            let shown =
                |name: &Name| format!("{}{}", name.path.join("."), if name.may_lack { "?" } else { "" });
            names.iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        for (written, expected) in [
            ("matrix.a-b['c'][0].d", "matrix.a-b.c.0.d"),
            ("vars.x | default(env.Y)", "vars.x? env.Y"),
            ("vars.x if vars.x is defined else vars.y", "vars.x? vars.x? vars.y"),
            ("range(matrix.n) | join(', ')", "matrix.n"),
            ("matrix.a.items()", "matrix.a"),
            ("f(key=vars.x) and true", "vars.x"),
            ("{'k': vars.x, vars.y: 1}", "vars.x vars.y"),
            ("vars[matrix.k]", "vars matrix.k"),
            ("'vars.x' is string", ""),
        ] {
            assert_eq!(names(written), expected, "{written}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(written in r#"([a-z]{1,3}|[.|~()\[\] '",+*/-]|[0-9]|is |and ){0,12}"#) {
            if let Ok(prepared) = prepare(&written) {
                let bare = |text: &str| text.replace("|_text", "").replace(['[', ']', '"', '.', '-', '_', ' '], "");
                prop_assert_eq!(bare(&prepared.code), bare(&written));
            }
        }
    }
}
