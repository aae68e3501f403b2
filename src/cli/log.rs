//! Logs behind `-v`: on stderr, without the key, without commands to a CI system, and without tearing the live display.

use std::io::{self, Write};

use tracing_indicatif::writer::{IndicatifWriter, Stderr};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::console::Console;
use super::redact::Redactor;
use crate::report::console_log;

/// A filter for logs, in the syntax of `RUST_LOG`; wins over `-v`.
const FILTER_VARIABLE: &str = "JULES_BATCH_LOG";

/// Starts logging. Called once; a second call changes nothing.
pub(crate) fn start(console: &Console, verbose: u8) {
    let filter = std::env::var(FILTER_VARIABLE).ok().filter(|f| !f.is_empty());
    let filter = filter.unwrap_or_else(|| directives(verbose, console.quiet()).to_owned());
    let stderr: IndicatifWriter<Stderr> = IndicatifWriter::new(console.bars().clone());
    let writer = RedactingWriter { inner: stderr, redactor: console.redactor().clone() };
    // Another subscriber is there already only when a test has set one.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(writer)
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

/// Passes on what is written, each write as a whole, without secrets. tracing writes one event at a time, so
/// no secret is ever torn between two writes.
#[derive(Clone)]
struct RedactingWriter<W> {
    inner: W,
    redactor: Redactor,
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.inner.write_all(self.redactor.clean(&console_log(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<'a, W: Write + Clone + 'a> MakeWriter<'a> for RedactingWriter<W> {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_said_is_no_command() {
        let mut written = Vec::new();
        let mut log = RedactingWriter { inner: &mut written, redactor: Redactor::default() };
        log.write_all(b"DEBUG error=503: down ##[error]forged\r::error::forged\n").unwrap();
        assert_eq!(written, b"DEBUG error=503: down # #[error]forged\n: :error::forged\n");
    }

    #[test]
    fn verbosity_only_adds() {
        assert_eq!(directives(0, false), "warn");
        assert_eq!(directives(9, false), directives(3, false));
        assert_eq!(directives(0, true), "error");
    }
}
