//! `session stream`: the activities, as they come.

use std::time::Duration;

use futures::StreamExt as _;

use super::render::Rendering;
use super::target::{Format, Target};
use crate::cli::client::failed;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::signals::Signals;
use crate::manifest::parse_duration;
use jules::{ActivityStream, Cursor, SessionClient, SessionId};

const AFTER_HELP: &str = "\
Prints what has happened and what happens, oldest first, each activity once, until the session has ended; the exit
code is then 0 however it ended (see `session result`). With --format json every line is one activity as the service
describes it. Ctrl-C prints how to go on without seeing anything twice.

Examples:
  jules-batch session stream 123
  jules-batch session stream 123 --history --full
  jules-batch session stream 123 --from now --format json |
    jq -r '.agentMessaged.agentMessage // empty'
  jules-batch session stream 123 --from 2026-11-22T02:00:05Z";

/// `session stream`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct StreamArgs {
    /// Go on from here: what an earlier stream printed at its end, a time (RFC 3339), or `now`
    #[arg(long, value_name = "PLACE", value_parser = start)]
    from: Option<Start>,
    /// End with what has happened until now
    #[arg(long)]
    history: bool,
    /// Show outputs of commands and lists of files whole
    #[arg(long)]
    full: bool,
    /// End after this time, with exit code 5 [default: none]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
}

/// `--from`.
#[derive(Clone, Debug, PartialEq)]
enum Start {
    Now,
    At(Cursor),
}

fn start(text: &str) -> Result<Start, String> {
    if text == "now" {
        return Ok(Start::Now);
    }
    text.parse().map(Start::At).map_err(|_| {
        "it is neither `now`, nor a time such as 2026-11-22T02:00:05Z, nor what a stream printed at its end".to_owned()
    })
}

pub(super) async fn run(args: &StreamArgs, console: &Console) -> Result<Exit, Failure> {
    let client = args.target.patient()?;
    follow(open(&client, args), &args.target.id, args.format, &Rendering::new(args.full), console).await
}

/// Prints activities until their end or a signal, and how to go on.
pub(super) async fn follow(
    mut stream: ActivityStream,
    id: &SessionId,
    format: Format,
    rendering: &Rendering,
    console: &Console,
) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    loop {
        let activity = tokio::select! {
            activity = stream.next() => activity,
            signal = signals.next() => {
                // The terminal has written ^C into the line.
                let line_break = if console.interactive() { "\n" } else { "" };
                console.say(&format!("{line_break}go on with: {}", again(id, &stream)));
                return Ok(signal.exit());
            }
        };
        let Some(activity) = activity else { return Ok(Exit::Done) };
        let activity =
            activity.map_err(|error| failed(error).help(format!("go on with: {}", again(id, &stream))))?;
        let text = match format {
            Format::Text => rendering.activity(&activity),
            Format::Json => json::line(&activity)?,
        };
        console.result_line(&text)?;
        if console.result_unwanted() {
            return Ok(Exit::Done);
        }
    }
}

fn open(client: &SessionClient, args: &StreamArgs) -> ActivityStream {
    let activities = client.activities();
    let stream = match (&args.from, args.history) {
        (Some(Start::Now), false) => activities.updates(),
        (_, true) => activities.history(),
        (_, false) => client.stream(),
    };
    let stream = match &args.from {
        Some(Start::At(cursor)) => stream.from(cursor.clone()),
        Some(Start::Now) | None => stream,
    };
    stream.timeout(args.timeout)
}

/// The command that goes on behind the last activity that was printed.
fn again(id: &SessionId, stream: &ActivityStream) -> String {
    command(id, &stream.cursor().to_string())
}

fn command(id: &SessionId, place: &str) -> String {
    if place == "-" {
        return format!("jules-batch session stream {id}");
    }
    format!("jules-batch session stream {id} --from {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_starts_where_it_is_told() {
        assert_eq!(start("now"), Ok(Start::Now));
        for text in ["2026-11-22T02:00:05Z", "2026-11-22T02:00:05.25Z/a,b", "-/a"] {
            let Ok(Start::At(cursor)) = start(text) else { panic!("{text} was refused") };
            assert_eq!(cursor.to_string(), text);
        }
        assert!(start("yesterday").is_err());
    }

    #[test]
    fn the_command_that_goes_on_needs_no_quotes() {
        let id = SessionId::new("1").unwrap();
        assert_eq!(command(&id, "-"), "jules-batch session stream 1");
        assert_eq!(
            command(&id, "2026-11-22T02:00:05Z/a,b"),
            "jules-batch session stream 1 --from 2026-11-22T02:00:05Z/a,b"
        );
    }
}
