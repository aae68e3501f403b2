//! Strings with `${{ … }}`: cut into pieces once, rendered for each task.
//!
//! Only what stands between `${{` and `}}` is an expression (minijinja's); everything else is kept as it is, so that
//! prompts may hold any other template language. `$${{` is a literal `${{`.

use std::sync::{Arc, LazyLock};

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior};

use super::comparison;
use super::data::{join, push_value, shown, to_literal};
use super::expression::{Name, Prepared, TEXT_FILTER, prepare};
use super::scope::Scope;
use crate::manifest::{Diagnostic, Diagnostics, Document, Literal, Located, Span, Text, quoted};

/// The longest text that one string may render to, in bytes.
pub(super) const MAX_RENDERED: usize = 1 << 20;

/// The most expressions in one string.
const MAX_EXPRESSIONS: usize = 10_000;

/// More findings than these are not gathered from one string.
const MOST_FINDINGS: usize = 50;

/// How far ahead the next expression of a string is looked for, in bytes.
const FARTHEST: usize = 1 << 16;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(50_000));
    engine.set_recursion_limit(64);
    // Errors then know the range that they speak of.
    engine.set_debug(true);
    engine.add_filter(TEXT_FILTER, shown);
    engine.add_filter("string", shown);
    engine.add_filter("join", join);
    comparison::register(&mut engine);
    engine
});

/// A string of the manifest, ready to be rendered.
#[derive(Debug)]
pub(super) struct Template {
    document: Arc<Document>,
    span: Span,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Constant(Arc<str>),
    Pieces(Vec<Piece>),
}

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    Expression { code: Box<str>, names: Box<[Name]>, compiled: Expression<'static, 'static>, span: Span },
}

impl Template {
    /// Cuts a string of the manifest; its expressions are compiled here and nowhere else.
    ///
    /// # Errors
    ///
    /// Every expression that is not valid, and the first that is not closed, at their places.
    pub(super) fn compile(document: &Arc<Document>, text: &Located<String>) -> Result<Self, Diagnostics> {
        Self::compile_text(&Text {
            document: Arc::clone(document),
            span: text.span,
            text: text.as_str().into(),
        })
    }

    /// As [`Template::compile`], for a text of any document.
    pub(super) fn compile_text(source: &Text) -> Result<Self, Diagnostics> {
        let Text { document, span, text } = source;
        let body = if text.contains("${{") {
            Body::Pieces(Cutter { document, span: *span, text, found_to: 0, expressions: 0 }.pieces()?)
        } else {
            Body::Constant(Arc::clone(text))
        };
        Ok(Self { document: Arc::clone(document), span: *span, body })
    }

    /// Whether every task gets the same text.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self.body, Body::Constant(_))
    }

    /// Whether an expression reads something of `matrix`.
    pub(super) fn reads_matrix(&self) -> bool {
        self.names().any(|(name, _)| name.path[0] == "matrix")
    }

    /// The names that expressions look up, each with the place of its expression.
    pub(super) fn names(&self) -> impl Iterator<Item = (&Name, Span)> {
        let pieces = match &self.body {
            Body::Constant(_) => &[][..],
            Body::Pieces(pieces) => pieces,
        };
        let named = pieces.iter().map(|piece| match piece {
            Piece::Text(_) => (&[][..], Span::default()),
            Piece::Expression { names, span, .. } => (&names[..], *span),
        });
        named.flat_map(|(names, span)| names.iter().map(move |name| (name, span)))
    }

    /// The value for one task: of a string that is one expression what that is worth, of another its text.
    ///
    /// # Errors
    ///
    /// As [`Template::render`], and an expression whose worth is no data.
    pub(super) fn value(&self, scope: &Arc<Scope>) -> Result<Literal, Diagnostics> {
        let Body::Pieces(pieces) = &self.body else { return self.text_value(scope) };
        let [Piece::Expression { code, compiled, span, .. }] = &pieces[..] else {
            return self.text_value(scope);
        };
        match compiled.eval(Value::from_dyn_object(Arc::clone(scope))).and_then(defined) {
            Ok(value) => to_literal(&value, self.span).ok_or_else(|| {
                let what = format!("the expression {} makes no value that can be kept", quoted(code.trim()));
                Diagnostic::new(what).at(&self.document, *span).into()
            }),
            Err(_) => self.text_value(scope),
        }
    }

    fn text_value(&self, scope: &Arc<Scope>) -> Result<Literal, Diagnostics> {
        Ok(Literal::Text(Located::new(self.render(scope)?.to_string(), self.span)))
    }

    pub(super) fn document(&self) -> &Arc<Document> {
        &self.document
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// The text for one task.
    ///
    /// # Errors
    ///
    /// Every name that is not defined, or an operation that does not fit its values, too much work or too long a text.
    pub(super) fn render(&self, scope: &Arc<Scope>) -> Result<Arc<str>, Diagnostics> {
        let pieces = match &self.body {
            Body::Constant(text) => return Ok(Arc::clone(text)),
            Body::Pieces(pieces) => pieces,
        };
        let mut rendered = String::new();
        let mut findings = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => rendered.push_str(text),
                Piece::Expression { code, names, compiled, span } => {
                    let value = compiled.eval(Value::from_dyn_object(Arc::clone(scope)));
                    match value.and_then(defined) {
                        Ok(value) => push_value(&mut rendered, &value),
                        Err(error) => {
                            let explained = explain(&error, code, names, scope);
                            findings
                                .extend(explained.into_iter().map(|found| found.at(&self.document, *span)));
                            if findings.len() > MOST_FINDINGS {
                                break;
                            }
                        }
                    }
                }
            }
            if rendered.len() > MAX_RENDERED {
                let finding =
                    Diagnostic::new(format!("this string renders to more than {} MiB", MAX_RENDERED >> 20));
                return Err(finding.at(&self.document, self.span).into());
            }
        }
        match Diagnostics::from_list(findings) {
            Some(findings) => Err(findings),
            None => Ok(rendered.into()),
        }
    }
}

/// An operator of GitHub's expressions that is not one here, and what is.
fn operator_of_github(code: &str) -> Option<(&'static str, &'static str)> {
    let operators = [("&&", "`&&`", "`and`"), ("||", "`||`", "`or`")];
    let found = operators.into_iter().find(|(operator, ..)| code.contains(operator));
    let is_not = || code.replace("!=", "").contains('!');
    found.map(|(_, theirs, ours)| (theirs, ours)).or_else(|| is_not().then_some(("`!`", "`not`")))
}

/// Every name that an expression lacks, or else why it has no value.
fn explain(error: &Error, code: &str, names: &[Name], scope: &Scope) -> Vec<Diagnostic> {
    if error.kind() == ErrorKind::UndefinedError {
        let mut lacking: Vec<&Name> = Vec::new();
        for name in names {
            if !name.may_lack
                && !scope.defines(&name.path)
                && !lacking.iter().any(|seen| seen.path == name.path)
            {
                lacking.push(name);
            }
        }
        if !lacking.is_empty() {
            return lacking.into_iter().map(|name| scope.undefined(&name.path)).collect();
        }
    }
    let what = match error.kind() {
        ErrorKind::OutOfFuel => "takes too much work".to_owned(),
        _ => format!("cannot be evaluated: {}", wording(error)),
    };
    vec![Diagnostic::new(format!("the expression {} {what}", quoted(code.trim())))]
}

/// An undefined value is an error even where nothing is done with it.
fn defined(value: Value) -> Result<Value, Error> {
    if value.is_undefined() { Err(Error::from(ErrorKind::UndefinedError)) } else { Ok(value) }
}

fn wording(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

struct Cutter<'a> {
    document: &'a Arc<Document>,
    span: Span,
    text: &'a str,
    /// Up to where in the written string expressions were found, so that equal ones are told apart.
    found_to: usize,
    expressions: usize,
}

impl<'a> Cutter<'a> {
    fn pieces(mut self) -> Result<Vec<Piece>, Diagnostics> {
        let mut pieces = Vec::new();
        let mut findings = Vec::new();
        let mut plain = String::new();
        let mut rest = self.text;
        while let Some(at) = rest.find("${{") {
            plain.push_str(&rest[..at]);
            if plain.ends_with('$') {
                // Escaped: one of the two `$` goes.
                plain.push_str("{{");
                rest = &rest[at + 3..];
                continue;
            }
            let inner = &rest[at + 3..];
            let Some(length) = expression_length(inner) else {
                let finding =
                    Diagnostic::new("`${{` is not closed by `}}`").help("a literal `${{` is written `$${{`");
                findings.push(finding.at(self.document, self.locate(&rest[at..at + 3])));
                break;
            };
            let whole = &rest[at..at + 3 + length + 2];
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
            }
            if self.expressions >= MAX_EXPRESSIONS {
                let finding =
                    Diagnostic::new(format!("this string has more than {MAX_EXPRESSIONS} expressions"));
                findings.push(finding.at(self.document, self.span));
                break;
            }
            self.expressions += 1;
            match self.expression(whole, &inner[..length]) {
                Ok(piece) => pieces.push(piece),
                Err(finding) if findings.len() < MOST_FINDINGS => findings.push(finding),
                Err(_) => {}
            }
            rest = &rest[whole.len() + at..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        match Diagnostics::from_list(findings) {
            Some(findings) => Err(findings),
            None => Ok(pieces),
        }
    }

    fn expression(&mut self, whole: &'a str, code: &str) -> Result<Piece, Diagnostic> {
        let span = self.locate(whole);
        if code.trim().is_empty() {
            return Err(Diagnostic::new("`${{ }}` holds no expression").at(self.document, span));
        }
        #[cfg(test)]
        tests::COMPILED.with(|count| count.set(count.get() + 1));
        let Prepared { code: prepared, names } = prepare(code.trim()).map_err(|name| {
            let what = format!(
                "the expression {} is not valid: {} is no name of a filter or test",
                quoted(code.trim()),
                quoted(&name)
            );
            let help = format!("a subtraction wants spaces: {}", quoted(&name.replace('-', " - ")));
            Diagnostic::new(what).at(self.document, span).help(help)
        })?;
        match ENGINE.compile_expression_owned(comparison::rewritten(&prepared)) {
            Ok(compiled) => Ok(Piece::Expression { code: code.into(), names: names.into(), compiled, span }),
            Err(error) => {
                let what =
                    format!("the expression {} is not valid: {}", quoted(code.trim()), wording(&error));
                let finding = Diagnostic::new(what).at(self.document, span);
                let minus = names.iter().map(|name| name.path.join(".")).find(|name| name.ends_with('-'));
                Err(match minus {
                    Some(name) => finding.help(format!(
                        "a subtraction wants spaces: {}",
                        quoted(&format!("{} - …", name.trim_end_matches('-')))
                    )),
                    None => finding.help(match operator_of_github(code) {
                        Some((theirs, ours)) => format!("{theirs} is written {ours}"),
                        None => "a literal `${{` is written `$${{`".to_owned(),
                    }),
                })
            }
        }
    }

    /// Where an expression stands in the document: the string may be written with quotes, escapes or indentation,
    /// so it is looked for there.
    fn locate(&mut self, whole: &str) -> Span {
        let raw = self.document.slice(self.span);
        // An expression that is written otherwise (with an escape) is not found: then the string's place must do. The
        // search is kept short, lest a long text full of them takes its square in time.
        let ahead = &raw[self.found_to..];
        let near = &ahead[..ahead.floor_char_boundary(FARTHEST + whole.len())];
        let Some(at) = near.find(whole) else { return self.span };
        let start = self.found_to + at;
        self.found_to = start + whole.len();
        let offset = self.span.start as usize;
        Span::new(offset + start..offset + self.found_to)
    }
}

/// The length of the expression at the start of `text`, up to its `}}`; strings and braces inside belong to it.
fn expression_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, _) => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::super::data::to_value;
    use super::super::scope::Unset;
    use super::*;

    thread_local! {
        /// How many expressions were compiled on this thread.
        pub(in crate::plan) static COMPILED: Cell<usize> = const { Cell::new(0) };
    }

    fn scope() -> Arc<Scope> {
        let matrix = Literal::read(
            "{ crate: serde, n: 3, list: [1, a, true, 3.10, 1.0, 007], none: null, os-name: x, yes: true, v: 3.10,
               shard: 3, shard-1: x, py-v: { min-v: '3.9', by-os: [{ l-x: 1 }] } }",
        );
        let vars = Literal::read("{ tone: kind }");
        Arc::new(Scope {
            job: Value::from_pairs([("id", "j")]),
            vars: to_value(&vars),
            env: Value::from_pairs([("CI", "true")]),
            source: None,
            matrix: Some(to_value(&matrix)),
            unset: Arc::new(Unset { vars: vec!["ticket".into()], env: vec!["HOST".into()] }),
            ..Scope::default()
        })
    }

    fn render(text: &str) -> Result<String, String> {
        let document = Arc::new(Document::new("jobs.yaml", text));
        let located = Located::new(text.to_owned(), Span::new(0..text.len()));
        let one = |finding: &Diagnostic| {
            let place = finding.place().map_or_else(String::new, |place| place.to_string());
            format!("{place} {} [{}]", finding.message(), finding.way_out().unwrap_or(""))
        };
        let all = |found: Diagnostics| found.iter().map(one).collect::<Vec<_>>().join("\n");
        let template = Template::compile(&document, &located).map_err(all)?;
        template.render(&scope()).map(|text| text.to_string()).map_err(all)
    }

    #[test]
    fn expressions_are_filled_in_and_all_else_is_kept() {
        for (text, expected) in [
            ("Be ${{ vars.tone }}.", "Be kind."),
            ("{{ x }} {% raw %} ${x} $x {#", "{{ x }} {% raw %} ${x} $x {#"),
            ("a $${{ secrets.X }} b ${{matrix.n+1}}", "a ${{ secrets.X }} b 4"),
            ("${{ '}}' }}${{ {'a': {'b': 1}}.a.b }}", "}}1"),
            ("${{ \"${{\" }}", "${{"),
            (
                "${{ matrix.list }}|${{ matrix.none }}|${{ matrix.crate | upper }}",
                "[1,\"a\",true,3.10,1.0,\"007\"]||SERDE",
            ),
            ("${{ matrix.os-name }} ${{ matrix.py-v.min-v }} ${{ matrix['py-v'].by-os[0].l-x }}", "x 3.9 1"),
            ("${{ matrix.shard-1 }} ${{ matrix.shard - 1 }}", "x 2"),
            (
                "${{ matrix.yes }} ${{ not matrix.yes }} ${{ 'a' ~ matrix.yes ~ matrix.none ~ matrix.v }}",
                "true false atrue3.10",
            ),
            ("${{ matrix.list | join(' ') }} ${{ true | string }}", "1 a true 3.10 1.0 007 true"),
            ("${{ [matrix.yes, matrix.v] }} ${{ 'x' ~ [true] }}", "[true,3.10] x[true]"),
            ("${{ matrix.nope | default('d') }}", "d"),
            ("${{ matrix['os-name'] }} ${{ env.CI }} ${{ job.id }}", "x true j"),
            ("${{ 'a' if matrix.n > 2 else 'b' }}", "a"),
            (
                "${{ matrix.v == 3.10 }} ${{ matrix.v == '3.10' }} ${{ matrix.v == 3.1 }} ${{ matrix.v != 3.2 }}",
                "true true true true",
            ),
            (
                "${{ 1 == '1' }} ${{ 'A' == 'a' }} ${{ none == '' }} ${{ false == 0 }} ${{ [1] == [1] }} ${{ 'x' == 0 }}",
                "true true true true true false",
            ),
            ("${{ 'a' if not vars.tone == 'KIND' else 'b' }} ${{ 'k' ~ 1 == 'K1' }}", "b true"),
        ] {
            assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_rendered_says_where_and_why() {
        for (text, place, part) in [
            ("ab ${{ matrix.crat }}", "1:4", "did you mean `matrix.crate`?"),
            ("${{ vars.tone }}\nab ${{ x }}", "2:4", "known names: `matrix.crate`"),
            ("${{ vars.ticket }}", "1:1", "--var ticket="),
            ("${{ env.HOST }}", "1:1", "not set in the environment"),
            ("${{ env.OTHER }}", "1:1", "env: [OTHER]"),
            ("${{ source.repo }}", "1:1", "has no source"),
            ("${{ matrix.nope.x ~ 'a' }}", "1:1", "`matrix.nope.x` is not defined"),
            ("${{ vars.tone + 1 }}", "1:1", "cannot be evaluated"),
            (
                "${{ matrix.n-1 }}",
                "1:1",
                "`matrix.n-1` is not defined [a subtraction wants spaces: `matrix.n - 1`]",
            ),
            ("${{ matrix.n-matrix.n }}", "1:1", "spaces: `matrix.n - matrix.n`"),
            ("${{ matrix.n- 1 }}", "1:1", "wants spaces: `matrix.n - …`"),
            ("${{ matrix.list[9] }}", "1:1", "`matrix.list.4`"),
            ("${{ matrix.list | length-1 }}", "1:1", "spaces: `length - 1`"),
            ("${{ python-version }}", "1:1", "`python-version` is not defined"),
            ("${{ matrix.py-v.min }}", "1:1", "did you mean `matrix.py-v.min-v`?"),
            ("${{ matrix.n && matrix.crate || 'x' }}", "1:1", "`&&` is written `and`"),
            ("${{ '' || 'x' }}", "1:1", "`||` is written `or`"),
            ("${{ !matrix.yes }}", "1:1", "`!` is written `not`"),
            ("${{ matrix.nope == 'x' }}", "1:1", "`matrix.nope` is not defined"),
            ("${{ vars.tone", "1:1", "not closed"),
            ("${{ }}", "1:1", "holds no expression"),
            ("a ${{ 1 + }}", "1:3", "is not valid"),
            ("${{ range(99999) | sum }}${{ 'x' * 9999999 }}", "1:1", "too much work"),
        ] {
            let error = render(text).unwrap_err();
            assert!(error.starts_with(place) && error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let error = render("${{ a }} ${{ b ~ c.d ~ vars.tone }} ${{ vars.x | default(e) }}").unwrap_err();
        let names: Vec<&str> = error.lines().map(|line| line.split('`').nth(1).unwrap()).collect();
        assert_eq!(names, ["a", "b", "c.d", "e"], "{error}");
        let error = render("${{ 1 + }} ${{ }} ${{ matrix").unwrap_err();
        assert_eq!(error.lines().count(), 3, "{error}");
    }

    #[test]
    fn equal_expressions_are_told_apart() {
        let error = render("${{ vars.tone }}\n${{ vars.tone }} ${{ vars.tone + 1 }}\n${{ vars.tone + 1 }}")
            .unwrap_err();
        assert!(error.starts_with("2:18 "), "{error}");
    }

    #[test]
    fn a_string_holds_only_so_many_expressions() {
        assert!(render(&"${{ 1 }}".repeat(MAX_EXPRESSIONS)).is_ok());
        assert!(render(&"${{ 1 }}".repeat(MAX_EXPRESSIONS + 1)).unwrap_err().contains("more than 10000"));
    }

    #[test]
    fn a_rendered_text_has_a_bound() {
        let error = render(&"${{ 'x' * 300000 }}".repeat(4)).unwrap_err();
        assert!(error.contains("more than 1 MiB"), "{error}");
    }
}
