//! The client as a run sets it up, and what it asks before a run.

use std::time::Duration;

use futures::TryStreamExt as _;

use crate::plan::{ConnectedSource, Settings};
use jules::reqwest::header::HeaderValue;
use jules::{BuildError, Error, Jules, JulesBuilder, Quotas, Retries, Source};

/// How long a first request may be put off by 429 before the service counts as unavailable.
const FIRST_PATIENCE: Duration = Duration::from_secs(20);

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("jules-batch/", env!("CARGO_PKG_VERSION")));

/// A client with the quotas and time limits of these settings; sends nothing.
pub(crate) fn connect(builder: JulesBuilder, settings: &Settings) -> Result<Jules, BuildError> {
    let limits = &settings.limits;
    let quotas = Quotas {
        requests_per_minute: limits.requests_per_minute,
        creates_per_minute: limits.creates_per_minute,
        activities_per_minute: limits.activities_per_minute,
    };
    let (timeout, interval) = (settings.request_timeout, settings.poll.interval);
    let builder = builder.quotas(quotas);
    builder
        .options(|options| options.user_agent(USER_AGENT).request_timeout(timeout).poll_interval(interval))
        .build()
}

/// For the first request of a command: gives up soon, because nothing is lost by it.
pub(crate) fn impatient(jules: &Jules) -> Jules {
    let retries = Retries { attempts: 3, throttle_patience: FIRST_PATIENCE, ..Retries::default() };
    jules.with(|options| options.retries(retries))
}

/// All connected sources, all pages.
pub(crate) async fn all_sources(jules: &Jules) -> Result<Vec<Source>, Error> {
    jules.sources().try_collect().await
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
