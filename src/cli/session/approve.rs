//! `session approve`.

use super::show::Past;
use super::{SessionName, activity, attach, refused};
use crate::api::{ActivityKind, SessionState};
use crate::cli::args::Service;
use crate::cli::console::{BOLD, Console};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::console_fragment as neutral;

const AFTER_HELP: &str = "\
The plan is shown first, and approved after a yes; without a terminal, --yes is needed.

Examples:
  jules-batch session approve 31415926535897932384
  jules-batch session approve 31415926535897932384 --yes";

/// `session approve`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ApproveArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// Approve without asking
    #[arg(short, long)]
    yes: bool,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

pub(super) async fn run(args: &ApproveArgs, console: &Console) -> Result<Exit, Failure> {
    let client = attach(&args.service, &args.session)?;
    let session = client.info().await.map_err(refused)?;
    let state = session.state.unwrap_or(SessionState::Unspecified);
    if state != SessionState::AwaitingPlanApproval {
        let state = neutral(&state.as_str().to_lowercase().replace('_', " "));
        return Err(Failure::new(
            Exit::Fault,
            format!("session {} waits for no approval: {state}", client.id()),
        )
        .help(format!("see what it does: jules-batch session stream {}", client.id())));
    }
    if let Some(ActivityKind::PlanGenerated(plan)) = Past::of(&client).await?.plan.map(|a| a.kind) {
        console.say(&format!("{BOLD}plan{BOLD:#}{}", activity::steps(&plan)));
    }
    agreed(args.yes, "Approve this plan?", console)?;
    client.approve().await.map_err(refused)?;
    console.say(&format!("approved; see what it does: jules-batch session stream {}", client.id()));
    Ok(Exit::Done)
}

/// Asks, unless the answer was given on the command line.
pub(super) fn agreed(yes: bool, question: &str, console: &Console) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !console.interactive() {
        return Err(Failure::usage("there is no terminal to ask on").help("say yes in advance: --yes"));
    }
    if console.confirm(question) { Ok(()) } else { Err(Failure::new(Exit::Fault, "nothing was done")) }
}
