//! `session chat`: what happens above, a prompt below.

use std::io::BufRead as _;

use futures::TryStreamExt as _;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::show::Past;
use super::{SessionName, activity, attach, refused};
use crate::api::SessionClient;
use crate::cli::args::Service;
use crate::cli::console::{CYAN, Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::{console_fragment as neutral, console_line};

const COMMANDS: &str = "/approve the plan, /diff, /pr, /state, /quit; anything else is sent to the agent";

/// `session chat`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Commands: /approve the plan, /diff, /pr, /state, /quit; anything else is sent to the agent."
)]
pub(crate) struct ChatArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Nothing,
    Approve,
    Diff,
    PullRequest,
    State,
    Quit,
    Help,
    Message(String),
}

impl Typed {
    fn of(line: &str) -> Self {
        match line.trim() {
            "" => Self::Nothing,
            "/approve" => Self::Approve,
            "/diff" => Self::Diff,
            "/pr" => Self::PullRequest,
            "/state" => Self::State,
            "/quit" | "/exit" | "/q" => Self::Quit,
            command if command.starts_with('/') => Self::Help,
            message => Self::Message(message.to_owned()),
        }
    }
}

pub(super) async fn run(args: &ChatArgs, console: &Console) -> Result<Exit, Failure> {
    let client = attach(&args.service, &args.session)?;
    let session = client.info().await.map_err(refused)?;
    console.say(&format!("{DIM}session {}; {COMMANDS}{DIM:#}", session.id));
    let zone = TimeZone::system();
    let mut lines = lines();
    let mut stream = client.stream();
    let mut live = true;
    loop {
        tokio::select! {
            activity = stream.try_next(), if live => match activity.map_err(refused)? {
                Some(activity) => console.result_line(&activity::rendered(&activity, &zone))?,
                None => {
                    live = false;
                    console.say(&format!("{DIM}the session has ended; a message may set it going again{DIM:#}"));
                }
            },
            line = lines.recv() => {
                let Some(line) = line else { return Ok(Exit::Done) };
                let typed = Typed::of(&line);
                if typed == Typed::Quit {
                    return Ok(Exit::Done);
                }
                let sent = matches!(typed, Typed::Message(_));
                // A slip of the service does not end a conversation.
                match act(typed, &client, console).await {
                    Ok(()) if sent && !live => {
                        stream = client.stream().from(stream.cursor());
                        live = true;
                    }
                    Ok(()) => {}
                    Err(failure) => console.failure(&failure),
                }
            }
        }
    }
}

async fn act(typed: Typed, client: &SessionClient, console: &Console) -> Result<(), Failure> {
    match typed {
        Typed::Nothing | Typed::Quit => Ok(()),
        Typed::Help => {
            console.say(&format!("{DIM}{COMMANDS}{DIM:#}"));
            Ok(())
        }
        Typed::Message(text) => client.send(&text).await.map_err(refused),
        Typed::Approve => {
            client.approve().await.map_err(refused)?;
            console.say(&format!("{CYAN}approved{CYAN:#}"));
            Ok(())
        }
        Typed::State => {
            let state = client.info().await.map_err(refused)?.state;
            console.say(&state.map_or_else(|| "unknown".to_owned(), |s| neutral(&s.as_str().to_lowercase())));
            Ok(())
        }
        Typed::PullRequest => {
            let session = client.info().await.map_err(refused)?;
            let url = session.pull_request().and_then(|pr| pr.url.as_deref()).map(neutral);
            console.result_line(&url.unwrap_or_else(|| "no pull request yet".to_owned()))
        }
        Typed::Diff => {
            let change = Past::of(client).await?.change;
            let patch = change.as_ref().map(crate::api::ChangeSet::patch).unwrap_or_default();
            console.result_line(&if patch.is_empty() {
                "no change yet".to_owned()
            } else {
                console_line(patch)
            })
        }
    }
}

/// Lines of stdin, from a thread of its own: reading a terminal cannot be cancelled.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_begin_with_a_slash_and_the_rest_is_said() {
        assert_eq!(Typed::of("  "), Typed::Nothing);
        assert_eq!(Typed::of("/approve "), Typed::Approve);
        assert_eq!(Typed::of("/quit"), Typed::Quit);
        assert_eq!(Typed::of("/delete"), Typed::Help);
        assert_eq!(Typed::of(" use tabs "), Typed::Message("use tabs".into()));
    }
}
