//! Lines at the bottom of a terminal that are drawn again in place, below all else that is written there.
//!
//! The cursor rests at the beginning of the first of them, so that it is known where they begin whatever becomes of the
//! terminal: one that breaks lines anew at another width takes its cursor along with the line that it is in, and one that does
//! not leaves both where they are. Counting rows cannot tell these two apart. Lines are never filled up with blanks, which
//! another width would break into rows of their own.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// From the cursor to the end of the screen, in two pieces: where all of a screen is erased at once, some terminals keep what
/// stood there above it.
const ERASE: &str = "\r\x1b7\x1b[K\x1b[B\x1b[J\x1b8";

/// A cheap handle on the lines.
#[derive(Clone, Default)]
pub(super) struct Display(Arc<Mutex<Shown>>);

/// What stands on the terminal.
#[derive(Default)]
struct Shown {
    frame: Option<String>,
    /// The terminal's columns and rows at that time.
    size: (u16, u16),
}

impl Display {
    /// Draws these lines in place of the last ones; none removes them.
    pub(super) fn draw(&self, frame: Option<String>) {
        self.shown().draw(frame, size(), &mut io::stderr().lock());
    }

    /// Writes something else on the same terminal, above the lines. It ends with the end of a line, if anything is shown.
    pub(super) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        let mut shown = self.shown();
        let frame = shown.frame.clone();
        shown.draw(None, size(), &mut io::stderr().lock());
        let written = write();
        shown.draw(frame, size(), &mut io::stderr().lock());
        written
    }

    /// Whoever panicked while something was written leaves what is still good.
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn draw(&mut self, frame: Option<String>, size: (u16, u16), terminal: &mut impl Write) {
        if self.frame == frame && (self.size == size || frame.is_none()) {
            return;
        }
        let text = match &frame {
            Some(frame) => drawn(frame, size, self.size != size),
            None => ERASE.to_owned(),
        };
        (self.frame, self.size) = (frame, size);
        // There is nowhere left to tell that the terminal is closed.
        let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
    }
}

/// What draws the lines from the cursor on and brings it back. A line that is too long for the terminal, as wide characters can
/// make it, is cut there and not broken.
fn drawn(frame: &str, (_, rows): (u16, u16), is_new_size: bool) -> String {
    // The last row stays free: a line below the others would scroll them.
    let most = if rows == 0 { usize::MAX } else { usize::from(rows.max(2) - 1) };
    let lines: Vec<&str> = frame.lines().take(most).collect();
    let erased = if is_new_size { ERASE } else { "\r" };
    let up = match lines.len().saturating_sub(1) {
        0 => String::new(),
        up => format!("\x1b[{up}A"),
    };
    format!("{erased}\x1b[?7l{}\x1b[J\x1b[?7h\r{up}", lines.join("\x1b[K\r\n"))
}

/// Columns and rows of the terminal; zeros where there is none.
fn size() -> (u16, u16) {
    terminal_size::terminal_size_of(io::stderr()).map_or((0, 0), |(width, height)| (width.0, height.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u16, u16) = (80, 24);

    fn written(shown: &mut Shown, frame: Option<&str>, size: (u16, u16)) -> String {
        let mut terminal = Vec::new();
        shown.draw(frame.map(str::to_owned), size, &mut terminal);
        String::from_utf8(terminal).unwrap()
    }

    #[test]
    fn the_cursor_rests_where_the_lines_begin() {
        let shown = &mut Shown::default();
        written(shown, Some("before"), SIZE);
        assert_eq!(
            written(shown, Some("a\nb\nc"), SIZE),
            "\r\x1b[?7la\x1b[K\r\nb\x1b[K\r\nc\x1b[J\x1b[?7h\r\x1b[2A"
        );
        assert_eq!(written(shown, Some("a"), SIZE), "\r\x1b[?7la\x1b[J\x1b[?7h\r");
        assert_eq!(written(shown, None, SIZE), ERASE);
    }

    #[test]
    fn what_stands_there_is_drawn_again_for_another_size_alone() {
        let shown = &mut Shown::default();
        assert_eq!(written(shown, None, SIZE), "");
        written(shown, Some("a"), SIZE);
        assert_eq!(written(shown, Some("a"), SIZE), "");
        assert!(written(shown, Some("a"), (60, 24)).starts_with(ERASE));
    }

    #[test]
    fn a_terminal_that_has_become_lower_does_not_scroll() {
        assert_eq!(drawn("a\nb\nc\nd", (80, 3), false).matches('\n').count(), 1);
        assert_eq!(drawn("a\nb\nc\nd", (80, 0), false).matches('\n').count(), 3);
    }
}
