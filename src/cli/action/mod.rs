//! `action`: the entry point of `action.yml`.
//!
//! The action's script maps every input to a variable and then is this program. Inputs that are flags of `run` reach it
//! as `JULES_BATCH_X_Y`, like anywhere; the rest are the flags of this command. A `run` follows, and what it came to
//! is published where GitHub reads it.

mod inputs;
mod job;
mod publish;

pub(crate) use inputs::ActionArgs;

use clap::Subcommand;
use foreign_text::line as neutral;

use super::args::Args;
use super::console::Console;
use super::exit::Exit;
use super::fail_on::FailOn;
use super::failure::Failure;
use super::log;
use super::run::{self, Ended, Job, RunArgs};

pub(crate) async fn run(args: &ActionArgs, console: &Console) -> Result<Exit, Failure> {
    match prepare(args) {
        Ok(Prepared { run, job, console }) => {
            let result = match job {
                Ok(job) => Box::pin(run::execute(&run, job, &console)).await,
                Err(failure) => Err(failure),
            };
            let published = publish::publish(&result, Some(&run), args, &console);
            let ended = conclude(result, published, &run.fail_on, &console);
            // The program waits for its own console alone, and this is another.
            console.close();
            ended
        }
        Err(failure) => {
            let result = Err(failure);
            let published = publish::publish(&result, None, args, console);
            conclude(result, published, &FailOn::default(), console)
        }
    }
}

/// What a step can do.
#[derive(Debug, Subcommand)]
enum Step {
    /// Run a manifest, or go on with its last run
    Run(Box<RunArgs>),
}

/// The `run` that the inputs ask for.
struct Prepared {
    run: Box<RunArgs>,
    job: Result<Job, Failure>,
    console: Console,
}

fn prepare(args: &ActionArgs) -> Result<Prepared, Failure> {
    let inline = args.inline()?;
    let line = args.command_line(&|name| std::env::var(name).ok())?;
    let Args { global, command: Step::Run(run) } =
        Args::parse_from_env(line).map_err(|error| misused(&error))?;
    let console = Console::new(&global);
    log::start(&console, global.verbose);
    let job = job::job(inline, &run, &console);
    Ok(Prepared { run, job, console })
}

/// Inputs are often made of what others wrote, such as a branch's name: clap quotes them in its errors.
fn misused(error: &clap::Error) -> Failure {
    let text: Vec<String> = error.render().to_string().lines().map(neutral).collect();
    Failure::rendered(Exit::Usage, text.join("\n"))
}

/// The step's end: "nothing selected" and "work is left" fail it only if `fail-on` names them.
fn conclude(
    result: Result<Ended, Failure>,
    published: Result<(), Failure>,
    fail_on: &FailOn,
    console: &Console,
) -> Result<Exit, Failure> {
    let forgiven = |exit| match exit {
        Exit::NothingSelected => !fail_on.empty,
        Exit::WorkLeft => !fail_on.incomplete,
        _ => false,
    };
    let ended = match result {
        Ok(ended) if forgiven(ended.exit) => Ok(Exit::Done),
        Ok(ended) => Ok(ended.exit),
        Err(failure) if forgiven(failure.exit()) => {
            console.failure(&failure);
            Ok(Exit::Done)
        }
        Err(failure) => Err(failure),
    };
    match (ended, published) {
        (ended, Ok(())) => ended,
        (Ok(Exit::Done), Err(unpublished)) => Err(unpublished),
        (ended, Err(unpublished)) => {
            console.failure(&unpublished);
            ended
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Global;

    fn concluded(result: Result<Exit, Exit>, fail_on: &str) -> u8 {
        let console = Console::new(&Global { quiet: true, ..Global::default() });
        let result = result
            .map(|exit| Ended { exit, record: None })
            .map_err(|exit| Failure::new(exit, "for a reason"));
        match conclude(result, Ok(()), &fail_on.parse().unwrap(), &console) {
            Ok(exit) => exit.code(),
            Err(failure) => failure.exit().code(),
        }
    }

    #[test]
    fn work_left_fails_the_step_only_on_wish() {
        assert_eq!(concluded(Ok(Exit::WorkLeft), "any"), 0);
        assert_eq!(concluded(Ok(Exit::WorkLeft), "any,incomplete"), 5);
        assert_eq!(concluded(Err(Exit::NothingSelected), "any"), 0);
        assert_eq!(concluded(Err(Exit::NothingSelected), "empty"), 4);
    }

    #[test]
    fn everything_else_keeps_its_code() {
        assert_eq!(concluded(Ok(Exit::TasksFailed), "any"), 100);
        assert_eq!(concluded(Ok(Exit::Interrupted), "any"), 130);
        assert_eq!(concluded(Err(Exit::KeyRefused), "none"), 6);
    }
}
