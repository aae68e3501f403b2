//! The command line as clap sees it, and the environment as its second voice.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::colour::Colour;
use super::{
    action, completions, doctor, environment, man, merge, open, plan, report, run, schema, session, simulate,
    sources, status, wording,
};

const AFTER_HELP: &str = "\
Environment:
  JULES_API_KEY         the API key, or JULES_API_KEY_FILE, a file that holds it; never a flag
  JULES_BATCH_X_Y       the same as --x-y; flag > environment > manifest > default
  NO_COLOR, CI          as everywhere

Try it without a key:
  jules-batch run jobs.example.yaml --simulate";

const AFTER_LONG_HELP: &str = "\
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
    0  done
    1  an operation failed, or our own fault
    2  the command line is wrong
    3  the manifest is invalid
    4  no task was selected
    5  nothing failed, but work is left: run again
    6  the API key is missing or was refused
   75  service down or quota gone before anything started
  100  tasks failed (see run --fail-on); wins over 5
  110  a report or the ledger could not be written
  130  interrupted (SIGINT), everything saved
  143  terminated (SIGTERM), everything saved

Examples:
  See what a manifest would do, and touch nothing:
    jules-batch plan jobs.yaml
  Run the example against the built-in simulator, without a key:
    jules-batch run jobs.example.yaml --simulate
  Run for real, ten sessions at once, five hours at most; run the same command again to go on:
    JULES_API_KEY=… jules-batch run jobs.yaml --max-parallel 10 --deadline 5h";

/// Runs a manifest of prompts × sources as Jules sessions, follows each to its end, and writes JUnit and JSON.
#[derive(Debug, Parser)]
#[command(
    name = "jules-batch",
    version,
    after_help = AFTER_HELP,
    after_long_help = AFTER_LONG_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    propagate_version = true,
    max_term_width = 110
)]
pub struct Args {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
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
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a manifest, or go on with its last run
    Run(Box<run::RunArgs>),
    /// Expand a manifest and print its tasks; touches nothing
    Plan(plan::PlanArgs),
    /// Show how a run stands, also while another process runs it
    Status(status::StatusArgs),
    /// Write or print the reports of a recorded run again
    Report(report::RenderArgs),
    /// Merge the report.json files of shards into one set of reports
    Merge(merge::MergeArgs),
    /// Work with one session: create, follow, answer, approve, apply
    Session(Box<session::SessionArgs>),
    /// Print, and on a terminal open, the pull request or session of a task
    Open(open::OpenArgs),
    /// List the repositories that the account has connected
    Sources(sources::SourcesArgs),
    /// Check key, network, clock, sources and ledger, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Serve the simulator: the Jules API, played on this machine
    Simulate(simulate::SimulateArgs),
    /// Print the JSON Schema of the manifest or of report.json
    Schema(schema::SchemaArgs),
    /// Run as the GitHub Action does: inputs from the environment, results for GitHub
    Action(Box<action::ActionArgs>),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual pages
    Man(man::ManArgs),
}

impl Args {
    /// Reads a command line and the environment.
    ///
    /// # Errors
    ///
    /// clap's: a wrong command line, or the request for help or the version.
    pub fn parse_from_env(line: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let line: Vec<OsString> = line.into_iter().collect();
        let command = environment::behind(&line, wording::in_paragraphs(Self::command()));
        let matches = command.clone().try_get_matches_from(&line);
        let parsed =
            matches.map_err(|error| wording::with_suggestion(error, &line, &command)).and_then(|matches| {
                Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command.clone()))
            });
        parsed.map_err(wording::tamed)
    }
}

/// The command line with its environment: every long flag `--x-y` is also `JULES_BATCH_X_Y`.
#[must_use]
pub(crate) fn command() -> clap::Command {
    environment::with_environment(wording::in_paragraphs(Args::command()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn the_key_is_no_flag() {
        fn walk(command: &clap::Command) {
            for arg in command.get_arguments() {
                assert!(!arg.get_id().as_str().contains("key"), "{}: {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&command());
    }

    #[test]
    fn every_flag_and_command_has_a_help_text() {
        fn walk(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{}: {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&command());
    }

    #[test]
    fn the_exit_codes_in_the_help_are_the_real_ones() {
        for exit in crate::cli::exit::Exit::ALL {
            assert!(AFTER_LONG_HELP.contains(&format!("\n  {:>3}  {}", exit.code(), exit.meaning())));
        }
    }
}
