//! The API client as the command line sets it up, and what its errors mean for the exit code.

use std::time::Duration;

use super::args::Service;
use super::console::{Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::redact;
use crate::plan::Settings;
use crate::runner::{self, RunError};
use jules::{BuildError, Error, ErrorKind, Jules, JulesBuilder, KEY_VARIABLE};

/// A client's beginnings, with key and address from flags and environment.
pub(crate) fn builder(service: &Service) -> Result<JulesBuilder, Failure> {
    let builder = Jules::builder();
    let builder = match &service.base_url {
        Some(url) => builder.base_url(url.as_str()),
        None => builder,
    };
    let key = redact::key().map_err(|error| Failure::new(Exit::KeyRefused, error))?;
    let builder = key.cloned().into_iter().fold(builder, JulesBuilder::api_key);
    Ok(builder.with_env().hide(redact::redactor().tokens().iter().cloned()))
}

/// The client of a command that runs no manifest; sends nothing.
pub(crate) fn connect(service: &Service) -> Result<Jules, Failure> {
    runner::connect(builder(service)?, &Settings::default()).map_err(unusable)
}

/// What it means that there is no client.
pub(crate) fn unusable(error: BuildError) -> Failure {
    let exit = if error.is_key() { Exit::KeyRefused } else { Exit::Usage };
    Failure::new(exit, error)
        .help_if(exit == Exit::KeyRefused, "keys are made at https://jules.google.com/settings")
}

/// What a failed request means when nothing was started yet.
pub(crate) fn refused(error: Error) -> Failure {
    if error.is_auth() {
        return Failure::new(Exit::KeyRefused, error)
            .help(format!("check {KEY_VARIABLE}; keys are made at https://jules.google.com/settings"));
    }
    let exit =
        if error.is_transient() || error.is_capacity_refusal() { Exit::Unavailable } else { Exit::Fault };
    Failure::new(exit, error).help_if(exit == Exit::Unavailable, "nothing was started; try again later")
}

/// What it means that the connected repositories could not be listed; `refused` says what a failed request means.
pub(crate) fn unlisted(error: RunError, refused: impl FnOnce(Error) -> Failure) -> Failure {
    match error {
        RunError::Service(error) => refused(error),
        error => Failure::new(Exit::Unavailable, error),
    }
}

/// What a failed request about sessions means for the exit code, and the way out.
pub(crate) fn failed(error: Error) -> Failure {
    if error.is_auth() {
        return refused(error);
    }
    let (exit, help) = match error.kind() {
        ErrorKind::WaitTimeout { .. } => {
            (Exit::WorkLeft, Some("the session goes on without us; wait longer with --timeout"))
        }
        ErrorKind::SessionEnded { .. } => {
            (Exit::Fault, Some("a message can set it going again: jules-batch session send"))
        }
        _ if error.is_not_found() => {
            (Exit::Fault, Some("see what there is: jules-batch session list, jules-batch sources"))
        }
        _ if error.is_transient() || error.is_capacity_refusal() => {
            (Exit::Unavailable, Some("try again later"))
        }
        _ => (Exit::Fault, None),
    };
    let failure = match error.kind() {
        ErrorKind::WaitTimeout { .. } => Failure::new(exit, format!("not yet: {error}")),
        _ => Failure::new(exit, error),
    };
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// After so long a wait is said.
const SILENCE: Duration = Duration::from_secs(3);

/// Says what is waited for when it takes long.
pub(crate) async fn said_when_long<T>(what: &str, console: &Console, work: impl IntoFuture<Output = T>) -> T {
    let mut work = std::pin::pin!(work.into_future());
    if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
        return done;
    }
    console.say(&format!("{DIM}still {what} …{DIM:#}"));
    work.await
}

#[cfg(test)]
mod tests {
    use super::*;
    use jules::{Method, Refusal};

    #[test]
    fn failures_have_the_codes_of_the_table() {
        let code = |kind| failed(Error::new(Method::GetSession, kind)).exit();
        let refused = |code| ErrorKind::Refused(Refusal::new(code, None));
        assert_eq!(code(refused(401)), Exit::KeyRefused);
        assert_eq!(code(refused(403)), Exit::KeyRefused);
        assert_eq!(code(refused(404)), Exit::Fault);
        assert_eq!(code(refused(429)), Exit::Unavailable);
        assert_eq!(code(refused(503)), Exit::Unavailable);
        assert_eq!(code(ErrorKind::Connect), Exit::Unavailable);
        let timeout =
            ErrorKind::WaitTimeout { waiting_for: "x".into(), after: Duration::ZERO, last_state: None };
        assert_eq!(code(timeout), Exit::WorkLeft);
    }
}
