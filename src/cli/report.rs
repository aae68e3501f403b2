//! `report`: a recorded run again, in any format.

use std::path::{Path, PathBuf};

use super::args::State;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::outputs::{self, Format, ReportArgs};
use super::recorded;
use crate::outcome::RunId;
use crate::report::{self, ReportV1};

const AFTER_HELP: &str = "\
With --format the report goes to stdout; without, all files of the report folder are written again.

Examples:
  jules-batch report --format markdown
  jules-batch report 20261122-020005-7c1f --report-dir again
  jules-batch report --from report.json --format junit --junit-profile jenkins > junit.xml
  jules-batch report --format html > report.html";

/// `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RenderArgs {
    /// The run's id [default: the last one]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<RunId>,
    /// Take the run from a report.json instead of the ledger
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "state_dir"])]
    pub(crate) from: Option<PathBuf>,
    /// Print this format instead of writing files
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    pub(crate) format: Option<RenderFormat>,
    /// Where reports go.
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
}

/// `report --format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RenderFormat {
    /// JUnit XML
    Junit,
    /// report.json
    Json,
    /// Common Test Report Format
    Ctrf,
    /// summary.md
    Markdown,
    /// One self-contained page
    Html,
    /// Every change of state as a line of JSON; from the ledger only
    Events,
}

impl RenderFormat {
    /// The report format; events are none.
    const fn format(self) -> Option<Format> {
        match self {
            Self::Junit => Some(Format::Junit),
            Self::Json => Some(Format::Json),
            Self::Ctrf => Some(Format::Ctrf),
            Self::Markdown => Some(Format::Markdown),
            Self::Html => Some(Format::Html),
            Self::Events => None,
        }
    }
}

pub(crate) fn run(args: &RenderArgs, console: &Console) -> Result<Exit, Failure> {
    let format = args.format.map(RenderFormat::format);
    match format {
        Some(None) => return events(args, console),
        Some(Some(format)) => {
            let text = format.render(&load(args)?, args.reports.junit_profile);
            console.result(&text.map_err(|error| Failure::new(Exit::Fault, error))?)?;
        }
        None => {
            let report = load(args)?;
            outputs::check(&args.reports)?;
            outputs::write_all(&args.reports, &report)?;
            for (path, _) in outputs::files(&args.reports) {
                console.result_line(&path.display().to_string())?;
            }
        }
    }
    Ok(Exit::Done)
}

fn load(args: &RenderArgs) -> Result<ReportV1, Failure> {
    if let Some(path) = &args.from {
        return read(path);
    }
    let reader = recorded::open(&args.state.state_dir)?;
    Ok(ReportV1::of(&recorded::find(&reader, args.run.as_ref())?.record))
}

/// A report.json.
pub(crate) fn read(path: &Path) -> Result<ReportV1, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::usage(CannotRead { path: path.to_owned(), source: source.into() }))?;
    report::from_json(&text)
        .map_err(|source| Failure::usage(CannotRead { path: path.to_owned(), source: source.into() }))
}

fn events(args: &RenderArgs, console: &Console) -> Result<Exit, Failure> {
    if args.from.is_some() {
        return Err(Failure::usage("a report.json holds no events")
            .help("take them from the ledger: leave --from out, and name --state-dir"));
    }
    let reader = recorded::open(&args.state.state_dir)?;
    let id = recorded::find(&reader, args.run.as_ref())?.record.info.id;
    for event in reader.events(&id, 0).map_err(recorded::unreadable)?.events {
        console.result_line(&report::event_line(&event))?;
    }
    Ok(Exit::Done)
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
struct CannotRead {
    path: PathBuf,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}
