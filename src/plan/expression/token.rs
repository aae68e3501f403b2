//! The words of an expression.

use std::ops::Range;

use super::wrong::Wrong;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Name,
    /// With the text that it stands for.
    Text(String),
    Number,
    Symbol,
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// As it is written; empty at the end.
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Token<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Name && self.text == word
    }
}

const SYMBOLS: [&str; 29] = [
    "&&", "||", "==", "!=", ">=", "<=", "//", "**", "(", ")", "[", "]", "{", "}", ",", ".", ":", "!", ">",
    "<", "+", "-", "*", "/", "%", "~", "|", "=", "&",
];

/// All words, and one for the end.
///
/// # Errors
///
/// The first character that begins none, or a text that is not closed.
pub(super) fn tokens(code: &str) -> Result<Vec<Token<'_>>, Wrong> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        let rest = &code[at..];
        let is_member = tokens.last().is_some_and(|last| last.is_symbol("."));
        let can_be_number = !is_member && !tokens.last().is_some_and(ends_operand);
        let Some(first) = rest.chars().next() else {
            tokens.push(Token { kind: Kind::End, text: "", at });
            return Ok(tokens);
        };
        let (kind, length) = match first {
            '\'' | '"' => text(rest, at)?,
            '0'..='9' if !is_member => (Kind::Number, number_length(rest)),
            '.' if can_be_number && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                (Kind::Number, 1 + number_length(&rest[1..]))
            }
            _ if first.is_ascii_alphanumeric() || first == '_' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                (Kind::Name, rest.find(|c| !is_part(c)).unwrap_or(rest.len()))
            }
            _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                Some(symbol) => (Kind::Symbol, symbol.len()),
                None => return Err(unknown(first, at)),
            },
        };
        tokens.push(Token { kind, text: &rest[..length], at });
        at += length;
    }
}

fn ends_operand(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Symbol => [")", "]", "}", "*"].contains(&token.text),
        Kind::Name | Kind::Text(_) | Kind::Number => true,
        Kind::End => false,
    }
}

fn unknown(found: char, at: usize) -> Wrong {
    let wrong = Wrong::unexpected(at..at + found.len_utf8(), &found.to_string());
    match found {
        '?' => wrong.help("a choice is written `TEST && ONE || OTHER`, or `ONE if TEST else OTHER`"),
        '“' | '”' | '‘' | '’' | '`' => wrong.help("texts stand in `'` or `\"`"),
        '$' => wrong.help("a name stands by itself: `vars.x`"),
        _ => wrong,
    }
}

/// A text in quotes. In single ones only `''` means something else, as on GitHub; in double ones `\` does.
fn text(rest: &str, at: usize) -> Result<(Kind, usize), Wrong> {
    let length = quoted_length(rest).ok_or_else(|| {
        let help = if rest.starts_with('\'') {
            "close it by `'`; a quote in it is doubled: `''`"
        } else {
            "close it by `\"`; a quote in it is written `\\\"`"
        };
        Wrong::new(at..at + 1, "this text is not closed").help(help)
    })?;
    let inner = &rest[1..length - 1];
    if rest.starts_with('\'') {
        return Ok((Kind::Text(inner.replace("''", "'")), length));
    }
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.char_indices();
    while let Some((from, c)) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let escaped = chars.next().map_or('\\', |(_, escaped)| escaped);
        let read = match escaped {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            '\\' | '"' | '\'' | '/' => Some(escaped),
            'u' => {
                let code = chars.as_str().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let _ = chars.nth(3);
                code.and_then(char::from_u32)
            }
            _ => None,
        };
        let from = at + 1 + from;
        let known = "a backslash in double quotes makes `\\n`, `\\t`, `\\\"`, `\\\\` and `\\uXXXX`; in single quotes it is itself";
        text.push(read.ok_or_else(|| {
            Wrong::unexpected(from..from + 1 + escaped.len_utf8(), &format!("\\{escaped}")).help(known)
        })?);
    }
    Ok((Kind::Text(text), length))
}

/// The length of the text in quotes at the start; nothing where it is not closed.
fn quoted_length(rest: &str) -> Option<usize> {
    let quote = *rest.as_bytes().first()?;
    let mut at = 1;
    loop {
        let byte = *rest.as_bytes().get(at)?;
        match byte {
            b'\\' if quote == b'"' => at += 1,
            _ if byte != quote => {}
            _ if quote == b'\'' && rest.as_bytes().get(at + 1) == Some(&b'\'') => at += 1,
            _ => return Some(at + 1),
        }
        at += 1;
    }
}

/// The length of a number, with its fraction and exponent.
fn number_length(from: &str) -> usize {
    let bytes = from.as_bytes();
    let is_hex = from.starts_with("0x");
    let mut at = 0;
    while at < bytes.len() {
        let exponent = matches!(bytes[at], b'+' | b'-') && at > 0 && matches!(bytes[at - 1], b'e' | b'E');
        let has_digit_after = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        match bytes[at] {
            b'0'..=b'9' | b'_' | b'a'..=b'z' | b'A'..=b'Z' => {}
            b'.' if has_digit_after => {}
            _ if exponent && has_digit_after && !is_hex => {}
            _ => break,
        }
        at += 1;
    }
    at
}

/// The length of the expression at the start of `text`, up to its `}}`; texts and braces inside belong to it. Where a
/// text is not closed, up to the first `}}`.
pub(in crate::plan) fn length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' => match quoted_length(&text[at..]) {
                Some(length) => at += length - 1,
                None => return text.find("}}"),
            },
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}
