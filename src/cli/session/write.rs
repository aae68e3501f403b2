//! Requests that must not be sent twice.

use crate::cli::client::{failed, said_when_long};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::signals::Signals;
use jules::{Error, ErrorKind};

/// Sends what must not be sent twice. Says `what` it does when that takes long. Where a failure or a signal leaves open whether it was done, says where to look.
pub(super) async fn once<T>(
    request: impl IntoFuture<Output = Result<T, Error>>,
    what: &str,
    look: &str,
    console: &Console,
) -> Result<T, Failure> {
    let mut signals = Signals::new()?;
    let request = said_when_long(what, console, request);
    let signal = tokio::select! {
        done = request => return done.map_err(|error| failed_write(error, look)),
        signal = signals.next() => signal,
    };
    if console.interactive() {
        // The terminal has written ^C into the line.
        console.say("");
    }
    console.warn(&format!("it may have been done all the same; look first: {look}"));
    // That is all there is to say.
    Err(Failure::rendered(signal.exit(), ""))
}

/// What it means that a request failed which must not be sent twice.
pub(super) fn failed_write(error: Error, look: &str) -> Failure {
    let in_doubt = !error.surely_not_processed() && !matches!(error.kind(), ErrorKind::WaitTimeout { .. });
    failed(error).help_if(in_doubt, format!("it may have been done all the same; look first: {look}"))
}
