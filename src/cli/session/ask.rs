//! `session ask`: a question and its answer.

use std::path::PathBuf;

use super::prompt;
use super::target::{Format, Patience, Target};
use super::write::once;
use crate::cli::console::{Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;

const AFTER_HELP: &str = "\
Prints the agent's first message after yours. With --format json: the activity as the service describes it.

Examples:
  jules-batch session ask 123 'Which test is the slowest?'
  jules-batch session ask 123 --file question.md --timeout 10m";

/// `session ask`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct AskArgs {
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
    /// The question; - reads it from stdin, as does nothing when something is piped in
    #[arg(value_name = "MESSAGE", conflicts_with = "file")]
    message: Option<String>,
    /// Read the question from a file; - is stdin
    #[arg(short = 'F', long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How long to wait.
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn run(args: &AskArgs, console: &Console) -> Result<Exit, Failure> {
    let message = prompt::read(args.message.as_deref(), args.file.as_deref(), "question")?;
    let client = args.target.patient()?;
    console.say(&format!("{DIM}waiting for the reply …{DIM:#}"));
    let ask = client.ask(message).timeout(args.patience.limit());
    let look = format!("jules-batch session show {}", args.target.id);
    let reply = once(ask, "waiting for the reply", &look, console).await?;
    match args.format {
        Format::Json => console.result_line(&json::line(&reply)?)?,
        Format::Text => console.result_line(&spoken(reply.message().unwrap_or_default()))?,
    }
    Ok(Exit::Done)
}

/// The agent's words without the mark in front of foreign lines: they are the result here.
fn spoken(text: &str) -> String {
    foreign_text::tame(text.trim()).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_reply_is_tame_and_keeps_its_lines() {
        assert_eq!(super::spoken("a\n  b\u{1b}[31m\n::error::c\n"), "a\n  b\n: :error::c");
    }
}
