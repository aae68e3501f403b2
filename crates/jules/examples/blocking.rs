//! A program that is not asynchronous: a runtime of its own, and each call is waited for.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example blocking -- "Fix the flaky test" owner/repo main
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use futures::StreamExt as _;
use jules::{Jules, NewSession};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(prompt), Some(repo), Some(branch)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: blocking PROMPT OWNER/REPO BRANCH".into());
    };

    // One for the whole program: connections belong to it. Time and IO are what the client needs of it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let jules = Jules::from_env()?;
    let session = runtime.block_on(jules.run(NewSession::new(prompt).source(repo).branch(branch)))?;

    // A stream is a loop with one wait in it.
    let mut activities = session.stream();
    while let Some(activity) = runtime.block_on(activities.next()) {
        println!("{}", activity?);
    }

    // What waits by itself is a value, and becomes a future within the runtime.
    let outcome = runtime.block_on(async { session.result().await })?;
    println!("{}", outcome.state);
    Ok(())
}
