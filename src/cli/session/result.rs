//! `session result`: waits for the end and tells it.

use std::time::{Duration, Instant};

use foreign_text::line as neutral;
use serde::Serialize;

use super::digest::{ACTIVITIES, digest, warn_unread};
use super::render;
use super::target::{Format, Patience, Target};
use crate::cli::client::{failed, said_when_long};
use crate::cli::console::{Console, DIM, RED, YELLOW};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::signals::Signals;
use crate::manifest::parse_duration;
use jules::{
    ChangeSet, Error, ErrorKind, Options, PullRequest, Session, SessionClient, SessionOutcome, SessionState,
};

const AFTER_HELP: &str = "\
Exit codes: 0 it completed, or failed after it had opened a pull request; 100 it failed, completed with a question instead of
a change, or did not work at all; 5 it had not ended after --timeout; 75 what it has made could not be read.

A session that waits for a plan's approval or for an answer does not end: see `session approve` and `session send`.
Pull requests come after the state: one that has just completed on a repository without any is read again for --settle.

Examples:
  jules-batch session result 123 --timeout 45m
  jules-batch session result 123 --format json | jq -r .pullRequest.url";

/// `session result`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ResultArgs {
    /// How long to wait.
    #[command(flatten)]
    patience: Patience,
    /// How long to look again at a session that completed without what was asked for
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30s")]
    settle: Duration,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
}

/// `session result --format json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    state: &'a str,
    pull_request: Option<&'a PullRequest>,
    pull_requests: Vec<&'a PullRequest>,
    change: Option<Change>,
    failure_reason: Option<&'a str>,
    open_question: Option<&'a str>,
    never_worked: bool,
    generated_files: Vec<String>,
    session: &'a Session,
}

#[derive(Serialize)]
struct Change {
    files: usize,
    additions: u64,
    deletions: u64,
    /// Some of it could not be read: there may be more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unread: bool,
}

pub(super) async fn run(args: &ResultArgs, console: &Console) -> Result<Exit, Failure> {
    let jules = args.target.access.patient()?.with(|options| options.settle(args.settle));
    let client = jules.attach(args.target.id.clone());
    let mut signals = Signals::new()?;
    let outcome = tokio::select! {
        outcome = look(&client, args, console) => outcome?,
        signal = signals.next() => return Ok(signal.exit()),
    };
    let text = match args.format {
        Format::Text => text(&outcome),
        Format::Json => json::text(&told(&outcome))?,
    };
    console.result_line(&text)?;
    Ok(exit(&outcome))
}

fn exit(outcome: &SessionOutcome) -> Exit {
    match outcome.has_succeeded() {
        true if outcome.unread && !outcome.has_changed() => Exit::Unavailable,
        true => Exit::Done,
        false => Exit::TasksFailed,
    }
}

/// Waits for the session's end, and then not for long for what else there is to tell.
async fn look(
    client: &SessionClient,
    args: &ResultArgs,
    console: &Console,
) -> Result<SessionOutcome, Failure> {
    let (asked, limit) = (Instant::now(), args.patience.limit());
    let mut session = info(client, console).await?;
    if let Some(hint) = hint(&session) {
        console.say(&hint);
    }
    let mut ended = None;
    loop {
        if !session.is_terminal() {
            ended = None;
            let left = limit.map(|limit| limit.saturating_sub(asked.elapsed()));
            session = match client.wait_for(SessionState::Completed).timeout(left).await {
                Err(error) if matches!(error.kind(), ErrorKind::SessionEnded { .. }) => {
                    info(client, console).await?
                }
                answer => answer.map_err(failed)?,
            };
        }
        let ended = *ended.get_or_insert_with(Instant::now);
        let result = client.result().timeout(args.settle + ACTIVITIES);
        match said_when_long("reading what it has made", console, result).await {
            Ok(outcome) if outcome.unread => {
                console.warn("why it failed could not be read");
                return Ok(outcome);
            }
            Ok(outcome) => return Ok(outcome),
            Err(error) if error.is_auth() => return Err(failed(error)),
            // A message has set it going again, or what it has made is not known yet.
            Err(error) if matches!(error.kind(), ErrorKind::WaitTimeout { .. }) => {
                session = info(client, console).await?;
            }
            Err(error) => return Ok(unread(session, &error, console)),
        }
        if session.is_terminal() {
            let (activities, error) = digest(client, 0, console).await;
            if let Some(error) = error {
                return Ok(unread(session, &error, console));
            }
            let may_wake = activities.may_wake(Options::FRESH_PATIENCE, client.jules().service_time());
            if !may_wake || ended.elapsed() >= Options::FRESH_PATIENCE {
                return Ok(SessionOutcome::new(session, &activities));
            }
        }
    }
}

async fn info(client: &SessionClient, console: &Console) -> Result<Session, Failure> {
    said_when_long("reading the session", console, client.info()).await.map_err(failed)
}

/// What the session itself tells, with a warning.
fn unread(session: Session, error: &Error, console: &Console) -> SessionOutcome {
    warn_unread("changes and what else the activities tell may be missing", error, console);
    SessionOutcome::unread(session)
}

/// What a human should know before the wait.
fn hint(session: &Session) -> Option<String> {
    let state = session.state.as_ref()?;
    if state.is_terminal() {
        return None;
    }
    let id = &session.id;
    if state.is_waiting() {
        let way = match state.as_str() {
            "AWAITING_PLAN_APPROVAL" => "approve",
            _ => "chat",
        };
        let state = neutral(state.as_str());
        return Some(format!("{YELLOW}it is {state}{YELLOW:#}: jules-batch session {way} {id}"));
    }
    Some(format!("{DIM}it is {}; waiting for its end …{DIM:#}", neutral(state.as_str())))
}

fn text(outcome: &SessionOutcome) -> String {
    let mut lines = vec![render::state(Some(&outcome.state))];
    if let Some(reason) = &outcome.failure_reason {
        lines.push(format!("{RED}reason{RED:#}\n{}", foreign_text::block(reason)));
    }
    for pull_request in outcome.session.pull_requests() {
        let url = pull_request.url.as_deref().unwrap_or("(no address)");
        lines.push(format!("pull request {}", neutral(url)));
    }
    if let Some(question) = &outcome.open_question {
        lines.push(format!("{YELLOW}it asks{YELLOW:#}\n{}", foreign_text::block(question)));
    }
    if outcome.never_worked {
        lines.push(format!("{RED}it completed without having worked{RED:#}"));
    }
    match &outcome.change_set {
        None if outcome.unread => lines.push("changes not known".to_owned()),
        Some(change_set) => lines.push(format!("changes {}", render::change_summary(change_set, false))),
        None => lines.push("no changes".to_owned()),
    }
    lines.join("\n")
}

fn told(outcome: &SessionOutcome) -> Told<'_> {
    let diff = outcome.change_set.as_ref().map(ChangeSet::diff);
    Told {
        state: outcome.state.as_str(),
        pull_request: outcome.pull_request.as_ref(),
        pull_requests: outcome.session.pull_requests().collect(),
        change: diff.map(|diff| Change {
            files: diff.files.len(),
            additions: diff.additions(),
            deletions: diff.deletions(),
            unread: diff.unread,
        }),
        failure_reason: outcome.failure_reason.as_deref(),
        open_question: outcome.open_question.as_deref(),
        never_worked: outcome.never_worked,
        generated_files: outcome.generated_files().into_keys().collect(),
        session: &outcome.session,
    }
}
