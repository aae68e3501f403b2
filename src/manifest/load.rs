//! From a path to a checked [`Manifest`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::check;
use super::decode;
use super::diagnostic::{Diagnostic, Diagnostics, quoted};
use super::document::{Document, Span};
use super::files::{self, Unreadable};
use super::node::{self, Node, Value};
use super::project::Name;
use super::schema::Written;
use super::{Manifest, vars, warnings};

/// What a manifest is read with, beside its text.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// `--var NAME=VALUE`: values for names under `vars`; none by default. The last of a name wins.
    pub vars: Vec<(String, String)>,
    /// How a variable of the environment is read; only names under `env` are asked for. The process's own by default.
    pub env: fn(&str) -> Option<String>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { vars: Vec::new(), env: |name| std::env::var(name).ok() }
    }
}

/// Reads and checks the manifest at `path`, and the files that it names.
///
/// # Errors
///
/// Everything that is wrong with it, as far as it could be told in one go: see [`Diagnostics`].
pub fn load(path: &Path, options: &LoadOptions) -> Result<Manifest, Diagnostics> {
    match files::read_text(path) {
        Ok(text) => parse(&text, path, options),
        Err(error) => Err(unreadable("manifest", path, &error).into()),
    }
}

/// Checks a manifest's text. `origin` is the path that errors name and whose folder its files are looked for in.
///
/// # Errors
///
/// As [`load`].
pub fn parse(text: &str, origin: &Path, options: &LoadOptions) -> Result<Manifest, Diagnostics> {
    let text = match files::into_text(text.as_bytes().to_vec(), files::MAX_FILE_BYTES) {
        Ok(text) => text,
        Err(error) => return Err(unreadable("manifest", origin, &error).into()),
    };
    let document = Arc::new(Document::new(origin.display().to_string(), text));
    let mut findings = Vec::new();
    let manifest = read(&document, origin, options, &mut findings);
    match (manifest, Diagnostics::from_list(findings)) {
        (Some(manifest), None) => Ok(manifest),
        (_, Some(diagnostics)) => Err(diagnostics),
        (None, None) => {
            Err(Diagnostic::new("the manifest could not be read").at(&document, Span::default()).into())
        }
    }
}

/// A manifest of one job, without a file: what a prompt and some repositories amount to.
///
/// `sources` are written as under the manifest's `sources`: `owner/repo` or `owner/repo@branch`; none make a
/// session without a repository. The prompt takes `${{ … }}`, and `options.vars` are its variables.
///
/// # Errors
///
/// As [`load`]; places are those in the manifest that was made of the arguments.
pub fn inline(
    prompt: &str,
    sources: &[String],
    branch: Option<&str>,
    options: &LoadOptions,
) -> Result<Manifest, Diagnostics> {
    // Their values are data, and come from the options.
    let vars: BTreeMap<&str, ()> = options.vars.iter().map(|(name, _)| (&**name, ())).collect();
    let mut job = serde_json::json!({ "id": "task", "prompt": prompt });
    if !sources.is_empty() {
        job["sources"] = sources.into();
    }
    if let Some(branch) = branch {
        job["branch"] = branch.into();
    }
    // JSON is YAML, and the same checks then hold for both ways in.
    // A prompt is given anew each time: it is to be done.
    let text = serde_json::json!({
        "version": 1, "name": "inline", "repeat": "always", "vars": vars, "jobs": [job],
    });
    parse(&format!("{text:#}\n"), Path::new("inline"), options)
}

/// That a file, which `what` says the kind of, could not be read.
pub(super) fn unreadable(what: &str, path: &Path, error: &Unreadable) -> Diagnostic {
    let document = Arc::new(Document::new(path.display().to_string(), ""));
    let finding = Diagnostic::new(format!("the {what} {} {}", quoted(document.name()), error.what))
        .at(&document, Span::default());
    match error.help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

fn read(
    document: &Arc<Document>,
    origin: &Path,
    options: &LoadOptions,
    findings: &mut Vec<Diagnostic>,
) -> Option<Manifest> {
    let written = match tree(document).and_then(|root| decode::decode::<Written>(document, &root)) {
        Ok(written) => written,
        Err(found) => {
            findings.extend(found);
            return None;
        }
    };
    let vars = vars::merge(document, written.vars.as_ref(), &options.vars, findings);
    let folder = origin.parent().unwrap_or(Path::new("."));
    let env = check::env(document, &written, options.env, findings);
    let jobs = check::jobs(document, folder, &written, &env, options.env, findings);
    check::settings(document, &written, findings);
    let name = match &written.name {
        Some(name) => Name::given(&name.value),
        None => Name::of_file(origin),
    };
    let warnings = warnings::of(document, &written, &jobs);
    Some(Manifest { document: Arc::clone(document), name, written, vars, env, jobs, warnings })
}

/// The manifest's tree without its `x-` keys, which are the user's own (a place for anchors).
fn tree(document: &Arc<Document>) -> Result<Node, Vec<Diagnostic>> {
    let mut root = node::parse(document)?;
    match &mut root.value {
        Value::Map(entries) => entries.retain(|(key, _)| !key.text.starts_with("x-")),
        Value::Null => {
            let finding = Diagnostic::new("the manifest is empty")
                .at(document, Span::default())
                .help("it needs at least `jobs:` with one job");
            return Err(vec![finding]);
        }
        other => {
            let help = match other {
                Value::Seq(_) => "write `jobs:` above the list",
                _ => {
                    "write `jobs:`, below it `- id: NAME` and `prompt: …`; or let `jules-batch init` write one"
                }
            };
            let what = format!("a manifest is a mapping with `jobs:`, this is {}", other.describe());
            let finding = Diagnostic::new(what).at(document, root.span).help(help);
            return Err(vec![finding]);
        }
    }
    Ok(root)
}
