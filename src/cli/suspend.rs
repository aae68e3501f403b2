//! Ctrl-Z: what moves on the terminal is removed before the program stops, and drawn again when it goes on.

use nix::sys::signal::{Signal, raise};
use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid};
use tokio::signal::unix::{SignalKind, signal};

use super::console::Console;
use super::signals::is_ignored;

/// From now on Ctrl-Z finds no live display. Elsewhere, and where it is to be ignored, it does what it always does.
pub(crate) fn watch(console: &Console) {
    if !console.live() || is_ignored(Signal::SIGTSTP) == Some(true) {
        return;
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let Ok(mut stops) = ({
        let _inside = runtime.enter();
        signal(SignalKind::from_raw(Signal::SIGTSTP as i32))
    }) else {
        return;
    };
    let console = console.clone();
    std::thread::spawn(move || {
        while runtime.block_on(stops.recv()).is_some() {
            if can_be_continued() {
                // Nothing is lost if it is refused: the program goes on.
                console.without_display(|| {
                    let _ = raise(Signal::SIGSTOP);
                });
            }
        }
    });
}

/// Whether a shell is there that lets it go on: the system itself stops no process group without one.
fn can_be_continued() -> bool {
    let (own, session) = (getpgrp(), getsid(None));
    let is_shell =
        |pid: Pid| getsid(Some(pid)) == session && getpgid(Some(pid)).is_ok_and(|group| group != own);
    is_shell(getppid()) || parent_of(own).is_some_and(is_shell)
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    parent.trim().parse().ok().map(Pid::from_raw)
}
