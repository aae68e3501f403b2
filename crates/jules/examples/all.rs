//! One prompt on many repositories, three sessions at a time.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example all -- "Update the licence" owner/a owner/b owner/c
//! ```
//!
//! Without repositories it lists those that are connected.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Duration;

use futures::TryStreamExt as _;
use jules::{Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let prompt = arguments.next().ok_or("usage: all PROMPT [OWNER/REPO…]")?;
    let repos: Vec<String> = arguments.collect();

    let jules = Jules::from_env()?;
    if repos.is_empty() {
        let mut sources = jules.sources();
        while let Some(source) = sources.try_next().await? {
            let branch = source.default_branch().unwrap_or("no default branch");
            println!("{} ({branch})", source.github().unwrap_or_else(|| source.name.to_string()));
        }
        return Ok(());
    }

    let mut places = Vec::new();
    for repo in &repos {
        let source = jules.source(repo).await?;
        places.push((repo, source.default_branch().unwrap_or("main").to_owned()));
    }
    let results = jules
        .all(&places, |(repo, branch)| NewSession::new(prompt.as_str()).source(repo.as_str()).branch(branch))
        .concurrency(3)
        .stop_on_error(false)
        .delay(Duration::from_millis(500))
        .await;

    // One result for each item, in the items' order.
    for (repo, result) in repos.iter().zip(&results) {
        match result {
            Ok(outcome) => println!("{repo}: {} (session {})", outcome.state, outcome.session.id),
            Err(error) => println!("{repo}: {error}"),
        }
    }
    let usage = jules.usage();
    println!("{} requests, {} of them again, {:?} waited", usage.total(), usage.retries, usage.waited);
    Ok(())
}
