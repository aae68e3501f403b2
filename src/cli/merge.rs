//! `merge`: the reports of shards as one.

use std::path::{Path, PathBuf};

use super::console::Console;
use super::exit::Exit;
use super::fail_on::FailOn;
use super::failure::Failure;
use super::outputs::{self, FileArgs};
use crate::report::many;
use crate::report::{self, ReportV1, TaskV1};
use crate::runner::Diffs;

const AFTER_HELP: &str = "\
The exit code is that of the whole: 100 when a task failed under --fail-on, else 5 when work is left, a session is
astray or a shard is missing, else 0. With --partial a missing shard is only told.
Of a task that stands in several reports the one that is further on counts.

Examples:
  jules-batch merge shard-*/report.json --report-dir all
  jules-batch merge shard-*/report.json --json - | jq .totals";

/// `merge`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct MergeArgs {
    /// The shards' report.json files; - is stdin
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Where reports go.
    #[command(flatten)]
    pub(crate) reports: FileArgs,
    /// Outcomes that end the command with exit code 100, with commas between; or any, none; also
    /// pr:checks_failed, pr:conflict, pr:closed, pr:unchecked
    #[arg(long, value_name = "LIST", default_value = "any")]
    pub(crate) fail_on: FailOn,
    /// Shards may be missing
    #[arg(long)]
    pub(crate) partial: bool,
}

pub(crate) fn run(args: &MergeArgs, console: &Console) -> Result<Exit, Failure> {
    if args.files.iter().filter(|file| *file == Path::new("-")).count() > 1 {
        return Err(Failure::usage("stdin can be read once, and `-` is given twice")
            .help("join the reports by their files: jules-batch merge shard-*/report.json"));
    }
    let reports = args.files.iter().map(|path| super::report::read(path)).collect::<Result<Vec<_>, _>>()?;
    let files = args.reports.files()?;
    outputs::spare(&args.files, &files)?;
    files.check_without_events().map_err(|error| args.reports.unwritable(error))?;
    let merged = report::merge(reports).map_err(Failure::usage)?;
    let written = files.write(&merged).map_err(|error| Failure::new(Exit::NotWritable, error))?;
    match args.reports.on_stdout() {
        Some(format) => {
            outputs::print(format, &merged, args.reports.junit_profile, &Diffs::default(), console)?;
        }
        None => written.iter().try_for_each(|path| console.result_line(&path.display().to_string()))?,
    }
    console.say(&format!("{} of {}", many(merged.tasks.len(), "task"), many(args.files.len(), "report")));
    let missing = missing(&merged);
    if let Some(missing) = &missing {
        console.warn(missing);
    }
    let left = missing.filter(|_| !args.partial).map(|_| Exit::WorkLeft);
    Ok(Exit::strongest([exit(&merged, &args.fail_on)].into_iter().chain(left)))
}

/// Which shards there is no report of, if any.
fn missing(report: &ReportV1) -> Option<String> {
    let missing = report.run.missing_shards();
    let names: Vec<String> = missing.iter().map(|shard| format!("{}/{}", shard.index, shard.total)).collect();
    let is = if let [_] = missing.as_slice() { "shard is" } else { "shards are" };
    (!names.is_empty())
        .then(|| format!("{} {is} missing: {}; --partial takes that", names.len(), names.join(", ")))
}

/// The exit code of the whole.
fn exit(report: &ReportV1, fail_on: &FailOn) -> Exit {
    let failed = |task: &TaskV1| {
        let mut stages = task.pull_requests.iter().filter_map(|pull| pull.stage);
        fail_on.names(task.outcome, task.has_failed()) || stages.any(|stage| fail_on.names_stage(stage))
    };
    let failed = report.tasks.iter().filter(|task| task.ended_at.is_some()).any(failed);
    let codes = [failed.then_some(Exit::TasksFailed), report.is_unfinished().then_some(Exit::WorkLeft)];
    Exit::strongest(codes.into_iter().flatten())
}
