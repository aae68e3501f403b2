//! `session send`: a message to the agent.

use std::path::PathBuf;

use super::prompt;
use super::target::Target;
use super::write::once;
use crate::cli::console::{Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

const AFTER_HELP: &str = "\
A message answers a question of the agent, steers its work, revives a paused session, and sets an ended one going
again. It is sent once: when the answer is lost, nobody sends it a second time.

Examples:
  jules-batch session send 123 'Keep the public interface as it is.'
  jules-batch session send 123 --file review.md
  cargo test 2>&1 | tail -50 | jules-batch session send 123";

/// `session send`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SendArgs {
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
    /// The message; - reads it from stdin, as does nothing when something is piped in
    #[arg(value_name = "MESSAGE", conflicts_with = "file")]
    message: Option<String>,
    /// Read the message from a file; - is stdin
    #[arg(short = 'F', long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) async fn run(args: &SendArgs, console: &Console) -> Result<Exit, Failure> {
    let message = prompt::read(args.message.as_deref(), args.file.as_deref(), "message")?;
    let client = args.target.prompt()?;
    let look = format!("jules-batch session show {}", args.target.id);
    once(client.send(&message), "sending the message", &look, console).await?;
    console.say(&format!(
        "sent\n{DIM}look on with: jules-batch session stream {} --from now{DIM:#}",
        args.target.id
    ));
    Ok(Exit::Done)
}
