//! The secrets of this process, each read once: what is sent is what is kept out of everything printed, also when its file
//! can be read only once or changes meanwhile.

use std::sync::LazyLock;

use crate::runner::Redactor;
use jules::{ApiKey, BuildError, Secret, SecretError};

static KEY: LazyLock<Result<Option<ApiKey>, BuildError>> = LazyLock::new(ApiKey::from_env);

/// The variables that may hold GitHub's token, or name its file: the first that is set counts.
const GITHUB_TOKEN: [&str; 4] =
    ["JULES_BATCH_GITHUB_TOKEN", "JULES_BATCH_GITHUB_TOKEN_FILE", "GH_TOKEN", "GITHUB_TOKEN"];

static TOKEN: LazyLock<Result<Option<Secret>, SecretError>> =
    LazyLock::new(|| Secret::from_env(&GITHUB_TOKEN));

/// The key that the environment names.
pub(crate) fn key() -> Result<Option<&'static ApiKey>, &'static BuildError> {
    KEY.as_ref().map(Option::as_ref)
}

/// The token for GitHub that the environment names. It is sent as [`Secret::bearer`].
pub(crate) fn github_token() -> Result<Option<&'static Secret>, &'static SecretError> {
    TOKEN.as_ref().map(Option::as_ref)
}

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let redactor = Redactor::new(key().ok().flatten());
    match &*TOKEN {
        Ok(Some(token)) => redactor.with_token(token),
        Ok(None) | Err(_) => redactor,
    }
});

/// Takes this process's secrets out of text, all of them.
pub(crate) fn redactor() -> &'static Redactor {
    &REDACTOR
}
