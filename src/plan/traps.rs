//! What a job's texts say, and probably do not mean: placeholders of other languages, and a matrix that nothing reads.

use super::equality::same_text;
use super::scope::Scope;
use super::strings::JobStrings;
use super::template::Template;
use crate::manifest::{CheckedJob, Diagnostic, Manifest, SourceSpec, Span, quoted};

/// More placeholders of one text are not told.
const MOST: usize = 5;

/// The warnings of a job.
pub(super) fn of(manifest: &Manifest, job: &CheckedJob, strings: &JobStrings) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for text in strings.said() {
        warnings.extend(placeholders(manifest, job, text));
        warnings.extend(escapes(text));
    }
    warnings.extend(idle_keys(manifest, job, strings));
    warnings
}

/// `{{ x }}`, `${x}` and `$X`, which reach the agent as they are.
fn placeholders(manifest: &Manifest, job: &CheckedJob, text: &Template) -> Vec<Diagnostic> {
    let written = text.document().slice(text.span());
    let mut found = Vec::new();
    let mut code = Code::default();
    let mut at = 0;
    while let Some(next) = written[at..].find(['$', '{', '`', '\n']) {
        let rest = &written[at + next..];
        let start = at + next;
        let followed = code.follow(rest);
        at = start + followed.max(1);
        if followed > 0 {
            continue;
        }
        // An expression, or an escaped one.
        if rest.starts_with("${{") {
            at = start + rest.find("}}").map_or(rest.len(), |end| end + 2);
            continue;
        }
        if let Some(whole) = statement(rest).filter(|_| !code.is_inside()) {
            let what = format!("{} is sent as it is written", quoted(whole));
            let help = "a choice is written `${{ matrix.os == 'linux' && 'apt' || 'brew' }}`; what is meant as it is stands in \
                        backticks";
            let span = Span::new(
                text.span().start as usize + start..text.span().start as usize + start + whole.len(),
            );
            found.push(Diagnostic::new(what).at(text.document(), span).help(help).warning());
            break;
        }
        let Some(placeholder) = placeholder(rest) else { continue };
        let meant = meant(manifest, job, placeholder.name);
        if meant.is_none() && (placeholder.is_shell || code.is_inside()) {
            continue;
        }
        at = start + placeholder.whole.len();
        let what = format!("{} is sent as it is written", quoted(placeholder.whole));
        let help = match meant {
            Some(name) => format!("write {}", quoted(&format!("${{{{ {name} }}}}"))),
            None => {
                "an expression is written `${{ … }}`; what is meant as it is stands in backticks".to_owned()
            }
        };
        let from = text.span().start as usize + start;
        let span = Span::new(from..from + placeholder.whole.len());
        found.push(Diagnostic::new(what).at(text.document(), span).help(help).warning());
        if found.len() >= MOST {
            break;
        }
    }
    found
}

/// Whether one is within Markdown's code, where much is meant as it is.
#[derive(Default)]
struct Code {
    in_line: bool,
    in_block: bool,
}

impl Code {
    /// How many of the next bytes begin or end code, or a line.
    fn follow(&mut self, rest: &str) -> usize {
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        match ticks {
            0 if rest.starts_with('\n') => self.in_line = false,
            0 => return 0,
            1 | 2 => self.in_line = !self.in_line,
            _ => self.in_block = !self.in_block,
        }
        ticks.max(1)
    }

    fn is_inside(&self) -> bool {
        self.in_line || self.in_block
    }
}

/// `{% if matrix.os … %}`: a statement of a template language that speaks of our names. Others are often meant as they are.
fn statement(rest: &str) -> Option<&str> {
    /// Longer ones are not looked through: a text full of open ones is read in one go.
    const LONGEST: usize = 200;
    let head = foreign_text::cut(rest, LONGEST);
    let inner = head.strip_prefix("{%")?;
    let inner = &inner[..inner.find("%}")?];
    let mut words = inner.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    let is_ours = |word: &str| {
        word.split_once('.').is_some_and(|(root, _)| Scope::ROOTS.iter().any(|known| same_text(known, root)))
    };
    words.any(is_ours).then(|| &rest[..inner.len() + 4])
}

struct Placeholder<'a> {
    whole: &'a str,
    name: &'a str,
    /// It is common in shells: `$X`, `${X}`.
    is_shell: bool,
}

fn placeholder(rest: &str) -> Option<Placeholder<'_>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    let named = |inner: &str| {
        inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && inner.chars().all(is_part)
    };
    for (open, close) in [("{{", "}}"), ("${", "}")] {
        if let Some(inner) = rest.strip_prefix(open) {
            // No farther than the name: a long text of what is never closed would take its square in time.
            let length = inner.find(|c: char| !(is_part(c) || c.is_whitespace()))?;
            if !inner[length..].starts_with(close) {
                return None;
            }
            let name = inner[..length].trim();
            let is_shell =
                open == "${" && !name.contains('.') && !name.chars().any(|c| c.is_ascii_lowercase());
            let whole = &rest[..open.len() + length + close.len()];
            return named(name).then_some(Placeholder { whole, name, is_shell });
        }
    }
    let inner = rest.strip_prefix('$')?;
    let length =
        inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(inner.len());
    let name = inner[..length].trim_end_matches('.');
    named(name).then(|| Placeholder { whole: &rest[..=name.len()], name, is_shell: true })
}

/// The name in an expression that a placeholder's name was probably meant to be.
fn meant(manifest: &Manifest, job: &CheckedJob, name: &str) -> Option<String> {
    const WORKFLOW: [&str; 4] = ["github", "secrets", "inputs", "steps"];
    if let Some((root, _)) = name.split_once('.') {
        let is_root = |known: &&str| known.eq_ignore_ascii_case(root);
        let known = Scope::ROOTS.iter().chain(&WORKFLOW).any(is_root);
        return known.then(|| name.to_owned());
    }
    let same = |known: &str| same_text(known, name);
    let matrix = job.keys.matrix.iter().flat_map(|matrix| {
        let included =
            matrix.include.iter().flat_map(|entry| entry.value.0.iter().map(|(key, _)| key.as_str()));
        matrix.dimensions.iter().map(|dimension| dimension.name.as_str()).chain(included)
    });
    let mut known = matrix.map(|key| ("matrix", key));
    let mut vars = manifest.vars.keys().map(|key| ("vars", key.as_str()));
    let mut env = job.env.keys().map(|key| ("env", key.as_str()));
    let is_same = |(_, key): &(&str, &str)| same(key);
    let found = known.find(is_same).or_else(|| vars.find(is_same)).or_else(|| env.find(is_same));
    found.map(|(root, key)| format!("{root}.{key}"))
}

/// `'\n'` in an expression: two characters, as on GitHub.
fn escapes(text: &Template) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (written, span) in text.single_quoted() {
        let escape = ["\\n", "\\t"]
            .into_iter()
            .find(|escape| written == *escape || (written.ends_with(escape) && !written.contains(":\\")));
        if let Some(escape) = escape {
            let what =
                format!("{} in single quotes is a backslash and a letter, as on GitHub", quoted(escape));
            let help = format!("write {}", quoted(&format!("\"{written}\"")));
            found.push(Diagnostic::new(what).at(text.document(), span).help(help).warning());
        }
    }
    found
}

/// Keys of the matrix that change nothing but the ids of tasks.
fn idle_keys(manifest: &Manifest, job: &CheckedJob, strings: &JobStrings) -> Vec<Diagnostic> {
    let Some(matrix) = &job.keys.matrix else { return Vec::new() };
    let names = || strings.templates().flat_map(Template::names).filter(|(name, _)| name.path[0] == "matrix");
    if names().any(|(name, _)| name.path.len() == 1) {
        return Vec::new();
    }
    let sources = job.sources.iter().flat_map(|source| match source {
        SourceSpec::Repository { github, branch } => vec![Some(github), branch.as_ref()],
        SourceSpec::Pattern { pattern, branch, .. } => vec![Some(pattern), branch.as_ref()],
        SourceSpec::List { branch, .. } => vec![branch.as_ref()],
    });
    let unread: Vec<String> = sources
        .chain([job.keys.branch.as_ref()])
        .flatten()
        .filter(|text| text.contains("${{"))
        .map(|text| text.to_lowercase())
        .collect();
    let is_read = |key: &str| {
        names().any(|(name, _)| same_text(&name.path[1], key))
            || unread.iter().any(|text| text.contains(&key.to_lowercase()))
            // What an entry adds depends on it.
            || matrix.include.iter().any(|entry| entry.value.0.len() > 1 && entry.value.0.iter().any(|(name, _)| same_text(name, key)))
    };
    let idle = matrix
        .dimensions
        .iter()
        .filter(|dimension| dimension.values.value.len() > 1 && !is_read(&dimension.name));
    let finding = |name: &crate::manifest::Located<String>| {
        let what = format!(
            "nothing reads {}: its tasks differ by their ids alone",
            quoted(&format!("matrix.{}", name.value))
        );
        let help = format!(
            "write {} into the prompt, or remove the key",
            quoted(&format!("${{{{ matrix.{} }}}}", name.value))
        );
        Diagnostic::new(what).at(&manifest.document, name.span).help(help).warning()
    };
    idle.map(|dimension| finding(&dimension.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;

    /// The warnings of a manifest of these jobs, each with its place and way out.
    fn warnings(jobs: &str) -> Vec<String> {
        let plan = plan(jobs);
        let warnings = plan.warnings.into_iter().flatten();
        let shown = |finding: crate::manifest::Diagnostic| {
            assert!(finding.is_warning());
            let place = finding.place().map(|place| place.to_string()).unwrap_or_default();
            format!("{place} {} [{}]", finding.message(), finding.way_out().unwrap_or_default())
        };
        warnings.map(shown).collect()
    }

    #[test]
    fn placeholders_of_other_languages_are_told() {
        let job = "vars: { tone: kind, Goal: x }\nenv: [CI]\njobs:\n  - id: j\n    matrix: { crate: [a, b] }\n    prompt: |\n      ${{ matrix.crate }}\n";
        for (text, part) in [
            (
                "Upgrade {{ crate }}.",
                "8:15 `{{ crate }}` is sent as it is written [write `${{ matrix.crate }}`]",
            ),
            ("Upgrade {{crate}}", "`{{crate}}` is sent as it is written [write `${{ matrix.crate }}`]"),
            (
                "a ${matrix.crate} b",
                "8:9 `${matrix.crate}` is sent as it is written [write `${{ matrix.crate }}`]",
            ),
            ("a ${crate}", "[write `${{ matrix.crate }}`]"),
            ("a $crate.", "8:9 `$crate` is sent as it is written [write `${{ matrix.crate }}`]"),
            ("a $GOAL", "[write `${{ vars.Goal }}`]"),
            ("a ${CI}", "[write `${{ env.CI }}`]"),
            ("a {{ vars.tone }}", "[write `${{ vars.tone }}`]"),
            ("a `{{ source.repo }}`", "[write `${{ source.repo }}`]"),
            ("a ${github.sha}", "`${github.sha}` is sent as it is written [write `${{ github.sha }}`]"),
            (
                "a {{ name }}",
                "[an expression is written `${{ … }}`; what is meant as it is stands in backticks]",
            ),
            (
                "a {% if matrix.os == 'x' %}y{% endif %}",
                "8:9 `{% if matrix.os == 'x' %}` is sent as it is written",
            ),
            ("a ${name}", "an expression is written"),
        ] {
            let found = warnings(&format!("{job}      {text}\n"));
            assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}");
        }
        for text in [
            "${{ vars.tone }} $${{ crate }}",
            "`{{ name }}` and ``${name}``",
            "$HOME ${HOME} $1 $ $$ ${} {{}} {{ a b }} {% if x %} { x } {{ 'x' }} {{",
            "${{ '{{ crate }}' }}",
            "costs $5.00",
            "`{% if matrix.os %}` {% for x in y.z %}",
        ] {
            assert_eq!(warnings(&format!("{job}      {text}\n")), [""; 0], "{text}");
        }
        let block = format!("{job}      ```\n      {{{{ name }}}}\n      ```\n      {{{{ other }}}}\n");
        let found = warnings(&block);
        assert!(found.len() == 1 && found[0].contains("`{{ other }}`"), "{found:?}");
    }

    #[test]
    fn placeholders_that_are_not_closed_take_no_time() {
        for open in ["{{", "${ ", "{{ a "] {
            let job = format!("jobs:\n  - id: j\n    prompt: {:?}\n", format!("a {}", open.repeat(1 << 18)));
            assert_eq!(warnings(&job), [""; 0], "{open}");
        }
    }

    #[test]
    fn a_key_that_nothing_reads_is_told_once() {
        let matrix = "matrix: { crate: [a, b], os: [x, y] }";
        let found = warnings(&format!(
            "jobs: [{{ id: j, prompt: 'Do ${{{{ matrix.CRATE }}}}', {matrix} }}, {{ id: k, prompt: p, matrix: {{ one: [1] }} }}]"
        ));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("1:") && found[0].contains("nothing reads `matrix.os`: its tasks differ by"),
            "{found:?}"
        );
        for keys in [
            "prompt: '${{ toJSON(matrix) }}'",
            "prompt: '${{ matrix.crate }}', title: '${{ matrix.os }}'",
            "prompt: '${{ matrix.crate }}', tags: ['${{ matrix.os }}']",
            "prompt: '${{ matrix.crate }}', source: o/r, branch: 'x-${{ matrix.os }}'",
            "prompt: '${{ matrix.crate }}', waiting: { user-feedback: { reply: '${{ matrix.os }}', max: 1 } }",
        ] {
            assert_eq!(warnings(&format!("jobs: [{{ id: j, {keys}, {matrix} }}]")), [""; 0], "{keys}");
        }
        let included = "matrix: { os: [x, y], include: [{ os: x, note: n }] }";
        assert_eq!(
            warnings(&format!("jobs: [{{ id: j, prompt: 'p ${{{{ matrix.note || 1 }}}}', {included} }}]")),
            [""; 0]
        );
    }

    #[test]
    fn a_backslash_that_is_itself_is_told() {
        let found = warnings(
            "jobs:\n  - id: j\n    prompt: |\n      ${{ join(fromJSON('[1,2]'), '\\n') }} ${{ 'C:\\new' }} ${{ \"\\n\" }}\n",
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("4:36 `\\n` in single quotes") && found[0].contains("[write `\"\\n\"`]"),
            "{found:?}"
        );
    }

    #[test]
    fn what_the_manifest_probably_does_not_mean_is_told() {
        for (jobs, parts) in [
            (
                "vars:\n  a: fix #12\n  b: 'x' #y\njobs:\n  - id: j\n    prompt: p\n    title: Fix it #now\n",
                &["2:10 the text ends here", "7:19 the text ends here"][..],
            ),
            (
                "jobs:\n  - id: j\n    prompt: Fix the bug #foo\n    tags: [a, b] #c\n",
                &["3:25 the text ends here"],
            ),
            (
                "jobs:\n  - id: j\n    prompt: p\n    waiting:\n      user-feedback:\n        reply: See issue #12\n      stall: { nudge: Go on #now\n        }\n",
                &["6:26 the text ends here", "7:29 the text ends here"],
            ),
            (
                "waiting:\n  user-feedback:\n    reply: See issue #12\njobs: [{ id: j, prompt: p }, { id: k, prompt: p }]",
                &["3:22 the text ends here"],
            ),
            (
                "jobs:\n  - id: j\n    prompt: p\n    retries:\n      count: 1\n      prompt: Mind issue #12\n",
                &["6:26 the text ends here"],
            ),
            (
                "jobs:\n  - id: j\n    prompt: '${{ matrix.a }} ${{ matrix.b }}'\n    matrix:\n      a: [x, fix]\n      include:\n        \
                 - a: fix #1\n          b: y\n        - a: x\n          b: z #2\n      exclude:\n        - a: x #3\n",
                &["7:18 the text ends here", "10:16 the text ends here", "12:16 the text ends here"],
            ),
            ("jobs:\n  - id: j\n    prompt: Fix it # at night\n", &[]),
            ("jobs:\n  - id: j\n    prompt: \"Fix it\" #at-night\n", &[]),
            (
                "jobs: [{ id: j, prompt: p, branch: main }]",
                &["`branch` does nothing: the job `j` has no source"],
            ),
            ("defaults: { branch: main }\njobs: [{ id: j, prompt: p, source: o/r }]", &[]),
            ("defaults: { branch: main }\njobs: [{ id: j, prompt: p }]", &["`branch` does nothing"]),
            (
                "defaults: { branch: main }\njobs: [{ id: j, prompt: p, source: o/r }, { id: k, prompt: p }]",
                &["2:49 the job `k` has no source, and other jobs have one"],
            ),
            ("jobs: [{ id: j, prompt: p, source: o/r@b }, { id: k, prompt: p, expect: any }]", &[]),
            ("jobs: [{ id: j, prompt: p }, { id: k, prompt: p }]", &[]),
        ] {
            let found = warnings(jobs);
            assert_eq!(found.len(), parts.len(), "{jobs}: {found:?}");
            for (found, part) in found.iter().zip(parts) {
                assert!(found.contains(part), "{jobs}: {found}");
            }
        }
    }
}
