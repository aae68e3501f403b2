//! `pulls`: what becomes of changes after their sessions, and what is done about it.

mod act;
mod frame;
mod list;
mod render;
mod standing;
mod watch;
mod which;
mod write;

use clap::Subcommand;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
pub(crate) use act::Acted;
use list::ListArgs;
#[cfg(feature = "serve")]
pub(crate) use render::{name, note};
pub(crate) use standing::Standing;

const AFTER_HELP: &str = "\
A change is done when it is merged, not when its session has ended. `pulls` reads how the pull requests of the manifest's runs
stand, says who has to act on each, and records it. The token for GitHub comes from JULES_BATCH_GITHUB_TOKEN (or _FILE),
GH_TOKEN or GITHUB_TOKEN; without one, how they stood when they were last read is shown.

Selections are those of tasks, job(…), source(…), tag(…), id(…), wave(2) and so on, and of pull requests:
  pr(open)               open, merged, closed, unknown
  stage(ready)           what it waits for: ready, checks-failed, checks-pending, review-required, conflict, touched, …
  checks(failed)         passed, failed, pending, none
  review(approved)       approved, changes-requested, required, none
  age(>7d)               for how long we know of it

Examples:
  jules-batch pulls
  jules-batch pulls --watch
  jules-batch pulls --select 'checks(failed) | stage(conflict)'
  jules-batch pulls list --format json | jq .totals
  jules-batch pulls merge --select 'stage(ready)' --yes";

/// `pulls`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct PullsArgs {
    /// What to do.
    #[command(subcommand)]
    command: Option<PullsCommand>,
    /// Without a word: `list`.
    #[command(flatten)]
    list: ListArgs,
}

/// What is done with pull requests.
#[derive(Debug, Subcommand)]
enum PullsCommand {
    /// Show how they stand and who has to act; also what `pulls` alone does
    List(Box<list::ListNamed>),
    /// Merge what is ready, one after the other
    Merge(Box<write::MergeArgs>),
    /// Close pull requests without merging them
    Close(Box<write::CloseArgs>),
    /// Send a message to the sessions that made them, to have them repaired
    Message(Box<write::MessageArgs>),
    /// Bring branches up to date where a rule wants that
    Update(Box<write::UpdateArgs>),
}

impl PullsArgs {
    /// Whether GitHub, or a session, is asked to change something.
    pub(crate) fn writes(&self) -> bool {
        !matches!(&self.command, None | Some(PullsCommand::List(_)))
    }
}

pub(crate) async fn run(args: &PullsArgs, console: &Console) -> Result<Exit, Failure> {
    Ok(Box::pin(act(args, console)).await?.exit)
}

/// As a step of a workflow does it, which tells of it in its summary.
pub(crate) async fn act(args: &PullsArgs, console: &Console) -> Result<Acted, Failure> {
    let listed = |exit| Acted { exit, markdown: String::new() };
    match &args.command {
        None => list::run(&args.list, &[], console).await.map(listed),
        Some(PullsCommand::List(args)) => list::run(&args.list, &args.names.names, console).await.map(listed),
        Some(PullsCommand::Merge(args)) => write::merge(args, console).await,
        Some(PullsCommand::Close(args)) => write::close(args, console).await,
        Some(PullsCommand::Message(args)) => write::message(args, console).await,
        Some(PullsCommand::Update(args)) => write::update(args, console).await,
    }
}
