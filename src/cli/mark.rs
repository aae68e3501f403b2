//! `mark`: a person's word on tasks.

use std::path::PathBuf;

use clap::ValueEnum;
use foreign_text::line as neutral;

use super::args::{Service, State};
use super::client;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::planned;
use super::run_error::cannot;
use super::selection::Selection;
use super::user;
use crate::outcome::{Mark, RunId};
use crate::plan::{Filter, Selection as Chosen};
use crate::report::many;
use crate::runner::{Options, RunError, Runner};

const AFTER_HELP: &str = "\
Nothing is asked of Jules, but for the connected repositories where one of the tasks has a `match`, or a source without a branch
that no run has seen so far. The word is recorded in the manifest's last run with who said it and when, and stands in all of its reports. A task marked done counts as succeeded; one
marked skip is not started until it is marked otherwise; one marked open is started by the next run.

Examples:
  jules-batch mark done 'source(my-org/web)' --reason 'merged by hand'
  jules-batch mark skip 'job(upgrade) & tag(legacy)'
  jules-batch mark open 'job(docs)'";

/// `mark`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct MarkArgs {
    /// As what
    #[arg(value_name = "WORD", value_enum)]
    pub(crate) mark: Word,
    /// Which tasks, as in --select
    #[arg(value_name = "EXPR")]
    pub(crate) tasks: Filter,
    /// The manifest
    #[arg(long, value_name = "MANIFEST", default_value = "jobs.yaml")]
    pub(crate) manifest: PathBuf,
    /// Why, for the reports
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// In this run [default: the manifest's last one]
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<RunId>,
    /// Set a variable of the manifest; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
    /// How to reach the service.
    #[command(flatten)]
    pub(crate) service: Service,
}

/// As what tasks are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Word {
    /// Done: it counts as succeeded
    Done,
    /// Not to be done, until it is marked otherwise
    Skip,
    /// To be done, whatever became of it
    Open,
}

pub(crate) async fn run(args: &MarkArgs, console: &Console) -> Result<Exit, Failure> {
    let selection = Selection { var: args.var.clone(), ..Selection::default() };
    let manifest = planned::read(&args.manifest, &selection, console)?;
    let options = Options {
        selection: Chosen { select: vec![args.tasks.clone()], ..Chosen::default() },
        state: args.state.location()?,
        run: args.run.clone(),
        ..Options::default()
    };
    let failed = |error| {
        let wants_key = matches!(error, RunError::Client(_));
        let help = "which repositories a `match` finds, or the branch of a source that names none and that no run has had, \
                    only the service can tell: name them in the manifest, or set the key";
        cannot(error, console).help_if(wants_key, help)
    };
    let runner = Runner::new(manifest).options(options);
    // Most manifests have nothing to ask.
    let runner = match client::builder(&args.service) {
        Ok(client) => runner.client(client),
        Err(_) => runner,
    };
    let mark = match args.mark {
        Word::Done => Mark::Done,
        Word::Skip => Mark::Skip,
        Word::Open => Mark::Open,
    };
    let who = user::who();
    let marking = Box::pin(runner.mark(mark, &who, args.reason.as_deref()));
    let (run, tasks) = marking.await.map_err(failed)?;
    for task in &tasks {
        console.result_line(&neutral(task.as_str()))?;
    }
    let count = many(tasks.len(), "task");
    console.say(&format!(
        "{count} marked {} in run {run}; its reports: jules-batch report {run}",
        mark.as_str()
    ));
    Ok(Exit::Done)
}
