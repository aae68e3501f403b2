//! `session approve`: shows the plan that waits, and approves it.

use foreign_text::line as neutral;

use super::digest::whole_digest;
use super::render;
use super::target::{Patience, Target};
use super::write::failed_write;
use crate::cli::client::{failed, said_when_long};
use crate::cli::console::{BOLD, Console, DIM, GREEN};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use jules::{SessionClient, SessionState};

const AFTER_HELP: &str = "\
The plan is printed first, then comes a question; --yes answers it. To change a plan, send a message instead.

Examples:
  jules-batch session approve 123
  jules-batch session approve 123 --wait --yes";

/// `session approve`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ApproveArgs {
    /// Approve without a question
    #[arg(short, long)]
    yes: bool,
    /// Wait until there is a plan to approve
    #[arg(long)]
    wait: bool,
    /// How long to wait.
    #[command(flatten)]
    patience: Patience,
    /// Which session, and how to reach the service.
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &ApproveArgs, console: &Console) -> Result<Exit, Failure> {
    let client = if args.wait { args.target.patient()? } else { args.target.prompt()? };
    let session = if args.wait {
        console.say(&format!("{DIM}waiting for the plan …{DIM:#}"));
        let wait = client.wait_for(SessionState::AwaitingPlanApproval).timeout(args.patience.limit());
        wait.await.map_err(failed)?
    } else {
        said_when_long("reading the session", console, client.info()).await.map_err(failed)?
    };
    if session.state != Some(SessionState::AwaitingPlanApproval) {
        let state =
            session.state.map_or_else(|| "in no state yet".to_owned(), |state| neutral(state.as_str()));
        let failure = Failure::new(
            Exit::Fault,
            format!("no plan of session {} waits for approval: it is {state}", client.id()),
        );
        return Err(failure.help("wait for the plan with --wait"));
    }
    let digest = whole_digest(&client, console).await?;
    match &digest.plan {
        Some(plan) => console.result_line(&format!("{BOLD}plan{BOLD:#}\n{}", render::plan_steps(plan)))?,
        None => console.warn("the activities do not show the plan"),
    }
    if !args.yes && !asked(console)? {
        console.say("not approved");
        return Ok(Exit::WorkLeft);
    }
    approve(&client, console).await
}

async fn approve(client: &SessionClient, console: &Console) -> Result<Exit, Failure> {
    let id = client.id();
    let approved = said_when_long("approving it", console, client.approve()).await;
    approved.map_err(|error| failed_write(error, &format!("jules-batch session show {id}")))?;
    console.say(&format!(
        "{GREEN}approved{GREEN:#}\n{DIM}look on with: jules-batch session stream {id} --from now{DIM:#}"
    ));
    Ok(Exit::Done)
}

/// The user's yes or no.
fn asked(console: &Console) -> Result<bool, Failure> {
    if !console.interactive() {
        return Err(
            Failure::usage("nobody is here to approve the plan").help("approve it unasked with --yes")
        );
    }
    Ok(console.confirm("Approve this plan?"))
}
