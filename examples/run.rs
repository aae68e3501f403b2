//! Lets a session run by itself and reports what it made.
//!
//! ```text
//! JULES_API_KEY=… cargo run --no-default-features --example run -- owner/repo main "Fix the flaky test"
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use jules_batch::api::{Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(repo), Some(branch), Some(prompt)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: run OWNER/REPO BRANCH PROMPT".into());
    };

    let jules = Jules::from_env()?;
    // Opens a pull request, needs no approval: the defaults of `run`.
    let session = jules.run(NewSession::new(prompt).source(repo).branch(branch)).await?;
    println!("session {}: {}", session.id(), session.url().unwrap_or("no page yet"));

    // Forget it here, or await it: that is `session.result()`.
    let outcome = session.await?;
    println!("{}", outcome.state);
    if let Some(reason) = &outcome.failure_reason {
        println!("because: {reason}");
    }
    if let Some(pull_request) = &outcome.pull_request {
        println!("pull request: {}", pull_request.url.as_deref().unwrap_or("without a page"));
    }
    if let Some(change_set) = &outcome.change_set {
        for file in change_set.diff().files {
            println!("{:>8} +{} -{} {}", file.change.as_str(), file.additions, file.deletions, file.path);
        }
    }
    for (path, content) in outcome.generated_files() {
        println!("new file {path}, {} bytes", content.len());
    }
    Ok(())
}
