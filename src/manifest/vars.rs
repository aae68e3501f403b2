//! `vars` and `--var`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, listed, nearest, quoted};
use super::document::{Document, Span};
use super::literal::Literal;
use super::located::{Located, Table};

/// `vars` by name.
pub(crate) type Vars = BTreeMap<String, Variable>;

/// A value under `vars`.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// Nothing where a value must be given by `--var` and was not.
    pub(crate) value: Option<Literal>,
    /// Whether `--var` gives it: then nothing in it is an expression.
    pub(crate) is_given: bool,
    /// Where its name stands.
    pub(crate) span: Span,
}

/// Merges what the manifest says with what the command line says; the latter wins, and the last of a name.
pub(super) fn merge(
    document: &Arc<Document>,
    written: Option<&Table<Literal>>,
    given: &[(String, String)],
    findings: &mut Vec<Diagnostic>,
) -> Vars {
    let mut vars = Vars::new();
    for (name, value) in written.iter().flat_map(|table| table.iter()) {
        if !is_key(name) {
            let finding = Diagnostic::new(format!("{} cannot be a variable's name", quoted(name)));
            let help = "names are letters, digits, `_` and `-`, and start with a letter or `_`";
            findings.push(finding.at(document, name.span).help(help));
        }
        let value = Some(value.clone()).filter(|value| !matches!(value, Literal::Null));
        vars.insert(name.value.clone(), Variable { value, is_given: false, span: name.span });
    }
    for (name, value) in given {
        match vars.get_mut(name) {
            Some(slot) => {
                slot.value = Some(Literal::Text(Located::new(value.clone(), Span::default())));
                slot.is_given = true;
            }
            None => findings.push(undeclared(name, &vars)),
        }
    }
    vars
}

/// Whether `name` can be a variable's or a key of the matrix.
pub(super) fn is_key(name: &str) -> bool {
    is_name(&name.replace('-', "_")) && !name.starts_with('-')
}

/// Whether `name` can be that of an environment variable.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= 100
}

fn undeclared(name: &str, vars: &Vars) -> Diagnostic {
    let finding =
        Diagnostic::new(format!("`--var` sets {}, which is not under `vars` in the manifest", quoted(name)));
    let known = || vars.keys().map(String::as_str);
    match nearest(name, known()) {
        Some(near) => finding.help(format!("did you mean {}?", quoted(near))),
        None if vars.is_empty() => finding.help(format!("declare it: `vars: {{ {name}: ~ }}`")),
        None => finding.help(format!("known variables: {}", listed(known()))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Literal, LoadOptions, parse};
    use std::path::Path;

    fn load(given: &[(&str, &str)]) -> Result<super::Vars, String> {
        let text = "vars: {tone: concise, ticket: ~, n: 3.10}\njobs: [{id: a, prompt: p}]\n";
        let vars = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let options = LoadOptions { vars, ..LoadOptions::default() };
        parse(text, Path::new("jobs.yaml"), &options).map(|m| m.vars).map_err(|e| e.to_string())
    }

    #[test]
    fn the_command_line_wins_and_its_last_word_counts() {
        let vars = load(&[("tone", "x"), ("tone", "y")]).unwrap();
        let text = |name: &str| vars[name].value.as_ref().map(Literal::text);
        assert_eq!(text("tone").as_deref(), Some("y"));
        assert_eq!(text("ticket"), None);
        assert_eq!(text("n").as_deref(), Some("3.10"), "a number keeps its spelling");
    }

    #[test]
    fn a_variable_that_nobody_declared_is_an_error() {
        let error = load(&[("tune", "x")]).unwrap_err();
        assert!(error.contains("`tune`") && error.contains("did you mean `tone`?"), "{error}");
    }
}
