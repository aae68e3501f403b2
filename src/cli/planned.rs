//! From a manifest's path to the plan that a command works with.

use std::path::Path;

use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Finding};
use super::quote::quoted;
use super::selection::Selection;
use crate::manifest::{self, Diagnostic, Diagnostics, LoadOptions, Manifest, masked, nearest};
use crate::plan::{self, Plan};

/// Reads and checks a manifest.
pub(crate) fn read(path: &Path, selection: &Selection, console: &Console) -> Result<Manifest, Failure> {
    let options = LoadOptions { vars: selection.vars()?, ..LoadOptions::default() };
    manifest::load(path, &options).map_err(|found| {
        let failure = invalid(&found, console);
        if path.exists() { failure } else { failure.help(where_else(path)) }
    })
}

/// The way out where there is no manifest.
fn where_else(path: &Path) -> String {
    if path == Path::new("-") {
        return "what is piped in is /dev/stdin; other files are looked for beside the manifest, so better name it"
            .to_owned();
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let names: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)))
        .collect();
    let written = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let near = nearest(written, names.iter().map(String::as_str));
    let other = near.map_or_else(String::new, |near| {
        format!(
            "did you mean `{}`? Else ",
            foreign_text::line(&path.with_file_name(near).display().to_string())
        )
    });
    let name = if path == Path::new("jobs.yaml") { String::new() } else { format!(" {}", quoted(path)) };
    format!("{other}write one: jules-batch init{name}")
}

/// A manifest of one prompt on these repositories.
pub(crate) fn inline(
    prompt: &str,
    sources: &[String],
    branch: Option<&str>,
    selection: &Selection,
    console: &Console,
) -> Result<Manifest, Failure> {
    let options = LoadOptions { vars: selection.vars()?, ..LoadOptions::default() };
    manifest::inline(prompt, sources, branch, &options).map_err(|found| invalid(&found, console))
}

/// Expands a manifest without the service: what needs it stays unresolved.
pub(crate) fn expand(manifest: &Manifest, console: &Console) -> Result<Plan, Failure> {
    plan::expand(manifest, None).map_err(|found| invalid(&found, console))
}

/// Says what the manifest probably does not mean.
pub(crate) fn warn(plan: &Plan, console: &Console) {
    if let Some(warnings) = &plan.warnings {
        console.shown(&warnings.render(console.err_colour()));
    }
}

/// What it means that a manifest is wrong.
pub(crate) fn invalid(found: &Diagnostics, console: &Console) -> Failure {
    let finding = |one: &Diagnostic| Finding {
        message: masked(&format!("{}\n\n{}", one.message(), one.way_out().unwrap_or_default()))
            .trim_end()
            .to_owned(),
        place: one.file().map(str::to_owned).zip(one.place().map(|place| place.line)),
    };
    let findings = found.iter().map(finding).collect();
    Failure::rendered(Exit::ManifestInvalid, found.render(console.err_colour())).of_file(findings)
}
