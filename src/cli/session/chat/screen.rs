//! The terminal of a conversation: what happens above, the prompt in the last row.
//!
//! The terminal stays in line mode, so that the user edits a line as everywhere. What happens is written into a
//! scroll region above the last row, with the cursor put back afterwards: a line that is being typed is never torn.
//! Where there is no such terminal, lines are written one after the other.

use crate::cli::console::{BOLD, Console};
use crate::cli::failure::Failure;

/// Fewer rows are too few to share.
const FEWEST_ROWS: usize = 5;

/// Where a conversation is shown.
pub(super) struct Screen {
    console: Console,
    /// The terminal's rows, when it is shared between stream and prompt.
    rows: Option<usize>,
    goes_on: bool,
    #[cfg(unix)]
    sizes: Option<tokio::signal::unix::Signal>,
}

impl Screen {
    /// Takes the terminal, if there is one on both sides.
    pub(super) fn open(console: Console) -> Self {
        let shared = console.interactive() && console.out_terminal() && console.live();
        let mut screen = Self {
            rows: None,
            goes_on: false,
            #[cfg(unix)]
            sizes: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change()).ok(),
            console,
        };
        if shared {
            screen.divide();
        }
        screen
    }

    /// Gives the stream all rows but the last one.
    fn divide(&mut self) {
        let (_, rows) = self.console.size();
        if rows < FEWEST_ROWS {
            self.close();
            return;
        }
        // A line break for every row, so that what was on the screen scrolls up and stays readable.
        let room = if self.rows.is_none() { "\n".repeat(rows) } else { "\x1b[r".to_owned() };
        let above = rows - 1;
        self.rows = Some(rows);
        self.write(&format!("{room}\x1b[1;{above}r"));
        // A terminal that cannot be written is noticed with the next activity.
        let _ = self.prompt(self.goes_on);
    }

    /// Writes a text above the prompt.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        let Some(rows) = self.rows else { return self.console.result_line(text) };
        // To the last row of the region, one line up, the text; then back to where the user types.
        let text = self.styled(text).replace('\n', "\r\n");
        self.console.result_exact(&format!("\x1b7\x1b[{};1H\r\n{text}\x1b8", rows - 1))
    }

    /// Shows the prompt in an empty last row; `goes_on` when the line before ended with a backslash.
    ///
    /// To be called as soon as a line is there: what is typed from then on is shown by the terminal itself, and
    /// would be wiped out by a prompt that comes late.
    pub(super) fn prompt(&mut self, goes_on: bool) -> Result<(), Failure> {
        let Some(rows) = self.rows else { return Ok(()) };
        self.goes_on = goes_on;
        let sign = self.styled(&format!("{BOLD}{}{BOLD:#}", if goes_on { "…" } else { ">" }));
        self.console.result_exact(&format!("\x1b[{rows};1H\x1b[2K{sign} "))
    }

    /// Waits for another size of the terminal, and makes the best of it.
    #[cfg(unix)]
    pub(super) async fn resized(&mut self) {
        match &mut self.sizes {
            Some(sizes) if self.rows.is_some() => {
                sizes.recv().await;
                self.divide();
            }
            _ => std::future::pending().await,
        }
    }

    /// Waits for another size of the terminal: nothing tells here.
    #[cfg(not(unix))]
    pub(super) async fn resized(&mut self) {
        std::future::pending().await
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) {
        if let Some(rows) = self.rows.take() {
            self.write(&format!("\x1b[r\x1b[{rows};1H\x1b[2K"));
        }
    }

    /// The text without styles where no colours are wanted.
    fn styled(&self, text: &str) -> String {
        if self.console.out_colour() {
            return text.to_owned();
        }
        anstream::adapter::strip_str(text).to_string()
    }

    fn write(&self, text: &str) {
        // As above.
        let _ = self.console.result_exact(text);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}
