//! The command line: the only layer that knows clap, terminals and exit codes.
//!
//! Every command is a function of its flags and the [`Console`] that returns an [`Exit`] or a [`Failure`]; [`main`] alone
//! knows all commands, and turns what they return into a code.

mod action;
mod annotations;
mod args;
mod ci;
mod client;
mod colour;
mod completions;
mod console;
mod display;
mod doctor;
mod environment;
mod exit;
mod fail_on;
mod failure;
mod github;
mod init;
mod input;
mod json;
mod links;
mod location;
mod log;
mod man;
mod mark;
mod merge;
mod number;
mod open;
mod outlook;
mod outputs;
mod plan;
mod planned;
mod progress;
mod pulls;
mod quote;
mod recorded;
mod redact;
mod report;
mod run;
mod run_error;
mod schema;
mod selection;
#[cfg(feature = "serve")]
mod serve;
mod session;
mod shard;
mod signals;
mod simulate;
mod sources;
#[cfg(feature = "postgres")]
mod state;
mod status;
mod stderr;
mod summary;
#[cfg(unix)]
mod suspend;
mod user;
mod wording;
mod wrap;

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anstream::AutoStream;
use args::Args;
use ci::Ci;
use clap::Subcommand;
use console::Console;
use exit::Exit;
use failure::Failure;

/// How many files must be free to be opened: two runtimes take eight, a ledger three, a connection or a report one, and a
/// played service as many as a run has connections to it.
#[cfg(unix)]
const FEWEST_FILES: usize = 21;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a manifest to begin with
    Init(init::InitArgs),
    /// Run a manifest: start what is new, go on with what is open, leave what is done
    Run(Box<run::RunArgs>),
    /// Expand a manifest and print its tasks; touches nothing
    Plan(plan::PlanArgs),
    /// Show how a run stands, also while another process runs it
    Status(status::StatusArgs),
    /// Say of tasks that they are done, not to be done, or to be done
    Mark(mark::MarkArgs),
    /// Show how pull requests stand after their sessions, and act on them
    Pulls(Box<pulls::PullsArgs>),
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
    /// Make and look after a ledger that machines share, in PostgreSQL
    #[cfg(feature = "postgres")]
    State(state::StateArgs),
    /// Check key, network, clock, sources and ledger, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Serve the pages of runs to a browser, live and read only
    #[cfg(feature = "serve")]
    Serve(serve::ServeArgs),
    /// Serve the simulator: the Jules API, played on this machine
    Simulate(simulate::SimulateArgs),
    /// Print the JSON Schema of the manifest, of report.json or of a scenario
    Schema(schema::SchemaArgs),
    /// Run as the GitHub Action does: inputs from the environment, results for GitHub
    Action(Box<action::ActionArgs>),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual pages
    Man(man::ManArgs),
}

/// Parse, run, exit: the only place where an error becomes a code.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::parse_from_env(std::env::args_os()) {
        Ok(args) => args,
        Err(answer) => {
            // Help and version go to stdout, errors to stderr; a reader that has gone away is no error.
            let _ = print(&answer);
            return if answer.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let console = Console::new(&args.global);
    // The action publishes its own.
    let annotates = console.ci() == Some(Ci::GitHub) && !matches!(args.command, Command::Action(_));
    let exit = run(args, &console).unwrap_or_else(|failure| {
        console.failure(&failure);
        if annotates && !failure.findings().is_empty() {
            // Not on stdout, which a script may have taken.
            console.shown(annotations::of(&failure).trim_end());
        }
        failure.exit()
    });
    console.close();
    exit.into()
}

/// An error may quote a variable or a word of the command line that a secret was put into.
fn print(answer: &clap::Error) -> io::Result<()> {
    match redact::redactor().clean(&answer.render().ansi().to_string()) {
        Cow::Borrowed(_) => answer.print(),
        Cow::Owned(clean) => AutoStream::auto(io::stderr()).write_all(clean.as_bytes()),
    }
}

fn run(args: Args<Command>, console: &Console) -> Result<Exit, Failure> {
    if !matches!(args.command, Command::Action(_)) {
        log::start(console, args.global.verbose);
    }
    match args.command {
        Command::Action(args) => block_on(action::run(&args, console)),
        Command::Init(args) => init::run(&args, console),
        Command::Run(args) => block_on(run::run(&args, console)),
        Command::Plan(args) => block_on(plan::run(&args, console)),
        Command::Status(args) => block_on(status::run(&args, console)),
        Command::Mark(args) => block_on(mark::run(&args, console)),
        Command::Pulls(args) => block_on(pulls::run(&args, console)),
        Command::Report(args) => report::run(&args, console),
        Command::Merge(args) => merge::run(&args, console),
        Command::Session(args) => block_on(session::run(&args, console)),
        Command::Open(args) => open::run(&args, console),
        Command::Sources(args) => block_on(sources::run(&args, console)),
        #[cfg(feature = "postgres")]
        Command::State(args) => state::run(&args, console),
        Command::Doctor(args) => block_on(doctor::run(&args, console)),
        #[cfg(feature = "serve")]
        Command::Serve(args) => block_on(serve::run(&args, console)),
        Command::Simulate(args) => block_on(simulate::run(&args, console)),
        Command::Schema(args) => schema::run(&args, console),
        Command::Completions(args) => completions::run(&args, args::command::<Command>(), console),
        Command::Man(args) => man::run(&args, args::command::<Command>(), console),
    }
}

/// Runs a command on a runtime of its own. What it leaves behind is not waited for.
///
/// One thread drives it: a run waits nearly all the time, and more threads would cost memory, wake-ups and heaps of
/// their own.
fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    room_for_files().map_err(|error| Failure::new(Exit::Fault, error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Fault, error))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// Fails if the system lets us open too few files for any command. The runtime does not survive that: it panics where it
/// cannot have what it hears signals with.
fn room_for_files() -> io::Result<()> {
    #[cfg(unix)]
    (0..FEWEST_FILES).map(|_| std::fs::File::open("/dev/null")).collect::<io::Result<Vec<_>>>()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        args::command::<Command>().debug_assert();
    }

    #[test]
    fn the_key_is_no_flag() {
        fn walk(command: &clap::Command) {
            for arg in command.get_arguments() {
                assert!(!arg.get_id().as_str().contains("key"), "{}: {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&args::command::<Command>());
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
        walk(&args::command::<Command>());
    }

    #[test]
    fn the_exit_codes_in_the_help_are_the_real_ones() {
        let help = args::command::<Command>().get_after_long_help().unwrap().to_string();
        for exit in Exit::ALL {
            assert!(help.contains(&format!("\n  {:>3}  ", exit.code())), "{exit:?}");
        }
    }
}
