//! Goes on after a crash: the session of an earlier process is found by its marker and followed, not made a second time.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example adopt -- nightly-2026-11-28 "Fix the flaky test" owner/repo main
//! ```
//!
//! Kill it at any time and start it again with the same words.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use jules::{Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(marker), Some(prompt), Some(repo), Some(branch)) =
        (arguments.next(), arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: adopt MARKER PROMPT OWNER/REPO BRANCH".into());
    };

    let jules = Jules::from_env()?;
    // The marker stands at the end of the session's title: one word for one create, kept by whoever may have to go on.
    let session = match jules.find_created(&marker).await? {
        Some(session) => {
            println!("adopted {}", session.id);
            jules.attach(session.id)
        }
        None => {
            let task = NewSession::new(prompt).source(repo).branch(branch).marker(marker);
            let session = jules.run(task).await?.into_client();
            println!("created {}", session.id());
            session
        }
    };

    let outcome = session.result().await?;
    println!("{}", outcome.state);
    Ok(())
}
