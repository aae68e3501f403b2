//! `pulls merge`, `close`, `message` and `update`: says what it would do, asks, does it, tells what became of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foreign_text::{line as neutral, markdown};
use jiff::Timestamp;

use super::render::{linked, name};
use super::which::{Names, Which};
use crate::cli::client::said_when_long;
use crate::cli::console::{Console, DIM, GREEN, RED, YELLOW};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::number::whole;
use crate::cli::run_error::cannot;
use crate::cli::{github, redact, user};
use crate::github::{GitHub, UnreadableKind};
use crate::ledger::Ledger;
use crate::pulls::{Decision, Left, Terms, as_listed as as_everybody_sees_it};
use crate::report::{duration, many};
use crate::runner::{Acting, End, How, Job, KnownPull, PullLog, RunError, What};
use jules::Jules;

/// How many pull requests a step's summary names.
const SUMMARY_LINES: usize = 500;

/// What all of these commands take.
#[derive(Debug, clap::Args)]
pub(super) struct ActArgs {
    /// Which, by name.
    #[command(flatten)]
    pub(super) names: Names,
    /// Which.
    #[command(flatten)]
    pub(super) which: Which,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Do it without a question; needed where nobody can be asked
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Do it to at most N, the oldest first
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub(super) max: Option<usize>,
}

/// The words of a command.
pub(super) struct Words {
    /// `merge`.
    pub(super) verb: &'static str,
    /// `merged`.
    pub(super) done: &'static str,
}

/// What is done, and how.
pub(super) struct Task {
    pub(super) what: What,
    pub(super) terms: Terms,
    pub(super) delete_branch: bool,
    pub(super) words: Words,
    pub(super) jules: Option<Jules>,
}

/// What became of a command of `pulls`.
#[derive(Debug)]
pub(crate) struct Acted {
    /// The code.
    pub(crate) exit: Exit,
    /// For a step's summary: how many ended how, and those that something was done to.
    pub(crate) markdown: String,
}

impl Acted {
    fn of(acting: &Acting<'_>, words: &Words) -> Self {
        Self { exit: exit(acting), markdown: in_markdown(&acting.jobs, words) }
    }
}

/// The client for GitHub, which cannot be done without.
pub(super) fn needed() -> Result<GitHub, Failure> {
    github::connect()?.ok_or_else(|| {
        Failure::new(Exit::KeyRefused, "no token for GitHub is set")
            .help("set JULES_BATCH_GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN; check it with: jules-batch doctor")
    })
}

pub(super) async fn run(
    args: &ActArgs,
    task: Task,
    github: &GitHub,
    console: &Console,
) -> Result<Acted, Failure> {
    let ledger = Ledger::open(args.which.state.location()?);
    let ledger = ledger.map_err(|error| cannot(RunError::Ledger(error), console))?;
    let mut pulls = args.which.known(&args.names.names, console)?.pulls;
    pulls.sort_by(|one, other| (one.made_at, &one.followed.url).cmp(&(other.made_at, &other.followed.url)));
    let Task { what, terms, delete_branch, words, jules } = task;
    let how = How { terms, by: user::who(), delete_branch };
    let log = PullLog::new(ledger, redact::redactor().clone());
    let mut acting = Acting::new((github, jules), log, (what, how), pulls);
    let reading = format!("reading {}", many(acting.jobs.len(), "pull request"));
    let failed = |error| cannot(error, console);
    said_when_long(&reading, console, acting.read_all()).await.map_err(failed)?;
    acting.troubles.iter().for_each(|line| console.warn(&neutral(line)));
    if acting.unreadable().any(|kind| kind == UnreadableKind::BadToken) {
        let failure = Failure::new(Exit::KeyRefused, "GitHub refuses the token");
        return Err(failure.help("see what it is and reaches: jules-batch doctor"));
    }
    choose(&mut acting, args);
    let left = preview(&mut acting, args.max);
    let open = acting.jobs.iter().filter(|job| job.end.is_none()).count();
    console.say(&announced(&words, open, &left));
    if args.dry_run || open == 0 {
        told_all(&acting.jobs, &words, console)?;
        return Ok(Acted::of(&acting, &words));
    }
    if !args.yes {
        if !console.interactive() {
            let failure = Failure::usage("nobody is here to answer the question");
            return Err(failure.help("do it unasked with --yes; see what would be done with -n"));
        }
        if !console.confirm(&format!("{} {}?", capital(words.verb), many(open, "pull request"))) {
            console.say("nothing was done");
            return Ok(Acted { exit: Exit::WorkLeft, markdown: String::new() });
        }
    }
    let waits = |left: Duration| {
        if left > Duration::from_secs(3) {
            console
                .mention(&format!("{DIM}waiting {} until they can be read again …{DIM:#}", duration(left)));
        }
    };
    let tell = |job: &Job| console.mention(&line(job, &words));
    acting.carry_out(tell, waits).await.map_err(failed)?;
    told_all(&acting.jobs, &words, console)?;
    Ok(Acted::of(&acting, &words))
}

/// Leaves out what no expression means, as it stands now.
fn choose(acting: &mut Acting<'_>, args: &ActArgs) {
    let now = Timestamp::now();
    let names = !args.names.names.is_empty() || !args.which.select.is_empty();
    acting.keep(|pull| {
        let listed = as_listed(pull);
        let ways = [Some(pull), listed.as_ref()];
        let ways: Vec<&KnownPull> = ways.into_iter().flatten().collect();
        args.which.means_any(&ways, now) && (names || pull.may_be_open())
    });
}

/// What --unchecked makes another stage of, as `pulls list` shows it.
fn as_listed(pull: &KnownPull) -> Option<KnownPull> {
    let listed = as_everybody_sees_it(pull.status()?);
    let mut known = pull.clone();
    known.followed.earlier = Some(Arc::new(listed));
    Some(known)
}

/// Ends what nothing will be done to, and counts that by why.
fn preview(acting: &mut Acting<'_>, max: Option<usize>) -> BTreeMap<String, usize> {
    let (now, mut left) = (Timestamp::now(), BTreeMap::new());
    let mut room = max.unwrap_or(usize::MAX);
    for at in 0..acting.jobs.len() {
        let end = match acting.decide(at, now) {
            Decision::Leave(left) => End::Left(left),
            Decision::AlreadySo => End::AlreadySo,
            Decision::Do(_) | Decision::Wait(_) | Decision::Read if room > 0 => {
                room -= 1;
                continue;
            }
            Decision::Do(_) | Decision::Wait(_) | Decision::Read => {
                let beyond = Left::because("beyond --max", "beyond --max");
                End::Left(Left { may_come: true, ..beyond })
            }
        };
        let label = match &end {
            End::Left(left) => left.label.clone(),
            _ => "already so".to_owned(),
        };
        *left.entry(label).or_default() += 1;
        acting.jobs[at].end = Some(end);
    }
    left
}

/// `merge 41, leave 7: 3 touched, 4 checks pending`.
fn announced(words: &Words, open: usize, left: &BTreeMap<String, usize>) -> String {
    let total: usize = left.values().sum();
    let mut text = format!("{} {open}", words.verb);
    if total > 0 {
        let mut counts: Vec<_> = left.iter().collect();
        counts.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        let counts: Vec<String> =
            counts.into_iter().map(|(label, n)| format!("{n} {}", neutral(label))).collect();
        text.push_str(&format!(", leave {total}: {}", counts.join(", ")));
    }
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What became of one: a word, and why.
fn told(job: &Job, words: &Words) -> (String, String) {
    let (word, why) = match &job.end {
        None => (format!("would {}", words.verb), String::new()),
        Some(End::Done(more)) => (words.done.to_owned(), more.clone()),
        Some(End::Queued) => ("queued".to_owned(), "GitHub merges it when its turn comes".to_owned()),
        Some(End::AlreadySo) => (words.done.to_owned(), "it was so already".to_owned()),
        Some(End::Left(left)) => {
            let reason = left.reason.as_ref().filter(|reason| **reason != left.label);
            let why = reason.map_or_else(|| left.label.clone(), |reason| format!("{}: {reason}", left.label));
            ("left".to_owned(), why)
        }
        Some(End::Failed(said)) => ("failed".to_owned(), said.clone()),
        Some(End::InDoubt(said)) => ("in doubt".to_owned(), said.clone()),
    };
    (word, foreign_text::one_line(neutral(&why), 300).into_owned())
}

fn line(job: &Job, words: &Words) -> String {
    let (word, why) = told(job, words);
    let style = match &job.end {
        Some(End::Done(_) | End::Queued | End::AlreadySo) => GREEN,
        Some(End::Failed(_) | End::InDoubt(_)) => RED,
        Some(End::Left(_)) | None => YELLOW,
    };
    let why = if why.is_empty() { why } else { format!("  {why}") };
    format!("{style}{word}{style:#}  {}{why}", name(&job.pull))
}

/// A line each: on a terminal for people, else with tabs between.
fn told_all(jobs: &[Job], words: &Words, console: &Console) -> Result<(), Failure> {
    let lines = jobs.iter().map(|job| {
        if console.out_terminal() {
            return line(job, words) + "\n";
        }
        let (word, why) = told(job, words);
        let KnownPull { followed, .. } = &job.pull;
        format!("{}\t{word}\t{}\t{}\n", name(&job.pull), neutral(followed.task.as_str()), why)
    });
    console.result(&lines.collect::<String>())
}

/// `### pulls merge: 3 merged, 7 left`, and a line for each that something was done to.
fn in_markdown(jobs: &[Job], words: &Words) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut lines = Vec::new();
    for job in jobs {
        let (word, why) = told(job, words);
        if !matches!(&job.end, None | Some(End::Left(_))) {
            let why = if why.is_empty() { why } else { format!(": {}", markdown::words(&why, 300)) };
            lines.push(format!("- {word} {}{why}\n", linked(&job.pull)));
        }
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by_key(|(word, _)| word == "left");
    let counted = counts.iter().map(|(word, count)| match word.starts_with("would") {
        true => format!("{word} {count}"),
        false => format!("{count} {word}"),
    });
    let counted = counted.collect::<Vec<_>>().join(", ");
    let counted = if counted.is_empty() { "nothing to do" } else { &counted };
    let hidden = lines.len().saturating_sub(SUMMARY_LINES);
    if hidden > 0 {
        lines.truncate(SUMMARY_LINES);
        lines.push(format!("- and {hidden} more: see the log\n"));
    }
    let gap = if lines.is_empty() { "" } else { "\n" };
    format!("### pulls {}: {counted}\n\n{}{gap}", words.verb, lines.concat())
}

/// What failed counts most, and what the token keeps from being done; then what machines have to get ready.
fn exit(acting: &Acting<'_>) -> Exit {
    let ends = acting.jobs.iter().map(|job| match &job.end {
        Some(End::Failed(_) | End::InDoubt(_)) => Exit::Fault,
        Some(End::Left(left)) if left.is_barred => Exit::Fault,
        Some(End::Left(left)) if left.may_come => Exit::WorkLeft,
        Some(End::Queued) => Exit::WorkLeft,
        Some(End::Left(_) | End::Done(_) | End::AlreadySo) | None => Exit::Done,
    });
    let unread = acting.unreadable().map(|kind| match kind {
        UnreadableKind::Limited(_) | UnreadableKind::Unanswered => Exit::WorkLeft,
        UnreadableKind::Forbidden | UnreadableKind::SignOn | UnreadableKind::BadToken => Exit::Fault,
        // Repositories come to an end as well.
        UnreadableKind::Gone => Exit::Done,
    });
    Exit::strongest(ends.chain(unread))
}
