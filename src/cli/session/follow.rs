//! `session stream` and `session result`: what happens until a session has ended.

use std::time::Duration;

use clap::ValueEnum;
use futures::TryStreamExt as _;
use jiff::tz::TimeZone;

use super::{SessionName, activity, attach, refused};
use crate::api::{Cursor, ErrorKind, Outcome, SessionClient};
use crate::cli::args::Service;
use crate::cli::console::{Console, DIM};
use crate::cli::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::signals::{Signal, Signals};
use crate::report::{console_fragment as neutral, console_line};

const AFTER_STREAM: &str = "\
It ends when the session has ended; Ctrl-C ends it before, and says how to go on from there.

Examples:
  jules-batch session stream 31415926535897932384
  jules-batch session stream 31415926535897932384 --format json | jq -r '.agentMessaged.agentMessage // empty'";

const AFTER_RESULT: &str = "\
Exit code: 0 when the session completed, 100 when it failed, 5 when it was still live after --timeout.

Examples:
  jules-batch session result 31415926535897932384 --timeout 30m && echo done";

/// `session stream`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_STREAM)]
pub(crate) struct StreamArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// Go on from here: a time, or what an earlier stream has said at its end
    #[arg(long, value_name = "CURSOR")]
    from: Option<Cursor>,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// `session stream --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// The activities as the service has them, one a line
    Json,
}

/// `session result`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_RESULT)]
pub(crate) struct ResultArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// How long to wait at most
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "2h")]
    timeout: Duration,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

pub(super) async fn stream(args: &StreamArgs, console: &Console) -> Result<Exit, Failure> {
    let client = attach(&args.service, &args.session)?;
    until_end(&client, args.from.clone(), args.format, console).await
}

/// Prints activities until the session has ended or the user does not want to see more.
pub(super) async fn until_end(
    client: &SessionClient,
    from: Option<Cursor>,
    format: Format,
    console: &Console,
) -> Result<Exit, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(Exit::Fault, error))?;
    let mut stream = client.stream();
    if let Some(cursor) = from {
        stream = stream.from(cursor);
    }
    let zone = TimeZone::system();
    while !console.result_unwanted() {
        let activity = tokio::select! {
            next = stream.try_next() => next.map_err(refused)?,
            signal = signals.next() => {
                let id = client.id();
                console.say(&format!(
                    "{DIM}go on with: jules-batch session stream {id} --from '{}'{DIM:#}",
                    stream.cursor()
                ));
                return Ok(match signal {
                    Signal::Interrupt => Exit::Interrupted,
                    Signal::Terminate => Exit::Terminated,
                });
            }
        };
        let Some(activity) = activity else { break };
        let line = match format {
            Format::Text => activity::rendered(&activity, &zone),
            Format::Json => serde_json::to_string(&activity).map_err(|e| Failure::new(Exit::Fault, e))?,
        };
        console.result_line(&line)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn result(args: &ResultArgs, console: &Console) -> Result<Exit, Failure> {
    let client = attach(&args.service, &args.session)?;
    let outcome = client.result().timeout(args.timeout).await.map_err(|error| {
        if matches!(error.kind(), ErrorKind::WaitTimeout { .. }) {
            return Failure::new(Exit::WorkLeft, error).help("ask again with a longer --timeout");
        }
        refused(error)
    })?;
    console.result_line(&shown(&outcome))?;
    Ok(if outcome.is_completed() { Exit::Done } else { Exit::TasksFailed })
}

fn shown(outcome: &Outcome) -> String {
    let mut text = neutral(&outcome.state.as_str().to_lowercase());
    if let Some(url) = outcome.pull_request.as_ref().and_then(|pr| pr.url.as_deref()) {
        text += &format!("\npull request  {}", neutral(url));
    }
    if let Some(change) = outcome.change_set.as_ref().filter(|change| !change.is_empty()) {
        text += "\nchange";
        activity::change_set(&mut text, change);
    }
    if let Some(reason) = &outcome.failure_reason {
        text += &format!("\n{}", console_line(reason));
    }
    text
}
