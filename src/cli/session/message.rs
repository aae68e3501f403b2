//! `session send` and `session ask`.

use std::time::Duration;

use super::{SessionName, attach, new, refused};
use crate::api::ErrorKind;
use crate::cli::args::Service;
use crate::cli::console::Console;
use crate::cli::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::console_line;

/// `session send`.
#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// What to say; - reads it from stdin
    #[arg(value_name = "MESSAGE")]
    message: String,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// `session ask`.
#[derive(Debug, clap::Args)]
pub(crate) struct AskArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// What to say; - reads it from stdin
    #[arg(value_name = "MESSAGE")]
    message: String,
    /// How long to wait for the reply at most
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "15m")]
    timeout: Duration,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

pub(super) async fn send(args: &SendArgs, console: &Console) -> Result<Exit, Failure> {
    let client = attach(&args.service, &args.session)?;
    client.send(&text(&args.message)?).await.map_err(in_doubt)?;
    console.say(&format!("sent; see the answer: jules-batch session stream {}", client.id()));
    Ok(Exit::Done)
}

pub(super) async fn ask(args: &AskArgs, console: &Console) -> Result<Exit, Failure> {
    let client = attach(&args.service, &args.session)?;
    let reply =
        client.ask(text(&args.message)?).timeout(args.timeout).await.map_err(|error| match error.kind() {
            ErrorKind::WaitTimeout { .. } => {
                Failure::new(Exit::WorkLeft, error).help("the message has arrived; see session stream")
            }
            ErrorKind::SessionEnded { .. } => Failure::new(Exit::TasksFailed, error),
            _ => in_doubt(error),
        })?;
    let reply = reply.message().unwrap_or_default();
    // A program gets the words as they are, a terminal gets them neutralised.
    console.result_line(&if console.out_terminal() { console_line(reply) } else { reply.to_owned() })?;
    Ok(Exit::Done)
}

fn text(message: &str) -> Result<String, Failure> {
    let text = if message == "-" { new::stdin()? } else { message.to_owned() };
    if text.trim().is_empty() { Err(Failure::usage("the message is empty")) } else { Ok(text) }
}

/// Sending is not idempotent: a message whose answer was lost may have arrived.
fn in_doubt(error: crate::api::Error) -> Failure {
    let sure = error.surely_not_processed();
    let failure = refused(error);
    if sure {
        failure
    } else {
        failure.help("it may have arrived all the same; look before you send it again")
    }
}
