//! `run`: a manifest to its end.

mod args;
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
#[cfg(feature = "postgres")]
use busy::Left;
use service::Target;

use super::client::{self, said_when_long};
use super::console::{BOLD, Console, DIM, YELLOW};
use super::exit::Exit;
use super::failure::Failure;
use super::plan::{PlanFormat, print, warn_of_problems};
use super::progress::{Pace, Progress};
use super::quote::quoted;
use super::recorded::exit_of;
use super::selection::nothing_selected;
use super::signals::{self, Signal, Signals};
use super::simulate::{is_scenario, scenario};
use super::{github, outlook, outputs, planned};
use crate::ledger::LedgerError;
use crate::manifest::Manifest;
use crate::outcome::{JournalError, RunRecord};
use crate::plan::Plan;
use crate::report::many;
use crate::runner::{EventLines, Finished, Options, Outlook, Run, RunError, Runner, StopReason};

/// Without `--max-tasks`, more tasks than this need a yes: each costs a session of the quota.
const MANY_TASKS: usize = 1_000;

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
    #[cfg_attr(not(feature = "postgres"), expect(unused_mut, reason = "nobody is followed"))]
    let mut options = Options { show_activities: console.live(), ..job.options(args)? };
    let reports = options.reports.clone();
    let manifest = Arc::new(job.manifest);
    let run = loop {
        let runner = Runner::new(Arc::clone(&manifest)).origin(job.origin.clone(), job.file.clone());
        let runner = target.serve(runner, options.clone())?;
        // Nothing has begun yet that a signal would have to wait for.
        let prepared = tokio::select! {
            prepared = Box::pin(prepare(runner, args, job.command.as_deref(), &target, console)) => prepared?,
            signal = signals.next() => return Ok(signal.exit().into()),
        };
        match prepared {
            Prepared::Run(run) => break run,
            Prepared::Nothing => return Ok(Exit::Done.into()),
            #[cfg(feature = "postgres")]
            Prepared::Busy(busy) => {
                let left = tokio::select! {
                    left = Box::pin(busy::until_free(busy, args, console)) => left?,
                    signal = signals.next() => return Ok(signal.exit().into()),
                };
                match left {
                    // What the other has done is what was to be done.
                    Left::Done(finished, events) => {
                        if busy::follows(args, console) {
                            busy::write(&finished, &events, &reports)?;
                            print_result(&finished, args, console).await?;
                            finish::finish(&finished, args, &reports, job.command.as_deref(), console);
                        }
                        let exit = finish::exit(&finished, &args.fail_on);
                        return Ok(Ended { exit, record: Some(finished.record) });
                    }
                    Left::Work(run) => options = busy::going_on(options, run),
                }
            }
        }
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
        finish::way_on(&finished, args, job.command.as_deref(), console);
        return Ok(Ended { exit: finish::exit(&finished, &args.fail_on), record: Some(finished.record) });
    }
    let exit = finish::finish(&finished, args, &reports, job.command.as_deref(), console);
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

/// What became of the preparations.
enum Prepared {
    Run(Box<Run>),
    /// Nothing is to be run again.
    Nothing,
    /// Another machine has the manifest's runs.
    #[cfg(feature = "postgres")]
    Busy(LedgerError),
}

/// What is done before a run begins.
const ASKING: &str = "asking the service";

/// Looks at everything that can be wrong before anything is started, and tells what is going to happen.
async fn prepare(
    runner: Runner,
    args: &RunArgs,
    command: Option<&str>,
    target: &Target,
    console: &Console,
) -> Result<Prepared, Failure> {
    let failed = |error| cannot(error, console);
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
    let mut run = match said_when_long(ASKING, console, Box::pin(planned.open())).await {
        Err(nothing @ RunError::NothingFailed) => {
            console.say(&nothing.to_string());
            return Ok(Prepared::Nothing);
        }
        #[cfg(feature = "postgres")]
        Err(RunError::Ledger(busy @ LedgerError::Owned { .. })) if busy::is_waited_for(args, console) => {
            return Ok(Prepared::Busy(busy));
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
fn say_nothing_to_do(all: &Outlook, command: Option<&str>, args: &RunArgs, console: &Console) {
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

/// What it means for the command that a run could not begin or be recorded.
pub(crate) fn cannot(error: RunError, console: &Console) -> Failure {
    match error {
        RunError::Client(error) => client::unusable(error),
        RunError::Service(error) => client::refused(error),
        error @ (RunError::EndlessSources { .. } | RunError::Deadline { .. }) => {
            Failure::new(Exit::Unavailable, error)
        }
        RunError::Manifest(found) => planned::invalid(&found, console),
        RunError::Selection(error) => Failure::usage(error),
        RunError::NothingSelected => nothing_selected(),
        error @ RunError::NothingAgain => {
            Failure::new(Exit::NothingSelected, error).help("see all tasks: jules-batch plan")
        }
        RunError::NothingFailed => Failure::new(Exit::Done, error),
        RunError::NoWaveWaits => Failure::usage(error).help("see how they stand: jules-batch status"),
        RunError::NoGithubToken(_) => Failure::new(Exit::KeyRefused, error)
            .help("nothing was started; set JULES_BATCH_GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN, see: jules-batch doctor"),
        RunError::GithubTokenRefused(_) => Failure::new(Exit::KeyRefused, error)
            .help("nothing was started; see what the token is and reaches: jules-batch doctor"),
        RunError::Github(_) => Failure::usage(error.to_string()),
        RunError::UnknownRun(_) => Failure::usage(error).help("see all runs: jules-batch status --all"),
        RunError::Report(error) => outputs::unwritable(error),
        RunError::Ledger(error) => Failure::new(exit_of(&error), error),
        RunError::NotRecorded(error) if is_elsewhere(&error) => Failure::new(Exit::WorkLeft, error)
            .help("what was begun here is taken up there; the events that the ledger does not have are in events.jsonl among the reports"),
        RunError::NotRecorded(error) if error.is_away() => Failure::new(Exit::NotWritable, error)
            .help("nothing was started after it; when the database answers again, run the same command again to go on"),
        RunError::NotRecorded(error) => Failure::new(Exit::NotWritable, error)
            .help("nothing was started after it; make room, then run the same command again to go on"),
    }
}

/// Whether another process has the run by now.
fn is_elsewhere(error: &JournalError) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<LedgerError>());
    matches!(source, Some(LedgerError::Deposed { .. }))
}
