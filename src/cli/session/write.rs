//! Requests that must not be sent twice.

use crate::api::{Error, ErrorKind};
use crate::cli::client::failed;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::signals::Signals;

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

/// The same for a request that must not be sent twice: says so when it may have arrived.
pub(super) fn failed_write(error: Error, look: &str) -> Failure {
    let in_doubt = !error.surely_not_processed() && !matches!(error.kind(), ErrorKind::WaitTimeout { .. });
    failed(error).help_if(in_doubt, format!("it may have been done all the same; look first: {look}"))
}
