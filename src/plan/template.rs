//! Strings with `${{ … }}`: cut into pieces once, rendered for each task.
//!
//! Only what stands between `${{` and `}}` is an expression (minijinja's); everything else is kept as it is, so that
//! prompts may hold any other template language. `$${{` is a literal `${{`.

use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior};

use crate::manifest::{
    CheckedJob, Diagnostic, Document, Literal, Located, Span, Text, Vars, listed, nearest, quoted,
};

/// The longest text that one string may render to, in bytes.
pub(super) const MAX_RENDERED: usize = 1 << 20;

/// The most expressions in one string.
const MAX_EXPRESSIONS: usize = 10_000;

/// How far ahead the next expression of a string is looked for, in bytes.
const FARTHEST: usize = 1 << 16;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(50_000));
    engine.set_recursion_limit(64);
    // Errors then know the range that they speak of.
    engine.set_debug(true);
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
    Expression { code: Box<str>, compiled: Expression<'static, 'static>, span: Span },
}

/// The names that expressions may use for one task.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) job: Value,
    pub(super) vars: Value,
    pub(super) env: Value,
    pub(super) source: Option<Value>,
    pub(super) matrix: Option<Value>,
    /// Variables that exist without a value: for the wording of errors.
    pub(super) unset: Arc<Unset>,
}

/// Names that are declared but have no value.
#[derive(Debug, Default)]
pub(super) struct Unset {
    pub(super) vars: Vec<String>,
    pub(super) env: Vec<String>,
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "job" => Some(self.job.clone()),
            "vars" => Some(self.vars.clone()),
            "env" => Some(self.env.clone()),
            "source" => self.source.clone(),
            "matrix" => self.matrix.clone(),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["job", "vars", "env", "source", "matrix"])
    }
}

impl Template {
    /// Cuts a string of the manifest; its expressions are compiled here and nowhere else.
    ///
    /// # Errors
    ///
    /// The first expression that is not closed or not valid, at its place.
    pub(super) fn compile(document: &Arc<Document>, text: &Located<String>) -> Result<Self, Diagnostic> {
        Self::compile_text(&Text {
            document: Arc::clone(document),
            span: text.span,
            text: text.as_str().into(),
        })
    }

    /// As [`Template::compile`], for a text of any document.
    pub(super) fn compile_text(source: &Text) -> Result<Self, Diagnostic> {
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
        let Body::Pieces(pieces) = &self.body else { return false };
        pieces.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Expression { compiled, .. } => compiled.undeclared_variables(false).contains("matrix"),
        })
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
    /// A name that is not defined, an operation that does not fit its values, too much work or too long a text.
    pub(super) fn render(&self, scope: &Arc<Scope>) -> Result<Arc<str>, Diagnostic> {
        let pieces = match &self.body {
            Body::Constant(text) => return Ok(Arc::clone(text)),
            Body::Pieces(pieces) => pieces,
        };
        let mut rendered = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => rendered.push_str(text),
                Piece::Expression { code, compiled, span } => {
                    let value = compiled.eval(Value::from_dyn_object(Arc::clone(scope)));
                    let value = value.and_then(defined).map_err(|error| {
                        self.explain(&error, code, compiled, scope).at(&self.document, *span)
                    })?;
                    push_value(&mut rendered, &value);
                }
            }
            if rendered.len() > MAX_RENDERED {
                let finding =
                    Diagnostic::new(format!("this string renders to more than {} MiB", MAX_RENDERED >> 20));
                return Err(finding.at(&self.document, self.span));
            }
        }
        Ok(rendered.into())
    }

    fn explain(
        &self,
        error: &Error,
        code: &str,
        compiled: &Expression<'_, '_>,
        scope: &Arc<Scope>,
    ) -> Diagnostic {
        if error.kind() == ErrorKind::UndefinedError {
            let mut names: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
            names.sort();
            if let Some(name) = names.iter().find(|name| !scope.defines(name)) {
                return scope.undefined(name);
            }
        }
        let what = match error.kind() {
            ErrorKind::OutOfFuel => "takes too much work".to_owned(),
            _ => format!("cannot be evaluated: {}", wording(error)),
        };
        Diagnostic::new(format!("the expression {} {what}", quoted(code.trim())))
    }
}

/// An undefined value is an error even where nothing is done with it.
fn defined(value: Value) -> Result<Value, Error> {
    if value.is_undefined() { Err(Error::from(ErrorKind::UndefinedError)) } else { Ok(value) }
}

fn wording(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// As GitHub writes values: null is nothing, lists and mappings are JSON.
fn push_value(text: &mut String, value: &Value) {
    use std::fmt::Write as _;
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => {}
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => match serde_json::to_string(value) {
            Ok(json) => text.push_str(&json),
            Err(_) => text.push_str(&value.to_string()),
        },
        _ => match value.as_str() {
            Some(string) => text.push_str(string),
            None => write!(text, "{value}").expect("writing to a string cannot fail"),
        },
    }
}

impl Scope {
    /// The names that all tasks of a job share.
    pub(super) fn of_job(vars: &Vars, job: &CheckedJob) -> Self {
        let unset = |(name, set): (&String, bool)| (!set).then(|| name.clone());
        let values = vars.iter().filter_map(|(name, value)| Some((name.as_str(), to_value(value.as_ref()?))));
        let env = job.env.iter();
        let env_values =
            env.clone().filter_map(|(name, value)| Some((name.as_str(), Value::from(value.as_deref()?))));
        Self {
            job: Value::from_pairs([("id", job.id.as_str())]),
            vars: Value::from_pairs(values),
            env: Value::from_pairs(env_values),
            source: None,
            matrix: None,
            unset: Arc::new(Unset {
                vars: vars.iter().map(|(name, value)| (name, value.is_some())).filter_map(unset).collect(),
                env: env.map(|(name, value)| (name, value.is_some())).filter_map(unset).collect(),
            }),
        }
    }

    fn defines(&self, name: &str) -> bool {
        let mut parts = name.split('.');
        let root = match parts.next() {
            Some("job") => Some(&self.job),
            Some("vars") => Some(&self.vars),
            Some("env") => Some(&self.env),
            Some("source") => self.source.as_ref(),
            Some("matrix") => self.matrix.as_ref(),
            _ => None,
        };
        let Some(root) = root else { return false };
        let found = parts.try_fold(root.clone(), |value, part| {
            value.get_attr(part).ok().filter(|value| !value.is_undefined())
        });
        found.is_some()
    }

    /// Every name that is defined, dotted.
    fn names(&self) -> Vec<String> {
        let roots = [
            ("source", self.source.as_ref()),
            ("matrix", self.matrix.as_ref()),
            ("vars", Some(&self.vars)),
            ("env", Some(&self.env)),
            ("job", Some(&self.job)),
        ];
        let mut names = Vec::new();
        for (root, value) in roots {
            for key in value.into_iter().filter_map(|value| value.try_iter().ok()).flatten() {
                names.push(format!("{root}.{key}"));
            }
        }
        names
    }

    fn undefined(&self, name: &str) -> Diagnostic {
        let has = |list: &[String], prefix: &str| {
            name.strip_prefix(prefix).is_some_and(|rest| list.iter().any(|known| known == rest))
        };
        if has(&self.unset.vars, "vars.") {
            let short = name.trim_start_matches("vars.");
            return Diagnostic::new(format!("{} has no value", quoted(name)))
                .help(format!("give it: `--var {short}=…`"));
        }
        if has(&self.unset.env, "env.") {
            return Diagnostic::new(format!("{} is not set in the environment", quoted(name)))
                .help(format!("set it, or write `{name} | default(\"…\")`"));
        }
        let finding = Diagnostic::new(format!("{} is not defined", quoted(name)));
        if let Some(short) = name.strip_prefix("env.") {
            return finding.help(format!("list it: `env: [{short}]`"));
        }
        let root = name.split('.').next().unwrap_or(name);
        if root == "source" && self.source.is_none() {
            return finding.help("this job has no source");
        }
        if root == "matrix" && self.matrix.is_none() {
            return finding.help("this job has no matrix");
        }
        let names = self.names();
        let known = || names.iter().map(String::as_str);
        match nearest(name, known()) {
            Some(near) => {
                finding.help(format!("did you mean {}? Known names: {}", quoted(near), listed(known())))
            }
            None => finding
                .help(format!("known names: {}; a literal `${{{{` is written `$${{{{`", listed(known()))),
        }
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
    fn pieces(mut self) -> Result<Vec<Piece>, Diagnostic> {
        let mut pieces = Vec::new();
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
                return Err(finding.at(self.document, self.locate(&rest[at..at + 3])));
            };
            let whole = &rest[at..at + 3 + length + 2];
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
            }
            if self.expressions >= MAX_EXPRESSIONS {
                let finding =
                    Diagnostic::new(format!("this string has more than {MAX_EXPRESSIONS} expressions"));
                return Err(finding.at(self.document, self.span));
            }
            self.expressions += 1;
            pieces.push(self.expression(whole, &inner[..length])?);
            rest = &rest[whole.len() + at..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        Ok(pieces)
    }

    fn expression(&mut self, whole: &'a str, code: &str) -> Result<Piece, Diagnostic> {
        let span = self.locate(whole);
        if code.trim().is_empty() {
            return Err(Diagnostic::new("`${{ }}` holds no expression").at(self.document, span));
        }
        #[cfg(test)]
        tests::COMPILED.with(|count| count.set(count.get() + 1));
        match ENGINE.compile_expression_owned(code.trim().to_owned()) {
            Ok(compiled) => Ok(Piece::Expression { code: code.into(), compiled, span }),
            Err(error) => {
                let what =
                    format!("the expression {} is not valid: {}", quoted(code.trim()), wording(&error));
                let finding = Diagnostic::new(what).at(self.document, span);
                Err(finding.help("a literal `${{` is written `$${{`"))
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

/// A value of the manifest as expressions see it. A number that is spelt oddly is a text, marked as safe.
pub(super) fn to_value(value: &Literal) -> Value {
    match value {
        Literal::Null => Value::from(()),
        Literal::Bool(value) => Value::from(*value),
        Literal::Number(number) => match number.json() {
            Some(json) => match (json.as_i64(), json.as_u64()) {
                (Some(value), _) => Value::from(value),
                (None, Some(value)) => Value::from(value),
                (None, None) => Value::from(number.value),
            },
            None => Value::from_safe_string((*number.written).to_owned()),
        },
        Literal::Text(text) => Value::from(text.as_str()),
        Literal::List(items) => items.iter().map(to_value).collect(),
        Literal::Map(map) => {
            Value::from_pairs(map.iter().map(|(key, value)| (key.as_str(), to_value(value))))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How many expressions were compiled on this thread.
        pub(in crate::plan) static COMPILED: Cell<usize> = const { Cell::new(0) };
    }

    fn scope() -> Arc<Scope> {
        let matrix = Literal::read("{ crate: serde, n: 3, list: [1, a], none: null, os-name: x }");
        let vars = Literal::read("{ tone: kind }");
        Arc::new(Scope {
            job: Value::from_pairs([("id", "j")]),
            vars: to_value(&vars),
            env: Value::from_pairs([("CI", "true")]),
            source: None,
            matrix: Some(to_value(&matrix)),
            unset: Arc::new(Unset { vars: vec!["ticket".into()], env: vec!["HOST".into()] }),
        })
    }

    fn render(text: &str) -> Result<String, String> {
        let document = Arc::new(Document::new("jobs.yaml", text));
        let located = Located::new(text.to_owned(), Span::new(0..text.len()));
        let all = |finding: Diagnostic| {
            let place = finding.place().map_or_else(String::new, |place| place.to_string());
            format!("{place} {} [{}]", finding.message(), finding.way_out().unwrap_or(""))
        };
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
            ("${{ matrix.list }}|${{ matrix.none }}|${{ matrix.crate | upper }}", "[1,\"a\"]||SERDE"),
            ("${{ matrix.nope | default('d') }}", "d"),
            ("${{ matrix['os-name'] }} ${{ env.CI }} ${{ job.id }}", "x true j"),
            ("${{ 'a' if matrix.n > 2 else 'b' }}", "a"),
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
