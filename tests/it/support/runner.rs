//! The real binary, in a clean environment and for a bounded time.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::pipe::Pipe;
use super::{Ended, World};

/// Longer than any test takes: a program that is still there then hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A command line that is being put together.
#[must_use]
pub(crate) struct Runner<'w> {
    world: &'w World,
    command: Command,
    deaf: Option<Stream>,
}

/// One of the streams that a program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// A signal that a user or a CI system sends.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
    /// Its terminal is gone.
    Hangup,
    /// It sleeps until [`Signal::Continue`], as a paused machine would.
    Stop,
    Continue,
}

/// A program that runs.
pub(crate) struct Running<'w> {
    world: &'w World,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Pipe,
    stderr: Pipe,
    /// Open, so that the program does not see a reader go away.
    _unread: Option<std::io::PipeReader>,
}

impl<'w> Runner<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        Self::of(world, env!("CARGO_BIN_EXE_jules-batch"))
    }

    /// Another program.
    pub(super) fn of(world: &'w World, program: &str) -> Self {
        let mut command = Command::new(program);
        command.current_dir(world.folder()).env_clear().env("HOME", world.folder());
        command.env("RUST_BACKTRACE", "1").env("TMPDIR", std::env::temp_dir());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self { world, command, deaf: None }
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

    /// It is called in this folder of the world.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        self.command.current_dir(self.world.path(folder));
        self
    }

    /// It may have this many files and connections open.
    pub(crate) fn with_open_files(mut self, limit: u32) -> Self {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {limit} && exec \"$0\" \"$@\""));
        command.arg(self.command.get_program()).args(self.command.get_args());
        command.current_dir(self.world.folder()).env_clear();
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        self.command = command;
        self
    }

    /// This stream is a pipe that nobody reads.
    pub(crate) fn deaf(mut self, stream: Stream) -> Self {
        self.deaf = Some(stream);
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
        let unread = self.deaf.map(|stream| {
            let (reader, writer) = std::io::pipe().unwrap();
            match stream {
                Stream::Stdout => self.command.stdout(writer),
                Stream::Stderr => self.command.stderr(writer),
            };
            reader
        });
        let mut child = self.command.spawn().unwrap();
        Running {
            world: self.world,
            stdin: child.stdin.take(),
            stdout: child.stdout.take().map_or_else(|| Pipe::read(std::io::empty()), Pipe::read),
            _unread: unread,
            stderr: child.stderr.take().map_or_else(|| Pipe::read(std::io::empty()), Pipe::read),
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
            Signal::Hangup => "-HUP",
            Signal::Stop => "-STOP",
            Signal::Continue => "-CONT",
        };
        let sent =
            Command::new("kill").arg(name).arg(self.child.id().to_string()).stderr(Stdio::null()).status();
        sent.expect("every Unix has `kill`");
    }

    /// Waits until it has ended by itself, its standard input still open.
    #[track_caller]
    pub(crate) fn until_ended(&mut self) {
        assert!(self.ends_within(PATIENCE), "still running:\n{}", self.stderr.tail());
    }

    /// Whether it has ended by itself after this time.
    pub(crate) fn ends_within(&mut self, patience: Duration) -> bool {
        let patience = Instant::now() + patience;
        while self.child.try_wait().unwrap().is_none() {
            if Instant::now() >= patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Writes to its standard input, which stays open until it is waited for.
    pub(crate) fn tell(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Writes all that its standard input has.
    pub(crate) fn pipe(&mut self, text: &str) {
        self.tell(text);
        drop(self.stdin.take());
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// Waits until the service and the folder look as wanted, asking again and again; false if it ends before that.
    #[track_caller]
    pub(crate) fn reaches(&mut self, wanted: impl Fn(&World) -> bool) -> bool {
        self.reaches_within(PATIENCE, wanted)
    }

    /// The same with another time after which it will not come to that any more.
    #[track_caller]
    pub(crate) fn reaches_within(&mut self, patience: Duration, wanted: impl Fn(&World) -> bool) -> bool {
        let asked = Instant::now();
        loop {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if wanted(self.world) {
                return true;
            }
            if ended {
                return false;
            }
            assert!(asked.elapsed() < patience, "it never came to that:\n{}", self.stderr.tail());
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Waits until the service and the folder look as wanted, which must be before it ends.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: impl Fn(&World) -> bool) {
        assert!(self.reaches(wanted), "it ended before that:\n{}", self.stderr.tail());
    }

    /// Waits until it has said something on stderr.
    #[track_caller]
    pub(crate) fn until_said(&mut self, words: &str) {
        let said = self.stderr.shared();
        self.until(|_| String::from_utf8_lossy(&said.lock().unwrap()).contains(words));
    }

    /// Its first line on stdout, once that is there.
    #[track_caller]
    pub(crate) fn first_line(&mut self) -> String {
        let said = self.stdout.shared();
        self.until(|_| said.lock().unwrap().contains(&b'\n'));
        let said = String::from_utf8_lossy(&said.lock().unwrap()).into_owned();
        said.lines().next().unwrap_or_default().to_owned()
    }

    /// Waits until it has printed something on stdout.
    #[track_caller]
    pub(crate) fn until_printed(&mut self, words: &str) {
        let printed = self.stdout.shared();
        self.until(|_| String::from_utf8_lossy(&printed.lock().unwrap()).contains(words));
    }

    /// Waits for its end. A program that hangs is killed, and the test fails.
    #[track_caller]
    pub(crate) fn wait(self) -> Ended<'w> {
        self.wait_for(PATIENCE)
    }

    /// The same with another time after which it hangs.
    #[track_caller]
    pub(crate) fn wait_for(mut self, patience: Duration) -> Ended<'w> {
        drop(self.stdin.take());
        let Some(stdout) = self.stdout.whole(patience) else {
            self.kill();
            panic!("still running after {patience:?}:\n{}", self.stderr.tail());
        };
        let stderr = self.stderr.whole(PATIENCE).expect("both streams end with the program");
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
