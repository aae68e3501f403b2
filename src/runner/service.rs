//! The client as a run sets it up, and what it asks before a run.

use std::collections::HashSet;
use std::time::Duration;

use super::RunError;
use crate::plan::{ConnectedSource, Settings};
use jules::reqwest::header::HeaderValue;
use jules::{BuildError, Jules, JulesBuilder, ListSessions, Quotas, Retries, Source};

/// How long a first request may be put off by 429 before the service counts as unavailable.
const FIRST_PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait before a refused read is sent again: half a minute in all.
const REFUSED_PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(9), Duration::from_secs(16)];

/// Twenty thousand repositories: a listing that is longer, or that brings nothing new for so many pages, has no end.
const MOST_PAGES: usize = 200;
const MOST_WITHOUT_NEWS: usize = 10;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("jules-batch/", env!("CARGO_PKG_VERSION")));

/// A client with the quotas and time limits of these settings; sends nothing.
pub(crate) fn connect(builder: JulesBuilder, settings: &Settings) -> Result<Jules, BuildError> {
    let limits = &settings.limits;
    let quotas = Quotas::default()
        .requests_per_minute(limits.requests_per_minute)
        .creates_per_minute(limits.creates_per_minute)
        .activities_per_minute(limits.activities_per_minute);
    let builder = builder.quotas(quotas).options(|options| {
        options
            .user_agent(USER_AGENT)
            .request_timeout(settings.request_timeout)
            .create_timeout(settings.create_timeout)
            .poll_interval(settings.poll.interval)
    });
    builder.build()
}

/// For the first request of a command: gives up soon, because nothing is lost by it.
pub(crate) fn impatient(jules: &Jules) -> Jules {
    let retries = Retries::default().attempts(3).throttle_patience(FIRST_PATIENCE);
    jules.with(|options| options.retries(retries))
}

/// All connected sources, all pages.
///
/// # Errors
///
/// [`RunError::Service`], [`RunError::EndlessSources`].
pub(crate) async fn all_sources(jules: &Jules) -> Result<Vec<Source>, RunError> {
    insisting(async || read_sources(jules).await).await
}

/// The same, asked for once.
///
/// # Errors
///
/// As [`all_sources`].
pub(crate) async fn read_sources(jules: &Jules) -> Result<Vec<Source>, RunError> {
    let mut listing = jules.sources();
    let (mut sources, mut known) = (Vec::new(), HashSet::new());
    let mut without_news = 0;
    for pages in 1.. {
        let Some(page) = listing.next_page().await.transpose()? else { break };
        let before = sources.len();
        sources.extend(page.into_iter().filter(|source| known.insert(source.name.clone())));
        without_news = if sources.len() > before { 0 } else { without_news + 1 };
        if without_news >= MOST_WITHOUT_NEWS {
            return Err(RunError::EndlessSources { pages, why: "and the last of them bring nothing new" });
        }
        if pages >= MOST_PAGES {
            return Err(RunError::EndlessSources { pages, why: "more than any account has" });
        }
    }
    Ok(sources)
}

/// Whether the service takes the key and lists sessions.
pub(crate) async fn greet(jules: &Jules) -> Result<(), RunError> {
    let page = ListSessions::default().page_size(1).fields("sessions(id),nextPageToken");
    insisting(async || Ok(jules.list_sessions(&page).await.map(drop)?)).await
}

/// Asks again where the service refuses what it may grant the next time: under load it has answered 404 for what exists.
/// A key that it does not know (401) is not one of these.
async fn insisting<T>(ask: impl AsyncFn() -> Result<T, RunError>) -> Result<T, RunError> {
    for pause in REFUSED_PAUSES {
        match ask().await {
            Err(RunError::Service(error)) if matches!(error.code(), Some(302 | 400 | 403 | 404)) => {
                tracing::debug!(%error, ?pause, "asking again");
                tokio::time::sleep(pause).await;
            }
            answer => return answer,
        }
    }
    ask().await
}

/// The GitHub repositories among the sources, as plans need them.
pub(crate) fn connected(sources: &[Source]) -> Vec<ConnectedSource> {
    let repository = |source: &Source| {
        Some(ConnectedSource {
            github: source.github()?,
            default_branch: source.default_branch().filter(|name| !name.is_empty()).map(str::to_owned),
            branches: source.branches().map(str::to_owned).collect(),
            gone: false,
        })
    };
    sources.iter().filter_map(repository).collect()
}

#[cfg(test)]
mod tests {
    use jules::{ApiKey, NewSession};
    use jules_simulator::{Scenario, Simulator};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_create_whose_answer_takes_forty_seconds_is_not_in_doubt() {
        let slow = "{ faults: [{ kind: slow, on: [sessions.create, sessions.get], delay: 40s }] }";
        let service = Simulator::start(Scenario::from_yaml(slow, "test").unwrap()).await.unwrap();
        let builder = Jules::builder().api_key(ApiKey::new("any").unwrap()).base_url(service.url());
        let jules = connect(builder, &Settings::default()).unwrap();
        let session = jules.create_session(&NewSession::new("Fix it")).await.unwrap();
        assert_eq!(service.statistics().requests["sessions.create"], 1);
        let error = jules.with(|options| options.retries(Retries::NONE)).get_session(&session.id).await;
        assert_eq!(error.unwrap_err().kind(), &jules::ErrorKind::Timeout(Duration::from_secs(30)));
    }
}
