//! Strings with `${{ … }}`: cut into pieces once, rendered for each task.
//!
//! Only what stands between `${{` and `}}` is an [`Expression`]; everything else is kept as it is, so that prompts may
//! hold any other template language. `$${{` is a literal `${{`.

use std::ops::Range;
use std::sync::Arc;

use minijinja::value::Value;

use super::data::{text, to_literal};
use super::expression::{self, Expression, Name, Names, Trouble, Why};
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
    Expression(Placed),
}

/// An expression and where it stands.
#[derive(Debug)]
struct Placed {
    code: Box<str>,
    expression: Expression,
    place: Location,
}

/// Where an expression stands in its document.
#[derive(Clone, Copy, Debug)]
struct Location {
    span: Span,
    /// Whether it is written there as it is read: then the places within it are known.
    is_exact: bool,
}

impl Location {
    /// The place of some bytes of the code, which begins behind `${{`.
    fn within(self, code: &Range<usize>) -> Span {
        if !self.is_exact {
            return self.span;
        }
        let start = self.span.start as usize + OPEN.len();
        Span::new(start + code.start..start + code.end)
    }
}

const OPEN: &str = "${{";

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

    /// The names that expressions look up, each with its place.
    pub(super) fn names(&self) -> impl Iterator<Item = (&Name, Span)> {
        self.expressions().flat_map(Placed::names)
    }

    /// The texts in single quotes within expressions, as they are written, each with its place.
    pub(super) fn single_quoted(&self) -> impl Iterator<Item = (&str, Span)> {
        self.expressions().flat_map(|one| {
            let texts = one.expression.single_quoted().iter();
            texts.map(|at| (&one.code[at.clone()], one.place.within(at)))
        })
    }

    fn expressions(&self) -> impl Iterator<Item = &Placed> {
        let pieces = match &self.body {
            Body::Constant(_) => &[][..],
            Body::Pieces(pieces) => pieces,
        };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Expression(one) => Some(one),
        })
    }

    /// The value for one task: of a string that is one expression what that is worth, of another its text.
    ///
    /// # Errors
    ///
    /// As [`Template::render`], and an expression whose worth is no data.
    pub(super) fn value(&self, scope: &Arc<Scope>) -> Result<Literal, Diagnostics> {
        let Body::Pieces(pieces) = &self.body else { return self.text_value(scope) };
        let [Piece::Expression(one)] = &pieces[..] else {
            return self.text_value(scope);
        };
        let value = one.value(scope).map_err(|found| self.placed(found))?;
        to_literal(&value, self.span).ok_or_else(|| {
            let what = format!("the expression {} makes no value that can be kept", quoted(one.code.trim()));
            Diagnostic::new(what).at(&self.document, one.place.span).into()
        })
    }

    fn placed(&self, found: Vec<(Diagnostic, Span)>) -> Diagnostics {
        let found: Vec<Diagnostic> =
            found.into_iter().map(|(found, span)| found.at(&self.document, span)).collect();
        Diagnostics::from_list(found).unwrap_or_else(|| Diagnostic::new("it has no value").into())
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
                Piece::Expression(one) => match one.value(scope) {
                    Ok(value) => match text(&value) {
                        Some(text) => rendered.push_str(&text),
                        None => return Err(self.too_long()),
                    },
                    Err(found) => {
                        findings.extend(found);
                        if findings.len() > MOST_FINDINGS {
                            break;
                        }
                    }
                },
            }
            if rendered.len() > MAX_RENDERED {
                return Err(self.too_long());
            }
        }
        if findings.is_empty() { Ok(rendered.into()) } else { Err(self.placed(findings)) }
    }

    fn too_long(&self) -> Diagnostics {
        let finding = Diagnostic::new(format!("this string renders to more than {} MiB", MAX_RENDERED >> 20));
        finding.at(&self.document, self.span).into()
    }
}

impl Placed {
    fn names(&self) -> impl Iterator<Item = (&Name, Span)> {
        self.expression.names().iter().map(|name| (name, self.place.within(&name.at)))
    }

    /// Its value, or what it lacks.
    fn value(&self, scope: &Scope) -> Result<Value, Vec<(Diagnostic, Span)>> {
        // Not even `default()` makes something of these.
        let has_foreign = self.expression.names().iter().any(|name| scope.is_foreign(&name.path));
        let Trouble { at, why } = match self.expression.evaluate(scope) {
            Ok(value) if !has_foreign => return Ok(value),
            Ok(_) => return Err(self.lacking(scope)),
            Err(trouble) => trouble,
        };
        let lacking =
            if matches!(why, Why::Undefined) || has_foreign { self.lacking(scope) } else { Vec::new() };
        if !lacking.is_empty() {
            return Err(lacking);
        }
        let what = match why {
            Why::TooMuchWork => "takes too much work".to_owned(),
            Why::Undefined => "cannot be evaluated: there is nothing under this key or index".to_owned(),
            Why::Other(why) => format!("cannot be evaluated: {why}"),
        };
        Err(vec![(self.finding(&what), self.place.within(&at))])
    }

    /// The names that it lacks, once each.
    fn lacking(&self, scope: &Scope) -> Vec<(Diagnostic, Span)> {
        let mut lacking: Vec<(&Name, Span)> = Vec::new();
        for (name, span) in self.names() {
            let may_lack = name.may_lack && !scope.is_foreign(&name.path);
            let is_seen = lacking.iter().any(|(seen, _)| seen.path == name.path);
            if !may_lack && !scope.defines(&name.path) && !is_seen {
                lacking.push((name, span));
            }
        }
        let finding = |name: &Name| scope.undefined(&name.path, &self.code[name.at.clone()]);
        lacking.into_iter().map(|(name, span)| (finding(name), span)).collect()
    }

    fn finding(&self, what: &str) -> Diagnostic {
        Diagnostic::new(format!("the expression {} {what}", quoted(self.code.trim())))
    }
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
        while let Some(at) = rest.find(OPEN) {
            plain.push_str(&rest[..at]);
            if plain.ends_with('$') {
                // Escaped: one of the two `$` goes.
                plain.push_str("{{");
                rest = &rest[at + 3..];
                continue;
            }
            let inner = &rest[at + 3..];
            let Some(length) = expression::length(inner) else {
                let finding =
                    Diagnostic::new("`${{` is not closed by `}}`").help("a literal `${{` is written `$${{`");
                findings.push(finding.at(self.document, self.locate(&rest[at..at + 3]).span));
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
        let place = self.locate(whole);
        if code.trim().is_empty() {
            return Err(Diagnostic::new("`${{ }}` holds no expression").at(self.document, place.span));
        }
        #[cfg(test)]
        tests::COMPILED.with(|count| count.set(count.get() + 1));
        match Expression::parse(code) {
            Ok(expression) => Ok(Piece::Expression(Placed { code: code.into(), expression, place })),
            Err(wrong) => {
                let column = code[..wrong.at.start].trim_start().chars().count() + 1;
                let at = if place.is_exact { String::new() } else { format!(" (at its character {column})") };
                let what = format!("the expression {} is not valid{at}: {}", quoted(code.trim()), wrong.what);
                let finding = Diagnostic::new(what).at(self.document, place.within(&wrong.at));
                Err(match wrong.help {
                    Some(help) => finding.help(help),
                    None => finding.help("a literal `${{` is written `$${{`"),
                })
            }
        }
    }

    /// Where an expression stands in the document: the string may be written with quotes, escapes or indentation,
    /// so it is looked for there.
    fn locate(&mut self, whole: &str) -> Location {
        let raw = self.document.slice(self.span);
        // An expression that is written otherwise (with an escape) is not found: then the string's place must do. The
        // search is kept short, lest a long text full of them takes its square in time.
        let ahead = &raw[self.found_to..];
        let near = &ahead[..ahead.floor_char_boundary(FARTHEST + whole.len())];
        let Some(at) = near.find(whole) else { return Location { span: self.span, is_exact: false } };
        let start = self.found_to + at;
        self.found_to = start + whole.len();
        let offset = self.span.start as usize;
        Location { span: Span::new(offset + start..offset + self.found_to), is_exact: true }
    }
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
            has_matrix: false,
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
            (
                "${{ matrix.crate == 'serde' && 'yes' || 'no' }} ${{ env.HOST || 'none' }} ${{ vars.ticket || matrix.nope || 1 }}",
                "yes none 1",
            ),
            ("${{ MATRIX.OS-Name }} ${{ matrix['OS-NAME'] }} ${{ Vars.Tone }}", "x x kind"),
            ("${{ format('{0}}}', '}}') }} ${{ 'it''s' }}", "}}} it's"),
            ("${{ 'a' if not vars.tone == 'KIND' else 'b' }} ${{ 'k' ~ 1 == 'K1' }}", "b true"),
        ] {
            assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_rendered_says_where_and_why() {
        for (text, place, part) in [
            ("ab ${{ matrix.crat }}", "1:8", "did you mean `matrix.crate`?"),
            ("${{ vars.tone }}\nab ${{ x }}", "2:8", "known names: `matrix.crate`"),
            ("${{ vars.ticket }}", "1:5", "--var ticket="),
            ("${{ env.HOST }}", "1:5", "not set in the environment"),
            ("${{ env.OTHER }}", "1:5", "env: [OTHER]"),
            ("${{ source.repo }}", "1:5", "has no source"),
            ("${{ matrix.nope.x ~ 'a' }}", "1:5", "`matrix.nope.x` is not defined"),
            ("${{ vars.tone + 1 }}", "1:5", "cannot be evaluated"),
            (
                "${{ matrix.n-1 }}",
                "1:5",
                "`matrix.n-1` is not defined [a subtraction wants spaces: `matrix.n - 1`]",
            ),
            ("${{ matrix.n-matrix.n }}", "1:5", "spaces: `matrix.n - matrix.n`"),
            ("${{ matrix.n- 1 }}", "1:15", "`1` is not expected here [an operator is missing before it"),
            ("${{ matrix.list[9] }}", "1:5", "`matrix.list.4`"),
            ("${{ matrix.list | length-1 }}", "1:19", "spaces: `length - 1`"),
            ("${{ python-version }}", "1:5", "`python-version` is not defined"),
            ("${{ matrix.py-v.min }}", "1:5", "did you mean `matrix.py-v.min-v`?"),
            ("${{ matrix.nope == 'x' }}", "1:5", "`matrix.nope` is not defined"),
            (
                "${{ github.sha }}",
                "1:5",
                "list the workflow's variable, `env: [GITHUB_SHA]`, and write `${{ env.GITHUB_SHA }}`",
            ),
            (
                "${{ GitHub.event.number || 1 }}",
                "1:5",
                "`GitHub.event.number` is not defined [hand it in from the workflow: `--var number=${{ github.event.number }}`, and write `${{ vars.number }}`",
            ),
            ("${{ inputs.goal | default('x') }}", "1:5", "`--var goal=${{ inputs.goal }}`"),
            ("${{ secrets.TOKEN }}", "1:5", "secrets are not read into prompts"),
            (
                "${{ steps.a.outputs.b }}${{ runner.os }}",
                "1:5",
                "hand it in from the workflow: `--var b=${{ steps.a.outputs.b }}`",
            ),
            ("${{ env.OTHER || 'x' }}", "1:5", "env: [OTHER]"),
            ("${{ matrix.list[matrix.n * 9] }}", "1:5", "there is nothing under this key or index"),
            ("ä ${{ 'a' 'b' }}", "1:11", "`'b'` is not expected here"),
            ("${{ 'it's' }}", "1:10", "not closed [close it by `'`; a quote in it is doubled: `''`]"),
            ("${{ don't }}", "1:8", "this text is not closed"),
            ("${{ vars.tone", "1:1", "not closed"),
            ("${{ }}", "1:1", "holds no expression"),
            ("a ${{ 1 + }}", "1:11", "it ends where a value is expected"),
            ("${{ range(99999) | sum }}${{ 'x' * 9999999 }}", "1:5", "too much work"),
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
        assert!(error.starts_with("2:22 "), "{error}");
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
