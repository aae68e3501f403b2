//! `session diff`: the change set, to read or to apply.

use std::path::{Path, PathBuf};

use foreign_text::line as neutral;

use super::digest::whole_digest;
use super::target::Target;
use super::{git, render};
use crate::cli::client::{failed, said_when_long};
use crate::cli::console::{Console, DIM, GREEN};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use jules::{ChangeSet, SessionClient};

const AFTER_HELP: &str = "\
On a terminal the patch is shown with colours and control characters replaced. Elsewhere it is the patch itself, for
`git apply`; in CI, where stdout is a log that obeys certain lines, only a patch without such lines is printed, and
--output writes any.

--apply needs git and a work tree without uncommitted changes (or --force), applies all or nothing, and commits
nothing. It does not write outside of the work tree.

Examples:
  jules-batch session diff 123 --stat
  jules-batch session diff 123 --output change.patch
  cd web && jules-batch session diff 123 --apply";

/// `session diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DiffArgs {
    /// Print only the files with their + and −
    #[arg(long, conflicts_with_all = ["output", "apply"])]
    stat: bool,
    /// Write the patch to a file that is not there yet
    #[arg(short, long, value_name = "FILE", conflicts_with = "apply")]
    output: Option<PathBuf>,
    /// Apply the patch to the git work tree here
    #[arg(long)]
    apply: bool,
    /// With --apply: also to a work tree with uncommitted changes; with --output: replace the file
    #[arg(long)]
    force: bool,
    /// The work tree for --apply, instead of the current folder
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".", requires = "apply")]
    directory: PathBuf,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &DiffArgs, console: &Console) -> Result<Exit, Failure> {
    let client = args.target.prompt()?;
    let change_set = change_set(&client, console).await?;
    if args.apply {
        return apply(&change_set, args, console).await;
    }
    if let Some(path) = &args.output {
        write(path, change_set.patch(), args.force)?;
        console.say(&format!("{GREEN}wrote{GREEN:#} {}", path.display()));
        return Ok(Exit::Done);
    }
    if args.stat {
        console.result_line(&render::change_summary(&change_set, true))?;
    } else if console.out_terminal() {
        console.result(&render::patch(change_set.patch()))?;
    } else {
        print_raw(change_set.patch(), console)?;
    }
    Ok(Exit::Done)
}

/// The session's change set, wherever it stands.
pub(super) async fn change_set(client: &SessionClient, console: &Console) -> Result<ChangeSet, Failure> {
    let session = said_when_long("reading the session", console, client.info()).await.map_err(failed)?;
    let change_set = match session.change_set().filter(|change_set| !change_set.is_empty()) {
        Some(change_set) => Some(change_set.clone()),
        None => whole_digest(client, console).await?.change_set_of(&session).cloned(),
    };
    if client.jules().secret_came_back() {
        console.warn(
            "the session repeats your API key or a token of yours: `***` stands in its place, also where the change set held it",
        );
    }
    change_set.ok_or_else(|| {
        let id = client.id();
        Failure::new(Exit::Fault, format!("session {id} has changed nothing so far"))
            .help_if(!session.is_terminal(), format!("it has not ended: jules-batch session result {id}"))
    })
}

/// The patch as it is, unless it would act on a log.
fn print_raw(patch: &str, console: &Console) -> Result<(), Failure> {
    if console.ci().is_some() && !is_tame(patch) {
        let failure = Failure::new(Exit::Fault, "the patch holds lines that this CI system might obey");
        return Err(failure.help("write it to a file with --output FILE, or apply it with --apply"));
    }
    let end = if patch.ends_with('\n') { "" } else { "\n" };
    console.result_exact(&format!("{patch}{end}"))
}

fn is_tame(patch: &str) -> bool {
    foreign_text::tame(patch) == patch
}

fn write(path: &Path, patch: &str, force: bool) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let written = options.open(path).and_then(|mut file| {
        file.write_all(patch.as_bytes())?;
        if patch.ends_with('\n') { Ok(()) } else { file.write_all(b"\n") }
    });
    written.map_err(|error| {
        let there = error.kind() == std::io::ErrorKind::AlreadyExists;
        Failure::new(Exit::NotWritable, format!("cannot write {}", path.display()))
            .because(&error)
            .help_if(there, "replace it with --force")
    })
}

async fn apply(change_set: &ChangeSet, args: &DiffArgs, console: &Console) -> Result<Exit, Failure> {
    let tree = git::WorkTree::find(&args.directory).await?;
    if !args.force {
        tree.require_clean().await?;
    }
    let patch = change_set.git_patch.as_ref();
    if let (Some(base), Some(head)) =
        (patch.and_then(|patch| patch.base_commit_id.as_deref()), tree.head().await)
        && base != head
    {
        let base: String = neutral(base).chars().take(12).collect();
        let head: String = head.chars().take(12).collect();
        console.warn(&format!("the patch was made for commit {base}, and here is {head}"));
    }
    tree.apply(change_set.patch()).await?;
    console.result_line(&render::change_summary(change_set, false))?;
    console.say(&format!("{GREEN}applied{GREEN:#} to {}", tree.root().display()));
    if let Some(message) = patch.and_then(|patch| patch.suggested_commit_message.as_deref()) {
        console.say(&format!("{DIM}suggested commit message:{DIM:#}\n{}", foreign_text::block(message)));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_patch_that_a_log_does_not_obey_is_tame() {
        assert!(is_tame("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+  b\n"));
        for evil in ["+##[error]x\n", "::error::x\n", "+a\r\n", "+\u{1b}[31mx\n", "+a\u{2028}b\n"] {
            assert!(!is_tame(evil), "{evil:?}");
        }
    }

    #[test]
    fn a_file_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.patch");
        write(&path, "a", false).unwrap();
        assert_eq!(write(&path, "b", false).unwrap_err().exit(), Exit::NotWritable);
        write(&path, "b\n", true).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "b\n");
    }
}
