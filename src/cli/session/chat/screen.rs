//! Where a conversation is shown: above the line that is being typed on a terminal, else line after line.

use super::editor::Editor;
use super::lines::Lines;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::wrap;

/// What is said of a conversation.
pub(super) struct Screen {
    console: Console,
    /// The terminal, if there is one on both sides.
    editor: Option<Editor>,
}

impl Screen {
    /// Takes the terminal, or lines of stdin.
    pub(super) fn open(console: Console) -> (Self, Lines) {
        let shared = console.interactive() && console.out_terminal() && console.live();
        match shared.then(|| Editor::open(console.out_colour())).flatten() {
            Some((editor, lines)) => (Self { console, editor: Some(editor) }, lines),
            None => (Self { console, editor: None }, Lines::of_stdin()),
        }
    }

    /// Writes a text above the prompt.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        let Some(editor) = &mut self.editor else { return self.console.result_line(text) };
        let text = self.console.redactor().clean(text);
        let text = wrap::lines(&text, self.console.out_width());
        let is_printed = match self.console.out_colour() {
            true => editor.print(&text),
            false => editor.print(&anstream::adapter::strip_str(&text).to_string()),
        };
        if is_printed { Ok(()) } else { self.console.result_line(&text) }
    }

    /// Whether the agent waits for the user, for the prompt.
    pub(super) fn await_user(&self, is_awaited: bool) {
        if let Some(editor) = &self.editor {
            editor.await_user(is_awaited);
        }
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) {
        if let Some(mut editor) = self.editor.take() {
            editor.close();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}
