//! The command line: the only layer that knows clap, terminals and exit codes.
//!
//! Every command is a function of its flags and the [`Console`] that returns an [`Exit`] or a [`Failure`];
//! `main` alone turns either into a code.

mod args;
mod ci;
mod colour;
mod completions;
mod console;
mod duration;
mod exit;
mod failure;
mod foreign;
mod log;
mod man;
mod progress;
mod reports;
mod run;
mod selection;
mod signals;

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
    match args.command {
        Command::Run(_) => Ok(Exit::Done),
        Command::Completions(args) => completions::run(&args, console),
        Command::Man(args) => man::run(&args, console),
    }
}
