//! `session files`: what the session created, as files.

use std::path::PathBuf;

use foreign_text::line as neutral;

use super::diff::change_set;
use super::folder::Folder;
use super::target::{Format, Target};
use crate::cli::console::{Console, GREEN};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::report::many;

const AFTER_HELP: &str = "\
The files that the change set creates: what a session without repository is for. Changes to files that were there
before are in `session diff`.

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
    let files = change_set(&client, console).await?.generated_files();
    if args.format == Format::Json {
        console.result_line(&json::text(&files)?)?;
        return Ok(Exit::Done);
    }
    if args.list {
        for (name, content) in &files {
            console.result_line(&format!("{}\t{}", content.len(), neutral(name)))?;
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
