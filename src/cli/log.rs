//! Logs behind `-v`: on stderr, without the key, without commands to a CI system, and without tearing the live display.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use super::console::Console;

/// A filter for logs, in the syntax of `RUST_LOG`; wins over `-v`.
const FILTER_VARIABLE: &str = "JULES_BATCH_LOG";

/// Starts logging. Called once; a second call changes nothing.
pub(crate) fn start(console: &Console, verbose: u8) {
    let filter = std::env::var(FILTER_VARIABLE).ok().filter(|f| !f.is_empty());
    let filter = filter.unwrap_or_else(|| directives(verbose, console.quiet()).to_owned());
    let log = Log(console.clone());
    // Another subscriber is there already only when a test has set one.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(move || log.clone())
        .with_ansi(console.err_colour())
        .with_target(verbose > 2)
        .try_init();
}

const fn directives(verbose: u8, quiet: bool) -> &'static str {
    match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "warn,jules_batch=info",
        (false, 2) => "warn,jules_batch=debug",
        (false, _) => "debug,jules_batch=trace",
    }
}

/// Passes on what is written. tracing writes one event at a time, so no secret is ever torn between two writes.
#[derive(Clone)]
struct Log(Console);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.log(&entry(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An event as it may stand in the log.
fn entry(bytes: &[u8]) -> String {
    foreign_text::log(String::from_utf8_lossy(bytes).trim_end_matches('\n')).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_said_is_no_command() {
        let written = entry(b"DEBUG error=503: down ##[error]forged\r::error::forged\n");
        assert_eq!(written, "DEBUG error=503: down # #[error]forged\n: :error::forged");
    }

    #[test]
    fn verbosity_only_adds() {
        assert_eq!(directives(0, false), "warn");
        assert_eq!(directives(9, false), directives(3, false));
        assert_eq!(directives(0, true), "error");
    }
}
