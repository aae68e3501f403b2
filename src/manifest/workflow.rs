//! The matrices of a GitHub workflow, for a manifest that is begun with one.

use std::path::Path;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::{Document, Span};
use super::files;
use super::load::unreadable;
use super::node::{self, Node, Value};

/// A job of a workflow that has a matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkflowJob {
    /// Its id.
    pub(crate) id: String,
    /// The keys of its matrix that are taken over; a combination may lack some that `include` adds.
    pub(crate) keys: Vec<String>,
    /// The matrix in YAML, a key a line and without indentation; what cannot be taken over is a comment.
    pub(crate) matrix: Vec<String>,
}

/// The jobs of a workflow that have a matrix.
#[derive(Debug)]
pub(crate) struct WorkflowJobs {
    /// Those whose matrix is taken over.
    pub(crate) taken: Vec<WorkflowJob>,
    /// The ids of those whose whole matrix is told by an expression.
    pub(crate) left_out: Vec<String>,
}

/// Reads the jobs of a workflow that have a matrix.
///
/// # Errors
///
/// It cannot be read, or no job has one.
pub(crate) fn workflow_jobs(path: &Path) -> Result<WorkflowJobs, Diagnostics> {
    let text = files::read_text(path).map_err(|error| unreadable("workflow", path, &error))?;
    jobs_of(&path.display().to_string(), text)
}

fn jobs_of(name: &str, text: String) -> Result<WorkflowJobs, Diagnostics> {
    let document = Arc::new(Document::new(name, text));
    let root = node::parse(&document)
        .map_err(|found| Diagnostics::from_list(found).expect("a text that cannot be read has a reason"))?;
    let jobs = root.entry("jobs").map(Node::entries).unwrap_or_default();
    let with_matrix = jobs.iter().filter(|(_, job)| matrix_of(job).is_some());
    let (mut taken, mut left_out) = (Vec::new(), Vec::new());
    for (id, job) in with_matrix {
        match of_job(&document, &id.text, job) {
            Some(job) => taken.push(job),
            None => left_out.push(id.text.clone()),
        }
    }
    if taken.is_empty() {
        let what = "no job of this workflow has a matrix that can be taken over";
        let help = "it stands under `jobs.ID.strategy.matrix`, and its values are written out";
        return Err(Diagnostic::new(what).at(&document, Span::default()).help(help).into());
    }
    Ok(WorkflowJobs { taken, left_out })
}

fn matrix_of(job: &Node) -> Option<&Node> {
    job.entry("strategy")?.entry("matrix")
}

fn of_job(document: &Document, id: &str, job: &Node) -> Option<WorkflowJob> {
    let matrix = matrix_of(job)?.entries();
    let mut taken = WorkflowJob { id: id.to_owned(), keys: Vec::new(), matrix: Vec::new() };
    for (key, value) in matrix {
        let key = &key.text;
        let left_out =
            |at: &str| format!("# {key}: […] # the workflow has an expression {at}: write the values out");
        let Value::Seq(items) = &value.value else {
            taken.matrix.push(left_out("here"));
            continue;
        };
        if holds_expression(value) {
            taken.matrix.push(left_out("in it"));
            continue;
        }
        if key == "include" || key == "exclude" {
            taken.matrix.push(format!("{key}:"));
            taken.matrix.extend(items.iter().map(|item| format!("  - {}", flow(document, item))));
            let more = items.iter().flat_map(Node::entries).map(|(key, _)| key.text.clone());
            taken.keys.extend(more.filter(|_| key == "include"));
        } else {
            taken.matrix.push(format!("{key}: {}", flow(document, value)));
            taken.keys.push(key.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    taken.keys.retain(|key| seen.insert(key.clone()));
    (!taken.keys.is_empty()).then_some(taken)
}

fn holds_expression(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.contains("${{"),
        Value::Seq(items) => items.iter().any(holds_expression),
        Value::Map(entries) => entries.iter().any(|(_, value)| holds_expression(value)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_) => false,
    }
}

/// A value in one line of YAML; numbers keep their spelling.
fn flow(document: &Document, node: &Node) -> String {
    let spelt = |plain: String| {
        let text = document.slice(node.span);
        let is_word =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b));
        if is_word { text.to_owned() } else { plain }
    };
    match &node.value {
        Value::Null => "~".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => spelt(value.to_string()),
        Value::UInt(value) => spelt(value.to_string()),
        Value::Float(value) => spelt(value.to_string()),
        Value::Text(text) => scalar(text),
        Value::Seq(items) => {
            format!("[{}]", items.iter().map(|item| flow(document, item)).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let shown = |(key, value): &(node::Key, Node)| {
                format!("{}: {}", scalar(&key.text), flow(document, value))
            };
            format!("{{ {} }}", entries.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text as a YAML scalar of one line: plain where nothing else could be meant, else as JSON, which is YAML.
pub(crate) fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/@".contains(&b));
    let is_typed = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text));
    if is_word && !is_typed { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_taken_as_they_are_written() {
        let text = r#"
on: push
jobs:
  test:
    runs-on: ${{ matrix.os }}
    strategy:
      matrix:
        python: ["3.9", 3.10, pypy-3.10]
        os: &os [ubuntu-latest, 'a: b', yes, true]
        node: ${{ fromJSON(needs.setup.outputs.nodes) }}
        tag: ["${{ github.ref }}"]
        exclude: [{ python: 3.10, os: ubuntu-latest }]
        include:
          - { python: 3.11, experimental: true }
  lint: { steps: [] }
  dynamic: { strategy: { matrix: "${{ fromJSON(x) }}" } }
"#;
        let jobs = jobs_of("ci.yml", text.to_owned()).unwrap();
        assert_eq!(jobs.left_out, ["dynamic"]);
        let jobs = jobs.taken;
        assert_eq!(jobs.len(), 1);
        assert_eq!(
            (&*jobs[0].id, &jobs[0].keys[..]),
            ("test", &["python", "os", "experimental"].map(str::to_owned)[..])
        );
        assert_eq!(
            jobs[0].matrix.join("\n"),
            "python: [\"3.9\", 3.10, pypy-3.10]\n\
             os: [ubuntu-latest, \"a: b\", \"yes\", true]\n\
             # node: […] # the workflow has an expression here: write the values out\n\
             # tag: […] # the workflow has an expression in it: write the values out\n\
             exclude:\n  - { python: 3.10, os: ubuntu-latest }\n\
             include:\n  - { python: 3.11, experimental: true }"
        );
        let error = jobs_of("ci.yml", "jobs: { a: { steps: [] } }".to_owned()).unwrap_err().to_string();
        assert!(error.contains("no job of this workflow has a matrix"), "{error}");
        assert!(jobs_of("ci.yml", "jobs: [".to_owned()).is_err());
    }
}
