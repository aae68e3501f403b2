//! `vars` and `--var`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, listed, nearest, quoted};
use super::document::{Document, Span};
use super::literal::Literal;
use super::located::{Located, Table};

/// The values of `vars` by name; `None` where a value must be given by `--var` and was not.
pub(crate) type Vars = BTreeMap<String, Option<Literal>>;

/// Merges what the manifest says with what the command line says; the latter wins, and the last of a name.
pub(super) fn merge(
    document: &Arc<Document>,
    written: Option<&Table<Literal>>,
    given: &[(String, String)],
    findings: &mut Vec<Diagnostic>,
) -> Vars {
    let mut vars = Vars::new();
    for (name, value) in written.iter().flat_map(|table| table.iter()) {
        if !is_name(name) {
            findings.push(not_a_name("variable", name).at(document, name.span));
        }
        vars.insert(name.value.clone(), Some(value.clone()).filter(|value| !matches!(value, Literal::Null)));
    }
    for (name, value) in given {
        match vars.get_mut(name) {
            Some(slot) => *slot = Some(Literal::Text(Located::new(value.clone(), Span::default()))),
            None => findings.push(undeclared(name, &vars)),
        }
    }
    vars
}

/// Whether `name` can be written as `vars.name` in an expression.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= 100
}

pub(super) fn not_a_name(what: &str, name: &str) -> Diagnostic {
    Diagnostic::new(format!("{} cannot be a {what}'s name", quoted(name)))
        .help("names are letters, digits and `_`, and do not start with a digit")
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
        let text = |name: &str| vars[name].as_ref().map(Literal::text);
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
