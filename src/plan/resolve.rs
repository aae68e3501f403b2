//! Expressions in values: in `vars`, which may be made of each other, and in a matrix.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::Value;

use super::cycles::cycles;
use super::data::to_value;
use super::equality::same_text;
use super::github::{Repository, parse_repository};
use super::scope::{Scope, Unset};
use super::template::Template;
use crate::manifest::{
    CheckedJob, Diagnostic, Diagnostics, Document, Literal, Located, Manifest, Matrix, listed, quoted,
};

/// The most text that the values of `vars`, or of one matrix, may come to, in bytes.
const MAX_TEXT: usize = 64 << 20;

/// `vars` as expressions see them.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) values: BTreeMap<String, Value>,
    /// Those that must be given a value and have none.
    pub(super) unset: Vec<String>,
}

impl Variables {
    pub(super) fn value(&self) -> Value {
        Value::from_pairs(self.values.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// What a variable can read: those of `only`, or all.
    fn scope(&self, manifest: &Manifest, only: Option<Vec<&str>>) -> Arc<Scope> {
        let vars = match only {
            Some(only) => Value::from_pairs(
                only.into_iter().filter_map(|name| Some((name, self.values.get(name)?.clone()))),
            ),
            None => self.value(),
        };
        let env = manifest.env.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        let unset = Arc::new(Unset::of(self, &manifest.env));
        Arc::new(Scope { vars, env: Value::from_pairs(env), unset, ..Scope::default() })
    }
}

/// Evaluates `vars`, each after those that it reads. What `--var` gives is data: nothing in it is an expression.
///
/// # Errors
///
/// Every variable that cannot be evaluated, or is made of itself.
pub(super) fn variables(manifest: &Manifest) -> Result<Variables, Diagnostics> {
    let document = &manifest.document;
    let written: Vec<_> = manifest.vars.iter().collect();
    let mut templates = Vec::with_capacity(written.len());
    let mut found = Vec::new();
    for (_, variable) in &written {
        let value = variable.value.as_ref();
        let value =
            value.map(|value| Compiled::of(document, value, !variable.is_given, "`vars`", &["vars", "env"]));
        templates.push(value.transpose().map_err(|wrong| found.extend(wrong)).unwrap_or_default());
    }
    let index: BTreeMap<&str, usize> =
        written.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let reads: Vec<Vec<usize>> = templates
        .iter()
        .map(|template| template.as_ref().map(|template| template.reads(&index)).unwrap_or_default())
        .collect();
    found.extend(cycles(&reads).iter().map(|cycle| {
        let names: Vec<String> = cycle.iter().chain(&cycle[..1]).map(|&at| quoted(written[at].0)).collect();
        Diagnostic::new(format!("these variables are made of each other: {}", names.join(" → ")))
            .at(document, written[cycle[0]].1.span)
            .help("write one of them out")
    }));
    let unset =
        written.iter().filter(|(_, one)| one.value.is_none()).map(|(name, _)| (*name).clone()).collect();
    let mut variables = Variables { unset, ..Variables::default() };
    if found.is_empty() {
        let mut budget = MAX_TEXT;
        for at in in_order(&reads) {
            let Some(template) = &templates[at] else { continue };
            let is_known = |read: &usize| {
                variables.values.contains_key(written[*read].0) || variables.unset.contains(written[*read].0)
            };
            if !reads[at].iter().all(is_known) {
                // That one is reported.
                continue;
            }
            let read = reads[at].iter().map(|&read| written[read].0.as_str());
            let value = template.value(&variables.scope(manifest, Some(read.collect())), &mut budget);
            // An error names all that is known.
            match value.or_else(|_| template.value(&variables.scope(manifest, None), &mut budget)) {
                Ok(value) => {
                    variables.values.insert(written[at].0.clone(), to_value(&value));
                }
                Err(wrong) => found.extend(wrong),
            }
        }
    }
    match Diagnostics::from_list(found) {
        Some(found) => Err(found),
        None => Ok(variables),
    }
}

/// Every index after those that it reads; there are no cycles.
fn in_order(reads: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = reads.iter().map(Vec::len).collect();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); reads.len()];
    for (at, reads) in reads.iter().enumerate() {
        reads.iter().for_each(|&read| readers[read].push(at));
    }
    let mut order: Vec<usize> = (0..reads.len()).filter(|&at| missing[at] == 0).collect();
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        for &reader in &readers[at] {
            missing[reader] -= 1;
            if missing[reader] == 0 {
                order.push(reader);
            }
        }
    }
    order
}

/// A job's matrix with its expressions evaluated; nothing where it has none.
///
/// # Errors
///
/// Every value that cannot be evaluated, or more than 64 MiB of text.
pub(super) fn matrix<'j>(
    document: &Arc<Document>,
    job: &'j CheckedJob,
    scope: &Arc<Scope>,
) -> Result<Option<Cow<'j, Matrix>>, Vec<Diagnostic>> {
    let Some(written) = &job.keys.matrix else { return Ok(None) };
    let mut matrix = written.value.clone();
    let mut found = Vec::new();
    let mut is_changed = false;
    let mut budget = MAX_TEXT;
    for literal in values_of(&mut matrix).filter(|literal| literal.has_expression()) {
        is_changed = true;
        let compiled = Compiled::of(document, literal, true, "a matrix value", &["vars", "env", "job"]);
        match compiled.and_then(|compiled| compiled.value(scope, &mut budget)) {
            Ok(value) => *literal = value,
            Err(wrong) => found.extend(wrong),
        }
    }
    let entries = matrix.include.iter_mut().chain(&mut matrix.exclude);
    let sources =
        entries.flat_map(|entry| entry.value.0.iter_mut()).filter(|(key, _)| key.as_str() == "source");
    for (_, source) in sources {
        match named_source(&source.value) {
            Ok(Some(plain)) => {
                is_changed = true;
                source.value = Literal::Text(Located::new(plain, source.span));
            }
            Ok(None) => {}
            Err(help) => {
                let what = format!(
                    "`source` in a matrix means the task's repository, and {} is none",
                    quoted(&source.value.text())
                );
                found.push(Diagnostic::new(what).at(document, source.span).help(help));
            }
        }
    }
    match (found.is_empty(), is_changed) {
        (true, true) => Ok(Some(Cow::Owned(matrix))),
        (true, false) => Ok(Some(Cow::Borrowed(written))),
        (false, _) => Err(found),
    }
}

/// A `source` of `exclude` or `include` in its plain form, where it is written otherwise. The error is the way out.
fn named_source(value: &Literal) -> Result<Option<String>, String> {
    const HELP: &str = "write `owner/repo` or `owner/repo@branch`, or give the key another name";
    let Literal::Text(text) = value else { return Err(HELP.to_owned()) };
    let Repository { github, branch } = parse_repository(text).map_err(|_| HELP.to_owned())?;
    let plain = branch.map_or(github.clone(), |branch| format!("{github}@{branch}"));
    Ok((plain != text.value).then_some(plain))
}

fn values_of(matrix: &mut Matrix) -> impl Iterator<Item = &mut Literal> {
    let dimensions = matrix.dimensions.iter_mut().flat_map(|dimension| &mut dimension.values.value);
    let entries = matrix.include.iter_mut().chain(&mut matrix.exclude);
    let named = entries.flat_map(|entry| entry.value.0.iter_mut().map(|(_, value)| value));
    dimensions.chain(named).map(|literal| &mut literal.value)
}

/// A value whose texts are cut into pieces.
enum Compiled<'a> {
    Plain(&'a Literal),
    Text(Template),
    List(Vec<Compiled<'a>>),
    Map(Vec<(&'a Located<String>, Compiled<'a>)>),
}

impl<'a> Compiled<'a> {
    /// `place` is where the value stands, `roots` what can be read there.
    fn of(
        document: &Arc<Document>,
        value: &'a Literal,
        is_template: bool,
        place: &str,
        roots: &[&str],
    ) -> Result<Self, Vec<Diagnostic>> {
        let inner = |value| Self::of(document, value, is_template, place, roots);
        Ok(match value {
            Literal::Text(text) if is_template && text.contains("${{") => {
                let template = Template::compile(document, text).map_err(Vec::from_iter)?;
                let wrong: Vec<Diagnostic> = template
                    .names()
                    .filter(|(name, _)| {
                        Scope::ROOTS.contains(&name.path[0].as_str())
                            && !roots.contains(&name.path[0].as_str())
                    })
                    .map(|(name, span)| {
                        Diagnostic::new(format!("{place} cannot read {}", quoted(&name.path.join("."))))
                            .at(document, span)
                            .help(format!("it can read {}", listed(roots.iter().copied())))
                    })
                    .collect();
                if !wrong.is_empty() {
                    return Err(wrong);
                }
                Self::Text(template)
            }
            Literal::List(items) => Self::List(items.iter().map(inner).collect::<Result<_, _>>()?),
            Literal::Map(entries) => {
                let entry = |(key, value): &'a (Located<String>, Literal)| {
                    if key.contains("${{") {
                        let finding = Diagnostic::new(format!("the key {} takes no expression", quoted(key)));
                        return Err(vec![finding.at(document, key.span)]);
                    }
                    Ok((key, inner(value)?))
                };
                Self::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
            plain => Self::Plain(plain),
        })
    }

    /// The variables that it reads, by their index: all of them where it cannot be told which.
    fn reads(&self, index: &BTreeMap<&str, usize>) -> Vec<usize> {
        let mut reads: Vec<usize> = match self {
            Self::Plain(_) => Vec::new(),
            Self::Text(template) => {
                let vars = template.names().filter(|(name, _)| name.path[0] == "vars");
                vars.flat_map(|(name, _)| match name.path.get(1) {
                    Some(member) => {
                        let named = |name: &&str| index.get(*name).copied();
                        let exact = named(&member.as_str());
                        let same = || index.keys().find(|name| same_text(name, member)).and_then(named);
                        exact.or_else(same).into_iter().collect()
                    }
                    None => index.values().copied().collect::<Vec<_>>(),
                })
                .collect()
            }
            Self::List(items) => items.iter().flat_map(|item| item.reads(index)).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, value)| value.reads(index)).collect(),
        };
        reads.sort_unstable();
        reads.dedup();
        reads
    }

    fn value(&self, scope: &Arc<Scope>, budget: &mut usize) -> Result<Literal, Vec<Diagnostic>> {
        let value = match self {
            Self::Plain(plain) => (*plain).clone(),
            Self::Text(template) => {
                let value = template.value(scope).map_err(Vec::from_iter)?;
                *budget = budget.checked_sub(value.weight()).ok_or_else(|| {
                    let what = format!("these values come to more than {} MiB", MAX_TEXT >> 20);
                    vec![Diagnostic::new(what).at(template.document(), template.span())]
                })?;
                value
            }
            Self::List(items) => {
                Literal::List(items.iter().map(|item| item.value(scope, budget)).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => {
                let entry = |(key, value): &(&Located<String>, Self)| {
                    Ok::<_, Vec<Diagnostic>>(((*key).clone(), value.value(scope, budget)?))
                };
                Literal::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
        };
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ids, plan, plan_with};

    fn prompt(vars: &str, prompt: &str) -> Result<String, String> {
        let text = format!("vars: {vars}\njobs: [{{ id: j, prompt: \"{prompt}\" }}]\n");
        plan_with(&text, None).map(|plan| plan.tasks[0].prompt.to_string())
    }

    #[test]
    fn variables_may_be_made_of_each_other_in_any_order() {
        let vars = "{ greeting: 'Hi ${{ vars.name-of }}', name-of: '${{ vars.list[1] }}', list: [a, 'b${{ vars.n }}'], n: 3.10,
                      same: '${{ vars.list }}', literal: '$${{ x }}', deep: { a: ['${{ vars.n }}'] } }";
        for (written, expected) in [
            ("${{ vars.greeting }}", "Hi b3.10"),
            ("${{ vars.same }} ${{ vars.same[0] }}", "[\\\"a\\\",\\\"b3.10\\\"] a"),
            ("${{ vars.literal }}", "${{ x }}"),
            ("${{ vars.deep }}", "{\\\"a\\\":[3.10]}"),
        ] {
            assert_eq!(prompt(vars, written).as_deref(), Ok(&*expected.replace("\\\"", "\"")), "{written}");
        }
    }

    #[test]
    fn variables_that_make_no_sense_are_refused_at_their_place() {
        for (vars, part) in [
            ("{ a: 'x${{ vars.b }}', b: '${{ vars.c }}', c: ['${{ vars.a }}'] }", "`a` → `b` → `c` → `a`"),
            ("{ a: '${{ vars.a }}' }", "`a` → `a`"),
            ("{ a: '${{ vars }}' }", "`a` → `a`"),
            ("{ a: '${{ vars.bb }}', b: 1 }", "`vars.bb` is not defined"),
            ("{ a: '${{ vars.b }}', b: ~ }", "`vars.b` has no value"),
            ("{ a: '${{ matrix.k }}' }", "`vars` cannot read `matrix.k`"),
            ("{ a: '${{ env.HOME }}' }", "list it: `env: [HOME]`"),
            ("{ a: '${{ 1 + }}' }", "is not valid"),
            ("{ a: { '${{ vars.b }}': 1 }, b: 1 }", "the key `${{ vars.b }}` takes no expression"),
        ] {
            let error = prompt(vars, "p").unwrap_err();
            assert!(error.contains(part) && error.contains("jobs.yaml:1:"), "{vars}: {error}");
        }
    }

    #[test]
    fn values_that_double_again_and_again_are_refused() {
        let more: Vec<String> =
            (1..40).map(|n| format!("v{n}: '${{{{ [vars.v{0}, vars.v{0}] }}}}'", n - 1)).collect();
        let error = prompt(&format!("{{ v0: x, {} }}", more.join(", ")), "p").unwrap_err();
        assert!(error.contains("more than 64 MiB") || error.contains("too much work"), "{error}");
    }

    #[test]
    fn matrix_values_are_evaluated() {
        let plan = plan(
            "vars: { x: hello, flag: true, old: '2' }\n\
             jobs: [{ id: j, prompt: \"${{ matrix.w }}\", matrix: { w: ['${{ vars.x }} ${{ job.id }}', '${{ vars.flag }}', 2, '$${{ y }}'],\n\
               exclude: [{ w: '${{ vars.old }}' }], include: [{ w: '${{ vars.flag }}', n: '${{ vars.x }}' }] } }]",
        );
        assert_eq!(ids(&plan), ["j[w=hello j]", "j[w=true,n=hello]", "j[w=${{ y }}]"]);
        assert_eq!(*plan.tasks[1].matrix["w"].to_string(), *"true");
        assert_eq!(&*plan.tasks[2].prompt, "${{ y }}");
        let error =
            plan_with("jobs: [{ id: j, prompt: p, matrix: { w: ['${{ matrix.v }}'], v: [1] } }]", None)
                .unwrap_err();
        assert!(error.contains("a matrix value cannot read `matrix.v`"), "{error}");
    }

    #[test]
    fn what_is_given_is_data() {
        let options = crate::manifest::LoadOptions {
            vars: vec![("x".into(), "${{ env.SECRET }}".into())],
            ..Default::default()
        };
        let text = "vars: { x: ~, y: '<${{ vars.x }}>' }\njobs: [{ id: j, prompt: \"${{ vars.x }} ${{ vars.y }}\" }]\n";
        let manifest = crate::manifest::parse(text, std::path::Path::new("jobs.yaml"), &options).unwrap();
        let plan = super::super::expand(&manifest, None).unwrap();
        assert_eq!(&*plan.tasks[0].prompt, "${{ env.SECRET }} <${{ env.SECRET }}>");
        let manifest = crate::manifest::inline("${{ vars.x }}", &[], None, &options).unwrap();
        assert_eq!(&*super::super::expand(&manifest, None).unwrap().tasks[0].prompt, "${{ env.SECRET }}");
    }
}
