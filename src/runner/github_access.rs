//! In whose name a program looks what becomes of pull requests, and where.

use super::{Options, RunError};
use crate::github::{Config, GitHub};
use jules::Secret;

/// A token for GitHub, and the address that it is sent to: see [`Runner::github`](super::Runner::github).
///
/// ```no_run
/// use std::path::Path;
///
/// use jules_batch::api::Secret;
/// use jules_batch::manifest::{self, LoadOptions};
/// use jules_batch::runner::{GithubAccess, Runner};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let manifest = manifest::load(Path::new("jobs.yaml"), &LoadOptions::default())?;
/// let mut runner = Runner::new(manifest);
/// if let Some(token) = Secret::from_env(&["GH_TOKEN", "GITHUB_TOKEN"])? {
///     runner = runner.github(GithubAccess::new(token));
/// }
/// for (id, task) in &runner.run().await?.record.tasks {
///     println!("{id}: {:?}", task.pull().map(|pull| &pull.status.stage));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GithubAccess {
    token: Secret,
    api: Option<String>,
}

impl GithubAccess {
    /// At `https://api.github.com`. Reading needs no more than the permission to see the repositories and their pull requests.
    pub fn new(token: Secret) -> Self {
        Self { token, api: None }
    }

    /// At another address of the REST API, such as a simulator's; GraphQL's is the one that belongs to it. It has to be https,
    /// unless it is on this machine: else [`Runner::plan`](super::Runner::plan) fails with [`RunError::Github`].
    pub fn at(mut self, api: impl Into<String>) -> Self {
        self.api = Some(api.into());
        self
    }

    /// The client. From then on the token is kept out of what the options have written.
    pub(super) fn client(self, options: &mut Options) -> Result<GitHub, RunError> {
        let Self { token, api } = self;
        let redactor = options.reports.redactor.clone().with_token(&token);
        let config = Config::new(token, redactor.tokens(), api.as_deref(), None);
        options.reports.redactor = redactor;
        let config = config.map_err(|error| RunError::Github(error.into()))?;
        GitHub::new(config).map_err(|error| RunError::Github(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_where_it_may_and_is_not_written() {
        let access = GithubAccess::new(Secret::new("ghp_of-nobody-at-all").unwrap());
        assert!(!format!("{access:?}").contains("nobody"), "{access:?}");
        let mut options = Options::default();
        assert!(access.clone().client(&mut options).is_ok());
        assert_eq!(options.reports.redactor.clean("it is ghp_of-nobody-at-all."), "it is ***.");
        assert!(access.clone().at("http://127.0.0.1:1").client(&mut options).is_ok());
        let refused = access.at("http://github.example").client(&mut options).unwrap_err();
        assert!(matches!(refused, RunError::Github(_)), "{refused}");
    }
}
