//! The command line as clap sees it, and the environment as its second voice: all but the commands themselves.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::colour::Colour;
use super::exit::Exit;
#[cfg(feature = "postgres")]
use super::location::StateText;
use super::{environment, wording};
#[cfg(feature = "postgres")]
use crate::manifest::AccountName;

const AFTER_HELP: &str = "\
Environment:
  JULES_API_KEY         the API key, or JULES_API_KEY_FILE, a file that holds it; never a flag
  JULES_BATCH_X_Y       the same as --x-y; flag > environment > manifest > default
  NO_COLOR, CI          as everywhere

Begin without a key:
  jules-batch init              write a manifest, jobs.yaml
  jules-batch run --simulate    run it, with the service played on this machine";

/// What stands below the flags in `--help`.
fn after_long_help() -> String {
    format!(
        "\
Environment:
  JULES_API_KEY
          The API key. JULES_API_KEY_FILE names a file that holds it instead. It is never a flag value, \
          because command lines are visible to every process of the machine.
  JULES_BATCH_X_Y
          The same as --x-y, for every long flag of every command; an empty value counts as unset. Lists go \
          one a line. A flag wins over the environment, the environment over the manifest, the manifest over \
          the default.
  NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR
          Colours, as everywhere; --color wins.

Exit codes:
{}

Examples:
  See what a manifest would do, and touch nothing:
    jules-batch plan jobs.yaml
  Run the example against the built-in simulator, without a key:
    jules-batch run jobs.example.yaml --simulate
  Run for real, ten sessions at once, five hours at most; again to go on:
    JULES_API_KEY=… jules-batch run jobs.yaml --max-parallel 10 --deadline 5h",
        Exit::table()
    )
}

/// Runs a manifest of prompts × sources as Jules sessions, follows each to its end, and writes JUnit and JSON.
#[derive(Debug, Parser)]
#[command(
    name = "jules-batch",
    version,
    after_help = AFTER_HELP,
    after_long_help = after_long_help(),
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    propagate_version = true,
    max_term_width = 110
)]
pub(crate) struct Args<C: Subcommand> {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: C,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Global {
    /// When to write colours: auto obeys NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR, the terminal and the CI system
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, help_heading = "Output")]
    pub(crate) color: Colour,
    /// Say nothing on stderr but warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Log what happens to stderr: -v requests and decisions, -vv details, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
}

/// How to reach the service.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Service {
    /// Another address of the API, such as a simulator's [default: JULES_BASE_URL, else Google's]
    #[arg(long, value_name = "URL", help_heading = "Service")]
    pub(crate) base_url: Option<String>,
}

/// Where runs are recorded.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct State {
    /// Folder of the ledger, the durable record of runs; keep it to go on with a run
    #[arg(long, value_name = "DIR", default_value = ".jules-batch", help_heading = "State")]
    pub(crate) state_dir: PathBuf,
    /// Where the ledger is: a folder, or postgres://USER@HOST/DATABASE, which machines can share; wins over --state-dir
    #[cfg(feature = "postgres")]
    #[arg(long, value_name = "WHERE", help_heading = "State")]
    pub(crate) state: Option<StateText>,
    /// Whose runs are meant in a shared ledger [default: what CI says, else the remote `origin`]
    #[cfg(feature = "postgres")]
    #[arg(long, value_name = "NAME", help_heading = "State")]
    pub(crate) project: Option<String>,
    /// The service's account whose limits hold for all runs of a shared ledger together; wins over the manifest [default: the only one in the database, else `default`]
    #[cfg(feature = "postgres")]
    #[arg(long, value_name = "NAME", help_heading = "State")]
    pub(crate) account: Option<AccountName>,
}

impl<C: Subcommand> Args<C> {
    /// Reads a command line and the environment.
    ///
    /// # Errors
    ///
    /// clap's: a wrong command line, or the request for help or the version.
    pub(crate) fn parse_from_env(line: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let line: Vec<OsString> = line.into_iter().collect();
        let command = environment::behind(&line, wording::in_paragraphs(Self::command()));
        let in_our_words = |error| {
            let error = wording::with_variable(wording::with_sign(error, &line), &line);
            wording::with_suggestion(error, &line, &command)
        };
        let parsed = command.clone().try_get_matches_from(&line).map_err(in_our_words).and_then(|matches| {
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command.clone()))
        });
        parsed.map_err(wording::tamed)
    }
}

/// The command line with its environment: every long flag `--x-y` is also `JULES_BATCH_X_Y`.
pub(crate) fn command<C: Subcommand>() -> clap::Command {
    environment::with_environment(wording::in_paragraphs(Args::<C>::command()))
}
