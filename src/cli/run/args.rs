//! The flags of `run`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::args::{Service, State};
use crate::cli::fail_on::FailOn;
use crate::cli::failure::Failure;
use crate::cli::number::{positive, whole};
use crate::cli::outputs::ReportArgs;
use crate::cli::quote::quoted;
use crate::cli::selection::Selection;
use crate::cli::user::who;
use crate::ledger::Location;
use crate::manifest::parse_duration;
use crate::outcome::RunId;
use crate::plan::Filter;
use crate::runner::Options;

const AFTER_HELP: &str = "\
At the end, stdout carries one line per task: outcome, task id, and the pull request or else the session, with tabs
between (not on a terminal, where the summary tells the same); of several pull requests of one session the last comes
first, and the earlier ones follow in columns of their own. Everything else goes to stderr. Run the same command again
to go on where it stopped: what is done stays done for as long as the manifest's `repeat` says, what failed waits for --failed.

Examples:
  Try it without a key:            jules-batch run --simulate
  Ten at once, five hours at most: jules-batch run -j 10 --deadline 5h
  Only what is tagged `deps`:      jules-batch run --select 'tag(deps)'
  Once more what ended badly:      jules-batch run --failed
  Once more one job, done or not:  jules-batch run --again 'job(docs)'
  Pull requests alone:             jules-batch run | cut -f3 | grep /pull/";

/// `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RunArgs {
    /// The manifest
    #[arg(value_name = "MANIFEST", default_value = "jobs.yaml")]
    pub(crate) manifest: PathBuf,
    /// Run against the built-in simulator, without key and network; SCENARIO is a YAML file
    #[arg(
        long,
        value_name = "SCENARIO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "demo"
    )]
    pub(crate) simulate: Option<SimulateWith>,
    /// Print the tasks that would be started or taken up, and touch nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Which tasks.
    #[command(flatten)]
    pub(crate) selection: Selection,

    /// Only run again what ended badly when it was run last, and go on with what is open
    #[arg(long, conflicts_with = "fresh", help_heading = "Going on")]
    pub(crate) failed: bool,
    /// Start tasks although others that they need are left out by the selection and have not ended well
    #[arg(long, help_heading = "Going on")]
    pub(crate) ignore_needs: bool,
    /// Begin a round of all selected tasks, whatever they have come to; what is live of them is taken up
    #[arg(long, help_heading = "Going on")]
    pub(crate) fresh: bool,
    /// Do these tasks once more although they are done, such as 'job(docs)'
    #[arg(long, value_name = "EXPR", help_heading = "Going on")]
    pub(crate) again: Vec<Filter>,
    /// The same, also where their pull request is still open or was closed
    #[arg(long, value_name = "EXPR", help_heading = "Going on")]
    pub(crate) recreate: Vec<Filter>,
    /// Do tasks once more that were done before their prompt was edited
    #[arg(long, help_heading = "Going on")]
    pub(crate) redo_edited: bool,
    /// With --fresh or --again: archive what is live of these tasks, and create new sessions
    #[arg(long, help_heading = "Going on")]
    pub(crate) replace_live: bool,
    /// Let the next wave of repositories begin, whatever became of the one before
    #[arg(long, help_heading = "Going on")]
    pub(crate) next_wave: bool,
    /// Go on with this run instead of the manifest's last one
    #[arg(long, value_name = "ID", conflicts_with = "fresh", help_heading = "Going on")]
    pub(crate) run: Option<RunId>,
    /// Do not ask before tasks are done again that have a result
    #[arg(long, help_heading = "Going on")]
    pub(crate) yes: bool,
    /// Start sessions, at most max-parallel, record them, and leave them to themselves; a later `run` collects them
    #[arg(long, help_heading = "Going on")]
    pub(crate) no_wait: bool,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
    /// Where another machine has the manifest's runs in a shared ledger: watch it and end as it does, or go on if it dies
    /// (follow); the same in silence (wait); or leave with 5 [default: follow in CI, else leave]
    #[cfg(feature = "postgres")]
    #[arg(long, value_name = "WHAT", value_enum, help_heading = "State")]
    pub(crate) if_busy: Option<IfBusy>,
    /// How long the run goes on without a shared ledger that does not answer: what is live is followed, and nothing is
    /// created, answered or archived
    #[cfg(feature = "postgres")]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10m", help_heading = "State")]
    pub(crate) state_patience: Duration,

    /// Live sessions at once [default: the manifest's strategy.max-parallel, else 3]
    #[arg(short = 'j', long, value_name = "N", value_parser = positive, help_heading = "Limits")]
    pub(crate) max_parallel: Option<NonZeroUsize>,
    /// Start at most this many sessions in this invocation; the rest is deferred
    #[arg(long, value_name = "N", value_parser = whole::<usize>, help_heading = "Limits")]
    pub(crate) max_tasks: Option<usize>,
    /// Stop after this time, such as 5h30m; live sessions are left and taken up by the next `run`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Limits")]
    pub(crate) deadline: Option<Duration>,
    /// How long an attempt at a task may take [default: the manifest's timeouts.task, else 2h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Limits")]
    pub(crate) task_timeout: Option<Duration>,
    /// Start nothing more after the first failed task
    #[arg(long, help_heading = "Limits")]
    pub(crate) fail_fast: bool,
    /// Outcomes that end the run with exit code 100, with commas between; or any, none; also
    /// pr:checks_failed, pr:conflict, pr:closed, pr:unchecked
    #[arg(long, value_name = "LIST", default_value = "any", help_heading = "Limits")]
    pub(crate) fail_on: FailOn,
    /// The usual distance between two looks at a session [default: the manifest's poll.interval, else 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Limits")]
    pub(crate) poll_interval: Option<Duration>,

    /// Where reports go.
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
    /// Where no terminal is: how often to say how things stand; 0s for never
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "60s", help_heading = "Output")]
    pub(crate) heartbeat: Duration,

    /// How to reach the service.
    #[command(flatten)]
    pub(crate) service: Service,
}

/// `--if-busy`.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum IfBusy {
    /// Watch it, render its reports at its end, and end as it does
    Follow,
    /// Wait for its end in silence, and end as it does
    Wait,
    /// Leave, with 5
    Leave,
}

impl RunArgs {
    /// Whether the service is the simulator.
    pub(super) fn is_simulated(&self) -> bool {
        matches!(self.simulate, Some(SimulateWith::Demo | SimulateWith::Scenario(_)))
    }

    /// The file that says how the simulator behaves.
    pub(super) fn scenario(&self) -> Option<&Path> {
        match &self.simulate {
            Some(SimulateWith::Scenario(path)) => Some(path),
            Some(SimulateWith::No | SimulateWith::Demo) | None => None,
        }
    }

    /// Where the run is recorded.
    fn location(&self) -> Result<Location, Failure> {
        let location = self.state.location()?;
        #[cfg(feature = "postgres")]
        let location = location.with_patience(self.state_patience);
        Ok(location)
    }

    /// The same in the runner's words.
    pub(super) fn options(&self) -> Result<Options, Failure> {
        if self.replace_live && !self.fresh && self.again.is_empty() {
            return Err(Failure::usage("`--replace-live` does nothing by itself")
                .help("say of which tasks: --again EXPR --replace-live, or --fresh --replace-live for all"));
        }
        Ok(Options {
            selection: self.selection.tasks()?,
            max_parallel: self.max_parallel.map(NonZeroUsize::get),
            max_tasks: self.max_tasks,
            fail_fast: self.fail_fast,
            poll_interval: self.poll_interval,
            task_timeout: self.task_timeout,
            deadline: self.deadline,
            wait: !self.no_wait,
            failed: self.failed,
            ignore_needs: self.ignore_needs,
            fresh: self.fresh,
            again: self.again.clone(),
            recreate: self.recreate.clone(),
            redo_edited: self.redo_edited,
            replace_live: self.replace_live,
            next_wave: self.next_wave.then(who),
            run: self.run.clone(),
            state: self.location()?,
            reports: self.reports.files()?,
            ..Options::default()
        })
    }
}

/// `--simulate[=SCENARIO]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SimulateWith {
    /// Not at all: `JULES_BATCH_SIMULATE=false`.
    No,
    /// With the built-in scenario.
    Demo,
    /// With this one.
    Scenario(PathBuf),
}

impl SimulateWith {
    /// The flag that says so.
    pub(super) fn flag(&self) -> Option<String> {
        match self {
            Self::No => None,
            Self::Demo => Some("--simulate".to_owned()),
            Self::Scenario(path) => Some(format!("--simulate={}", quoted(path))),
        }
    }
}

impl std::str::FromStr for SimulateWith {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "demo" | "true" | "1" | "yes" | "on" => Self::Demo,
            "false" | "0" | "no" | "off" => Self::No,
            path => Self::Scenario(path.into()),
        })
    }
}
