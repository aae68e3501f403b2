//! Lines of stdin, read beside everything else.

use std::io::BufRead as _;

use tokio::sync::mpsc;

/// A line that is longer is cut: nobody types that, and a stream without line breaks must not fill the memory.
const LONGEST: u64 = 1 << 20;

/// Lines as they come.
pub(super) struct Lines(mpsc::Receiver<String>);

impl Lines {
    /// Starts to read. The thread that does so ends with the program: nothing can interrupt a read of a terminal.
    pub(super) fn of_stdin() -> Self {
        let (sender, receiver) = mpsc::channel(1);
        std::thread::spawn(move || {
            let mut stdin = std::io::stdin().lock();
            loop {
                let mut bytes = Vec::new();
                let mut limited = std::io::Read::take(&mut stdin, LONGEST);
                match limited.read_until(b'\n', &mut bytes) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next line; none at the end of the input. Safe to drop.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.0.recv().await
    }
}
