//! From a manifest's path to the plan that a command works with.

use std::path::Path;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::selection::Selection;
use crate::manifest::{self, Diagnostics, LoadOptions, Manifest};
use crate::plan::{self, Plan};

/// Reads and checks a manifest.
pub(crate) fn read(path: &Path, selection: &Selection, console: &Console) -> Result<Manifest, Failure> {
    let options = LoadOptions { vars: selection.vars()?, ..LoadOptions::default() };
    let help = "name it: jules-batch run MANIFEST, or try jules-batch run jobs.example.yaml --simulate";
    manifest::load(path, &options).map_err(|found| invalid(&found, console).help_if(!path.exists(), help))
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

/// What it means that a manifest is wrong.
pub(crate) fn invalid(found: &Diagnostics, console: &Console) -> Failure {
    Failure::rendered(Exit::ManifestInvalid, found.render(console.err_colour()))
}
