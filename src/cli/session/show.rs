//! `session show`: one session at a glance.

use serde::Serialize;

use super::digest::{digest, warn_unread};
use super::render::{Rendering, card, told};
use super::target::{Format, Target};
use crate::cli::client::{failed, said_when_long};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use jules::{Activity, AgentPlan, Session};

const AFTER_HELP: &str = "\
With --format json: one object with the session as the service describes it, its plan, why it failed, and its last
messages.

Examples:
  jules-batch session show 123
  jules-batch session show 123 --messages 20
  jules-batch session show 123 --format json | jq -r .session.state";

/// `session show`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ShowArgs {
    /// How many of the last messages
    #[arg(short, long, value_name = "N", default_value_t = 5)]
    messages: usize,
    /// List every changed file
    #[arg(long)]
    full: bool,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
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
}

pub(super) async fn run(args: &ShowArgs, console: &Console) -> Result<Exit, Failure> {
    let client = args.target.prompt()?;
    let session = said_when_long("reading the session", console, client.info()).await.map_err(failed)?;
    let rendering = Rendering::new(args.full);
    if args.format == Format::Text {
        console.result_line(&card(&session, &rendering))?;
    }
    let (digest, error) = digest(&client, args.messages, console).await;
    match args.format {
        Format::Text => {
            for line in told(&session, &digest, &rendering, args.full) {
                console.result_line(&line)?;
            }
        }
        Format::Json => console.result_line(&json::text(&Shown {
            session: &session,
            plan: digest.plan.as_ref(),
            plan_approved: digest.plan_approved,
            failure_reason: digest.failure_reason.as_deref(),
            messages: digest.messages.iter().collect(),
        })?)?,
    }
    if let Some(error) = error {
        warn_unread("plan, messages and what else the activities tell may be missing", &error, console);
    }
    Ok(Exit::Done)
}
