//! Whose name GitHub is asked in, and where it is.

use std::sync::Arc;

use foreign_text::{Secrets, Word};
use jules::reqwest::Url;
use jules::{Secret, secure_url};

/// GitHub's own address.
const API: &str = "https://api.github.com";

/// Token and addresses.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(super) token: Secret,
    /// What answers are read without: the token, and what else is nobody's business.
    pub(super) secrets: Arc<Secrets>,
    pub(super) api: Url,
    pub(super) graphql: Url,
}

/// Why an address is not one that a token is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {reason}; it looks like {API}")]
pub(crate) struct InvalidAddress {
    name: &'static str,
    reason: &'static str,
}

impl Config {
    /// `api` is the address of REST, `https://api.github.com` by default, and `graphql` that of GraphQL, by default the one
    /// that belongs to it. The token and the `hidden` words are taken out of all answers.
    ///
    /// # Errors
    ///
    /// [`InvalidAddress`] for one that is not https, unless it is on this machine.
    pub(crate) fn new(
        token: Secret,
        hidden: &[Word],
        api: Option<&str>,
        graphql: Option<&str>,
    ) -> Result<Self, InvalidAddress> {
        let api = checked("GITHUB_API_URL", api.unwrap_or(API))?;
        let graphql = match graphql {
            Some(address) => checked("GITHUB_GRAPHQL_URL", address)?,
            None => beside(&api),
        };
        let secrets = Arc::new(Secrets::new(token.words().iter().chain(hidden).cloned()));
        Ok(Self { token, secrets, api, graphql })
    }
}

/// GraphQL's address by REST's: an Enterprise server has `/api/v3` and `/api/graphql`.
fn beside(api: &Url) -> Url {
    let mut graphql = api.clone();
    let path = api.path().trim_end_matches('/');
    graphql.set_path(&format!("{}/graphql", path.strip_suffix("/v3").unwrap_or(path)));
    graphql
}

fn checked(name: &'static str, address: &str) -> Result<Url, InvalidAddress> {
    secure_url(address).map_err(|error| InvalidAddress { name, reason: error.reason() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(api: Option<&str>, graphql: Option<&str>) -> Result<(String, String), InvalidAddress> {
        let config = Config::new(Secret::new("ghp_token").unwrap(), &[], api, graphql)?;
        Ok((config.api.to_string(), config.graphql.to_string()))
    }

    #[test]
    fn graphql_is_beside_rest() {
        let of = |api: Option<&str>| config(api, None).unwrap().1;
        assert_eq!(of(None), "https://api.github.com/graphql");
        assert_eq!(of(Some("https://ghe.example/api/v3")), "https://ghe.example/api/graphql");
        assert_eq!(of(Some("http://127.0.0.1:8080")), "http://127.0.0.1:8080/graphql");
        let both = config(Some("http://[::1]:9/"), Some("http://localhost:9/graphql")).unwrap();
        assert_eq!(both.1, "http://localhost:9/graphql");
    }

    #[test]
    fn a_token_goes_to_https_or_to_this_machine() {
        for bad in [
            "http://api.github.com",
            "http://127.0.0.1.example",
            "https://u:p@api.github.com",
            "https://api.github.com?x=1",
            "ftp://api.github.com",
            "nonsense",
        ] {
            assert!(config(Some(bad), None).is_err() && config(None, Some(bad)).is_err(), "{bad}");
        }
        let error = config(None, Some("http://x.example")).unwrap_err().to_string();
        assert!(error.starts_with("GITHUB_GRAPHQL_URL must be https"), "{error}");
    }
}
