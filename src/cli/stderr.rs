//! The one thread that writes to stderr, and the queue before it: whoever says something never waits for a reader.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};

use super::display::Display;

/// How much may wait: hours of what lasts, for a reader that comes back.
const ROOM: usize = 1 << 20;
/// How long a reader that takes nothing is waited for, all in all.
const FLUSH: Duration = Duration::from_secs(2);

/// A text for stderr, by how long it is worth reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// How things stand at the moment; the first to go when nobody reads.
    Passing(String),
    /// What a reader wants to find also later.
    Lasting(String),
}

/// The way to stderr.
#[derive(Clone)]
pub(super) struct Stderr(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    texts: VecDeque<Text>,
    bytes: usize,
    /// How many lines found no room.
    lost: usize,
    /// The live display as it should be, if it is to be redrawn; nothing in it removes it.
    frame: Option<Option<String>>,
    /// Whether something is being written.
    busy: bool,
    /// Until when the end is waited for, once somebody waits: each write earns more time.
    patience: Option<Instant>,
}

impl Stderr {
    /// Starts the thread. Whoever writes elsewhere on the same terminal does so beside `display`.
    pub(super) fn start(choice: ColorChoice, display: Display) -> Self {
        let stderr = Self(Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() }));
        let queue = stderr.clone();
        std::thread::spawn(move || queue.work(choice, &display));
        stderr
    }

    pub(super) fn say(&self, text: Text) {
        self.queue().push(text);
        self.0.changed.notify_all();
    }

    /// Draws the live display in place of the last one; none removes it.
    pub(super) fn draw(&self, frame: Option<String>) {
        self.queue().frame = Some(frame);
        self.0.changed.notify_all();
    }

    /// Waits so long until everything is written, and not at all for a reader that has taken nothing for a while.
    pub(super) fn wait(&self, most: Duration) {
        let (mut queue, began) = (self.queue(), Instant::now());
        while !queue.is_idle() {
            let patience = *queue.patience.get_or_insert(began + FLUSH);
            let left =
                most.saturating_sub(began.elapsed()).min(patience.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return;
            }
            let waited = self.0.changed.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Removes the live display, and waits as long as a reader reads.
    pub(super) fn close(&self) {
        self.draw(None);
        self.wait(Duration::MAX);
    }

    fn work(&self, choice: ColorChoice, display: &Display) {
        let mut queue = self.queue();
        loop {
            let next = queue.next();
            // A new display goes before the text that is told above it, which would stand beside the old one; its end
            // comes behind all texts.
            let frame = queue.frame.take_if(|frame| next.is_none() || frame.is_some());
            queue.busy = next.is_some() || frame.is_some();
            if !queue.busy {
                queue.patience = None;
                queue = self.0.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(queue);
            if let Some(frame) = frame {
                display.draw(frame);
            }
            if let Some(text) = next {
                display.beside(|| {
                    let mut err = AutoStream::new(io::stderr(), choice).lock();
                    // There is nowhere left to tell that stderr is closed.
                    let _ = writeln!(err, "{text}");
                });
            }
            queue = self.queue();
            queue.busy = false;
            queue.patience = queue.patience.map(|_| Instant::now() + FLUSH);
            self.0.changed.notify_all();
        }
    }

    /// A display that panicked half-way leaves a queue that is still good.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, text: Text) {
        let bytes = text.as_str().len();
        if self.bytes + bytes > ROOM {
            let (gone, kept) = std::mem::take(&mut self.texts).into_iter().partition(Text::is_passing);
            self.texts = kept;
            gone.iter().for_each(|text| self.lose(text));
            self.bytes = self.texts.iter().map(|text| text.as_str().len()).sum();
        }
        if self.bytes + bytes > ROOM {
            return self.lose(&text);
        }
        self.bytes += bytes;
        self.texts.push_back(text);
    }

    fn lose(&mut self, text: &Text) {
        self.lost += text.as_str().lines().count();
    }

    /// The next text to write. Once a reader has caught up it is told what it has missed.
    fn next(&mut self) -> Option<String> {
        let Some(text) = self.texts.pop_front() else {
            let lost = std::mem::take(&mut self.lost);
            return (lost > 0).then(|| format!("({lost} lines are missing here: nobody read them in time)"));
        };
        self.bytes -= text.as_str().len();
        let (Text::Passing(text) | Text::Lasting(text)) = text;
        Some(text)
    }

    fn is_idle(&self) -> bool {
        self.texts.is_empty() && self.lost == 0 && self.frame.is_none() && !self.busy
    }
}

impl Text {
    fn as_str(&self) -> &str {
        let (Self::Passing(text) | Self::Lasting(text)) = self;
        text
    }

    fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(bytes: usize) -> Text {
        Text::Passing("p".repeat(bytes))
    }

    #[test]
    fn what_lasts_takes_the_room_of_what_passes_and_the_loss_is_told_once() {
        let mut queue = Queue::default();
        let lasting = || Text::Lasting("l\nl".repeat(ROOM / 6));
        queue.push(passing(ROOM / 2));
        queue.push(lasting());
        queue.push(passing(1));
        queue.push(passing(7));
        queue.push(lasting());
        queue.push(passing(ROOM / 2));
        assert!(queue.bytes <= ROOM);
        let mut left = Vec::new();
        while let Some(text) = queue.next() {
            left.push(text);
        }
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(left[..2].iter().all(|text| text.starts_with('l')));
        assert_eq!(left[2], "(4 lines are missing here: nobody read them in time)");
        assert_eq!((queue.bytes, queue.is_idle()), (0, true));
    }

    #[test]
    fn what_does_not_fit_is_lost_and_nothing_else() {
        let mut queue = Queue::default();
        queue.push(Text::Lasting("kept".to_owned()));
        queue.push(Text::Lasting("l".repeat(ROOM)));
        assert_eq!(queue.next().as_deref(), Some("kept"));
        assert_eq!(queue.lost, 1);
    }
}
