//! The line that is being typed: a line editor with history, beside which other lines are printed.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, ColorMode, ConditionalEventHandler, Config, Context, Event, EventContext, EventHandler,
    ExternalPrinter, Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::input::{COMMANDS, Command, Input};
use super::lines::{Entered, Lines};
use crate::cli::console::{BOLD, YELLOW};

/// How many entries the history has.
const HISTORY: usize = 1_000;

/// The terminal's side of the editor: what is printed goes above the line that is being typed.
pub(super) struct Editor {
    printer: Box<dyn ExternalPrinter + Send>,
    state: Arc<State>,
    #[cfg(unix)]
    mode: Option<nix::sys::termios::Termios>,
}

#[derive(Default)]
struct State {
    /// The agent waits for the user.
    is_awaited: AtomicBool,
    /// The terminal is in the editor's hands.
    is_reading: AtomicBool,
}

impl Editor {
    /// Takes the terminal; none where it cannot be edited on.
    pub(super) fn open(colour: bool) -> Option<(Self, Lines)> {
        let config = Config::builder().auto_add_history(true).bracketed_paste(true);
        let config = config.max_history_size(HISTORY).ok()?;
        let config = config.color_mode(if colour { ColorMode::Forced } else { ColorMode::Disabled });
        let config = config.build();
        let history = MemHistory::with_config(&config);
        #[cfg(unix)]
        let mode = nix::sys::termios::tcgetattr(std::io::stdin()).ok();
        let mut editor = rustyline::Editor::<Prompt, MemHistory>::with_history(config, history).ok()?;
        let printer = Box::new(editor.create_external_printer().ok()?);
        let state = Arc::new(State::default());
        editor.set_helper(Some(Prompt(state.clone())));
        let enter = KeyEvent(KeyCode::Enter, Modifiers::NONE);
        let begun = Begun::default();
        editor.bind_sequence(enter, EventHandler::Conditional(Box::new(begun.clone())));
        let with_alt = KeyEvent(KeyCode::Enter, Modifiers::ALT);
        editor.bind_sequence(with_alt, EventHandler::Simple(Cmd::Newline));
        let (reading, mut is_over) = (state.clone(), false);
        let lines = Lines::of(move || {
            if is_over {
                return None;
            }
            reading.is_reading.store(true, Ordering::SeqCst);
            let read = editor.readline("> ");
            reading.is_reading.store(false, Ordering::SeqCst);
            let entered = match read {
                Ok(text) => Entered::Message(begun.joined(&text)),
                Err(ReadlineError::Interrupted) => Entered::Interrupt,
                Err(_) => return None,
            };
            // The terminal is not taken again by somebody who leaves.
            is_over = match &entered {
                Entered::Message(text) => Input::parse(text) == Input::Command(Command::Quit),
                Entered::Interrupt | Entered::Line(_) => true,
            };
            Some(entered)
        });
        #[cfg(unix)]
        return Some((Self { printer, state, mode }, lines));
        #[cfg(not(unix))]
        Some((Self { printer, state }, lines))
    }

    /// Prints a text above the line; false when that cannot be.
    pub(super) fn print(&mut self, text: &str) -> bool {
        self.printer.print(format!("{text}\n")).is_ok()
    }

    /// Whether the agent waits for the user: the prompt shows it with the next text that is printed.
    pub(super) fn await_user(&self, is_awaited: bool) {
        self.state.is_awaited.store(is_awaited, Ordering::SeqCst);
    }

    /// Gives the terminal back, also in the middle of a line.
    pub(super) fn close(&mut self) {
        if !self.state.is_reading.swap(false, Ordering::SeqCst) {
            return;
        }
        #[cfg(unix)]
        if let Some(mode) = &self.mode {
            use nix::sys::termios::{SetArg, tcsetattr};
            // There is nobody left to tell that it could not be.
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, mode);
        }
        let mut out = std::io::stdout();
        // No paste in brackets any more; what was being typed stays to see.
        let _ = out.write_all(b"\x1b[?2004l\r\n").and_then(|()| out.flush());
    }
}

/// The lines that Enter did not end, because of a backslash behind them. Pasted lines may end with one as well.
#[derive(Clone, Default)]
struct Begun(Arc<Mutex<Vec<String>>>);

impl Begun {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text without the backslashes that were typed to go on.
    fn joined(&self, text: &str) -> String {
        let begun = std::mem::take(&mut *self.lines());
        let plain = |line: &str| {
            let is_begun = begun.iter().any(|known| known == line);
            line.strip_suffix('\\').filter(|_| is_begun).unwrap_or(line).to_owned()
        };
        match text.rsplit_once('\n') {
            Some((lines, last)) => {
                let lines: Vec<_> = lines.split('\n').map(plain).collect();
                format!("{}\n{last}", lines.join("\n"))
            }
            None => text.to_owned(),
        }
    }
}

impl ConditionalEventHandler for Begun {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let text = context.line();
        if context.pos() != text.len() || !text.ends_with('\\') {
            return None;
        }
        self.lines().push(text.rsplit('\n').next().unwrap_or(text).to_owned());
        Some(Cmd::Insert(1, "\n".to_owned()))
    }
}

/// What the editor shows besides the text, and what it completes.
struct Prompt(Arc<State>);

impl Highlighter for Prompt {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, _: &'p str, _: bool) -> Cow<'b, str> {
        // As wide as the prompt that it stands for.
        Cow::Owned(match self.0.is_awaited.load(Ordering::SeqCst) {
            true => format!("{YELLOW}?{YELLOW:#} "),
            false => format!("{BOLD}>{BOLD:#} "),
        })
    }
}

impl Completer for Prompt {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let begun = &line[..pos];
        let is_command = begun.starts_with('/') && !begun.contains(char::is_whitespace);
        let fitting = COMMANDS.iter().filter(|name| is_command && name.starts_with(begun));
        Ok((0, fitting.map(|&name| name.to_owned()).collect()))
    }
}

impl Hinter for Prompt {
    type Hint = String;
}

impl Validator for Prompt {}
impl Helper for Prompt {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_that_was_typed_to_go_on_is_no_part_of_the_message() {
        let begun = Begun::default();
        begun.lines().push("two lines \\".to_owned());
        let pasted = "two lines \\\nmake \\\n  all \\";
        assert_eq!(begun.joined(pasted), "two lines \nmake \\\n  all \\");
        assert_eq!(begun.joined("two lines \\\nof a paste"), "two lines \\\nof a paste", "another message");
    }
}
