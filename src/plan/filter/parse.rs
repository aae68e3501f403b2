//! From the words of `--select` and `--exclude` to an expression.

use std::ops::Range;

use super::{Expression, FilterError, MorePredicates};
use crate::manifest::{Expect, nearest, quoted};
use crate::plan::wildcard::Wildcard;

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 64;

/// What is listed when an expression is not understood.
const HELP: &str = "predicates: job(…), source(…), branch(…), tag(…), id(…), matrix(key=…), expect(…), wave(N), all(), none(); \
                    operators: and &, or | +, not !, but-not -, ( ); `*` and `?` are wildcards; \
                    a bare word is looked for in the task's id";

const PREDICATES: [&str; 10] =
    ["job", "source", "branch", "tag", "id", "matrix", "expect", "wave", "all", "none"];

/// Predicates of pull requests, which a selection of tasks does not know.
const OF_PULL_REQUESTS: [&str; 5] = ["pr", "stage", "checks", "review", "age"];

/// # Errors
///
/// The first thing that is not understood.
pub(super) fn parse(text: &str, more: Option<&MorePredicates>) -> Result<Expression, FilterError> {
    let mut parser = Parser { text, at: 0, depth: 0, more };
    let expression = parser.or()?;
    parser.skip_space();
    match parser.rest().chars().next() {
        None => Ok(expression),
        Some(found) => {
            let what = format!("{} is not expected here", quoted(&found.to_string()));
            Err(parser.wrong(parser.at..parser.at + found.len_utf8(), what))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    more: Option<&'a MorePredicates>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn wrong(&self, at: Range<usize>, what: impl Into<String>) -> FilterError {
        let help = match self.more {
            None => HELP.to_owned(),
            Some(more) => format!("{}; {HELP}", more.help),
        };
        FilterError { text: self.text.to_owned(), at, what: what.into(), help }
    }

    /// Takes one of the operators, if one comes next. Words and `-`, `+` count only when they stand alone: ids and
    /// branches hold them too.
    fn take(&mut self, operators: &[&str]) -> Option<usize> {
        self.skip_space();
        let rest = self.rest();
        let index = operators.iter().position(|operator| {
            let Some(after) = rest.strip_prefix(operator) else { return false };
            let symbol = matches!(*operator, "&" | "&&" | "|" | "||" | "!");
            symbol || after.is_empty() || after.starts_with([' ', '\t', '\n', '(', '!'])
        })?;
        self.at += operators[index].len();
        Some(index)
    }

    fn or(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.and()?];
        while self.take(&["||", "|", "+", "or"]).is_some() {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn and(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.not()?];
        while let Some(operator) = self.take(&["-", "&&", "&", "and"]) {
            let part = self.not()?;
            parts.push(if operator == 0 { Expression::Not(Box::new(part)) } else { part });
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn not(&mut self) -> Result<Expression, FilterError> {
        let mut negated = false;
        while self.take(&["!", "not"]).is_some() {
            negated = !negated;
        }
        let inner = self.operand()?;
        Ok(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn operand(&mut self) -> Result<Expression, FilterError> {
        self.skip_space();
        let start = self.at;
        match self.rest().chars().next() {
            None => Err(self.wrong(start..start, "the expression ends where something is expected")),
            Some('(') => self.parenthesis(),
            Some('"' | '\'') => self.quoted().map(|text| bare(&text)),
            Some(_) => {
                let word = self.word();
                if self.rest().starts_with('(') {
                    return self.predicate(start, word);
                }
                if word.is_empty() {
                    let found = self.rest().chars().next().map_or(0, char::len_utf8);
                    let what = format!("{} is not expected here", quoted(&self.rest()[..found]));
                    return Err(self.wrong(start..start + found, what));
                }
                Ok(bare(word))
            }
        }
    }

    fn parenthesis(&mut self) -> Result<Expression, FilterError> {
        let start = self.at;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(start..start + 1, "the expression is nested too deeply"));
        }
        self.at += 1;
        let inner = self.or()?;
        self.skip_space();
        if !self.rest().starts_with(')') {
            return Err(self.wrong(start..start + 1, "this parenthesis is not closed"));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(inner)
    }

    /// A word up to a space or an operator that cannot be part of one.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "()&|!".contains(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map(|(_, quote)| quote);
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in chars {
            match c {
                _ if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                _ if Some(c) == quote => {
                    self.at += at + c.len_utf8();
                    return Ok(text);
                }
                _ => text.push(c),
            }
        }
        Err(self.wrong(start..start + 1, "this quote is not closed"))
    }

    fn predicate(&mut self, start: usize, name: &str) -> Result<Expression, FilterError> {
        let named = start..start + name.len();
        let added = self.more.and_then(|more| more.names.iter().find(|added| **added == name));
        if let (Some(name), Some(more)) = (added, self.more) {
            return self.added(name, named, more);
        }
        if !PREDICATES.contains(&name) {
            return Err(self.unknown(name, named));
        }
        self.at += 1;
        let (argument, at) = self.argument(named.clone())?;
        if matches!(name, "all" | "none") {
            return match (name, argument.is_empty()) {
                ("all", true) => Ok(Expression::All),
                (_, true) => Ok(Expression::None),
                (_, false) => Err(self.wrong(at, format!("`{name}()` takes nothing"))),
            };
        }
        if argument.is_empty() {
            return Err(self.wrong(named, format!("`{name}(…)` needs a pattern")));
        }
        if name == "wave" {
            return self.wave(&argument, at);
        }
        let pattern = Wildcard::new(&argument);
        Ok(match name {
            "job" => Expression::Job(pattern, at),
            "source" => Expression::Source(pattern),
            "branch" => Expression::Branch(pattern),
            "tag" => Expression::Tag(pattern),
            "id" => Expression::Id(pattern),
            "matrix" => match argument.split_once('=') {
                Some((key, value)) => Expression::Matrix(key.trim().to_owned(), Wildcard::new(value.trim())),
                None => {
                    return Err(self.wrong(at, "`matrix(…)` needs a key and a value: `matrix(crate=serde)`"));
                }
            },
            _ => match [Expect::PullRequest, Expect::Change, Expect::Any]
                .into_iter()
                .find(|e| e.as_str() == argument)
            {
                Some(expect) => Expression::Expect(expect),
                None => return Err(self.wrong(at, "`expect(…)` takes `pull-request`, `change` or `any`")),
            },
        })
    }

    fn wave(&self, number: &str, at: Range<usize>) -> Result<Expression, FilterError> {
        match number.parse() {
            Ok(number) if number > 0 => Ok(Expression::Wave(number, at)),
            _ => {
                let help = "write for example `wave(2)`; the first one is 1".to_owned();
                Err(FilterError { help, ..self.wrong(at, "`wave(…)` takes the number of a wave") })
            }
        }
    }

    fn unknown(&self, name: &str, named: Range<usize>) -> FilterError {
        let mut error = self.wrong(named, format!("unknown predicate {}", quoted(name)));
        let added = self.more.iter().flat_map(|more| more.names.iter().copied());
        if OF_PULL_REQUESTS.contains(&name) {
            error.what = format!("`{name}(…)` is about pull requests, and tasks are selected here");
            error.help = "pull requests are selected by: jules-batch pulls --select".to_owned();
        } else if let Some(near) = nearest(name, added.chain(PREDICATES)) {
            error.help = format!("did you mean `{near}(…)`?");
        }
        error
    }

    /// A predicate that was added to those of tasks.
    fn added(
        &mut self,
        name: &'static str,
        named: Range<usize>,
        more: &MorePredicates,
    ) -> Result<Expression, FilterError> {
        self.at += 1;
        let (argument, at) = self.argument(named.clone())?;
        let at = if argument.is_empty() { named } else { at };
        match (more.check)(name, &argument) {
            Ok(()) => Ok(Expression::More(name, argument)),
            Err((what, help)) => Err(FilterError { help, ..self.wrong(at, what) }),
        }
    }

    /// What stands between a predicate's parentheses, and where; quotes allow for a `)` in it.
    fn argument(&mut self, predicate: Range<usize>) -> Result<(String, Range<usize>), FilterError> {
        self.skip_space();
        let start = self.at;
        let open = || self.wrong(predicate.clone(), "the parenthesis of this predicate is not closed");
        let (text, end) = if self.rest().starts_with(['"', '\'']) {
            let open = open();
            let text = self.quoted()?;
            let end = self.at;
            self.skip_space();
            if !self.rest().starts_with(')') {
                return Err(open);
            }
            (text, end)
        } else {
            let length = self.rest().find(')').ok_or_else(open)?;
            let text = self.rest()[..length].trim_end().to_owned();
            self.at += length;
            let end = start + text.len();
            (text, end)
        };
        self.at += 1;
        Ok((text, start..end))
    }
}

/// A word by itself: a pattern over the whole id when it has wildcards, else a part of the id.
fn bare(word: &str) -> Expression {
    let pattern = Wildcard::new(word);
    if pattern.is_literal() {
        Expression::Id(Wildcard::new(&format!("*{word}*")))
    } else {
        Expression::Id(pattern)
    }
}
