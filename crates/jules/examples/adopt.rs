//! Goes on after a crash, whenever it came, and makes no second session.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example adopt -- nightly.txt "Fix the flaky test" owner/repo main
//! ```
//!
//! Kill it at any time and start it again with the same words. What a crash leaves is in the file: nothing, when nothing was
//! sent; a marker alone, when a session may have been created whose id nobody has heard; a marker and an id.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jules::{Jules, NewSession, Options, SessionClient, TitleMarker};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(prompt), Some(repo), Some(branch)) =
        (arguments.next().map(PathBuf::from), arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: adopt FILE PROMPT OWNER/REPO BRANCH".into());
    };
    let task = NewSession::new(prompt).source(repo).branch(branch);

    let jules = Jules::from_env()?;
    let left = match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        left => left?,
    };
    let mut lines = left.lines();
    let marker = match lines.next() {
        Some(marker) => TitleMarker::new(marker)?,
        None => {
            // Written down before anything is sent: one marker for one create.
            let marker = TitleMarker::random();
            keep(&file, &format!("{marker}\n"))?;
            marker
        }
    };
    let session = match lines.next() {
        Some(id) => {
            println!("going on with {id}");
            jules.attach(id.parse()?)
        }
        None => {
            let found = if left.is_empty() { None } else { look_for(&jules, &marker).await? };
            let session = match found {
                Some(session) => session,
                None => create(&jules, task, &marker).await?,
            };
            keep(&file, &format!("{marker}\n{}\n", session.id()))?;
            session
        }
    };

    let outcome = session.result().await?;
    println!("{}", outcome.state);
    Ok(())
}

/// The session of a create that a process before this one did not see the answer to. The service lists a new session some
/// seconds late, so one look that does not show it proves nothing.
async fn look_for(jules: &Jules, marker: &TitleMarker) -> Result<Option<SessionClient>, jules::Error> {
    for look in 0..Options::LOOKS {
        if look > 0 {
            tokio::time::sleep(Options::LOOK_DELAY).await;
        }
        if let Some(session) = jules.find_created(marker).await? {
            println!("adopted {}", session.id);
            return Ok(Some(jules.attach(session.id)));
        }
    }
    Ok(None)
}

async fn create(
    jules: &Jules,
    task: NewSession,
    marker: &TitleMarker,
) -> Result<SessionClient, jules::Error> {
    let session = jules.run(task.marker(marker.as_str())).await?.into_client();
    println!("created {}", session.id());
    Ok(session)
}

/// Replaces the file as a whole: a crash leaves the old one or the new one.
fn keep(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(new, file)
}
