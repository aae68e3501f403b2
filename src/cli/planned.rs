//! From a manifest's path to the plan that a command works with.

use std::path::Path;

use super::client;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::selection::Selection;
use crate::api::{Jules, Source};
use crate::manifest::{self, Diagnostics, LoadOptions, Manifest};
use crate::plan::{self, Plan};

/// Reads and checks a manifest.
pub(crate) fn read(path: &Path, selection: &Selection, console: &Console) -> Result<Manifest, Failure> {
    let options = LoadOptions { vars: selection.vars()?, ..LoadOptions::default() };
    manifest::load(path, &options).map_err(|found| invalid(&found, console)).map_err(|failure| {
        if path.exists() {
            return failure;
        }
        failure.help("name it: jules-batch run MANIFEST, or try jules-batch run jobs.example.yaml --simulate")
    })
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

/// Completes the `draft` that [`expand`] made with the account's sources, which are listed only when it needs them.
pub(crate) async fn resolve(
    manifest: &Manifest,
    draft: Plan,
    jules: &Jules,
    console: &Console,
) -> Result<Plan, Failure> {
    if !plan::needs_connected(manifest) {
        return Ok(draft);
    }
    let jules = client::impatient(jules);
    let sources = client::all_sources(&jules).await.map_err(client::refused)?;
    resolve_with(manifest, &sources, console)
}

/// Expands a manifest with these sources.
pub(crate) fn resolve_with(
    manifest: &Manifest,
    sources: &[Source],
    console: &Console,
) -> Result<Plan, Failure> {
    let connected = client::connected(sources);
    plan::expand(manifest, Some(&connected)).map_err(|found| invalid(&found, console))
}

fn invalid(found: &Diagnostics, console: &Console) -> Failure {
    Failure::rendered(Exit::ManifestInvalid, found.render(console.err_colour()))
}
