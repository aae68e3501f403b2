//! SIGINT, SIGTERM and SIGHUP: the first asks to stop, the second leaves at once.

use std::io;
use std::time::Duration;

use super::exit::Exit;
use super::failure::Failure;

/// How long a program that can still leave by itself is given to do so at the second signal.
const GRACE: Duration = Duration::from_millis(250);

/// Which signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM, on GitHub also a cancelled job; or SIGHUP, the terminal is gone.
    Terminate,
}

impl Signal {
    /// How the program ends by it.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }
}

/// From now on the second signal ends the process, whatever its main thread is waiting for: a pipe that nobody reads,
/// a hanging disk. What has to last is in the ledger by then.
///
/// # Errors
///
/// When the system refuses a thread or a handler.
pub(crate) fn leave_at_the_second() -> Result<(), Failure> {
    let fault = |error: io::Error| Failure::new(Exit::Fault, error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(fault)?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    let watch = move || {
        let second = runtime.block_on(async {
            signals.next().await;
            signals.next().await
        });
        std::thread::sleep(GRACE);
        leave(second.exit());
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop).map_err(fault)
}

#[expect(clippy::exit, reason = "the main thread, which would return the code, may never wake up")]
fn leave(exit: Exit) -> ! {
    std::process::exit(exit.code().into())
}

/// The signals of this process, from the moment it is made on.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// None where it is ignored, as under `nohup`, or where that cannot be told.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Takes the signals over: they no longer end the process by themselves.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler.
    #[cfg(unix)]
    pub(crate) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let handler = |kind| signal(kind).map_err(|error| Failure::new(Exit::Fault, error));
        Ok(Self {
            interrupt: handler(SignalKind::interrupt())?,
            terminate: handler(SignalKind::terminate())?,
            hangup: ends_by_hangup().then(|| handler(SignalKind::hangup())).transpose()?,
        })
    }

    /// Takes the signals over: they no longer end the process by themselves.
    ///
    /// # Errors
    ///
    /// None here.
    #[cfg(not(unix))]
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            Some(_) = async { self.hangup.as_mut()?.recv().await } => Signal::Terminate,
        }
    }

    /// Waits for the next one.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> Signal {
        // Without a handler there is nothing to wait for: Ctrl-C then ends the process as usual.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}

/// Whether SIGHUP is told not to be ignored: a handler would end what `nohup` is to keep.
#[cfg(unix)]
fn ends_by_hangup() -> bool {
    is_ignored(nix::sys::signal::Signal::SIGHUP) == Some(false)
}

/// Whether whoever started the program has it ignore a signal; none where that cannot be told.
#[cfg(unix)]
pub(super) fn is_ignored(signal: nix::sys::signal::Signal) -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.map(|mask| mask & (1 << (signal as i32 - 1)) != 0)
}
