//! What stands behind an operand: members, filters and tests.

use std::ops::Range;

use minijinja::value::Value;

use super::filters;
use super::filters::is_filter;
use super::node::{Argument, Node, Of};
use super::operators::Truth;
use super::parse::{KEYWORDS, Parser, unexpected};
use super::token::{Kind, Token};
use super::wrong::Wrong;

impl Parser<'_> {
    /// `.name`, `.*`, `[…]`.
    pub(super) fn members(&mut self, mut node: Node) -> Result<Node, Wrong> {
        loop {
            let token = self.peek().clone();
            let start = node.at.start;
            if !(token.is_symbol(".") || token.is_symbol("[")) {
                if token.is_symbol("(") && token.at == node.at.end {
                    let method = self.before().filter(|name| is_filter(name)).unwrap_or("upper");
                    let help = format!("values have no methods: use a filter, as in `x | {method}`");
                    return Err(unexpected(&token).help(&help));
                }
                return Ok(node);
            }
            self.take();
            self.deeper()?;
            let of = |node| Box::new(node);
            node = if token.text == "." {
                let member = self.take();
                let end = member.range().end;
                match member.kind {
                    Kind::Name => {
                        let key = Node::new(member.range(), Of::Value(Value::from(member.text)));
                        Node::new(start..end, Of::Member(of(node), of(key)))
                    }
                    Kind::Symbol if member.text == "*" => Node::new(start..end, Of::Every(of(node))),
                    _ => return Err(unexpected(&member).help("behind `.` stands a name or `*`")),
                }
            } else if self.peek().is_symbol("*") && self.after().is_symbol("]") {
                self.take();
                let end = self.expect("]", &token)?;
                Node::new(start..end, Of::Every(of(node)))
            } else {
                self.index(node, &token)?
            };
        }
    }

    /// `[key]` or `[from:to:step]`.
    fn index(&mut self, node: Node, opened: &Token<'_>) -> Result<Node, Wrong> {
        let start = node.at.start;
        let mut parts = Vec::new();
        let mut colons = 0;
        loop {
            let here = self.peek().at;
            let is_empty = self.peek().is_symbol(":") || self.peek().is_symbol("]");
            let empty = Node::new(here..here, Of::Value(Value::from(())));
            parts.push(if is_empty { empty } else { self.expression()? });
            if colons == 2 || !self.takes_symbol(":") {
                break;
            }
            colons += 1;
        }
        let is_empty = colons == 0 && parts.iter().all(|part| part.at.is_empty());
        if is_empty {
            return Err(unexpected(self.peek()));
        }
        let end = self.expect("]", opened)?;
        let mut parts = parts.into_iter();
        let mut next = || parts.next().unwrap_or_else(|| Node::new(end..end, Of::Value(Value::from(()))));
        Ok(Node::new(
            start..end,
            if colons == 0 {
                Of::Member(Box::new(node), Box::new(next()))
            } else {
                Of::Slice(Box::new([node, next(), next(), next()]))
            },
        ))
    }

    /// `| filter(…)` and `is test(…)`.
    pub(super) fn filters(&mut self, mut node: Node) -> Result<Node, Wrong> {
        loop {
            let start = node.at.start;
            if self.takes_symbol("|") {
                self.deeper()?;
                let name = self.take();
                let filter = filters::filter(&name)?;
                let (arguments, end) = if self.peek().is_symbol("(") {
                    self.arguments()?
                } else {
                    (Vec::new(), name.range().end)
                };
                node = Node::new(start..end, Of::Filter(Box::new(node), filter, arguments));
            } else if self.takes_word("is") {
                self.deeper()?;
                let is_negated = self.takes_word("not");
                let name = self.take();
                let test = filters::test(&name)?;
                let (arguments, end) = self.test_arguments(name.range())?;
                node = Node::new(start..end, Of::Test(Box::new(node), test, arguments));
                if is_negated {
                    node = Node::new(start..end, Of::Not(Box::new(node), Truth::Minijinja));
                }
            } else {
                return Ok(node);
            }
        }
    }

    /// A test takes one operand without parentheses: `is divisibleby 3`.
    fn test_arguments(&mut self, name: Range<usize>) -> Result<(Vec<Argument>, usize), Wrong> {
        let next = self.peek();
        let is_operand = match &next.kind {
            Kind::Symbol if next.text == "(" => return self.arguments(),
            Kind::Symbol => ["[", "{"].contains(&next.text),
            Kind::Name => !KEYWORDS.contains(&next.text) && next.text != "is",
            Kind::Text(_) | Kind::Number => true,
            Kind::End => false,
        };
        if !is_operand {
            return Ok((Vec::new(), name.end));
        }
        let value = self.prefix(false)?;
        let end = value.at.end;
        Ok((vec![Argument { name: None, value }], end))
    }
}
