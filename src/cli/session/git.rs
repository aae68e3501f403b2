//! git, as far as applying a patch needs it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use foreign_text::line as neutral;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Uncommitted paths named in the error before the rest is only counted.
const MOST_PATHS: usize = 5;

/// A git work tree.
#[derive(Debug)]
pub(super) struct WorkTree {
    root: PathBuf,
}

impl WorkTree {
    /// The work tree that holds `folder`.
    pub(super) async fn find(folder: &Path) -> Result<Self, Failure> {
        let output = git(folder, &["rev-parse", "--show-toplevel"], None).await?;
        let root = String::from_utf8_lossy(&output.stdout).trim_end_matches(['\n', '\r']).to_owned();
        if !output.status.success() || root.is_empty() {
            let failure = Failure::usage(format!("{} is not in a git work tree", folder.display()));
            return Err(failure.help("go to a clone of the repository, or name one with --directory"));
        }
        Ok(Self { root: PathBuf::from(root) })
    }

    /// Its topmost folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that is checked out; none in a repository without commits.
    pub(super) async fn head(&self) -> Option<String> {
        let output = git(&self.root, &["rev-parse", "--verify", "--quiet", "HEAD"], None).await.ok()?;
        let head = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !head.is_empty()).then_some(head)
    }

    /// Fails when something is not committed, untracked files included.
    pub(super) async fn require_clean(&self) -> Result<(), Failure> {
        let output = git(&self.root, &["status", "--porcelain", "-z"], None).await?;
        if !output.status.success() {
            return Err(git_failed("status", &output));
        }
        let status = String::from_utf8_lossy(&output.stdout);
        let paths: Vec<&str> = status.split('\0').filter(|entry| !entry.is_empty()).collect();
        if paths.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = paths.iter().take(MOST_PATHS).map(|path| neutral(path)).collect();
        let more = paths.len().saturating_sub(MOST_PATHS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let root = self.root.display();
        let error = format!("{root} has uncommitted changes: {}{more}", named.join(", "));
        Err(Failure::new(Exit::Fault, error).help("commit or stash them, or apply all the same with --force"))
    }

    /// Applies a patch to the files, all of it or nothing. git itself refuses paths that lead out of the work
    /// tree, into `.git`, or through a symbolic link.
    pub(super) async fn apply(&self, patch: &str) -> Result<(), Failure> {
        let mut patch = patch.to_owned();
        if !patch.ends_with('\n') {
            // git calls a patch without its last line break corrupt.
            patch.push('\n');
        }
        let output = git(&self.root, &["apply", "--whitespace=nowarn", "-"], Some(patch)).await?;
        if output.status.success() {
            return Ok(());
        }
        Err(git_failed("apply", &output)
            .help("nothing was changed; write the patch to a file with --output and look at it"))
    }
}

/// Runs git without anything from the repository's configuration that could ask or page.
async fn git(folder: &Path, args: &'static [&'static str], stdin: Option<String>) -> Result<Output, Failure> {
    let folder = folder.to_owned();
    let run = move || -> std::io::Result<Output> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&folder).args(args);
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        let input = if stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // git reads a patch whole before it says anything, so writing first cannot lock up.
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take())
            && let Err(error) = pipe.write_all(text.as_bytes())
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(error);
        }
        child.wait_with_output()
    };
    let done = tokio::task::spawn_blocking(run).await.map_err(|error| Failure::new(Exit::Fault, error))?;
    done.map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        Failure::new(Exit::Fault, "cannot run git")
            .because(&error)
            .help_if(missing, "install git, or write the patch to a file with --output")
    })
}

fn git_failed(what: &str, output: &Output) -> Failure {
    let why = neutral(&String::from_utf8_lossy(&output.stderr));
    let why = if why.is_empty() { output.status.to_string() } else { why };
    Failure::new(Exit::Fault, format!("git {what} failed: {why}"))
}
