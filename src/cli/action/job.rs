//! What the action runs: a manifest, or a prompt on some repositories.

use std::path::PathBuf;

use super::ActionArgs;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::planned;
use crate::cli::run::{Job, RunArgs};

pub(super) fn job(args: &ActionArgs, run: &RunArgs, console: &Console) -> Result<Job, Failure> {
    let Some(prompt) = prompt(args)? else {
        let manifest = planned::read(&run.manifest, &run.selection, console)?;
        return Ok(Job { manifest, origin: run.manifest.clone(), command: None });
    };
    let sources: Vec<String> = args
        .sources
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let branch = args.starting_branch.as_deref();
    let manifest = planned::inline(&prompt, &sources, branch, &run.selection, console)?;
    Ok(Job { manifest, origin: origin(&prompt, &sources), command: None })
}

fn prompt(args: &ActionArgs) -> Result<Option<String>, Failure> {
    match (&args.prompt, &args.prompt_file) {
        (Some(prompt), _) => Ok(Some(prompt.clone())),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map(Some)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display()))),
        (None, None) => Ok(None),
    }
}

/// What stands for a manifest's path in the ledger: another prompt, or other repositories, are another run.
fn origin(prompt: &str, sources: &[String]) -> PathBuf {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for part in std::iter::once(prompt).chain(sources.iter().map(String::as_str)) {
        // The length keeps parts apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("prompt-{digest}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_prompt_is_another_run() {
        let origin = |prompt: &str, sources: &[&str]| {
            origin(prompt, &sources.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(origin("a", &["o/r"]), origin("a", &["o/r"]));
        assert_ne!(origin("a", &["o/r"]), origin("b", &["o/r"]));
        assert_ne!(origin("ao", &["/r"]), origin("a", &["o/r"]));
    }
}
