//! `session`: one session by hand, from its creation to its removal.

mod approve;
mod ask;
mod bulk;
mod chat;
mod diff;
mod digest;
mod files;
mod folder;
mod git;
mod list;
mod new;
mod prompt;
mod render;
mod result;
mod send;
mod show;
mod stream;
mod target;
mod write;

use clap::Subcommand;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use bulk::Bulk;

const AFTER_HELP: &str = "\
A session is named by its id, by its resource name (sessions/123), by the address of its page, /session/123 or, as
pull requests link to it, /task/123, or by the branch of its pull request, which holds the id.

Examples:
  Begin, look on, and have a word in it:
    id=$(jules-batch session new 'Fix the flaky test' --source my-org/web)
    jules-batch session chat $id
  The same without a terminal:
    jules-batch session approve $id --wait --yes
    jules-batch session result $id && jules-batch session diff $id --apply
  Clean up:
    jules-batch session list --state failed --format ids |
      xargs jules-batch session delete --yes";

/// `session`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct SessionArgs {
    /// What to do with it.
    #[command(subcommand)]
    command: SessionCommand,
}

/// What can be done with a session.
#[derive(Debug, Subcommand)]
enum SessionCommand {
    /// Create a session; prints its id
    New(new::NewArgs),
    /// List sessions, newest first
    List(list::ListArgs),
    /// Show a session: state, plan, pull request, changes, last messages
    Show(show::ShowArgs),
    /// Print the activities, old and new ones, until the session ends
    Stream(stream::StreamArgs),
    /// Talk with the agent: the activities above, your words below
    Chat(chat::ChatArgs),
    /// Send a message
    Send(send::SendArgs),
    /// Send a message and print the agent's reply
    Ask(ask::AskArgs),
    /// Show the plan that waits, and approve it
    Approve(approve::ApproveArgs),
    /// Wait for the end; the exit code tells how it ended
    Result(result::ResultArgs),
    /// Print the change set, or apply it to this work tree
    Diff(diff::DiffArgs),
    /// Write the files that the session created into a folder
    Files(files::FilesArgs),
    /// Put sessions into the archive
    #[command(after_help = bulk::ARCHIVE_HELP)]
    Archive(Bulk),
    /// Take sessions out of the archive
    #[command(after_help = bulk::UNARCHIVE_HELP)]
    Unarchive(Bulk),
    /// Delete sessions for good
    #[command(after_help = bulk::DELETE_HELP)]
    Delete(Bulk),
}

pub(crate) async fn run(args: &SessionArgs, console: &Console) -> Result<Exit, Failure> {
    match &args.command {
        SessionCommand::New(args) => new::run(args, console).await,
        SessionCommand::List(args) => list::run(args, console).await,
        SessionCommand::Show(args) => show::run(args, console).await,
        SessionCommand::Stream(args) => stream::run(args, console).await,
        SessionCommand::Chat(args) => Box::pin(chat::run(args, console)).await,
        SessionCommand::Send(args) => send::run(args, console).await,
        SessionCommand::Ask(args) => ask::run(args, console).await,
        SessionCommand::Approve(args) => approve::run(args, console).await,
        SessionCommand::Result(args) => result::run(args, console).await,
        SessionCommand::Diff(args) => diff::run(args, console).await,
        SessionCommand::Files(args) => files::run(args, console).await,
        SessionCommand::Archive(args) => bulk::archive(args, console).await,
        SessionCommand::Unarchive(args) => bulk::unarchive(args, console).await,
        SessionCommand::Delete(args) => bulk::delete(args, console).await,
    }
}
