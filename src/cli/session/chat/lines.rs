//! What the user enters, read beside everything else.

use std::io::BufRead as _;

use tokio::sync::mpsc;

/// A line that is longer is cut: nobody types that, and a stream without line breaks must not fill the memory.
const LONGEST: u64 = 1 << 20;

/// What was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// A line of stdin; a backslash at its end says that it goes on.
    Line(String),
    /// What the line editor has brought, which may be several lines.
    Message(String),
    /// Ctrl-C in the line editor.
    Interrupt,
}

/// What is entered, as it comes.
pub(super) struct Lines(mpsc::Receiver<Entered>);

impl Lines {
    /// What this gives until it says that nothing more comes. Its thread ends with the program: nothing can interrupt a read
    /// of a terminal.
    pub(super) fn of(mut read: impl FnMut() -> Option<Entered> + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        std::thread::spawn(move || {
            while let Some(entered) = read() {
                if sender.blocking_send(entered).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The lines of stdin.
    pub(super) fn of_stdin() -> Self {
        Self::of(|| {
            let mut bytes = Vec::new();
            let mut limited = std::io::Read::take(std::io::stdin().lock(), LONGEST);
            match limited.read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => None,
                Ok(_) => {
                    let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
                    Some(Entered::Line(line))
                }
            }
        })
    }

    /// What was entered next; none at the end of the input. Safe to drop.
    pub(super) async fn next(&mut self) -> Option<Entered> {
        self.0.recv().await
    }
}
