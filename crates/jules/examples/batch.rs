//! A batch whose events are told as they happen: each session is known from its start.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example batch -- "Update the licence" owner/a owner/b owner/c
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Duration;

use futures::StreamExt as _;
use jules::{BatchEvent, Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let prompt = arguments.next().ok_or("usage: batch PROMPT OWNER/REPO…")?;
    let repos: Vec<String> = arguments.collect();

    let jules = Jules::from_env()?;
    // Without a branch each repository's default branch is looked up.
    let batch = jules
        .all(&repos, |repo| NewSession::new(prompt.as_str()).source(repo.as_str()))
        .concurrency(2)
        .stop_on_error(false)
        .timeout(Duration::from_secs(60 * 60));
    let started = batch.started();

    let mut events = batch.events();
    while let Some(event) = events.next().await {
        match event {
            BatchEvent::Started { index, id, .. } => println!("{}: session {id}", repos[index]),
            BatchEvent::Ended { index, outcome: Ok(outcome) } => {
                let page = outcome.pull_request.as_ref().and_then(|pull_request| pull_request.url.as_deref());
                println!("{}: {} {}", repos[index], outcome.state, page.unwrap_or("without a pull request"));
            }
            BatchEvent::Ended { index, outcome: Err(error) } => println!("{}: {error}", repos[index]),
            _ => {}
        }
    }
    println!("{} of {} had a session", started.list().len(), repos.len());
    Ok(())
}
