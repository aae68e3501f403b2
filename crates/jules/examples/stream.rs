//! Follows a session as it happens, and goes on later from where it stopped.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example stream -- SESSION [CURSOR]
//! ```
//!
//! Screenshots are saved in the current folder.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use futures::StreamExt as _;
use jules::{Activity, ActivityKind, Artifact, InvalidMedia, Jules, SessionId};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let id: SessionId = arguments.next().ok_or("usage: stream SESSION [CURSOR]")?.parse()?;
    let cursor = arguments.next().map(|text| text.parse()).transpose()?;

    let jules = Jules::from_env()?;
    let session = jules.attach(id);
    // What has happened first, then what happens, until the session has ended.
    let mut activities = session.stream().from(cursor.unwrap_or_default());
    while let Some(activity) = activities.next().await {
        show(&activity?)?;
    }
    println!("go on later from: {}", activities.cursor());
    Ok(())
}

fn show(activity: &Activity) -> Result<(), InvalidMedia> {
    match &activity.kind {
        ActivityKind::PlanGenerated(plan) => println!("plan with {} steps", plan.steps.len()),
        ActivityKind::PlanApproved { .. } => println!("plan approved"),
        ActivityKind::AgentMessaged { message } => println!("agent: {message}"),
        ActivityKind::UserMessaged { message } => println!("user: {message}"),
        ActivityKind::ProgressUpdated { title, .. } => println!("… {}", title.as_deref().unwrap_or_default()),
        ActivityKind::SessionCompleted => println!("completed"),
        ActivityKind::SessionFailed { reason } => {
            println!("failed: {}", reason.as_deref().unwrap_or("no reason"));
        }
        ActivityKind::None => {}
        // Kinds can be added by the service at any time.
        other => println!("{other:?}"),
    }
    for artifact in &activity.artifacts {
        match artifact {
            Artifact::ChangeSet(change_set) => {
                for file in change_set.diff().files {
                    println!("  {}: +{} -{}", file.path, file.additions, file.deletions);
                }
            }
            Artifact::BashOutput(bash) => println!("  $ {}", bash.command.as_deref().unwrap_or_default()),
            Artifact::Media(media) if media.mime_type.as_deref() == Some("image/png") => {
                // An id is a plain word: it cannot lead out of the folder.
                let file = format!("{}.png", activity.id);
                media.save(&file)?;
                println!("  saved {file}");
            }
            other => println!("  {other:?}"),
        }
    }
    Ok(())
}
