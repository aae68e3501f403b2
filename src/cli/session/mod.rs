//! `session`: one session by hand, from its creation to its removal.

mod approve;
mod archive;
mod ask;
mod bulk;
mod chat;
mod delete;
mod diff;
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
mod unarchive;

use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::args::Service;
use super::client;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::json;
use crate::api::Jules;
use crate::manifest::parse_duration;
use crate::runner::impatient;

pub(super) use target::failed;

const AFTER_HELP: &str = "\
A session is named by its id, by its resource name (sessions/123) or by the address of its page, /session/123 or, as
pull requests link to it, /task/123.

Examples:
  Begin, look on, and have a word in it:
    id=$(jules-batch session new 'Fix the flaky test' --source my-org/web)
    jules-batch session chat $id
  The same without a terminal:
    jules-batch session approve $id --wait --yes
    jules-batch session result $id && jules-batch session diff $id --apply
  Clean up:
    jules-batch session list --state failed --format ids | xargs jules-batch session delete --yes";

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
    Archive(archive::ArchiveArgs),
    /// Take sessions out of the archive
    Unarchive(unarchive::UnarchiveArgs),
    /// Delete sessions for good
    Delete(delete::DeleteArgs),
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
        SessionCommand::Archive(args) => archive::run(args, console).await,
        SessionCommand::Unarchive(args) => unarchive::run(args, console).await,
        SessionCommand::Delete(args) => delete::run(args, console).await,
    }
}

/// How to reach the service, and how often to ask it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Access {
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
    /// The distance between two requests while something is waited for
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "5s", help_heading = "Service")]
    poll_interval: Duration,
}

impl Access {
    /// A client that bears what passes: for commands that follow a session.
    fn patient(&self) -> Result<Jules, Failure> {
        let jules = client::connect(&self.service)?;
        let interval = self.poll_interval;
        Ok(jules.with(|options| options.poll_interval(interval)))
    }

    /// A client that gives up soon: somebody waits for a short answer.
    fn prompt(&self) -> Result<Jules, Failure> {
        Ok(impatient(&self.patient()?))
    }
}

/// How long a command that waits does so at most.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Patience {
    /// How long to wait at most; 0s waits for ever
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "2h")]
    timeout: Duration,
}

impl Patience {
    fn limit(self) -> Option<Duration> {
        (!self.timeout.is_zero()).then_some(self.timeout)
    }
}

/// `--format text|json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// For programs
    Json,
}
