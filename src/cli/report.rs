//! `report`: a recorded run again, in any format.

use std::path::{Path, PathBuf};

use super::args::State;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::input::{self, MAX_REPORT_BYTES};
use super::outputs::{self, ReportArgs};
use super::recorded;
use crate::ledger::LedgerReader;
use crate::outcome::{JournalError, RunEvent, RunId};
use crate::report::{self, ReportV1};
use crate::runner::{Diffs, Format, ReportFiles, event_lines};

const AFTER_HELP: &str = "\
With --format the report goes to stdout; without, all files of the report folder are written again. A report.json
holds no events: with --from, events.jsonl is left alone.

Examples:
  jules-batch report --format markdown
  jules-batch report 20261122-020005-7c1f --report-dir again
  jules-batch report --from report.json --format junit > junit.xml
  jules-batch report --from report.json --report-dir jules-report
  jules-batch report --format html > report.html";

/// `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RenderArgs {
    /// The run's id [default: the last one]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<RunId>,
    /// Take the run from a report.json instead of the ledger; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
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
    /// Figures for Prometheus
    Prometheus,
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
            Self::Prometheus => Some(Format::Prometheus),
            Self::Events => None,
        }
    }
}

pub(crate) fn run(args: &RenderArgs, console: &Console) -> Result<Exit, Failure> {
    let run = load(args, console)?;
    let profile = args.reports.files.junit_profile;
    match args.format.map(RenderFormat::format) {
        Some(Some(format)) => outputs::print(format, &run.report, profile, &run.diffs, console)?,
        Some(None) => console.result(&event_lines(&run.events()?))?,
        None => write_again(args, &run, console)?,
    }
    Ok(Exit::Done)
}

/// Writes all files, and prints what is wanted on stdout, or else where they are.
fn write_again(args: &RenderArgs, run: &Loaded, console: &Console) -> Result<(), Failure> {
    let files = ReportFiles { diffs: run.diffs.clone(), ..args.reports.files()? };
    let wanted = run.ledger.is_some() || args.reports.events.is_some();
    let events = wanted.then(|| run.events()).transpose()?;
    let checked = if events.is_some() { files.check() } else { files.check_without_events() };
    checked.map_err(|error| args.reports.unwritable(error))?;
    let unwritten = |error: JournalError| Failure::new(Exit::NotWritable, error);
    let mut written = files.write(&run.report).map_err(unwritten)?;
    if let Some(events) = &events {
        written.extend(files.write_events(events).map_err(|error| unwritten(error.into()))?);
    }
    match (args.reports.files.on_stdout(), &events) {
        (Some(format), _) => outputs::print(format, &run.report, files.junit_profile, &run.diffs, console),
        (None, Some(events)) if args.reports.events_on_stdout() => console.result(&event_lines(events)),
        (None, _) => written.iter().try_for_each(|path| console.result_line(&path.display().to_string())),
    }
}

/// A run, and the ledger that it comes from if it does not come from a report.json.
struct Loaded {
    report: ReportV1,
    ledger: Option<(LedgerReader, RunId)>,
    diffs: Diffs,
}

fn load(args: &RenderArgs, console: &Console) -> Result<Loaded, Failure> {
    if let Some(path) = &args.from {
        return Ok(Loaded { report: read(path)?, ledger: None, diffs: Diffs::default() });
    }
    let location = args.state.location()?;
    let reader = recorded::open(&location, args.run.as_ref())?;
    let record = recorded::find(&reader, args.run.as_ref(), console)?;
    let diffs = Diffs::of(location, record.info.id.clone());
    Ok(Loaded { report: ReportV1::of(&record), ledger: Some((reader, record.info.id)), diffs })
}

impl Loaded {
    fn events(&self) -> Result<Vec<RunEvent>, Failure> {
        let Some((reader, id)) = &self.ledger else {
            return Err(Failure::usage("a report.json holds no events")
                .help("take them from the ledger: leave --from out, and name --state-dir"));
        };
        Ok(reader.events(id, 0).map_err(recorded::unreadable)?.events)
    }
}

/// A report.json; `-` is stdin.
pub(crate) fn read(path: &Path) -> Result<ReportV1, Failure> {
    let text = input::read_of("report", path, MAX_REPORT_BYTES)?;
    report::from_json(&text).map_err(|error| {
        let is_stdin = path == Path::new("-");
        let name =
            if is_stdin { "stdin".to_owned() } else { foreign_text::line(&path.display().to_string()) };
        Failure::usage(format!("cannot read {name}")).because(&error)
    })
}
