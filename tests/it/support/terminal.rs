//! A terminal of 90 columns and 24 rows with a shell in it, played by tmux: what a user would see.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::{KEY, World};

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Terminal {
    socket: std::path::PathBuf,
}

impl Terminal {
    /// Opens one in the world's folder, with the key and the address of its service in the environment.
    ///
    /// Without tmux there is none, and the test has nothing to look at; in CI that is a failure.
    pub(crate) fn open(world: &World) -> Option<Self> {
        let missing = Command::new("tmux").arg("-V").output().is_err();
        if missing {
            assert!(std::env::var_os("CI").is_none(), "the tests on a terminal need tmux");
            return None;
        }
        let terminal = Self { socket: world.path("tmux.socket") };
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_jules-batch"));
        let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
        let path = format!("{}:{path}", program.parent().unwrap().display());
        let variables = [
            ("PATH", path.as_str()),
            ("HOME", world.folder().to_str().unwrap()),
            ("JULES_API_KEY", KEY),
            ("JULES_BASE_URL", &world.service().url()),
            ("JULES_BATCH_POLL_INTERVAL", "200ms"),
            ("TZ", "UTC"),
            ("LC_ALL", "C.UTF-8"),
            ("TERM", "screen"),
            ("PS1", "$ "),
        ];
        let mut shell = vec!["env".to_owned(), "-i".to_owned()];
        shell.extend(variables.iter().map(|(name, value)| format!("{name}={value}")));
        shell.extend(["sh".to_owned(), "-i".to_owned()]);
        let mut command = terminal.command(&["-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "24"]);
        command.current_dir(world.folder()).env("LC_ALL", "C.UTF-8").args(shell);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(terminal)
    }

    /// Types a text and Enter.
    pub(crate) fn enter(&self, text: &str) {
        self.keys(text);
        self.key("Enter");
    }

    /// Types a text.
    pub(crate) fn keys(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Pastes a text, in brackets where the program has asked for that.
    pub(crate) fn paste(&self, text: &str) {
        self.tmux(&["set-buffer", text]);
        self.tmux(&["paste-buffer", "-p"]);
    }

    /// Presses a key by its name in tmux.
    pub(crate) fn key(&self, name: &str) {
        self.tmux(&["send-keys", name]);
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// What the screen shows, line by line, without blanks at the ends.
    pub(crate) fn screen(&self) -> Vec<String> {
        let output = self.tmux(&["capture-pane", "-p"]);
        String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Everything that was shown, the lines that scrolled away included.
    pub(crate) fn scrollback(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let asked = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(asked.elapsed() < PATIENCE, "the screen never came to that:\n{}", screen.join("\n"));
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until a line of the screen holds these words.
    #[track_caller]
    pub(crate) fn until_shown(&self, words: &str) -> Vec<String> {
        self.until(|screen| screen.iter().any(|line| line.contains(words)))
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(args).env_remove("TMUX");
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It is gone already when the shell has ended.
        let _ = self.command(&["kill-server"]).output();
    }
}
