//! One prompt on many repositories, three sessions at a time.
//!
//! ```text
//! JULES_API_KEY=… cargo run --no-default-features --example all -- "Update the licence" owner/a owner/b owner/c
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use jules_batch::api::{Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let prompt = arguments.next().ok_or("usage: all PROMPT OWNER/REPO...")?;
    let repos: Vec<String> = arguments.collect();

    let jules = Jules::from_env()?;
    let results = jules
        .all(&repos, |repo| NewSession::new(prompt.as_str()).source(repo).branch("main"))
        .concurrency(3)
        .stop_on_error(false)
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
