//! `session diff` and `session files`: a session's work, on this machine.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::show::Past;
use super::{SessionName, attach, refused};
use crate::api::ChangeSet;
use crate::cli::args::Service;
use crate::cli::console::{CYAN, Console, GREEN, RED};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::plan::many;
use crate::cli::reports;
use crate::report::console_fragment as neutral;

const AFTER_DIFF: &str = "\
Examples:
  jules-batch session diff 31415926535897932384 | less
  jules-batch session diff 31415926535897932384 --apply";

const AFTER_FILES: &str = "\
Stdout carries the paths that were written. Names that would leave the folder are refused.

Examples:
  jules-batch session files 31415926535897932384 --out generated";

/// `session diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_DIFF)]
pub(crate) struct DiffArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// Apply it with git to the work tree here
    #[arg(long)]
    apply: bool,
    /// Apply it also to a work tree with changes that are not committed
    #[arg(long, requires = "apply")]
    force: bool,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// `session files`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_FILES)]
pub(crate) struct FilesArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// The folder; it is made
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

pub(super) async fn diff(args: &DiffArgs, console: &Console) -> Result<Exit, Failure> {
    let change = change(&args.service, &args.session).await?;
    let patch = with_end(change.patch());
    if args.apply {
        return apply(&patch, args.force, console);
    }
    if console.out_terminal() {
        console.result(&patch.lines().map(|line| coloured(line) + "\n").collect::<String>())?;
    } else {
        // `git apply` needs every byte of it.
        console.result(&patch)?;
    }
    Ok(Exit::Done)
}

/// The session's change set: from its outputs, or else the last one in its activities.
async fn change(service: &Service, session: &SessionName) -> Result<ChangeSet, Failure> {
    let client = attach(service, session)?;
    let session = client.info().await.map_err(refused)?;
    let change = match session.change_set().filter(|change| !change.is_empty()) {
        Some(change) => Some(change.clone()),
        None => Past::of(&client).await?.change.filter(|change| !change.is_empty()),
    };
    change
        .ok_or_else(|| Failure::new(Exit::Fault, format!("session {} has changed nothing yet", client.id())))
}

fn with_end(patch: &str) -> String {
    if patch.ends_with('\n') { patch.to_owned() } else { format!("{patch}\n") }
}

fn coloured(line: &str) -> String {
    // Indentation matters in a diff, and a tab does no harm.
    let text: String =
        line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    let head = ["diff ", "+++", "---", "index "].iter().any(|start| line.starts_with(start));
    match line.as_bytes().first() {
        _ if head => text,
        Some(b'+') => format!("{GREEN}{text}{GREEN:#}"),
        Some(b'-') => format!("{RED}{text}{RED:#}"),
        Some(b'@') => format!("{CYAN}{text}{CYAN:#}"),
        _ => text,
    }
}

/// git itself refuses patches that leave the work tree or go through links.
fn apply(patch: &str, force: bool, console: &Console) -> Result<Exit, Failure> {
    let inside = git(&["rev-parse", "--is-inside-work-tree"])?;
    if inside.trim() != "true" {
        return Err(Failure::usage("there is no git work tree here"));
    }
    if !force && !git(&["status", "--porcelain"])?.is_empty() {
        return Err(Failure::usage("the work tree has changes that are not committed")
            .help("commit or stash them, or say --force"));
    }
    let failed = |error: std::io::Error| Failure::new(Exit::Fault, error).help("is git installed?");
    let mut git = Command::new("git")
        .args(["apply", "--whitespace=nowarn", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = git.stdin.take() {
        // git says itself what it does not like about a patch that it stops reading.
        let _ = stdin.write_all(patch.as_bytes());
    }
    let done = git.wait_with_output().map_err(failed)?;
    if !done.status.success() {
        return Err(Failure::new(Exit::Fault, said(&done.stderr))
            .help("is this the branch that the session began on?"));
    }
    console.say("applied; see it with: git diff");
    Ok(Exit::Done)
}

fn git(args: &[&str]) -> Result<String, Failure> {
    let done = Command::new("git")
        .args(args)
        .output()
        .map_err(|error| Failure::new(Exit::Fault, error).help("is git installed?"))?;
    if !done.status.success() {
        return Err(Failure::new(Exit::Fault, said(&done.stderr)));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn said(stderr: &[u8]) -> String {
    String::from_utf8_lossy(stderr).trim().to_owned()
}

pub(super) async fn files(args: &FilesArgs, console: &Console) -> Result<Exit, Failure> {
    let change = change(&args.service, &args.session).await?;
    let files = change.generated_files();
    if files.is_empty() {
        return Err(Failure::new(Exit::Fault, "the session has made no new text files")
            .help("see what it has changed: jules-batch session diff"));
    }
    // All names are looked at before the first file is written.
    let mut planned = Vec::with_capacity(files.len());
    for (name, content) in &files {
        planned.push((place(&args.out, name, args.force)?, content));
    }
    for (path, content) in planned {
        reports::check(&path)
            .and_then(|()| reports::replace(&path, content.as_bytes()))
            .map_err(|error| Failure::new(Exit::NotWritable, error))?;
        console.result_line(&neutral(&path.display().to_string()))?;
    }
    console.say(&format!("{} written", many(files.len(), "file")));
    Ok(Exit::Done)
}

/// Where a file goes. The name was written by an agent: it must stay in the folder, also by way of links.
fn place(folder: &Path, name: &str, force: bool) -> Result<PathBuf, Failure> {
    let refuse = |why: &str| {
        Failure::new(Exit::Fault, format!("the session's file `{}` {why}", neutral(name)))
            .help("nothing was written")
    };
    let relative = Path::new(name);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let harmless = !name.is_empty() && !name.contains(['\\', ':']) && !name.chars().any(char::is_control);
    if !plain || !harmless {
        return Err(refuse("would leave the folder"));
    }
    let mut path = folder.to_owned();
    for part in relative {
        path.push(part);
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => return Err(refuse("would go through a link")),
            _ => {}
        }
    }
    if !force && path.exists() {
        return Err(refuse("is there already").help("say --force to replace it"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "../x", "/etc/passwd", "a/../../x", "a\\..\\x", "c:x", "./x", "a\u{1b}b"] {
            assert!(place(dir.path(), name, false).is_err(), "{name:?}");
        }
        assert_eq!(place(dir.path(), "a/b.txt", false).unwrap(), dir.path().join("a/b.txt"));
    }

    #[cfg(unix)]
    #[test]
    fn a_name_cannot_go_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("root")).unwrap();
        assert!(place(dir.path(), "root/etc/x", true).is_err());
    }

    #[test]
    fn what_is_there_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "").unwrap();
        assert!(place(dir.path(), "a", false).is_err());
        assert!(place(dir.path(), "a", true).is_ok());
    }

    #[test]
    fn a_patch_ends_with_a_line() {
        assert_eq!(with_end("a"), "a\n");
        assert_eq!(with_end("a\n"), "a\n");
    }
}
