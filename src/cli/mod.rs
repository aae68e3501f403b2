//! The command line: the only layer that knows clap, terminals and exit codes.
//!
//! Every command is a function of its flags and the [`Console`] that returns an [`Exit`] or a [`Failure`];
//! `main` alone turns either into a code.

mod action;
mod args;
mod ci;
mod client;
mod colour;
mod completions;
mod console;
mod doctor;
mod environment;
mod exit;
mod fail_on;
mod failure;
mod json;
mod log;
mod man;
mod merge;
mod open;
mod outputs;
mod plan;
mod planned;
mod progress;
mod quote;
mod recorded;
mod redact;
mod report;
mod run;
mod schema;
mod selection;
mod session;
mod shard;
mod signals;
mod simulate;
mod sources;
mod status;
mod stderr;
mod summary;
mod wording;

pub use args::Args;
use args::Command;
pub use console::Console;
pub use exit::Exit;
pub use failure::Failure;

/// Does what the command line says.
///
/// # Errors
///
/// Whatever ends a command before its end, with the exit code that fits.
pub fn run(args: Args, console: &Console) -> Result<Exit, Failure> {
    if !matches!(args.command, Command::Action(_)) {
        log::start(console, args.global.verbose);
    }
    match args.command {
        Command::Action(args) => action::run(&args, console),
        Command::Run(args) => block_on(run::run(&args, console)),
        Command::Plan(args) => block_on(plan::run(&args, console)),
        Command::Status(args) => block_on(status::run(&args, console)),
        Command::Report(args) => report::run(&args, console),
        Command::Merge(args) => merge::run(&args, console),
        Command::Session(args) => block_on(session::run(&args, console)),
        Command::Open(args) => open::run(&args, console),
        Command::Sources(args) => block_on(sources::run(&args, console)),
        Command::Doctor(args) => block_on(doctor::run(&args, console)),
        Command::Simulate(args) => block_on(simulate::run(&args, console)),
        Command::Schema(args) => schema::run(&args, console),
        Command::Completions(args) => completions::run(&args, console),
        Command::Man(args) => man::run(&args, console),
    }
}

/// Runs a command on a runtime of its own. What it leaves behind is not waited for.
///
/// One thread drives it: a run waits nearly all the time, and more threads would cost memory, wake-ups and heaps of
/// their own.
fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Fault, error))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}
