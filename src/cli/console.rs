//! The two streams: stdout carries the result, stderr the rest.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use super::args::Global;
use super::ci::Ci;
use super::display::Display;
use super::exit::Exit;
use super::failure::{Failure, Line};
pub(crate) use super::links::linked;
use super::links::{knows_links, without_links};
use super::redact::redactor;
use super::stderr::{Stderr, Text};
use super::wrap;
use crate::runner::Redactor;

/// Errors: bold red.
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
/// Warnings and what waits: yellow.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Success: green.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// Names and help: cyan.
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What matters more.
pub(crate) const BOLD: Style = Style::new().bold();

/// How long stdout waits for what was said on stderr before: on a terminal both are read in one piece.
const TURN: Duration = Duration::from_millis(500);

/// A cheap handle on stdout and stderr. What goes to stderr is written by a thread of its own, so that nobody waits for
/// its reader; [`Console::close`] brings it to an end.
#[derive(Clone)]
pub(crate) struct Console(Arc<Inner>);

struct Inner {
    out: ColorChoice,
    err: ColorChoice,
    quiet: bool,
    ci: Option<Ci>,
    /// Whether stderr is a terminal where things can move.
    live: bool,
    /// Whether stdout is a terminal.
    out_terminal: bool,
    /// Whether stderr is one.
    err_terminal: bool,
    /// Whether somebody can be asked.
    interactive: bool,
    /// Whether the terminal shows links.
    links: bool,
    out_closed: AtomicBool,
    /// Whether it was said that stdout lacks a key.
    redaction_said: AtomicBool,
    display: Display,
    stderr: Stderr,
    redactor: Redactor,
}

impl Console {
    /// Takes in the flags, the environment and the terminal once, for the whole program.
    pub(crate) fn new(global: &Global) -> Self {
        let (colour, quiet) = (global.color, global.quiet);
        let var = |name: &str| std::env::var(name).ok();
        let ci = Ci::detect(var);
        let choice = |terminal| match colour.decide(var, terminal, ci) {
            true => ColorChoice::AlwaysAnsi,
            false => ColorChoice::Never,
        };
        let (stdin, stdout, stderr) =
            (io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal());
        let dumb = var("TERM").is_some_and(|term| term == "dumb");
        let live = stderr && ci.is_none() && !dumb && !quiet;
        let (display, err) = (Display::default(), choice(stderr));
        Self(Arc::new(Inner {
            out: choice(stdout),
            err,
            quiet,
            ci,
            live,
            out_terminal: stdout,
            err_terminal: stderr,
            interactive: stdin && stderr && ci.is_none(),
            links: ci.is_none() && knows_links(var),
            out_closed: AtomicBool::new(false),
            redaction_said: AtomicBool::new(false),
            stderr: Stderr::start(err, display.clone()),
            display,
            redactor: redactor().clone(),
        }))
    }

    /// Writes text to stdout as it is; styles are removed when stdout shows no colours.
    ///
    /// A reader that has gone away (`| head`) is no error: what comes later is dropped.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written for another reason, such as a full disk.
    pub(crate) fn result(&self, text: &str) -> Result<(), Failure> {
        self.0.stderr.wait(TURN);
        let has_links = self.0.links && self.0.out_terminal && self.out_colour();
        let text = if has_links { Cow::Borrowed(text) } else { without_links(text) };
        self.write_out(&mut AutoStream::new(io::stdout(), self.0.out), &text)
            .map_err(|error| not_printed(&error))
    }

    /// Like [`Console::result`], byte for byte: for what another program reads, and for moving the cursor of a
    /// terminal.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn result_exact(&self, text: &str) -> Result<(), Failure> {
        self.0.stderr.wait(TURN);
        self.write_out(&mut io::stdout(), text).map_err(|error| not_printed(&error))
    }

    /// Stdout for a program that reads along. It has no turn to wait for.
    pub(crate) fn stream(&self) -> impl Write + Send + use<> {
        Stream(self.clone())
    }

    fn write_out(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        if self.0.out_closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let text = self.0.redactor.clean(text);
        if matches!(text, Cow::Owned(_)) && !self.0.redaction_said.swap(true, Ordering::Relaxed) {
            self.warn(
                "a key, token or password of yours is in what is printed; stdout has `***` in its place",
            );
        }
        let mut write = || out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // A pipe is not where the display is, and its reader may take its time: nobody else waits for that.
        let written = if self.0.out_terminal { self.0.display.beside(write) } else { write() };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.0.out_closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            written => written,
        }
    }

    /// Like [`Console::result`], with the end of a line.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn result_line(&self, line: &str) -> Result<(), Failure> {
        self.result(&format!("{line}\n"))
    }

    /// Whether the reader of stdout has gone away.
    pub(crate) fn result_unwanted(&self) -> bool {
        self.0.out_closed.load(Ordering::Relaxed)
    }

    /// Says something on stderr, unless `--quiet`.
    pub(crate) fn say(&self, text: &str) {
        if !self.0.quiet {
            self.stderr(Text::Lasting, text);
        }
    }

    /// Says how things stand, which nobody misses who does not read it in time.
    pub(crate) fn mention(&self, text: &str) {
        if !self.0.quiet {
            self.log(text);
        }
    }

    /// The same with `--quiet`.
    pub(crate) fn log(&self, text: &str) {
        self.stderr(Text::Passing, text);
    }

    /// Draws the live display in place of the last one; none removes it.
    pub(crate) fn draw(&self, frame: Option<String>) {
        self.0.stderr.draw(frame.map(|frame| self.0.redactor.clean(&frame).into_owned()));
    }

    /// From now on no live display is left standing when the user stops the program with Ctrl-Z.
    pub(crate) fn makes_way_for_the_shell(&self) {
        #[cfg(unix)]
        super::suspend::watch(self);
    }

    /// Does something while no live display stands on the terminal and nobody writes there.
    #[cfg(unix)]
    pub(crate) fn without_display(&self, what: impl FnOnce()) {
        self.0.display.beside(what);
    }

    /// Removes the live display, and brings what was said to stderr if somebody reads it. More can be said later.
    pub(crate) fn close(&self) {
        self.0.stderr.close();
    }

    /// Warns on stderr, also with `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        self.stderr(Text::Lasting, &format!("{YELLOW}warning:{YELLOW:#} {text}"));
    }

    /// Shows what says itself what it is: warnings with their excerpts.
    pub(crate) fn shown(&self, text: &str) {
        self.stderr(Text::Lasting, text);
    }

    /// Shows why the program ends.
    pub(crate) fn failure(&self, failure: &Failure) {
        for line in failure.lines() {
            let text = match line {
                Line::Error(text) => format!("{RED}error:{RED:#} {}", block(text)),
                Line::Cause(text) => format!("  {DIM}caused by:{DIM:#} {}", block(text)),
                Line::Help(text) => format!("  {CYAN}help:{CYAN:#} {}", block(text)),
                Line::Plain(text) => foreign_text::log(text).into_owned(),
            };
            self.stderr(Text::Lasting, &text);
        }
    }

    /// Asks a yes-or-no question on stderr; anything but a yes is a no. Call it only when
    /// [`Console::interactive`] says that somebody is there.
    pub(crate) fn confirm(&self, question: &str) -> bool {
        let answer = self.answer(question, &format!(" {DIM}[y/N]{DIM:#} "));
        matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Asks for a line on stderr; an empty one is `usual`. Call it only when [`Console::interactive`] says that somebody is
    /// there.
    pub(crate) fn ask(&self, question: &str, usual: &str) -> String {
        let usual = foreign_text::line(usual);
        let answer = self.answer(question, &format!("\n{DIM}[{usual}]{DIM:#} "));
        if answer.is_empty() { usual } else { answer }
    }

    /// The line that somebody answers; empty if there is none.
    fn answer(&self, question: &str, end: &str) -> String {
        self.0.stderr.wait(TURN);
        let question = self.0.redactor.clean(question);
        self.0.display.beside(|| {
            let mut err = AutoStream::new(io::stderr(), self.0.err).lock();
            // A question that cannot be shown is answered by the missing answer.
            let _ = write!(err, "{question}{end}").and_then(|()| err.flush());
        });
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(_) => foreign_text::line(answer.trim()),
            Err(_) => String::new(),
        }
    }

    /// Whether somebody can be asked: stdin and stderr are terminals, and it is no CI.
    pub(crate) fn interactive(&self) -> bool {
        self.0.interactive
    }

    /// Whether stderr is a terminal where a live display can move.
    pub(crate) fn live(&self) -> bool {
        self.0.live
    }

    /// Whether stdout is a terminal.
    pub(crate) fn out_terminal(&self) -> bool {
        self.0.out_terminal
    }

    /// Whether `--quiet` was given.
    pub(crate) fn quiet(&self) -> bool {
        self.0.quiet
    }

    /// The CI system, if we run in one.
    pub(crate) fn ci(&self) -> Option<Ci> {
        self.0.ci
    }

    /// Whether stderr shows colours.
    pub(crate) fn err_colour(&self) -> bool {
        self.0.err == ColorChoice::AlwaysAnsi
    }

    /// Whether stdout shows colours.
    pub(crate) fn out_colour(&self) -> bool {
        self.0.out == ColorChoice::AlwaysAnsi
    }

    /// What takes secrets out of text; the console's own output has passed it.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// Columns and rows of the terminal that stderr is, 80 × 24 when nobody says.
    pub(crate) fn size(&self) -> (usize, usize) {
        terminal_size::terminal_size_of(io::stderr())
            .or_else(terminal_size::terminal_size)
            .map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()))
    }

    /// Columns that a line on stderr has: those of its terminal, and elsewhere as many as it likes.
    pub(crate) fn err_width(&self) -> usize {
        if self.0.err_terminal { self.size().0 } else { usize::MAX }
    }

    /// The same on stdout.
    pub(crate) fn out_width(&self) -> usize {
        if self.0.out_terminal { self.size().0 } else { usize::MAX }
    }

    fn stderr(&self, kind: fn(String) -> Text, text: &str) {
        let has_links = self.0.links && self.0.err_terminal && self.err_colour();
        let text = if has_links { Cow::Borrowed(text) } else { without_links(text) };
        self.0.stderr.say(kind(wrap::lines(&self.0.redactor.clean(&text), self.err_width())));
    }
}

/// [`Console::stream`]
struct Stream(Console);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_out(&mut io::stdout(), &String::from_utf8_lossy(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn not_printed(error: &io::Error) -> Failure {
    Failure::new(Exit::NotWritable, "cannot write to stdout").because(error)
}

/// An error's text may quote what others wrote: its first line goes behind ours, the rest is marked as quoted.
fn block(text: &str) -> String {
    match text.trim_end().split_once('\n') {
        None => foreign_text::line(text),
        Some((first, rest)) => format!("{}\n{}", foreign_text::line(first), foreign_text::block(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_lines_cannot_be_commands() {
        assert_eq!(block("a\n::error::b\n  ^\n"), "a\n  | : :error::b\n  |   ^");
        assert_eq!(block("plain"), "plain");
    }
}
