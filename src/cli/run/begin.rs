//! What is looked at and said before a run begins, and what another machine does meanwhile.

use std::path::PathBuf;
use std::sync::Arc;

use foreign_text::line as neutral;

use super::args::RunArgs;
#[cfg(feature = "postgres")]
use super::busy::{self, Left, Ours};
use super::finish;
use super::service::Target;
use crate::cli::client::said_when_long;
use crate::cli::console::{BOLD, Console, YELLOW};
use crate::cli::failure::Failure;
use crate::cli::progress::{Pace, Progress};
use crate::cli::run_error::cannot;
use crate::cli::{outlook, planned};
#[cfg(feature = "postgres")]
use crate::ledger::LedgerError;
use crate::manifest::Manifest;
#[cfg(feature = "postgres")]
use crate::outcome::RunEvent;
use crate::plan::Plan;
use crate::report::many;
#[cfg(feature = "postgres")]
use crate::runner::Finished;
use crate::runner::{EventLines, Options, Outlook, Run, RunError, Runner};

/// Without `--max-tasks`, more tasks than this need a yes: each costs a session of the quota.
const MANY_TASKS: usize = 1_000;

/// Who begins, and how.
pub(super) struct Beginning<'a> {
    /// The manifest, what identifies it in the ledger, and where reports say that its tasks stand.
    pub(super) job: (Arc<Manifest>, PathBuf, Option<String>),
    pub(super) args: &'a RunArgs,
    pub(super) command: Option<&'a str>,
    pub(super) target: &'a Target,
    pub(super) console: &'a Console,
}

/// What there is to do.
pub(super) enum Begun {
    Run(Box<Run>),
    Nothing,
    /// Another machine has done it.
    #[cfg(feature = "postgres")]
    Followed(Box<Finished>, Vec<RunEvent>),
}

/// What became of the preparations.
enum Prepared {
    Run(Box<Run>),
    /// Nothing is to be run again.
    Nothing,
    /// Another machine has the manifest's runs.
    #[cfg(feature = "postgres")]
    Busy(LedgerError, Ours),
}

/// What is done before a run begins.
const ASKING: &str = "asking the service";

impl Beginning<'_> {
    /// Begins a run, or goes on with one; not before another machine is through with it.
    pub(super) async fn begin(&self, options: Options) -> Result<Begun, Failure> {
        let (manifest, origin, file) = &self.job;
        #[cfg(feature = "postgres")]
        let (mut options, mut followed) = (options, None);
        loop {
            let runner = Runner::new(Arc::clone(manifest)).origin(origin.clone(), file.clone());
            match self.prepare(self.target.serve(runner, options.clone())?).await? {
                // What the other has done is what was to be done.
                #[cfg(feature = "postgres")]
                Prepared::Run(run) if run.is_idle() && followed.is_some() => {
                    return Ok(
                        followed.map_or(Begun::Nothing, |(done, events)| Begun::Followed(done, events))
                    );
                }
                Prepared::Run(run) => return Ok(Begun::Run(run)),
                Prepared::Nothing => return Ok(Begun::Nothing),
                #[cfg(feature = "postgres")]
                Prepared::Busy(busy, ours) => {
                    match Box::pin(busy::until_free(busy, ours, self.args, self.console)).await? {
                        Left::Done(done, events) => return Ok(Begun::Followed(done, events)),
                        Left::Part(done, events) => {
                            options = busy::going_on(options, Some(done.record.info.id.clone()));
                            followed = Some((done, events));
                        }
                        Left::Work(run) => options = busy::going_on(options, run),
                    }
                }
            }
        }
    }

    /// Looks at everything that can be wrong before anything is started, and tells what is going to happen.
    async fn prepare(&self, runner: Runner) -> Result<Prepared, Failure> {
        let Self { args, command, target, console, .. } = *self;
        let failed = |error| match error {
            RunError::Report(error) => args.reports.unwritable(error),
            error => cannot(error, console),
        };
        let mut planned = said_when_long(ASKING, console, Box::pin(runner.plan())).await.map_err(failed)?;
        planned::warn(planned.plan(), console);
        target.take_up(planned.plan(), args);
        said_when_long("asking GitHub", console, planned.read_pull_requests()).await.map_err(failed)?;
        let all = match planned.outlook() {
            Err(nothing @ RunError::NothingFailed) => {
                console.say(&nothing.to_string());
                return Ok(Prepared::Nothing);
            }
            all => all.map_err(failed)?.clone(),
        };
        agree(planned.plan(), &all, args, console).await?;
        #[cfg(feature = "postgres")]
        let ours = Ours::of(planned.plan());
        let mut run = match said_when_long(ASKING, console, Box::pin(planned.open())).await {
            Err(nothing @ RunError::NothingFailed) => {
                console.say(&nothing.to_string());
                return Ok(Prepared::Nothing);
            }
            #[cfg(feature = "postgres")]
            Err(RunError::Ledger(busy @ LedgerError::Owned { .. })) if busy::is_waited_for(args, console) => {
                return Ok(Prepared::Busy(busy, ours));
            }
            opened => opened.map_err(failed)?,
        };
        if run.is_idle() {
            run.notes().iter().for_each(|note| console.warn(&neutral(note)));
            say_nothing_to_do(&all, command, args, console);
            return Ok(Prepared::Run(Box::new(run)));
        }
        announce(&run, &all, target, console);
        if args.reports.events_on_stdout() {
            let lines = EventLines::stream("stdout", console.stream(), run.events().to_vec());
            run = run.listen(lines);
        }
        let progress = Progress::new(console, run.record(), Pace::of(&run.plan().settings), args.heartbeat);
        Ok(Prepared::Run(Box::new(run.listen(progress))))
    }
}

/// Asks before much is spent, or spent again.
async fn agree(plan: &Plan, all: &Outlook, args: &RunArgs, console: &Console) -> Result<(), Failure> {
    let tasks = all.to_start() + all.needs();
    if tasks > MANY_TASKS && plan.settings.strategy.max_tasks.is_none() {
        let question = format!("{} start as many sessions. Go on?", many(tasks, "task"));
        if !console.interactive() || !confirmed(question, console).await {
            return Err(Failure::usage(format!("{} are more than {MANY_TASKS}", many(tasks, "task")))
                .help("say how many sessions this run may start: --max-tasks N; the next run goes on"));
        }
    }
    if all.replaced > 0 && all.told_again() <= all.replaced {
        console.say(&format!("{} at work: archived first, and done again", many(all.replaced, "task")));
    }
    if all.repeated() == 0 {
        return Ok(());
    }
    // What the manifest's `repeat` or `--failed` asks for needs no further yes.
    if all.told_again() == 0 || args.yes || !console.interactive() {
        console.say(&outlook::repeated(all.repeated(), false));
    } else if !confirmed(outlook::repeated(all.repeated(), true) + ". Go on?", console).await {
        return Err(Failure::usage("nothing was started").help("--yes goes on without the question"));
    }
    Ok(())
}

/// Off the main thread, which has to hear a signal meanwhile.
async fn confirmed(question: String, console: &Console) -> bool {
    let asked = console.clone();
    tokio::task::spawn_blocking(move || asked.confirm(&question)).await.unwrap_or(false)
}

/// Says what is done since when, and what would do some of it once more.
pub(super) fn say_nothing_to_do(all: &Outlook, command: Option<&str>, args: &RunArgs, console: &Console) {
    let command = command.map(|command| finish::in_full(command, args));
    console.say(&outlook::nothing(all, command.as_deref()));
    outlook::kept(all).iter().for_each(|kept| console.say(kept));
}

fn announce(run: &Run, all: &Outlook, target: &Target, console: &Console) {
    if let Some(note) = target.note() {
        console.say(&format!("{YELLOW}{note}{YELLOW:#}"));
    }
    for note in run.notes() {
        console.warn(&neutral(note));
    }
    let verb = if run.goes_on() { "going on with run" } else { "run" };
    console.say(&format!(
        "{verb} {BOLD}{}{BOLD:#} of {}: {}, {} at once",
        run.record().info.id,
        neutral(&run.plan().name),
        many(run.plan().tasks.len(), "task"),
        run.plan().settings.strategy.max_parallel
    ));
    let by_pulls = all.adopted() + all.skipped_for_pulls() + all.held();
    if all.done() + all.failed() + all.at_work() + all.skipped() + by_pulls > 0 {
        outlook::foretell(all, console);
    }
}
