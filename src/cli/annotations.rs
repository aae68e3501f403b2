//! Why a command ends early, as GitHub shows it beside the file's lines.

use std::path::Path;

use super::ci;
use super::failure::Failure;
use crate::report::error_annotations;

/// The workflow commands that say why nothing was run at all, a line each: what is wrong with a file at its lines, else
/// the failure as it is.
pub(super) fn of(failure: &Failure) -> String {
    let findings = failure.findings();
    if findings.is_empty() {
        return error_annotations(&[(&failure.headline(), None)]);
    }
    let files = findings
        .iter()
        .map(|finding| finding.place.as_ref().and_then(|(file, _)| in_repository(Path::new(file))));
    let files: Vec<Option<String>> = files.collect();
    let found = findings.iter().zip(&files).map(|(finding, file)| {
        let line = finding.place.as_ref().map(|(_, line)| *line);
        (finding.message.as_str(), file.as_deref().zip(line))
    });
    error_annotations(&found.collect::<Vec<_>>())
}

/// The path of a file as the repository has it, or as it was given; none if there is no such file. Annotations of another
/// path are lost.
pub(super) fn in_repository(path: &Path) -> Option<String> {
    let absolute = path.canonicalize().ok()?;
    let root = ci::file("GITHUB_WORKSPACE").and_then(|root| root.canonicalize().ok());
    let path = root.as_deref().and_then(|root| absolute.strip_prefix(root).ok()).unwrap_or(path);
    Some(path.to_string_lossy().into_owned())
}
