//! What the action runs: a manifest, or a prompt on some repositories.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::cli::annotations::in_repository;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::planned;
use crate::cli::run::{Job, RunArgs};

/// A manifest of one job, as the inputs give it.
#[derive(Clone, Debug)]
pub(super) struct Inline {
    /// What to do.
    pub(super) prompt: String,
    /// `owner/repo` or `owner/repo@branch`; none for a session without a repository.
    pub(super) sources: Vec<String>,
    /// The starting branch of sources that name none.
    pub(super) branch: Option<String>,
}

/// The inline manifest, or else the one that the arguments name.
pub(super) fn job(inline: Option<Inline>, run: &RunArgs, console: &Console) -> Result<Job, Failure> {
    let workflow = workflow(|name| std::env::var(name).ok());
    let Some(inline) = inline else {
        let manifest = planned::read(&run.manifest, &run.selection, console)?;
        let file = in_repository(&run.manifest);
        return Ok(Job { manifest, origin: run.manifest.clone(), file, command: None, workflow });
    };
    let Inline { prompt, sources, branch } = &inline;
    let manifest = planned::inline(prompt, sources, branch.as_deref(), &run.selection, console)?;
    Ok(Job { manifest, origin: inline.origin(), file: None, command: None, workflow })
}

/// Which run of a workflow this is a step of, and whether that is tried again: "Re-run failed jobs".
fn workflow(var: impl Fn(&str) -> Option<String>) -> Option<(String, bool)> {
    let run = var("GITHUB_RUN_ID").filter(|run| !run.is_empty())?;
    let attempt = var("GITHUB_RUN_ATTEMPT").and_then(|attempt| attempt.trim().parse::<u32>().ok());
    Some((run, attempt.is_some_and(|attempt| attempt > 1)))
}

impl Inline {
    /// What identifies the work in the ledger, in place of a path: another prompt, or other repositories, are another run.
    fn origin(&self) -> PathBuf {
        let mut hash = Sha256::new();
        for part in std::iter::once(&self.prompt).chain(&self.sources).chain(&self.branch) {
            // The length keeps parts apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("prompt-{digest}").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_prompt_is_another_run() {
        let origin = |prompt: &str, sources: &[&str]| {
            let sources = sources.iter().map(|source| (*source).to_owned()).collect();
            Inline { prompt: prompt.to_owned(), sources, branch: None }.origin()
        };
        assert_eq!(origin("a", &["o/r"]), origin("a", &["o/r"]));
        assert_ne!(origin("a", &["o/r"]), origin("b", &["o/r"]));
        assert_ne!(origin("ao", &["/r"]), origin("a", &["o/r"]));
    }
}
