//! The key of this process, read once: what is sent is what is kept out of everything printed, also when its file can be
//! read only once or changes meanwhile.

use std::sync::LazyLock;

use crate::runner::Redactor;
use jules::{ApiKey, BuildError};

static KEY: LazyLock<Result<Option<ApiKey>, BuildError>> = LazyLock::new(ApiKey::from_env);

/// The key that the environment names.
pub(crate) fn key() -> Result<Option<&'static ApiKey>, &'static BuildError> {
    KEY.as_ref().map(Option::as_ref)
}

/// Takes this process's secrets out of text.
pub(crate) fn redactor() -> Redactor {
    Redactor::new(key().ok().flatten().cloned())
}
