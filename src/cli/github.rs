//! The client for GitHub as the environment sets it up.

use super::exit::Exit;
use super::failure::Failure;
use super::redact;
use crate::github::{Config, GitHub, InvalidAddress};
use jules::Secret;

/// The client; none where the environment has no token. Sends nothing.
pub(crate) fn connect() -> Result<Option<GitHub>, Failure> {
    let token = redact::github_token().map_err(|error| Failure::new(Exit::KeyRefused, error))?;
    let Some(token) = token else { return Ok(None) };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let (api, graphql) = (variable("GITHUB_API_URL"), variable("GITHUB_GRAPHQL_URL"));
    client(Config::new(token.clone(), redact::redactor().tokens(), api.as_deref(), graphql.as_deref()))
        .map(Some)
}

/// The client for the simulator's GitHub. The user's own token is never sent there.
pub(crate) fn at(address: &str, token: &Secret) -> Result<GitHub, Failure> {
    client(Config::new(
        token.clone(),
        redact::redactor().tokens(),
        Some(address),
        Some(&format!("{address}/graphql")),
    ))
}

fn client(config: Result<Config, InvalidAddress>) -> Result<GitHub, Failure> {
    let github = GitHub::new(config.map_err(|error| Failure::new(Exit::Usage, error))?);
    github.map_err(|error| Failure::new(Exit::Fault, error))
}
