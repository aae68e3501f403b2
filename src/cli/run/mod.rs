//! `run`: a manifest to its end.

mod args;
mod books;
mod finish;
mod service;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub(crate) use args::RunArgs;
use books::Books;
use service::Target;

use super::console::{BOLD, Console, DIM, YELLOW};
use super::exit::Exit;
use super::failure::Failure;
use super::outputs;
use super::plan::{dry_run, many, nothing_selected};
use super::planned;
use super::progress::Progress;
use super::quote::quoted;
use super::signals::{self, Signal, Signals};
use crate::engine::{self, EngineError, Finished, Observers, Options, Setup, StopReason};
use crate::manifest::Manifest;
use crate::outcome::RunRecord;
use crate::plan::Plan;
use crate::report::console_fragment as neutral;

/// Without `--max-tasks`, more tasks than this need a yes: each costs a session of the quota.
const MANY_TASKS: usize = 1_000;

/// How long a stopped run waits for a reader of its result.
const FLUSH: Duration = Duration::from_secs(2);

/// What is to be run, and how its user names it.
pub(crate) struct Job {
    /// The manifest.
    pub(crate) manifest: Manifest,
    /// What stands for its path in the ledger.
    pub(crate) origin: PathBuf,
    /// Where reports say that its tasks stand; none when it is no file.
    pub(crate) file: Option<String>,
    /// The command that runs it again; none when it is no command but a step of a workflow.
    pub(crate) command: Option<String>,
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
    let manifest = planned::read(&args.manifest, &args.selection, console)?;
    let command = format!("jules-batch run {}", quoted(&args.manifest));
    let file = Some(args.manifest.to_string_lossy().into_owned());
    let job = Job { manifest, origin: args.manifest.clone(), file, command: Some(command) };
    Ok(execute(args, &job, console).await?.exit)
}

/// Runs a job under the flags of `run`; where the manifest comes from is the caller's business.
pub(crate) async fn execute(args: &RunArgs, job: &Job, console: &Console) -> Result<Ended, Failure> {
    if args.dry_run {
        return Ok(dry_run(&job.manifest, &args.selection, console)?.into());
    }
    let mut signals = Signals::new().map_err(|error| Failure::new(Exit::Fault, error))?;
    signals::leave_at_the_second().map_err(|error| Failure::new(Exit::Fault, error))?;
    let target = Target::of(args).await?;
    // Nothing has begun yet that a signal would have to wait for.
    let prepared = tokio::select! {
        prepared = prepare(args, job, &target, console) => prepared?,
        signal = signals.next() => return Ok(signal.exit().into()),
    };
    let Prepared { setup, observers } = prepared;
    let (stops, inbox) = mpsc::channel(4);
    let finished = tokio::select! {
        finished = engine::run(setup, observers, inbox) => finished,
        signal = stop_on(&mut signals, stops, console) => return Ok(signal.exit().into()),
    };
    let finished = finished.map_err(not_kept)?;
    target.leave(console);
    tokio::select! {
        printed = print_result(&finished, args, console) => printed?,
        signal = signals.next() => return Ok(signal.exit().into()),
    }
    let exit = finish::finish(&finished, args, job.command.as_deref(), &target, console);
    Ok(Ended { exit, record: Some(finished.record) })
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

/// A run that can begin.
struct Prepared {
    setup: Setup,
    observers: Observers,
}

/// Looks at everything that can be wrong, the cheap things first, before anything is started or recorded.
async fn prepare(args: &RunArgs, job: &Job, target: &Target, console: &Console) -> Result<Prepared, Failure> {
    // The settings are the same with and without the account's sources: one client asks for everything, so that
    // the report counts every request.
    let draft = planned::expand(&job.manifest, console)?;
    let api = target.connect(&target.fit(with_flags(draft.clone(), args)).settings)?;
    let plan = planned::resolve(&job.manifest, draft, &api, console).await?;
    let plan = target.fit(with_flags(args.selection.apply(plan)?, args));
    if plan.tasks.is_empty() {
        return Err(nothing_selected());
    }
    agree(&plan, console).await?;
    outputs::check(&args.reports)?;
    target.greet(&api).await?;
    let state_dir = target.state_dir(&args.state.state_dir);
    let books = Books::open(args, job, &plan, state_dir, target.is_simulated())?;
    announce(&plan, &books, target, console);
    let (record, options) = (books.record(), options(args, &books));
    let observers = observers(args, books, console)?;
    Ok(Prepared { setup: Setup { plan: Arc::new(plan), api, record, options }, observers })
}

/// What the flags say wins over what the manifest says.
fn with_flags(mut plan: Plan, args: &RunArgs) -> Plan {
    let settings = &mut plan.settings;
    if let Some(max) = args.max_parallel {
        settings.strategy.max_parallel = max.get();
    }
    if args.max_tasks.is_some() {
        settings.strategy.max_tasks = args.max_tasks;
    }
    if args.fail_fast {
        settings.strategy.fail_fast = true;
    }
    if let Some(interval) = args.poll_interval {
        settings.poll.interval = interval;
    }
    if let Some(timeout) = args.task_timeout {
        plan.tasks.iter_mut().for_each(|task| task.timeouts.task = timeout);
    }
    let settings = &mut plan.settings;
    if let Some(deadline) = args.deadline {
        settings.run_timeout = Some(settings.run_timeout.map_or(deadline, |timeout| timeout.min(deadline)));
    }
    plan
}

async fn agree(plan: &Plan, console: &Console) -> Result<(), Failure> {
    let tasks = plan.tasks.len();
    if tasks <= MANY_TASKS || plan.settings.strategy.max_tasks.is_some() {
        return Ok(());
    }
    let question = format!("{} start as many sessions. Go on?", many(tasks, "task"));
    if console.interactive() {
        // Off the main thread, which has to hear a signal meanwhile.
        let asked = console.clone();
        let answer = tokio::task::spawn_blocking(move || asked.confirm(&question)).await;
        if answer.unwrap_or(false) {
            return Ok(());
        }
    }
    Err(Failure::usage(format!("{} are more than {MANY_TASKS}", many(tasks, "task")))
        .help("say how many sessions this run may start: --max-tasks N; the next run goes on"))
}

fn options(args: &RunArgs, books: &Books) -> Options {
    Options {
        wait: !args.no_wait,
        rerun_failed: args.failed,
        selected: args.selection.is_partial(),
        // Whoever asks for a fresh run does not want the sessions of an earlier one.
        look_back: (!args.fresh).then(|| books.look_back()),
        known_sessions: books.known_sessions().clone(),
        created_within_day: books.created_within_day().to_vec(),
        seed: fastrand::u64(..),
    }
}

fn observers(args: &RunArgs, books: Books, console: &Console) -> Result<Observers, Failure> {
    let record = books.record();
    let (recorder, history) = books.into_recorder();
    let progress = Progress::new(console, &record, args.heartbeat);
    let mut listeners = outputs::writers(&args.reports, record, history, console)?;
    listeners.push(Box::new(progress));
    let redactor = console.redactor().clone();
    let clean = Box::new(move |event| redactor.clean_event(event));
    Ok(Observers { ledger: Box::new(recorder), listeners, clean })
}

fn announce(plan: &Plan, books: &Books, target: &Target, console: &Console) {
    if let Some(note) = target.note() {
        console.say(&format!("{YELLOW}{note}{YELLOW:#}"));
    }
    for note in books.notes() {
        console.warn(&neutral(note));
    }
    let verb = if books.goes_on() { "going on with run" } else { "run" };
    console.say(&format!(
        "{verb} {BOLD}{}{BOLD:#} of {}: {}, {} at once",
        books.run_id(),
        neutral(&plan.name),
        many(plan.tasks.len(), "task"),
        plan.settings.strategy.max_parallel
    ));
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

fn not_kept(error: EngineError) -> Failure {
    match error {
        EngineError::Books(error) => Failure::new(Exit::NotWritable, error)
            .help("nothing was started after it; make room, then run the same command again to go on"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::manifest::{LoadOptions, inline};
    use crate::plan::{Settings, expand};

    fn plan(line: &[&str]) -> Plan {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            run: RunArgs,
        }
        let args = Line::parse_from(["run"].iter().chain(line)).run;
        let manifest = inline("x", &["o/r@main".into()], None, &LoadOptions::default()).unwrap();
        with_flags(expand(&manifest, None).unwrap(), &args)
    }

    #[test]
    fn flags_win_over_the_manifest() {
        let plan = plan(&["-j", "7", "--max-tasks", "2", "--fail-fast", "--poll-interval", "3s"]);
        let strategy = plan.settings.strategy;
        assert_eq!((strategy.max_parallel, strategy.max_tasks, strategy.fail_fast), (7, Some(2), true));
        assert_eq!(plan.settings.poll.interval, Duration::from_secs(3));
    }

    #[test]
    fn what_no_flag_says_stays_as_the_manifest_has_it() {
        let plan = plan(&[]);
        assert_eq!(plan.settings, Settings::default());
    }

    #[test]
    fn a_deadline_only_shortens_and_a_task_timeout_holds_for_every_task() {
        let plan = plan(&["--deadline", "5h", "--task-timeout", "9m"]);
        assert_eq!(plan.settings.run_timeout, Some(Duration::from_secs(5 * 3600)));
        assert!(plan.tasks.iter().all(|task| task.timeouts.task == Duration::from_secs(540)));
    }
}
