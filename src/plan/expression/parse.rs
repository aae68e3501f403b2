//! From words to an expression: by precedence, with GitHub's operators where they are.

use std::ops::Range;

use minijinja::value::Value;

use super::functions;
use super::node::{Argument, Node, Of};
use super::operators::Truth;
use super::precedence::{Infix, infix, level};
use super::token::{Kind, Token, tokens};
use super::wrong::Wrong;
use crate::manifest::quoted;
use crate::plan::data::{infinity, number_value};

/// How deep an expression may nest; chains such as `a + b + c` count as well.
const MAX_DEPTH: usize = 100;

/// Words that are no names.
pub(super) const KEYWORDS: [&str; 6] = ["and", "or", "not", "in", "if", "else"];

/// # Errors
///
/// The first word that is not understood; there is no other way to the end.
pub(super) fn parse(code: &str) -> Result<(Node, Vec<Range<usize>>), Wrong> {
    let tokens = tokens(code)?;
    let quoted = tokens.iter().filter(|token| token.text.starts_with('\''));
    let quoted = quoted.map(|token| token.at + 1..token.range().end - 1).collect();
    let mut parser = Parser { tokens, next: 0, depth: 0 };
    let root = parser.expression()?;
    match parser.peek() {
        Token { kind: Kind::End, .. } => Ok((root, quoted)),
        token => Err(unexpected(token)),
    }
}

pub(super) struct Parser<'a> {
    /// The last one is the end.
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// The text before the next token.
    pub(super) fn before(&self) -> Option<&'a str> {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map(|token| token.text)
    }

    pub(super) fn peek(&self) -> &Token<'a> {
        &self.tokens[self.next]
    }

    pub(super) fn after(&self) -> &Token<'a> {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)]
    }

    pub(super) fn take(&mut self) -> Token<'a> {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn takes_symbol(&mut self, symbol: &str) -> bool {
        let is_it = self.peek().is_symbol(symbol);
        if is_it {
            self.take();
        }
        is_it
    }

    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let is_it = self.peek().is_word(word);
        if is_it {
            self.take();
        }
        is_it
    }

    pub(super) fn expect(&mut self, symbol: &str, opened: &Token<'_>) -> Result<usize, Wrong> {
        if self.peek().is_symbol(symbol) {
            return Ok(self.take().range().end);
        }
        match self.peek() {
            Token { kind: Kind::End, .. } => Err(Wrong::new(
                opened.range(),
                format!("{} is not closed by `{symbol}`", quoted(opened.text)),
            )),
            token => Err(unexpected(token)),
        }
    }

    pub(super) fn deeper(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Wrong::new(self.peek().range(), "it is nested too deeply here"));
        }
        Ok(())
    }

    pub(super) fn expression(&mut self) -> Result<Node, Wrong> {
        let depth = self.depth;
        self.deeper()?;
        let mut node = self.operation(level::LOWEST)?;
        while self.peek().is_word("if") {
            let word = self.take();
            self.deeper()?;
            let test = self.operation(level::LOWEST)?;
            if !self.takes_word("else") {
                return Err(match self.peek() {
                    Token { kind: Kind::End, .. } => {
                        Wrong::new(word.range(), "`if` has no `else`").help("write `ONE if TEST else OTHER`")
                    }
                    token => unexpected(token),
                });
            }
            let other = self.expression()?;
            node = Node::new(node.at.start..other.at.end, Of::If(Box::new([node, test, other])));
        }
        self.depth = depth;
        Ok(node)
    }

    /// Operands joined by operators that bind at least as tightly as `least`.
    fn operation(&mut self, least: u8) -> Result<Node, Wrong> {
        let depth = self.depth;
        self.deeper()?;
        let mut left = self.prefix(true)?;
        while let Some((infix, level)) = infix(self.peek(), self.after()).filter(|(_, level)| *level >= least)
        {
            if self.take().is_word("not") {
                self.take();
            }
            let right = self.operation(level + 1)?;
            let at = left.at.start..right.at.end;
            let of = match (infix, left.of) {
                // A long row of these is one.
                (Infix::Or(truth), Of::Or(parts, same)) if truth == same => Of::Or(with(parts, right), truth),
                (Infix::And(truth), Of::And(parts, same)) if truth == same => {
                    Of::And(with(parts, right), truth)
                }
                (Infix::Join, Of::Joined(parts)) => Of::Joined(with(parts, right)),
                (infix, of) => {
                    self.deeper()?;
                    let left = Node::new(left.at, of);
                    match infix {
                        Infix::Or(truth) => Of::Or(vec![left, right], truth),
                        Infix::And(truth) => Of::And(vec![left, right], truth),
                        Infix::Join => Of::Joined(vec![left, right]),
                        Infix::Comparison(comparison) => Of::Comparison(comparison, Box::new([left, right])),
                        Infix::Arithmetic(operator) => Of::Arithmetic(operator, Box::new([left, right])),
                    }
                }
            };
            left = Node::new(at, of);
        }
        self.depth = depth;
        Ok(left)
    }

    /// An operand with what stands before it, and behind it members and, with `filters`, filters and tests.
    pub(super) fn prefix(&mut self, filters: bool) -> Result<Node, Wrong> {
        let depth = self.depth;
        self.deeper()?;
        let token = self.peek().clone();
        let node = match (&token.kind, token.text) {
            (Kind::Name, "not") => {
                self.take();
                let inner = self.operation(level::NOT)?;
                Node::new(token.at..inner.at.end, Of::Not(Box::new(inner), Truth::Minijinja))
            }
            (Kind::Symbol, "!") => {
                self.take();
                let inner = self.prefix(filters)?;
                Node::new(token.at..inner.at.end, Of::Not(Box::new(inner), Truth::GitHub))
            }
            (Kind::Symbol, sign @ ("-" | "+")) => {
                self.take();
                let next = self.peek().clone();
                let is_number = next.kind == Kind::Number && next.at == token.at + 1;
                let node = if is_number {
                    self.take();
                    let written = format!("{}{}", if sign == "+" { "" } else { sign }, next.text);
                    Node::new(token.at..next.range().end, Of::Value(number(&written, &next)?))
                } else if next.is_word("Infinity") && next.at == token.at + 1 {
                    self.take();
                    Node::new(token.at..next.range().end, Of::Value(infinity(sign == "-")))
                } else if sign == "-" {
                    let inner = self.prefix(false)?;
                    Node::new(token.at..inner.at.end, Of::Negative(Box::new(inner)))
                } else {
                    return Err(unexpected(&token));
                };
                if filters { self.filters(node)? } else { node }
            }
            _ => {
                let primary = self.primary()?;
                let node = self.members(primary)?;
                if filters { self.filters(node)? } else { node }
            }
        };
        self.depth = depth;
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node, Wrong> {
        let token = self.take();
        let at = token.range();
        let value = |value| Ok(Node::new(token.range(), Of::Value(value)));
        match (&token.kind, token.text) {
            (Kind::Text(text), _) => value(Value::from(text.as_str())),
            (Kind::Number, _) => value(number(token.text, &token)?),
            (Kind::Name, "true" | "True") => value(Value::from(true)),
            (Kind::Name, "false" | "False") => value(Value::from(false)),
            (Kind::Name, "null" | "none" | "None") => value(Value::from(())),
            (Kind::Name, "NaN") => value(Value::from(f64::NAN)),
            (Kind::Name, "Infinity") => value(infinity(false)),
            (Kind::Name, word) if KEYWORDS.contains(&word) => Err(unexpected(&token)),
            (Kind::Name, _) if self.peek().is_symbol("(") => self.call(&token),
            (Kind::Name, name) => Ok(Node::new(at, Of::Root(name.to_ascii_lowercase()))),
            (Kind::Symbol, "(") => {
                let inner = self.expression()?;
                let end = self.expect(")", &token)?;
                // Its place is that of the parentheses; what it is does not change.
                Ok(Node::new(token.at..end, inner.of))
            }
            (Kind::Symbol, "[") => {
                let mut items = Vec::new();
                let end = self.row("]", &token, |parser| {
                    items.push(parser.expression()?);
                    Ok(())
                })?;
                Ok(Node::new(token.at..end, Of::List(items)))
            }
            (Kind::Symbol, "{") => {
                let mut entries = Vec::new();
                let end = self.row("}", &token, |parser| {
                    let key = parser.expression()?;
                    if !parser.takes_symbol(":") {
                        return Err(unexpected(parser.peek()));
                    }
                    entries.push((key, parser.expression()?));
                    Ok(())
                })?;
                Ok(Node::new(token.at..end, Of::Map(entries)))
            }
            _ => Err(unexpected(&token)),
        }
    }

    /// What stands between brackets with commas; says where they close.
    fn row(
        &mut self,
        close: &str,
        opened: &Token<'_>,
        mut item: impl FnMut(&mut Self) -> Result<(), Wrong>,
    ) -> Result<usize, Wrong> {
        while !self.peek().is_symbol(close) {
            if self.peek().kind == Kind::End {
                break;
            }
            item(self)?;
            if !self.takes_symbol(",") {
                break;
            }
        }
        self.expect(close, opened)
    }

    pub(super) fn arguments(&mut self) -> Result<(Vec<Argument>, usize), Wrong> {
        let opened = self.take();
        let mut arguments: Vec<Argument> = Vec::new();
        let end = self.row(")", &opened, |parser| {
            let name = (parser.peek().kind == Kind::Name && parser.after().is_symbol("=")).then(|| {
                let name = parser.take().text.to_owned();
                parser.take();
                name
            });
            let start = parser.peek().range();
            if name.is_none() && arguments.last().is_some_and(|last| last.name.is_some()) {
                return Err(Wrong::new(start, "what has no name stands before what has one"));
            }
            arguments.push(Argument { name, value: parser.expression()? });
            Ok(())
        })?;
        Ok((arguments, end))
    }

    fn call(&mut self, name: &Token<'_>) -> Result<Node, Wrong> {
        let function = functions::named(name)?;
        let (arguments, end) = self.arguments()?;
        let named = arguments.iter().find(|argument| argument.name.is_some());
        functions::check(function, name, arguments.len(), named.map(|argument| argument.value.at.clone()))?;
        Ok(Node::new(name.at..end, Of::Call(function, arguments)))
    }
}

fn with(mut parts: Vec<Node>, more: Node) -> Vec<Node> {
    parts.push(more);
    parts
}

fn number(written: &str, token: &Token<'_>) -> Result<Value, Wrong> {
    number_value(written).ok_or_else(|| {
        let wrong = Wrong::new(token.range(), format!("{} is no number", quoted(token.text)));
        match token.text.split_once('-') {
            Some((one, other)) => wrong.help(format!("a subtraction wants spaces: `{one} - {other}`")),
            None => wrong,
        }
    })
}

pub(super) fn unexpected(token: &Token<'_>) -> Wrong {
    if token.kind == Kind::End {
        return Wrong::new(token.at..token.at, "it ends where a value is expected");
    }
    let wrong = Wrong::unexpected(token.range(), token.text);
    match (&token.kind, token.text) {
        (Kind::Symbol, "=") => wrong.help("equal is written `==`"),
        (Kind::Symbol, "&") => wrong.help("and is written `&&`"),
        (Kind::Text(_), _) if token.text.starts_with('\'') => {
            wrong.help("in single quotes a quote is doubled: `''`; texts are joined by `~` or `format()`")
        }
        (Kind::Text(_) | Kind::Name | Kind::Number, _) => wrong.help("an operator is missing before it"),
        _ => wrong,
    }
}
