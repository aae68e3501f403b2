//! `session files`: what the session created, as files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use foreign_text::line as neutral;

use super::diff::change_set;
use super::folder::{Folder, MOST_NAMES, NewFile};
use super::target::{Format, Target};
use crate::cli::console::{Console, GREEN};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::report::many;
use jules::{Diff, FileChange, FileDiff, FileKind};

const AFTER_HELP: &str = "\
The text files that the change set creates: what a session without repository is for. Changes to files that were there
before are in `session diff`; of new binary files, links and copies a warning tells.

The agent chose the names, so a name that leads out of the folder, into .git or through a symbolic link is refused, as
is one that is there already unless --force is given; nothing is written then.

Examples:
  jules-batch session files 123 --list
  jules-batch session files 123 --into notes";

/// `session files`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct FilesArgs {
    /// The folder; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "jules-files")]
    into: PathBuf,
    /// Only print the names and sizes
    #[arg(long)]
    list: bool,
    /// How to print: json prints names and contents as one object and writes nothing
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        conflicts_with = "list",
        help_heading = "Output"
    )]
    format: Format,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &FilesArgs, console: &Console) -> Result<Exit, Failure> {
    let client = args.target.prompt()?;
    let diff = change_set(&client, console).await?.diff();
    warn_of_left_out(&diff, console);
    let files = created(diff);
    if args.format == Format::Json {
        let contents: BTreeMap<_, _> = files.iter().map(|(name, file)| (name, &file.content)).collect();
        console.result_line(&json::text(&contents)?)?;
        return Ok(Exit::Done);
    }
    if args.list {
        for (name, file) in &files {
            console.result_line(&format!("{}\t{}", file.content.len(), neutral(name)))?;
        }
        return Ok(Exit::Done);
    }
    if files.is_empty() {
        let failure = Failure::new(Exit::Fault, "the session's change set creates no text files");
        return Err(
            failure.help(format!("see what it changes: jules-batch session diff {} --stat", args.target.id))
        );
    }
    for path in Folder::new(&args.into, args.force).write(&files)? {
        console.result_line(&neutral(&path.display().to_string()))?;
    }
    console.say(&format!("{GREEN}wrote{GREEN:#} {}", many(files.len(), "file")));
    Ok(Exit::Done)
}

/// The text files that the change set creates, by name.
fn created(diff: Diff) -> BTreeMap<String, NewFile> {
    let file = |file: FileDiff| {
        let is_executable = file.kind == FileKind::Executable;
        Some((file.path, NewFile { content: file.content?, is_executable }))
    };
    diff.files.into_iter().filter_map(file).collect()
}

/// Says what the change set creates beside text files.
fn warn_of_left_out(diff: &Diff, console: &Console) {
    let what = |file: &FileDiff| match (file.change, file.kind) {
        (FileChange::Copied, _) => Some("a copy"),
        (FileChange::Added, FileKind::Link) => Some("a symbolic link"),
        (FileChange::Added, FileKind::Submodule) => Some("a submodule"),
        (FileChange::Added, _) if file.content.is_none() => Some("binary"),
        _ => None,
    };
    let left_out: Vec<String> = diff
        .files
        .iter()
        .filter_map(|file| Some(format!("`{}` ({})", neutral(&file.path), what(file)?)))
        .collect();
    if !left_out.is_empty() {
        let named = left_out[..left_out.len().min(MOST_NAMES)].join(", ");
        let more = left_out.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        console
            .warn(&format!("left out, as no text files: {named}{more}; `session diff --apply` has them all"));
    }
    if diff.unread {
        console.warn("the change set holds changes that could not be read; `session diff` shows them");
    }
}
