//! Lets a session run by itself and reports what it made.
//!
//! Without a repository it is a function in the cloud: what goes in stands in the prompt, what comes out are files.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example run -- "Fix the flaky test" owner/repo main
//! JULES_API_KEY=… cargo run -p jules --example run -- "Write answer.md: why is the sky blue?"
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use jules::{Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut task = NewSession::new(arguments.next().ok_or("usage: run PROMPT [OWNER/REPO BRANCH]")?);
    if let (Some(repo), Some(branch)) = (arguments.next(), arguments.next()) {
        task = task.source(repo).branch(branch);
    }

    let jules = Jules::from_env()?;
    // Opens a pull request, needs no approval: the defaults of `run`.
    let session = match jules.run(task).await {
        Ok(session) => session,
        Err(error) if error.is_auth() => return Err(format!("the key is not good: {error}").into()),
        Err(error) if error.surely_not_processed() => return Err(error.into()),
        Err(error) => return Err(format!("there may be a session all the same: {error}").into()),
    };
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
        println!("--- {path}\n{content}");
    }
    Ok(())
}
