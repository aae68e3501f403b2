//! The branch to start from where none is named.

use std::sync::{Arc, PoisonError};

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
        let none = || input(format!("{source} has no default branch: name one to start from"));
        let branch = self.default_branch(&source, none).await?;
        Ok(new.clone().branch(branch))
    }

    /// A source's default branch. It is asked for once, however many creates need it at the same time; when that fails, the
    /// next of them asks again.
    async fn default_branch(
        &self,
        source: &SourceName,
        none: impl FnOnce() -> Error,
    ) -> Result<String, Error> {
        let branch = {
            let mut branches =
                self.sessions_created().branches.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(branches.entry(source.clone()).or_default())
        };
        let read = || async {
            let source = self.get_source(source).await?;
            source.default_branch().map(str::to_owned).ok_or_else(none)
        };
        branch.get_or_try_init(read).await.cloned()
    }
}
