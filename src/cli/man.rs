//! `man`: the manual pages.

use std::path::PathBuf;

use clap::Command;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use crate::runner::replace;

const AFTER_HELP: &str = "\
Examples:
  Read the page:           jules-batch man | man -l -
  Install all of them:     jules-batch man --out-dir ~/.local/share/man/man1";

/// `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into this folder, instead of the main one to stdout
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, command: Command, console: &Console) -> Result<Exit, Failure> {
    let mut command = without_help(command);
    command.build();
    match &args.out_dir {
        None => console.result(&page(command, "jules-batch"))?,
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(|error| {
                Failure::new(Exit::NotWritable, error)
                    .help(format!("choose another folder than {}", dir.display()))
            })?;
            for (name, text) in pages(command, "jules-batch") {
                let path = dir.join(format!("{name}.1"));
                replace(&path, text.as_bytes()).map_err(|e| Failure::new(Exit::NotWritable, e))?;
                console.result_line(&path.display().to_string())?;
            }
        }
    }
    Ok(Exit::Done)
}

/// `help` has no page: it would say what the others say.
fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

/// The pages of a command and all below it, by name.
fn pages(command: Command, name: &str) -> Vec<(String, String)> {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    let mut all = vec![(name.to_owned(), page(command, name))];
    for command in below {
        let name = format!("{name}-{}", command.get_name());
        all.extend(pages(command, &name));
    }
    all
}

fn page(command: Command, name: &str) -> String {
    let mut page = Vec::new();
    let version = concat!("jules-batch ", env!("CARGO_PKG_VERSION"));
    // An empty date in quotes: without them the version would stand in its place.
    let man = clap_mangen::Man::new(command).title(name.to_ascii_uppercase()).date("\"\"").source(version);
    man.render(&mut page).expect("writing to memory cannot fail");
    String::from_utf8_lossy(&page).into_owned()
}
