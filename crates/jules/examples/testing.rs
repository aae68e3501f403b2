//! Code of one's own on top of the client, and its tests: against the service as `jules-simulator` plays it, without a
//! key and without a network.
//!
//! ```text
//! cargo test -p jules --example testing
//! JULES_API_KEY=… cargo run -p jules --example testing -- owner/repo
//! ```
//!
//! In `Cargo.toml`: `jules-simulator` among the `dev-dependencies`.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use jules::{Jules, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let repo = std::env::args().nth(1).ok_or("usage: testing OWNER/REPO")?;
    println!("{}", tidy(&Jules::from_env()?, &repo).await?);
    Ok(())
}

/// What is to be tested: tidies a repository, and tells in one line what came of it.
async fn tidy(jules: &Jules, repo: &str) -> Result<String, jules::Error> {
    let session = jules.run(NewSession::new("Tidy up").source(repo)).await?.into_client();
    let outcome = session.on_question(async |_| Some("As you think best.".to_owned())).await?;
    Ok(match outcome.pull_request.as_ref().and_then(jules::PullRequest::number) {
        Some(number) => format!("{repo}#{number}"),
        None => format!("{repo}: {}", outcome.failure_reason.as_deref().unwrap_or("nothing to do")),
    })
}

#[cfg(test)]
mod tests {
    use jules::ApiKey;
    use jules_simulator::{Scenario, Simulator};

    use super::*;

    /// The service as the scenario says, and a client of it.
    async fn world(scenario: &str) -> Result<(Simulator, Jules), Box<dyn Error>> {
        let simulator = Simulator::start(Scenario::from_yaml(scenario, "the test's scenario")?).await?;
        let poll = std::time::Duration::from_millis(20);
        let jules = Jules::builder()
            .base_url(simulator.url())
            .api_key(ApiKey::new("any")?)
            .options(|options| options.poll_interval(poll).settle(poll))
            .build()?;
        Ok((simulator, jules))
    }

    // An hour of the service's passes in a second.
    #[tokio::test]
    async fn a_question_is_answered_and_the_pull_request_told() -> Result<(), Box<dyn Error>> {
        let scenario = "{ speed: 3600, defaults: { outcome: pull-request, feedback: { times: 1 } } }";
        let (simulator, jules) = world(scenario).await?;
        assert!(tidy(&jules, "my-org/web").await?.starts_with("my-org/web#"));
        // What the service saw, whatever the client believes.
        assert_eq!(simulator.sessions()[0].messages, ["As you think best."]);
        Ok(())
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_reason() -> Result<(), Box<dyn Error>> {
        let scenario = "{ speed: 3600, defaults: { outcome: failure, failure-reason: No disk. } }";
        let (_simulator, jules) = world(scenario).await?;
        assert_eq!(tidy(&jules, "my-org/web").await?, "my-org/web: No disk.");
        Ok(())
    }

    #[tokio::test]
    async fn a_lost_answer_makes_no_second_session() -> Result<(), Box<dyn Error>> {
        let scenario = "{ speed: 3600, defaults: { outcome: pull-request },
            faults: [{ kind: reset-after, on: sessions.create, nth: 1 }] }";
        let (simulator, jules) = world(scenario).await?;
        tidy(&jules, "my-org/web").await?;
        assert_eq!(simulator.statistics().created, 1);
        Ok(())
    }
}
