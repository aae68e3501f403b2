//! `run`: a manifest to its end.

mod args;
mod begin;
#[cfg(feature = "postgres")]
mod busy;
mod finish;
mod needs;
mod rehearsal;
mod repair;
mod service;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use foreign_text::line as neutral;
use jiff::Timestamp;
use tokio::sync::mpsc;

pub(crate) use args::{RunArgs, SimulateWith};
use begin::{Beginning, Begun, say_nothing_to_do};
use service::Target;

use super::client::{self, said_when_long};
use super::console::{Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::plan::{PlanFormat, print, warn_of_problems};
use super::quote::quoted;
use super::run_error::cannot;
use super::signals::{self, Signal, Signals};
use super::simulate::{is_scenario, scenario};
use super::{github, outlook, outputs, planned};
use crate::manifest::Manifest;
use crate::outcome::RunRecord;
use crate::runner::{Finished, Options, RunError, Runner, StopReason};

/// How long a stopped run waits for a reader of its result.
const FLUSH: Duration = Duration::from_secs(2);

/// What is to be run, and how its user names it.
pub(crate) struct Job {
    /// The manifest.
    pub(crate) manifest: Manifest,
    /// What identifies it in the ledger, in place of its path.
    pub(crate) origin: PathBuf,
    /// Where reports say that its tasks stand; none when it is no file.
    pub(crate) file: Option<String>,
    /// The command that runs it again; none when it is no command but a step of a workflow.
    pub(crate) command: Option<String>,
    /// The run of the workflow whose step it is, and whether that is tried again.
    pub(crate) workflow: Option<(String, bool)>,
}

impl Job {
    fn options(&self, args: &RunArgs) -> Result<Options, Failure> {
        let options = args.options()?;
        let scenario = args.scenario().map(Path::to_owned);
        let named = scenario.as_ref().map(|path| path.to_string_lossy().into_owned());
        let inputs: Vec<_> = self.manifest.files().into_iter().chain(scenario).collect();
        outputs::spare(&inputs, &options.reports)?;
        let (workflow_run, is_rerun) =
            self.workflow.clone().map_or((None, false), |(run, again)| (Some(run), again));
        Ok(Options { workflow_run, is_rerun, scenario: named, ..options })
    }
}

/// How a run ended.
pub(crate) struct Ended {
    /// The code.
    pub(crate) exit: Exit,
    /// The run, if one was begun and ended in order.
    pub(crate) record: Option<RunRecord>,
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        Self { exit, record: None }
    }
}

pub(crate) async fn run(args: &RunArgs, console: &Console) -> Result<Exit, Failure> {
    if matches!(args.simulate, Some(SimulateWith::Demo)) && is_scenario(&args.manifest) {
        return Err(without_sign(&args.manifest));
    }
    let manifest = planned::read(&args.manifest, &args.selection, console)?;
    let command = format!("jules-batch run {}", quoted(&args.manifest));
    let file = Some(args.manifest.to_string_lossy().into_owned());
    let job = Job { manifest, origin: args.manifest.clone(), file, command: Some(command), workflow: None };
    Ok(Box::pin(execute(args, job, console)).await?.exit)
}

/// `--simulate FILE`, where FILE is taken for the manifest.
fn without_sign(scenario: &Path) -> Failure {
    let shown = neutral(&scenario.display().to_string());
    Failure::usage(format!("`{shown}` is a scenario, not a manifest"))
        .help(format!("write it with a `=`: jules-batch run jobs.yaml --simulate={}", quoted(scenario)))
}

/// Runs a job under the flags of `run`; where the manifest comes from is the caller's business.
pub(crate) async fn execute(args: &RunArgs, job: Job, console: &Console) -> Result<Ended, Failure> {
    if args.dry_run {
        return Box::pin(dry_run(args, job, console)).await;
    }
    let mut signals = Signals::new()?;
    signals::leave_at_the_second()?;
    console.makes_way_for_the_shell();
    let target = Target::of(args, &job.manifest).await?;
    let options = Options { show_activities: console.live(), ..job.options(args)? };
    let reports = options.reports.clone();
    let Job { manifest, origin, file, command, .. } = job;
    let job = (Arc::new(manifest), origin, file);
    let beginning = Beginning { job, args, command: command.as_deref(), target: &target, console };
    let run = tokio::select! {
        begun = Box::pin(beginning.begin(options)) => match begun? {
            Begun::Run(run) => run,
            Begun::Nothing => return Ok(Exit::Done.into()),
            #[cfg(feature = "postgres")]
            Begun::Followed(finished, events) => {
                if busy::follows(args, console) {
                    busy::write(&finished, &events, (&reports, args))?;
                    print_result(&finished, args, console).await?;
                    finish::finish(&finished, args, &reports, command.as_deref(), console);
                }
                let exit = finish::exit(&finished, &args.fail_on);
                return Ok(Ended { exit, record: Some(finished.record) });
            }
        },
        // Nothing has begun yet that a signal would have to wait for.
        signal = signals.next() => return Ok(signal.exit().into()),
    };
    let is_idle = run.is_idle();
    let (stops, inbox) = mpsc::channel(4);
    let finished = tokio::select! {
        finished = run.run(inbox) => finished.map_err(|error| cannot(error, console))?,
        signal = stop_on(&mut signals, stops, console) => return Ok(signal.exit().into()),
    };
    target.leave(console);
    tokio::select! {
        printed = print_result(&finished, args, console) => printed?,
        signal = signals.next() => return Ok(signal.exit().into()),
    }
    if is_idle {
        finish::way_on(&finished, args, command.as_deref(), console);
        return Ok(Ended { exit: finish::exit(&finished, &args.fail_on), record: Some(finished.record) });
    }
    let exit = finish::finish(&finished, args, &reports, command.as_deref(), console);
    Ok(Ended { exit, record: Some(finished.record) })
}

/// Prints the tasks that the run would start or take up, and touches nothing.
async fn dry_run(args: &RunArgs, job: Job, console: &Console) -> Result<Ended, Failure> {
    let mut options = job.options(args)?;
    if args.is_simulated() {
        options.state = options.state.simulated();
    }
    let mut runner = Runner::new(job.manifest).origin(job.origin, job.file).options(options);
    if args.is_simulated() {
        runner = runner.simulated(scenario(args.scenario())?.speed());
    } else {
        runner = runner.client(client::builder(&args.service)?).github_client(github::connect()?);
    }
    let preview = said_when_long("asking GitHub", console, Box::pin(runner.preview_now())).await;
    preview.iter().flat_map(|preview| &preview.notes).for_each(|note| console.warn(&neutral(note)));
    match preview {
        Ok(preview) if preview.outlook.is_idle => {
            say_nothing_to_do(&preview.outlook, job.command.as_deref(), args, console);
        }
        Ok(preview) => {
            // Of what only the account knows nothing can be told.
            if !preview.outlook.tasks.is_empty() {
                outlook::foretell(&preview.outlook, console);
                outlook::unmet(&preview.outlook).iter().for_each(|why| console.say(why));
                outlook::held_up(&preview).iter().for_each(|why| console.say(why));
                outlook::day(&preview, Timestamp::now()).iter().for_each(|day| console.say(day));
            }
            print(&preview.plan, &preview.outlook, PlanFormat::Table, console)?;
            warn_of_problems(&preview.impossible, console);
        }
        Err(nothing @ RunError::NothingFailed) => console.say(&nothing.to_string()),
        Err(error) => return Err(cannot(error, console)),
    }
    Ok(Exit::Done.into())
}

/// Prints the result, off the main thread, which has to hear a signal meanwhile. Who wanted the run to stop does not
/// want to wait for a reader that does not read either.
async fn print_result(finished: &Finished, args: &RunArgs, console: &Console) -> Result<(), Failure> {
    let text = outputs::result(&args.reports, &finished.record, console)?;
    if text.is_empty() {
        return Ok(());
    }
    let out = console.clone();
    let printing = tokio::task::spawn_blocking(move || out.result(&text));
    let patience = if finished.stopped.is_some_and(StopReason::leaves_live) { FLUSH } else { Duration::MAX };
    match tokio::time::timeout(patience, printing).await {
        Ok(printed) => printed.unwrap_or_else(|panicked| Err(Failure::new(Exit::Fault, panicked))),
        Err(_) => {
            console
                .warn("nobody reads stdout: not every line of the result is there; `status` tells it again");
            Ok(())
        }
    }
}

/// Passes signals on to the run. Ends with the second one: whoever sends that does not want to wait.
async fn stop_on(signals: &mut Signals, stops: mpsc::Sender<StopReason>, console: &Console) -> Signal {
    let first = signals.next().await;
    console.say(&format!("{DIM}stopping; live sessions go on, and the next run takes them up{DIM:#}"));
    let reason = match first {
        Signal::Interrupt => StopReason::Interrupt,
        Signal::Terminate => StopReason::Terminate,
    };
    // A run that has ended meanwhile needs no reason any more.
    let _ = stops.send(reason).await;
    signals.next().await
}
