//! `status`: a run's state from the ledger, also while another process runs it.

mod progress;

use std::cell::LazyCell;
use std::cmp::Reverse;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use foreign_text::line as neutral;
use jiff::Timestamp;

use super::args::State;
use super::console::{CYAN, Console, DIM, YELLOW};
use super::exit::Exit;
use super::failure::Failure;
use super::progress::{Pace, Progress, troubles};
use super::signals::Signals;
use super::simulate::scenario;
use super::{outlook, recorded, summary, wrap};
use crate::ledger::{LedgerReader, Location, RunOverview};
use crate::manifest::{self, LoadOptions};
use crate::outcome::{Listener as _, RunId, RunRecord, held_up};
use crate::report::{self, ReportV1, duration};
use crate::runner::{Options, Preview, Runner};

/// How often a run is looked at: asking the ledger costs less than a millisecond.
const LOOK: Duration = Duration::from_millis(500);

const AFTER_HELP: &str = "\
The ledger is only read: the run is not disturbed. While it is at work, what is live and what is waiting is counted as its
live table does, and what holds it up is told. A campaign is told over all its days and rounds: what of the manifest is done,
what `limits.sessions-per-day` allows and when. --format json prints the run as report.json has it. Off a terminal
--all is a run a line: id, manifest, tasks, open, failed, invocations and time, with tabs between.

--exit-code ends with 5 while there is work that a further `run` would do (also when tasks have failed as well), else with
100 if tasks have failed, else with 0. A new round that `repeat` makes due is no work left.

Examples:
  jules-batch status
  jules-batch status --watch
  jules-batch status --all
  jules-batch status --exit-code || jules-batch run
  jules-batch status --format json | jq .totals";

/// `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct StatusArgs {
    /// The run's id [default: the last one]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<RunId>,
    /// Follow the run until it ends
    #[arg(long, conflicts_with = "all")]
    pub(crate) watch: bool,
    /// List all runs of the state folder, the newest first
    #[arg(long, conflicts_with = "run")]
    pub(crate) all: bool,
    /// End with 5 while work is left, with 100 if tasks have failed
    #[arg(long, conflicts_with = "all")]
    pub(crate) exit_code: bool,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    pub(crate) format: StatusFormat,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
}

/// `status --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusFormat {
    /// For people
    #[default]
    Text,
    /// The run as report.json has it
    Json,
}

pub(crate) async fn run(args: &StatusArgs, console: &Console) -> Result<Exit, Failure> {
    if args.all {
        return all(&args.state.location()?, args.format, console);
    }
    let reader = recorded::open(&args.state.location()?, args.run.as_ref())?;
    let mut record = recorded::find(&reader, args.run.as_ref(), console)?;
    if args.watch {
        record = watch(record, &reader, console).await?;
    }
    // It reads the manifest and folds the run once more: only for what is told by it.
    let preview = LazyCell::new(|| preview(&record, args, &reader));
    match args.format {
        StatusFormat::Json => console.result(&report::to_json(&ReportV1::of(&record)))?,
        StatusFormat::Text => {
            let (now, width) = (Timestamp::now(), console.out_width());
            let print = |text: &str| console.result_line(&wrap::lines(text, width));
            print(&summary::summary(&record, width))?;
            if let Some(text) = progress::text(&record, &reader, now)? {
                print(&text)?;
            }
            let holder = reader.holder(&record.info.id);
            let preview = holder.is_none().then(|| preview.as_ref()).flatten();
            let is_held_up = preview.is_some_and(|preview| preview.held_up.is_some());
            print(&state(&record, holder.as_deref(), is_held_up, now))?;
            if let Some(next) = preview.and_then(next) {
                print(&next)?;
            }
            for line in account(reader.location(), &record.info.id, holder.is_some()) {
                print(&format!("{DIM}{line}{DIM:#}"))?;
            }
        }
    }
    let exit = || progress::exit(&record, preview.as_ref().and_then(progress::is_left));
    Ok(if args.exit_code { exit() } else { Exit::Done })
}

/// Whether somebody is at it and what holds that one up, and what to do if nobody is.
/// `is_held_up`: a plain `run` would start nothing, as too many have failed.
fn state(record: &RunRecord, holder: Option<&str>, is_held_up: bool, now: Timestamp) -> String {
    let command = format!("jules-batch run {}", manifest(record));
    let go_on = match is_held_up {
        true => format!("run again what failed, and go on with the rest: {command} --failed"),
        false => format!("go on with: {command}"),
    };
    match (record.ended_at, holder) {
        (None, Some(holder)) => {
            let troubles = troubles(&record.service, now).into_iter();
            let troubles: String = troubles.map(|text| format!("\n{YELLOW}{text}{YELLOW:#}")).collect();
            format!("{CYAN}at work:{CYAN:#} {}{troubles}", neutral(holder))
        }
        (None, None) => format!("{YELLOW}its process is gone; {go_on}{YELLOW:#}"),
        (Some(_), _) if record.totals().remaining() > 0 => match held_up(record, now) {
            Some((wave, _)) => format!(
                "wave {wave} holds up the rest: see jules-batch pulls, or let the next one begin: {command} --next-wave"
            ),
            None => go_on,
        },
        (Some(_), _) => format!("{DIM}ended{DIM:#}"),
    }
}

/// How the account stands that the run shares, while it is at work. What cannot be read is not worth an error.
#[cfg(feature = "postgres")]
fn account(location: &Location, run: &RunId, at_work: bool) -> Vec<String> {
    let Location::Database(database) = location else { return Vec::new() };
    if !at_work {
        return Vec::new();
    }
    let standing = crate::ledger::standing_of(database, run).ok().flatten();
    standing.map(|standing| super::state::told(&standing)).unwrap_or_default()
}

#[cfg(not(feature = "postgres"))]
fn account(_: &Location, _: &RunId, _: bool) -> Vec<String> {
    Vec::new()
}

/// What the next `run` would do, as far as the manifest tells without the service.
fn preview(record: &RunRecord, args: &StatusArgs, reader: &LedgerReader) -> Option<Preview> {
    if args.run.is_some() {
        return None;
    }
    let manifest = manifest::load(Path::new(&record.info.manifest), &LoadOptions::default()).ok()?;
    let options = Options { state: reader.location().clone(), ..Options::default() };
    let runner = Runner::new(manifest).options(options);
    let runner = match record.info.simulated {
        true => runner.simulated(scenario(record.round.scenario.as_deref().map(Path::new)).ok()?.speed()),
        false => runner,
    };
    runner.preview().ok().filter(|preview| preview.plan.name == record.info.name)
}

fn next(preview: &Preview) -> Option<String> {
    let Preview { plan, outlook: all, .. } = preview;
    let more = if plan.unresolved.is_empty() { "" } else { ", and those that `match` finds" };
    let is_told = !all.tasks.is_empty() || plan.unresolved.is_empty();
    let held_up = outlook::held_up(preview).map_or_else(String::new, |why| format!("; {why}"));
    is_told.then(|| format!("{DIM}the next run: {}{more}{held_up}{DIM:#}", outlook::counts(all)))
}

/// The manifest, as the command line that goes on with it names it.
fn manifest(record: &RunRecord) -> String {
    let path = super::quote::quoted(Path::new(&record.info.manifest));
    match &record.round.scenario {
        _ if !record.info.simulated => path,
        None => path + " --simulate",
        Some(scenario) => format!("{path} --simulate={}", super::quote::quoted(Path::new(scenario))),
    }
}

/// Shows what happens until the run ends, or its process, or the user does not want to see more.
pub(crate) async fn watch(
    mut record: RunRecord,
    reader: &LedgerReader,
    console: &Console,
) -> Result<RunRecord, Failure> {
    let mut progress = Progress::new(console, &record, Pace::UNKNOWN, Duration::from_secs(60));
    let mut signals = Signals::new()?;
    console.makes_way_for_the_shell();
    loop {
        // Asked before the events: a run that ends in between is seen to the end in the next round.
        let held = reader.holder(&record.info.id).is_some();
        let news = reader.events(&record.info.id, record.last_seq).map_err(recorded::unreadable)?;
        news.events.iter().for_each(|event| record.apply(event));
        let shown = progress.hear(&news.events).and_then(|()| progress.tick(Instant::now()));
        shown.map_err(|error| Failure::new(Exit::Fault, error))?;
        if !held || (record.ended_at.is_some() && news.events.is_empty()) {
            return Ok(record);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = signals.next() => return Ok(record),
        }
    }
}

fn all(location: &Location, format: StatusFormat, console: &Console) -> Result<Exit, Failure> {
    let mut runs = Vec::new();
    for reader in recorded::all(location)? {
        runs.extend(reader.runs().map_err(recorded::unreadable)?);
    }
    runs.sort_by_key(|run| Reverse(run.started_at));
    match format {
        StatusFormat::Json => {
            let runs: Vec<_> = runs.iter().map(json).collect();
            console.result_line(&super::json::text(&runs)?)?;
        }
        StatusFormat::Text if console.out_terminal() => {
            console.result_line(&table(&runs, console.size().0))?;
        }
        StatusFormat::Text => {
            console.result(&runs.iter().map(|run| row(run).join("\t") + "\n").collect::<String>())?;
        }
    }
    Ok(Exit::Done)
}

/// What is told of a run among others.
fn row(run: &RunOverview) -> [String; 7] {
    let simulated = if run.simulated { " (simulated)" } else { "" };
    let took = run.updated_at.duration_since(run.started_at).unsigned_abs();
    [
        run.id.to_string(),
        format!("{}{simulated}", neutral(&run.manifest)),
        run.tasks.to_string(),
        run.open_tasks().to_string(),
        run.totals.failed().to_string(),
        run.invocations.to_string(),
        duration(took),
    ]
}

/// A manifest's name is broken where there is too little room, and nothing else is.
fn table(runs: &[RunOverview], width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.clamp(40, 200) as u16);
    table.set_header(["Run", "Manifest", "Tasks", "Open", "Failed", "Invoked", "Took"]);
    table.add_rows(runs.iter().map(row));
    let others = table.column_iter_mut().enumerate().filter(|(column, _)| *column != 1);
    others.for_each(|(_, column)| {
        column.set_constraint(ColumnConstraint::ContentWidth);
    });
    table.trim_fmt()
}

fn json(run: &RunOverview) -> serde_json::Value {
    let totals: serde_json::Map<_, _> =
        run.totals.iter().map(|(outcome, n)| (outcome.as_str().to_owned(), n.into())).collect();
    serde_json::json!({
        "id": run.id.as_str(),
        "name": run.name,
        "manifest": run.manifest,
        "simulated": run.simulated,
        "startedAt": run.started_at,
        "updatedAt": run.updated_at,
        "endedAt": run.ended_at,
        "invocations": run.invocations,
        "tasks": run.tasks,
        "open": run.open_tasks(),
        "totals": totals,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;
    use crate::outcome::{EventKind, RequestPause, RunEvent, ServiceStatus};

    fn told(events: &[RunEvent], holder: Option<&str>) -> String {
        let record = RunRecord::from_events(events).unwrap();
        anstream::adapter::strip_str(&state(&record, holder, false, sample::at(100))).to_string()
    }

    #[test]
    fn who_is_at_work_and_what_to_do_if_nobody_is() {
        let mut events = sample::run_of(1);
        let left = events.len() - sample::EVENTS_A_TASK;
        assert_eq!(told(&events, Some("pid 7 on ci")), "at work: pid 7 on ci");
        let service = ServiceStatus {
            pauses: vec![RequestPause { requests: "creates".into(), until: sample::at(160), asked: false }],
            ..ServiceStatus::default()
        };
        let mut paused = events.clone();
        paused.push(sample::event(98, EventKind::ApiUsed { usage: Box::default(), service }));
        assert_eq!(
            told(&paused, Some("pid 7 on ci")),
            "at work: pid 7 on ci\ncreates paused until 02:02:40 UTC (in 1m 00s)"
        );
        assert_eq!(told(&events, None), "its process is gone; go on with: jules-batch run jobs.yaml");
        events.push(sample::event(99, EventKind::InvocationEnded { stopped: None }));
        assert_eq!(told(&events, None), "ended");
        events.drain(left..left + sample::EVENTS_A_TASK);
        assert_eq!(told(&events, None), "go on with: jules-batch run jobs.yaml");
    }
}
