//! `session`: one session at a time, with a human at the keyboard.

mod activity;
mod approve;
mod change;
mod chat;
mod follow;
mod list;
mod manage;
mod message;
mod new;
mod show;

use std::str::FromStr;

use clap::Subcommand;

use super::args::Service;
use super::client;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use crate::api::{Error, InvalidId, Jules, SessionClient, SessionId};
use crate::plan::Settings;

const AFTER_HELP: &str = "\
ID is a session's id, or the address of its page.

Examples:
  jules-batch session new 'Fix the flaky login test' --source my-org/web --branch main --follow
  jules-batch session list --state awaiting
  jules-batch session approve 31415926535897932384
  jules-batch session ask 31415926535897932384 'Which test was flaky?'
  jules-batch session diff 31415926535897932384 --apply";

/// `session`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct SessionArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) command: SessionCommand,
}

/// The commands on sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Create a session
    New(new::NewArgs),
    /// List sessions, the newest first
    List(list::ListArgs),
    /// Show a session: state, plan, pull request, change, last messages
    Show(show::ShowArgs),
    /// Print what happens in a session until it ends
    Stream(follow::StreamArgs),
    /// Talk with the agent in the terminal
    Chat(chat::ChatArgs),
    /// Send a message to the agent
    Send(message::SendArgs),
    /// Send a message and print the agent's reply
    Ask(message::AskArgs),
    /// Approve the plan that a session waits with
    Approve(approve::ApproveArgs),
    /// Wait until a session has ended, and print what became of it
    Result(follow::ResultArgs),
    /// Print a session's change set, or apply it with git
    Diff(change::DiffArgs),
    /// Write the files that a session has made into a folder
    Files(change::FilesArgs),
    /// Put sessions into the archive; running ones are paused by that for good
    Archive(manage::ManyArgs),
    /// Take sessions out of the archive
    Unarchive(manage::ManyArgs),
    /// Delete sessions
    Delete(manage::ManyArgs),
}

pub(crate) async fn run(args: SessionArgs, console: &Console) -> Result<Exit, Failure> {
    match args.command {
        SessionCommand::New(args) => new::run(&args, console).await,
        SessionCommand::List(args) => list::run(&args, console).await,
        SessionCommand::Show(args) => show::run(&args, console).await,
        SessionCommand::Stream(args) => follow::stream(&args, console).await,
        SessionCommand::Chat(args) => chat::run(&args, console).await,
        SessionCommand::Send(args) => message::send(&args, console).await,
        SessionCommand::Ask(args) => message::ask(&args, console).await,
        SessionCommand::Approve(args) => approve::run(&args, console).await,
        SessionCommand::Result(args) => follow::result(&args, console).await,
        SessionCommand::Diff(args) => change::diff(&args, console).await,
        SessionCommand::Files(args) => change::files(&args, console).await,
        SessionCommand::Archive(args) => manage::run(manage::What::Archive, &args, console).await,
        SessionCommand::Unarchive(args) => manage::run(manage::What::Unarchive, &args, console).await,
        SessionCommand::Delete(args) => manage::run(manage::What::Delete, &args, console).await,
    }
}

/// A session on the command line: its id, its resource name, or the address of its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionName(SessionId);

impl FromStr for SessionName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().trim_end_matches('/');
        let page = text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('/'));
        SessionId::new(page.map_or(text, |(_, id)| id)).map(Self)
    }
}

fn connect(service: &Service) -> Result<Jules, Failure> {
    Ok(client::impatient(&client::connect(service, &Settings::default())?))
}

fn attach(service: &Service, session: &SessionName) -> Result<SessionClient, Failure> {
    Ok(connect(service)?.attach(session.0.clone()))
}

/// What a failed request on one session means.
fn refused(error: Error) -> Failure {
    let missing = error.is_not_found();
    let failure = client::refused(error);
    if missing { failure.help("see the sessions of this account: jules-batch session list") } else { failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_id_or_page() {
        for text in [
            "42",
            "sessions/42",
            "https://jules.google.com/session/42",
            "https://jules.google.com/session/42/",
        ] {
            assert_eq!(text.parse::<SessionName>().unwrap().0.as_str(), "42", "{text}");
        }
        assert!("not an id".parse::<SessionName>().is_err());
    }
}
