//! `plan`: what a manifest would do.

mod check;
mod json;
mod table;

use std::collections::HashMap;
use std::path::PathBuf;

use clap::ValueEnum;
use foreign_text::line as neutral;

use super::args::{Service, State};
use super::console::{Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::run_error::cannot;
use super::selection::Selection;
use super::{outlook, planned};
use crate::manifest::Manifest;
use crate::plan::{Plan, Task, TaskId, Unresolved};
use crate::report::many;
use crate::runner::{Decision, Options, Outlook, Runner};

const AFTER_HELP: &str = "\
Nothing is created and, without --check, no network is used: a `match` over the connected sources then stays one
line that says so, and a source without a branch stands with `(default)` until a run has told the branch. How many tasks are done, failed and to be
started is told by the ledger. Off a terminal the table is lines of task id, source, title, the prompt's first line and what a
`run` would do with the task, with tabs between. A task that cannot be run, such as one whose prompt-file is missing, is told, and the exit code is 3.

Examples:
  jules-batch plan jobs.yaml --select 'tag(deps)'
  jules-batch plan jobs.yaml --format json | jq -r '.tasks[].prompt'
  jules-batch plan jobs.yaml --select 'job(docs)' --prompts
  jules-batch plan jobs.yaml --check";

/// `plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct PlanArgs {
    /// The manifest
    #[arg(value_name = "MANIFEST", default_value = "jobs.yaml")]
    pub(crate) manifest: PathBuf,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    pub(crate) format: PlanFormat,
    /// Print the whole prompt of each task, below the task's id
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub(crate) prompts: bool,
    /// Ask the service about key, sources and branches, resolve `match`, and tell which tasks would be adopted
    #[arg(long)]
    pub(crate) check: bool,
    /// Which tasks.
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
    /// How to reach the service.
    #[command(flatten)]
    pub(crate) service: Service,
}

/// What a `run` would do with each task.
type Decisions<'a> = HashMap<&'a TaskId, &'a Decision>;

/// `plan --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// A table on a terminal, tab-separated lines elsewhere
    #[default]
    Table,
    /// One JSON object
    Json,
    /// `--prompts`
    #[value(skip)]
    Prompts,
}

impl PlanArgs {
    fn format(&self) -> PlanFormat {
        if self.prompts { PlanFormat::Prompts } else { self.format }
    }
}

pub(crate) async fn run(args: &PlanArgs, console: &Console) -> Result<Exit, Failure> {
    let manifest = planned::read(&args.manifest, &args.selection, console)?;
    if args.check {
        return check::run(args, manifest, console).await;
    }
    let runner = runner(args, manifest)?;
    let plan = runner.expand().map_err(|error| cannot(error, console))?;
    let plan = args.selection.apply(plan)?;
    let all = foretell(&runner, &plan, console)?;
    print(&plan, &all, args.format(), console)?;
    match impossible(&plan.tasks) {
        Some(failure) => Err(failure),
        None => Ok(Exit::Done),
    }
}

/// Says why tasks cannot be run, each reason once.
pub(crate) fn warn_of_problems(tasks: &[Task], console: &Console) {
    problems(tasks).iter().for_each(|problem| console.warn(problem));
}

/// The end of a plan with tasks that cannot be run.
fn impossible(tasks: &[Task]) -> Option<Failure> {
    let count = tasks.iter().filter(|task| task.problem.is_some()).count();
    let what = format!("{count} of {} cannot be run", many(tasks.len(), "task"));
    (count > 0).then(|| {
        let failure = Failure::new(Exit::ManifestInvalid, what);
        problems(tasks).into_iter().fold(failure, Failure::cause)
    })
}

fn problems(tasks: &[Task]) -> Vec<String> {
    let mut problems: Vec<String> =
        tasks.iter().filter_map(|task| task.problem.as_deref()).map(neutral).collect();
    problems.sort_unstable();
    problems.dedup();
    problems
}

/// Who knows what a `run` would do, by what the ledger says.
fn runner(args: &PlanArgs, manifest: Manifest) -> Result<Runner, Failure> {
    let options = Options { state: args.state.location()?, ..Options::default() };
    Ok(Runner::new(manifest).options(options))
}

/// What a `run` would do with the tasks.
fn foretell(runner: &Runner, plan: &Plan, console: &Console) -> Result<Outlook, Failure> {
    if plan.tasks.is_empty() {
        return Ok(Outlook::default());
    }
    let all = runner.outlook(plan).map_err(|error| cannot(error, console))?;
    outlook::foretell(&all, console);
    Ok(all)
}

/// Prints tasks and what becomes of them, and on stderr how many there are and what is not known of them.
pub(crate) fn print(
    plan: &Plan,
    all: &Outlook,
    format: PlanFormat,
    console: &Console,
) -> Result<(), Failure> {
    let decisions = all.tasks.iter().map(|(task, decision)| (task, decision)).collect();
    match format {
        PlanFormat::Json => json::print(plan, &decisions, console)?,
        PlanFormat::Table => table::print(plan, &decisions, console)?,
        PlanFormat::Prompts => table::prompts(plan, console)?,
    }
    planned::warn(plan, console);
    match plan.tasks.as_slice() {
        [] if !plan.unresolved.is_empty() => {
            console.warn("no task is known yet: which ones there are depends on the connected sources");
        }
        [] => console.say("no task"),
        _ => console.say(&format!("{DIM}{}{DIM:#}", counted(plan))),
    }
    for line in &plan.unresolved {
        console.say(&unresolved(plan, line));
    }
    if let Some(note) = open_branches(plan) {
        console.say(&note);
    }
    Ok(())
}

/// `12 tasks of 3 jobs on 5 sources`.
fn counted(plan: &Plan) -> String {
    let mut jobs: Vec<&str> = plan.tasks.iter().map(|task| task.job.as_str()).collect();
    jobs.dedup();
    jobs.sort_unstable();
    jobs.dedup();
    let mut sources: Vec<_> = plan.tasks.iter().filter_map(|task| task.source.as_ref()).collect();
    sources.sort_unstable();
    sources.dedup();
    let on =
        if sources.is_empty() { String::new() } else { format!(" on {}", many(sources.len(), "source")) };
    let more = if plan.unresolved.is_empty() { "" } else { ", and those that `match` finds" };
    format!("{} of {}{on}{more}", many(plan.tasks.len(), "task"), many(jobs.len(), "job"))
}

fn unresolved(plan: &Plan, line: &Unresolved) -> String {
    format!(
        "{}:{}:{}: what `{}` of job `{}` finds, the account knows: jules-batch plan --check",
        neutral(&plan.manifest),
        line.place.line,
        line.place.column,
        neutral(&line.pattern),
        neutral(line.job.as_str())
    )
}

/// What the tasks are that `(default)` stands in.
fn open_branches(plan: &Plan) -> Option<String> {
    let open = plan.tasks.iter().filter(|task| task.has_open_branch()).count();
    let begin = if open == 1 { "begins" } else { "begin" };
    (open > 0).then(|| {
        format!(
            "{} {begin} on a default branch, whose name the account knows: jules-batch plan --check",
            many(open, "task")
        )
    })
}
