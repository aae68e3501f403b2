//! What a program prints, read as it comes so that no pipe is ever full.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One of a program's streams.
pub(super) struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: Receiver<()>,
}

impl Pipe {
    /// Reads it in a thread of its own, to its end.
    pub(super) fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (ending, closed) = channel();
        let filling = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut chunk) {
                filling.lock().unwrap().extend_from_slice(&chunk[..length]);
            }
            // Nobody listens any more when the test has failed.
            let _ = ending.send(());
        });
        Self { bytes, closed }
    }

    /// The last lines that have come so far.
    pub(super) fn tail(&self) -> String {
        tail(&String::from_utf8_lossy(&self.bytes.lock().unwrap())).to_owned()
    }

    /// The bytes, as they come.
    pub(super) fn shared(&self) -> Arc<Mutex<Vec<u8>>> {
        Arc::clone(&self.bytes)
    }

    /// All of it, once the program has closed it; none after this time.
    pub(super) fn whole(&self, patience: Duration) -> Option<String> {
        self.closed.recv_timeout(patience).ok()?;
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap());
        Some(String::from_utf8(bytes).expect("the program prints UTF-8"))
    }
}

/// The last lines of a text, enough to see why a test has failed.
pub(super) fn tail(text: &str) -> &str {
    const LINES: usize = 40;
    text.trim_end().rmatch_indices('\n').nth(LINES - 1).map_or(text, |(at, _)| &text[at + 1..])
}
