//! The branch to start from where none is named.

use std::sync::PoisonError;

use crate::{Error, ErrorKind, Jules, Method, NewSession, SourceName};

impl Jules {
    /// The same with the branch to start from: the service refuses a GitHub source without one.
    pub(super) async fn with_branch(&self, new: &NewSession) -> Result<NewSession, Error> {
        let Some(source) = new.source.as_deref().filter(|_| new.branch.is_none()) else {
            return Ok(new.clone());
        };
        let input = |reason: String| Error::new(Method::CreateSession, ErrorKind::Input(reason));
        let source = SourceName::new(source).map_err(|error| input(error.to_string()))?;
        if source.github().is_none() {
            return Ok(new.clone());
        }
        let branch = self.default_branch(&source).await?;
        let branch =
            branch.ok_or_else(|| input(format!("{source} has no default branch: name one to start from")))?;
        Ok(new.clone().branch(branch))
    }

    /// A source's default branch, which is asked for once.
    async fn default_branch(&self, source: &SourceName) -> Result<Option<String>, Error> {
        let branches = || self.sessions_created().branches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = branches().get(source) {
            return Ok(Some(known.clone()));
        }
        let read = self.get_source(source).await?;
        let branch = read.default_branch().map(str::to_owned);
        branches().extend(branch.iter().map(|branch| (source.clone(), branch.clone())));
        Ok(branch)
    }
}
