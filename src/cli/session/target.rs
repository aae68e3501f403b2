//! Which session is meant, and what a failed request to it means.

use std::time::Duration;

use futures::StreamExt as _;

use crate::api::{Error, ErrorKind, InvalidId, SessionClient, SessionDigest, SessionId};
use crate::cli::client;
use crate::cli::console::{Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, chain};
use crate::cli::signals::Signals;

/// Reads any name of a session, for clap.
pub(super) fn session_id(text: &str) -> Result<SessionId, String> {
    text.parse().map_err(|error: InvalidId| error.to_string())
}

/// A request that must not be sent twice, or the exit when a signal comes first; then says where to look whether it was
/// done all the same.
pub(super) async fn unless_interrupted<T>(
    request: impl Future<Output = T>,
    look: &str,
    console: &Console,
) -> Result<Result<T, Exit>, Failure> {
    let mut signals = Signals::new()?;
    let signal = tokio::select! {
        done = request => return Ok(Ok(done)),
        signal = signals.next() => signal,
    };
    if console.interactive() {
        // The terminal has written ^C into the line.
        console.say("");
    }
    console.warn(&format!("it may have been done all the same; look first: {look}"));
    Ok(Err(signal.exit()))
}

/// After so long a wait is said.
const SILENCE: Duration = Duration::from_secs(3);

/// Says what is waited for when it takes long.
pub(super) async fn said_when_long<T>(what: &str, console: &Console, work: impl IntoFuture<Output = T>) -> T {
    let mut work = std::pin::pin!(work.into_future());
    if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
        return done;
    }
    console.say(&format!("{DIM}still {what} …{DIM:#}"));
    work.await
}

/// How long the activities may take: they only add to what the session itself tells.
pub(super) const ACTIVITIES: Duration = Duration::from_secs(10);

/// What the activities tell, with so many messages; and why that is not all, if they cannot be read.
pub(super) async fn digest(
    client: &SessionClient,
    messages: usize,
    console: &Console,
) -> (SessionDigest, Option<Error>) {
    let mut digest = SessionDigest::keeping(messages);
    let read = async {
        let mut history = client.activities().history().timeout(ACTIVITIES);
        while let Some(activity) = history.next().await {
            digest.take(activity?);
        }
        Ok(())
    };
    let read = said_when_long("reading its activities", console, read).await;
    (digest, read.err())
}

/// The same, where a part is no use.
pub(super) async fn whole_digest(
    client: &SessionClient,
    console: &Console,
) -> Result<SessionDigest, Failure> {
    match digest(client, 0, console).await {
        (digest, None) => Ok(digest),
        (_, Some(error)) => Err(unread(error)),
    }
}

/// What it means that a session's activities could not be read.
fn unread(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::WaitTimeout { .. } => Failure::new(Exit::Unavailable, error).help("try again later"),
        _ => failed(error),
    }
}

/// Says what is missing because something could not be read.
pub(super) fn warn_unread(missing: &str, error: &Error, console: &Console) {
    let (message, causes) = chain(error);
    let cause = causes.iter().map(|cause| format!(": {cause}")).collect::<String>();
    console.warn(&foreign_text::line(&format!("{missing}: {message}{cause}")));
}

/// What a failed request about sessions means for the exit code, and the way out.
pub(in crate::cli) fn failed(error: Error) -> Failure {
    if error.is_auth() {
        return client::refused(error);
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
    let failure = Failure::new(exit, error);
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// The same for a request that must not be sent twice: says so when it may have arrived.
pub(super) fn failed_write(error: Error, look: &str) -> Failure {
    let in_doubt = !error.surely_not_processed() && !matches!(error.kind(), ErrorKind::WaitTimeout { .. });
    let failure = failed(error);
    if in_doubt {
        failure.help(format!("it may have been done all the same; look first: {look}"))
    } else {
        failure
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::{Method, Refusal};

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
