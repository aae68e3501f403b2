//! `action`: the entry point of `action.yml`.
//!
//! The action's script maps every input to a variable and then is this program. Inputs that are flags of `run` reach it
//! as `JULES_BATCH_X_Y`, like anywhere; the rest are the flags of this command. A `run` follows, then what is to be done
//! about pull requests, and what all of it came to is published where GitHub reads it.

mod inputs;
mod job;
mod publish;
mod pulls;

pub(crate) use inputs::ActionArgs;

use clap::Subcommand;
use foreign_text::line as neutral;

use super::args::Args;
use super::console::Console;
use super::exit::Exit;
use super::fail_on::FailOn;
use super::failure::Failure;
use super::log;
use super::pulls::Standing;
use super::run::{self, Ended, Job, RunArgs};
use crate::outcome::RunRecord;
use pulls::Commands;

pub(crate) async fn run(args: &ActionArgs, console: &Console) -> Result<Exit, Failure> {
    let Prepared { run, job, pulls, console } = match prepare(args) {
        Ok(prepared) => prepared,
        Err(failure) => {
            let came = Came { ends: vec![Err(failure)], ..Came::default() };
            let published = publish::publish(&came, None, args, console);
            return Ok(conclude(came.ends, published, &FailOn::default(), console));
        }
    };
    let mut came = Came::default();
    match job {
        Ok(Some(job)) => came.take(Box::pin(run::execute(&run, job, &console)).await),
        Ok(None) => {}
        Err(failure) => came.ends.push(Err(failure)),
    }
    if came.may_go_on() {
        let manifest = (!args.is_inline()).then_some((run.manifest.as_path(), run.selection.var.as_slice()));
        Box::pin(pulls.carry_out(&run.state.location()?, manifest, &mut came, &console)).await;
    }
    let published = publish::publish(&came, Some(&run), args, &console);
    let exit = conclude(came.ends, published, &run.fail_on, &console);
    // The program waits for its own console alone, and this is another.
    console.close();
    Ok(exit)
}

/// What a step came to.
#[derive(Default)]
struct Came {
    /// How the run and each command of `pulls` ended, in their order.
    ends: Vec<Result<Exit, Failure>>,
    /// The run, if one was begun and ended in order.
    record: Option<RunRecord>,
    /// What was done to pull requests, for the summary.
    acted: String,
    /// How the manifest's pull requests stand then; none where there is no ledger.
    standing: Option<Standing>,
}

impl Came {
    fn take(&mut self, ended: Result<Ended, Failure>) {
        self.ends.push(ended.map(|Ended { exit, record }| {
            self.record = record;
            exit
        }));
    }

    /// The code of all that was done.
    fn exit(&self) -> Exit {
        Exit::strongest(self.ends.iter().map(exit_of))
    }

    /// Whether there is a point in looking at pull requests after that.
    fn may_go_on(&self) -> bool {
        matches!(self.exit(), Exit::Done | Exit::NothingSelected | Exit::WorkLeft | Exit::TasksFailed)
    }
}

fn exit_of(end: &Result<Exit, Failure>) -> Exit {
    end.as_ref().map_or_else(Failure::exit, |exit| *exit)
}

/// What a step can do.
#[derive(Debug, Subcommand)]
enum Step {
    /// Run a manifest, or go on with its last run
    Run(Box<RunArgs>),
}

/// What the inputs ask for.
struct Prepared {
    /// Its flags; they also say where the ledger and the reports are where nothing is run.
    run: Box<RunArgs>,
    /// What is run; nothing with `pulls-only`.
    job: Result<Option<Job>, Failure>,
    pulls: Commands,
    console: Console,
}

fn prepare(args: &ActionArgs) -> Result<Prepared, Failure> {
    let inline = args.inline()?;
    let line = args.command_line(&|name| std::env::var(name).ok())?;
    let Args { global, command: Step::Run(run) } =
        Args::parse_from_env(line).map_err(|error| misused(&error))?;
    let pulls = Commands::of(args)?;
    let console = Console::new(&global);
    log::start(&console, global.verbose);
    let job = if args.pulls_only { Ok(None) } else { job::job(inline, &run, &console).map(Some) };
    Ok(Prepared { run, job, pulls, console })
}

/// Inputs are often made of what others wrote, such as a branch's name: clap quotes them in its errors.
fn misused(error: &clap::Error) -> Failure {
    let text: Vec<String> = error.render().to_string().lines().map(neutral).collect();
    Failure::rendered(Exit::Usage, text.join("\n"))
}

/// The step's end: "nothing selected" and "work is left" fail it only if `fail-on` names them.
fn conclude(
    ends: Vec<Result<Exit, Failure>>,
    published: Result<(), Failure>,
    fail_on: &FailOn,
    console: &Console,
) -> Exit {
    let ends = ends.into_iter().chain([published.map(|()| Exit::Done)]);
    Exit::strongest(ends.map(|end| {
        let exit = exit_of(&end);
        if let Err(failure) = end {
            console.failure(&failure);
        }
        match exit {
            Exit::NothingSelected if !fail_on.empty => Exit::Done,
            Exit::WorkLeft if !fail_on.incomplete => Exit::Done,
            exit => exit,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Global;

    fn concluded(result: Result<Exit, Exit>, fail_on: &str) -> u8 {
        let console = Console::new(&Global { quiet: true, ..Global::default() });
        let ends = vec![Ok(Exit::Done), result.map_err(|exit| Failure::new(exit, "for a reason"))];
        conclude(ends, Ok(()), &fail_on.parse().unwrap(), &console).code()
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
