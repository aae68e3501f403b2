//! A chat: shows what a session waits for, and sends what is typed.
//!
//! ```text
//! JULES_API_KEY=… cargo run -p jules --example chat -- "What does this repository do?" owner/repo main
//! JULES_API_KEY=… cargo run -p jules --example chat -- SESSION
//! ```
//!
//! An empty line approves a plan, or leaves the chat; the session goes on.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use jules::{Attention, Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().ok_or("usage: chat PROMPT [OWNER/REPO BRANCH] | chat SESSION")?;

    let jules = Jules::from_env()?;
    let session = match first.parse() {
        Ok(id) => jules.attach(id),
        Err(_) => {
            let mut new = NewSession::new(first);
            if let (Some(repo), Some(branch)) = (arguments.next(), arguments.next()) {
                new = new.source(repo).branch(branch);
            }
            jules.session(new).await?
        }
    };
    println!("session {}", session.id());

    loop {
        // One call for all that a person may have to do. It returns at once where something is due already.
        match session.wait_for_attention().timeout(None).await? {
            Attention::Plan { plan, .. } => {
                for step in plan.into_iter().flat_map(|plan| plan.steps) {
                    println!("{}. {}", step.index + 1, step.title.unwrap_or_default());
                }
                match typed("approve with an empty line, or say what to change").await? {
                    Some(words) => session.send(&words).await?,
                    None => session.approve().await?,
                }
            }
            Attention::Question(question) => {
                println!("agent: {question}");
                let Some(words) = typed("your answer").await? else { break };
                session.send(&words).await?;
            }
            Attention::Ended(outcome) => {
                println!("{}", outcome.state);
                if let Some(question) = &outcome.open_question {
                    println!("agent: {question}");
                }
                // A message sets a session going that has completed.
                let Some(words) = typed("anything else?").await? else { break };
                session.send(&words).await?;
            }
            other => {
                println!("{other:?}");
                break;
            }
        }
    }
    println!("{}", session.snapshot().await?.to_markdown());
    Ok(())
}

/// A line from the keyboard, which is waited for beside the runtime, not on it.
async fn typed(question: &str) -> Result<Option<String>, Box<dyn Error>> {
    println!("({question})");
    let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await?.transpose()?;
    Ok(line.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()))
}
