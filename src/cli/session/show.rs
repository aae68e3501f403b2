//! `session show`: one session at a glance.

use clap::ValueEnum;
use serde::Serialize;

use super::digest::{course, warn_unread};
use super::render::{Rendering, card, told};
use super::target::Target;
use crate::cli::client::{failed, said_when_long};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use jules::{Activity, AgentPlan, Session, SessionSnapshot};

const AFTER_HELP: &str = "\
With --format json: one object with the session as the service describes it, its plan, why it failed, its last
messages, and a snapshot: counts of its activities, duration, changed files, failed commands, timeline.
With --format markdown: the snapshot, for a comment or a job's summary; nothing that others wrote is markup in it.

Examples:
  jules-batch session show 123
  jules-batch session show 123 --messages 20
  jules-batch session show 123 --format json | jq -r .session.state
  jules-batch session show 123 --format markdown >> \"$GITHUB_STEP_SUMMARY\"";

/// `session show`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ShowArgs {
    /// How many of the last messages
    #[arg(short, long, value_name = "N", default_value_t = 5)]
    messages: usize,
    /// List every changed file and every failed command
    #[arg(long)]
    full: bool,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: ShowFormat,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
}

/// `--format text|json|markdown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ShowFormat {
    /// For reading
    #[default]
    Text,
    /// For programs
    Json,
    /// For a comment or a page
    Markdown,
}

/// `session show --format json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    session: &'a Session,
    plan: Option<&'a AgentPlan>,
    plan_approved: bool,
    failure_reason: Option<&'a str>,
    messages: Vec<&'a Activity>,
    snapshot: SessionSnapshot,
}

pub(super) async fn run(args: &ShowArgs, console: &Console) -> Result<Exit, Failure> {
    let client = args.target.prompt()?;
    let session = said_when_long("reading the session", console, client.info()).await.map_err(failed)?;
    let rendering = Rendering::new(args.full);
    if args.format == ShowFormat::Text {
        console.result_line(&card(&session, &rendering))?;
    }
    let (course, error) = course(&client, args.messages, console).await;
    match args.format {
        ShowFormat::Text => {
            for line in told(&session, &course, &rendering, args.full) {
                console.result_line(&line)?;
            }
        }
        ShowFormat::Markdown => {
            console.result_line(course.snapshot(session).to_markdown().trim_end())?;
        }
        ShowFormat::Json => {
            let digest = course.digest();
            console.result_line(&json::text(&Shown {
                session: &session,
                plan: digest.plan.as_ref(),
                plan_approved: digest.plan_approved,
                failure_reason: digest.failure_reason.as_deref(),
                messages: digest.messages.iter().collect(),
                snapshot: course.snapshot(session.clone()),
            })?)?;
        }
    }
    if let Some(error) = error {
        warn_unread("plan, messages and what else the activities tell may be missing", &error, console);
    }
    Ok(Exit::Done)
}
