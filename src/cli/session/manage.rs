//! `session archive`, `unarchive` and `delete`: many at once.

use super::approve::agreed;
use super::{SessionName, connect, refused};
use crate::api::{Error, SessionClient};
use crate::cli::args::Service;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, chain};
use crate::cli::plan::many;
use crate::report::console_fragment as neutral;

const AFTER_HELP: &str = "\
Stdout carries the ids for which it was done. One that fails does not keep the others from being done.

Examples:
  jules-batch session archive 31415926535897932384
  jules-batch session list --all --state completed | cut -f1 | xargs jules-batch session archive --yes";

/// The flags of all three.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ManyArgs {
    /// The sessions
    #[arg(value_name = "ID", required = true)]
    sessions: Vec<SessionName>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// What to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Put into the archive.
    Archive,
    /// Take out of the archive.
    Unarchive,
    /// Delete.
    Delete,
}

pub(super) async fn run(what: What, args: &ManyArgs, console: &Console) -> Result<Exit, Failure> {
    let jules = connect(&args.service)?;
    if let Some(question) = question(what, args.sessions.len()) {
        agreed(args.yes, &question, console)?;
    }
    let mut failed: Option<(Error, usize)> = None;
    for name in &args.sessions {
        match act(what, &jules.attach(name.0.clone())).await {
            Ok(()) => console.result_line(name.0.as_str())?,
            // The key does not get better with the next one.
            Err(error) if error.is_auth() || args.sessions.len() == 1 => return Err(refused(error)),
            Err(error) => {
                let (message, _) = chain(&error);
                console.warn(&format!("session {}: {}", name.0, neutral(&message)));
                failed = Some(failed.map_or((error, 1), |(first, n)| (first, n + 1)));
            }
        }
    }
    match failed {
        Some((first, n)) => {
            let text = format!("{} of {} failed", n, many(args.sessions.len(), "session"));
            Err(Failure::new(refused(first).exit(), text))
        }
        None => Ok(Exit::Done),
    }
}

async fn act(what: What, client: &SessionClient) -> Result<(), Error> {
    match what {
        What::Archive => client.archive().await,
        What::Unarchive => client.unarchive().await,
        What::Delete => client.delete().await,
    }
}

fn question(what: What, sessions: usize) -> Option<String> {
    let sessions = many(sessions, "session");
    match what {
        What::Archive => Some(format!("Archive {sessions}? Running ones are paused by that, for good.")),
        What::Delete => Some(format!("Delete {sessions}? They do not come back.")),
        What::Unarchive => None,
    }
}
