//! The API client as the command line sets it up, and what its errors mean for the exit code.

use std::time::Duration;

use futures::TryStreamExt as _;

use super::args::Service;
use super::exit::Exit;
use super::failure::Failure;
use crate::api::reqwest::header::HeaderValue;
use crate::api::{ApiKey, BuildError, Error, Jules, JulesBuilder, KEY_VARIABLE, Quotas, Retries, Source};
use crate::plan::{ConnectedSource, Settings};

/// How long a first request may be put off by 429 before the service counts as unavailable.
const FIRST_PATIENCE: Duration = Duration::from_secs(20);

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("jules-batch/", env!("CARGO_PKG_VERSION")));

/// A client with key and address from flags and environment; sends nothing.
pub(crate) fn connect(service: &Service, settings: &Settings) -> Result<Jules, Failure> {
    let builder = Jules::builder();
    let builder = match &service.base_url {
        Some(url) => builder.base_url(url.as_str()),
        None => builder,
    };
    with_settings(builder.with_env(), settings).build().map_err(unusable)
}

/// A client for a simulator that takes any key.
pub(crate) fn connect_to_simulator(url: &str, settings: &Settings) -> Result<Jules, Failure> {
    let key = ApiKey::new("simulated").map_err(|error| Failure::new(Exit::Fault, error))?;
    with_settings(Jules::builder().api_key(key).base_url(url), settings).build().map_err(unusable)
}

fn with_settings(builder: JulesBuilder, settings: &Settings) -> JulesBuilder {
    let limits = &settings.limits;
    let quotas = Quotas {
        requests_per_minute: limits.requests_per_minute,
        creates_per_minute: limits.creates_per_minute,
        activities_per_minute: limits.activities_per_minute,
    };
    let (timeout, interval) = (settings.request_timeout, settings.poll.interval);
    builder
        .quotas(quotas)
        .options(|options| options.user_agent(USER_AGENT).request_timeout(timeout).poll_interval(interval))
}

fn unusable(error: BuildError) -> Failure {
    let exit = if error.is_key() { Exit::KeyRefused } else { Exit::Usage };
    Failure::new(exit, error)
}

/// What a failed request means when nothing was started yet.
pub(crate) fn refused(error: Error) -> Failure {
    if error.is_auth() {
        return Failure::new(Exit::KeyRefused, error)
            .help(format!("check {KEY_VARIABLE}; keys are made at https://jules.google.com/settings"));
    }
    let exit =
        if error.is_transient() || error.is_capacity_refusal() { Exit::Unavailable } else { Exit::Fault };
    let failure = Failure::new(exit, error);
    if exit == Exit::Unavailable { failure.help("nothing was started; try again later") } else { failure }
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
    sources
        .iter()
        .filter_map(|source| {
            Some(ConnectedSource {
                github: source.github()?,
                default_branch: source.default_branch().map(str::to_owned),
                branches: source.branches().map(str::to_owned).collect(),
            })
        })
        .collect()
}
