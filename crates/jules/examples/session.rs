//! A session with a human in the loop: look at the plan, approve it, ask, and wait for the result.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example session -- owner/repo main "Refactor the parser"
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Duration;

use futures::TryStreamExt as _;
use jules::{ActivityKind, Jules, NewSession, SessionState};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(repo), Some(branch), Some(prompt)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: session OWNER/REPO BRANCH PROMPT".into());
    };

    let jules = Jules::from_env()?;
    // The plan waits for an approval: the default of `session`.
    let session = jules.session(NewSession::new(prompt).source(repo).branch(branch)).await?;
    println!("session {}", session.id());

    // Every call that waits takes a timeout.
    session.wait_for(SessionState::AwaitingPlanApproval).timeout(Duration::from_secs(15 * 60)).await?;
    let history: Vec<_> = session.activities().history().try_collect().await?;
    for activity in history {
        if let ActivityKind::PlanGenerated(plan) = activity.kind {
            for step in plan.steps {
                println!("{}. {}", step.index + 1, step.title.unwrap_or_default());
            }
        }
    }
    session.approve().await?;

    let reply = session.ask("Which part will you begin with?").timeout(Duration::from_secs(10 * 60)).await?;
    println!("agent: {}", reply.message().unwrap_or_default());
    session.send("Please keep the public interface as it is.").await?;

    let outcome = session.result().await?;
    println!("{}", outcome.state);
    Ok(())
}
