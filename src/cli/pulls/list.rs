//! `pulls list`: how pull requests stand, and who has to act.

use std::collections::HashSet;
use std::time::Duration;

use clap::ValueEnum;
use foreign_text::line as neutral;
use jiff::Timestamp;

use super::render::{self, Totals};
use super::watch::{NOT_RECORDED, Watch};
use super::which::{Known, Names, Readings, Which, read};
use crate::cli::console::{Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::github;
use crate::cli::recorded::exit_of;
use crate::cli::redact;
use crate::cli::run_error::cannot;
use crate::github::GitHub;
use crate::ledger::Ledger;
use crate::outcome::Stage;
use crate::pulls::Terms;
use crate::runner::{KnownPull, record};

const AFTER_HELP: &str = "\
Open pull requests are listed; with --select or names, merged and closed ones as well, if they are meant. Off a terminal the
table is lines of name, stage, who it waits for, since when, checks, review, task, session and page, with tabs between.
--watch shows what changes until nothing is open and no run is at work: it reads what is ours to do every 30 seconds, what
machines work on every minute, and what waits for people every quarter of an hour. Off a terminal it prints a line for each, and
another one when that waits for something else; with --format json or markdown, how they stand at the end.

Examples:
  jules-batch pulls list
  jules-batch pulls list my-org/web#12 my-org/api#7
  jules-batch pulls list --select 'pr(open) & age(>7d)' --format tsv | cut -f1
  jules-batch pulls list --all --format markdown >> \"$GITHUB_STEP_SUMMARY\"";

/// `pulls list`, with names.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ListNamed {
    /// Which.
    #[command(flatten)]
    pub(super) names: Names,
    /// The rest.
    #[command(flatten)]
    pub(super) list: ListArgs,
}

/// The flags of `pulls list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Which.
    #[command(flatten)]
    pub(super) which: Which,
    /// Go on until nothing is open any more, and show what changes
    #[arg(long, help_heading = "Output")]
    pub(super) watch: bool,
    /// How to print [default: table on a terminal, else tsv]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    pub(super) format: Option<PullsFormat>,
}

/// `pulls list --format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PullsFormat {
    /// By who has to act, for people
    Table,
    /// A line each, with tabs between
    Tsv,
    /// One JSON object
    Json,
    /// Tables for a step summary, an issue or a chat
    Markdown,
}

pub(super) async fn run(args: &ListArgs, names: &[String], console: &Console) -> Result<Exit, Failure> {
    let began = Timestamp::now();
    let mut known = args.which.known(names, console)?;
    let github = github::connect()?;
    let terms = Terms::default();
    let mut told = HashSet::new();
    match &github {
        Some(github) => {
            let readings = read(&mut known.pulls, github, &terms, console).await;
            told.extend(readings.troubles());
            told.iter().for_each(|line| console.warn(&neutral(line)));
            told.extend(kept(&args.which, &readings, began, console)?);
            until_checked(&mut known.pulls, github, &terms, args, console).await?;
        }
        None => console.warn(
            "no token for GitHub is set (JULES_BATCH_GITHUB_TOKEN, GH_TOKEN, GITHUB_TOKEN): this is how they stood when they were last read",
        ),
    }
    let asked = !names.is_empty() || !args.which.select.is_empty();
    let format =
        args.format.unwrap_or(if console.out_terminal() { PullsFormat::Table } else { PullsFormat::Tsv });
    let mut is_told = false;
    if let (true, Some(github)) = (args.watch, &github) {
        is_told = format == PullsFormat::Tsv && !console.out_terminal();
        let terms = &terms;
        let watch = Watch { args, asked, as_lines: is_told, terms, github, console, told };
        known = watch.follow(known).await?;
    }
    show(known, (format, is_told), asked, args, console)?;
    Ok(Exit::Done)
}

/// GitHub finds out whether something can be merged when it is first asked, which takes a moment.
async fn until_checked(
    pulls: &mut [KnownPull],
    github: &GitHub,
    terms: &Terms,
    args: &ListArgs,
    console: &Console,
) -> Result<(), Failure> {
    for pause in [1, 2] {
        let is_open = |pull: &KnownPull| pull.status().is_some_and(|status| status.stage == Stage::Checking);
        let places: Vec<usize> = (0..pulls.len()).filter(|at| is_open(&pulls[*at])).collect();
        if places.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let began = Timestamp::now();
        let mut reading: Vec<KnownPull> = places.iter().map(|at| pulls[*at].clone()).collect();
        let readings = read(&mut reading, github, terms, console).await;
        keep(&args.which, &readings, began, console)?;
        places.into_iter().zip(reading).for_each(|(at, read)| pulls[at] = read);
    }
    Ok(())
}

/// Prints those that are meant, unless their lines have been printed as they came.
fn show(
    known: Known,
    (format, is_told): (PullsFormat, bool),
    asked: bool,
    args: &ListArgs,
    console: &Console,
) -> Result<(), Failure> {
    let now = Timestamp::now();
    let Known { mut pulls, over: (merged, closed), .. } = known;
    let totals = Totals::of(&pulls, merged, closed);
    pulls.retain(|pull| args.which.means(pull, now) && (asked || pull.may_be_open()));
    render::sort(&mut pulls);
    match format {
        PullsFormat::Json => console.result_line(&render::json(&pulls, &totals, now)?),
        PullsFormat::Tsv if is_told => Ok(()),
        PullsFormat::Tsv => console.result(&render::tsv(&pulls)),
        PullsFormat::Markdown => console.result(&render::markdown(&pulls, &totals)),
        PullsFormat::Table if pulls.is_empty() => Ok(()),
        PullsFormat::Table => console.result_line(&render::table(&pulls, now, console.out_width())),
    }?;
    if !matches!(format, PullsFormat::Json | PullsFormat::Markdown) {
        console.say(&format!("{DIM}{}{DIM:#}", totals.words(&pulls, asked)));
    }
    Ok(())
}

/// Records what was read, and says so if that cannot be; returns what was said.
fn kept(
    which: &Which,
    readings: &Readings,
    began: Timestamp,
    console: &Console,
) -> Result<Option<String>, Failure> {
    let note = keep(which, readings, began, console)?;
    note.iter().for_each(|note| console.say(&format!("{DIM}{note}{DIM:#}")));
    Ok(note)
}

/// Records what was read, unless a run is at work, which reads them itself: returns why not.
pub(super) fn keep(
    which: &Which,
    readings: &Readings,
    began: Timestamp,
    console: &Console,
) -> Result<Option<String>, Failure> {
    let ledger = match Ledger::open(which.state.location()?) {
        Ok(ledger) => ledger,
        Err(error) if error.is_in_use() => return Ok(Some(format!("{NOT_RECORDED}{error}"))),
        Err(error) => return Err(Failure::new(exit_of(&error), error)),
    };
    let both = readings.followed.iter().zip(&readings.reads);
    let recorded = record(ledger, redact::redactor(), both, readings.usage, began);
    recorded.map(|_| None).map_err(|error| cannot(error, console))
}
