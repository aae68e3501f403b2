//! The real binary, in a clean environment and for a bounded time.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{Ended, World};

/// Longer than any test takes: a program that is still there then hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command line that is being put together.
#[must_use]
pub(crate) struct Runner<'w> {
    world: &'w World,
    command: Command,
}

/// A signal that a user or a CI system sends.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
}

/// A program that runs.
pub(crate) struct Running<'w> {
    world: &'w World,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl<'w> Runner<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jules-batch"));
        command.current_dir(world.folder()).env_clear().env("HOME", world.folder());
        command.env("RUST_BACKTRACE", "1").env("TMPDIR", std::env::temp_dir());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self { world, command }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments that stand in one text, with spaces between.
    pub(crate) fn args(mut self, args: &str) -> Self {
        self.command.args(args.split_whitespace());
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes a variable.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it to its end, which must have this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ended<'w> {
        let ended = self.start().wait();
        assert_eq!(ended.code, Some(code), "{ended}");
        ended
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(mut self) -> Running<'w> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        Running {
            world: self.world,
            stdin: child.stdin.take(),
            stdout: read_all(child.stdout.take().unwrap()),
            stderr: read_all(child.stderr.take().unwrap()),
            child,
        }
    }
}

impl<'w> Running<'w> {
    /// Sends it a signal. It may have ended already.
    pub(crate) fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Interrupt => "-INT",
            Signal::Terminate => "-TERM",
        };
        let sent =
            Command::new("kill").arg(name).arg(self.child.id().to_string()).stderr(Stdio::null()).status();
        sent.expect("every Unix has `kill`");
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// Whether it is gone.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the service and the folder look as wanted, asking again and again.
    #[track_caller]
    pub(crate) fn until(&mut self, mut wanted: impl FnMut(&World) -> bool) {
        let asked = std::time::Instant::now();
        while !wanted(self.world) {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!(
                    "it ended ({status}) before that:\n{}",
                    text(&self.stderr, PATIENCE).unwrap_or_default()
                );
            }
            assert!(asked.elapsed() < PATIENCE, "it never came to that");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for its end. A program that hangs is killed, and the test fails.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended<'w> {
        drop(self.stdin.take());
        let Some(stdout) = text(&self.stdout, PATIENCE) else {
            self.kill();
            let stderr = text(&self.stderr, PATIENCE).unwrap_or_default();
            panic!("still running after {PATIENCE:?}:\n{stderr}");
        };
        let stderr = text(&self.stderr, PATIENCE).unwrap_or_default();
        let status = self.child.wait().unwrap();
        Ended::new(self.world, status.code(), stdout, stderr)
    }
}

impl Drop for Running<'_> {
    /// A failed test leaves no program behind.
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// A pipe's whole content, once it is closed: at the end of the program.
fn read_all(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if pipe.read_to_end(&mut bytes).is_ok() {
            // Nobody listens any more when the test has failed.
            let _ = sender.send(bytes);
        }
    });
    receiver
}

fn text(pipe: &Receiver<Vec<u8>>, patience: Duration) -> Option<String> {
    let bytes = pipe.recv_timeout(patience).ok()?;
    Some(String::from_utf8(bytes).expect("the program prints UTF-8"))
}
