//! What a user sees while a run is at work: a live table on a terminal, lines elsewhere.
//!
//! [`line`] and [`table`] decide what to show; the rest only draws.

mod board;
mod line;
#[cfg(test)]
pub(crate) mod sample;
mod table;

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use super::console::Console;
use crate::outcome::{Observer, ObserverError, RunEvent, RunRecord};
pub(crate) use board::Board;
pub(crate) use line::style_of;
pub(crate) use line::{Said, heartbeat, line};
pub(crate) use table::table;

/// How often a live table is drawn again: ages count in seconds.
const FRAME: Duration = Duration::from_millis(200);

/// Shows a run on stderr.
pub(crate) struct Progress {
    console: Console,
    board: Arc<Mutex<Board>>,
    ticker: Option<Ticker>,
}

struct Ticker {
    /// Dropping it ends the thread.
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// The display that fits the console: a live table, lines with a heartbeat (none when zero), or nothing
    /// with `--quiet`.
    #[must_use]
    pub(crate) fn new(console: &Console, record: &RunRecord, heartbeat: Duration) -> Self {
        let board = Arc::new(Mutex::new(Board::of(record)));
        let heading = heading(record);
        let ticker = if console.live() {
            Some(draw(console.clone(), Arc::clone(&board), heading))
        } else if console.quiet() || heartbeat.is_zero() {
            None
        } else {
            Some(beat(console.clone(), Arc::clone(&board), heartbeat))
        };
        Self { console: console.clone(), board, ticker }
    }

    fn stop(&mut self) {
        if let Some(Ticker { end, thread }) = self.ticker.take() {
            drop(end);
            // A display that panicked has nothing left to show; the run does not depend on it.
            let _ = thread.join();
        }
    }
}

impl Observer for Progress {
    fn observe(&mut self, events: &[RunEvent]) -> Result<(), ObserverError> {
        let mut board = locked(&self.board);
        for event in events {
            board.apply(event);
            match line(event, &board) {
                Some(Said::Change(_)) if self.console.live() => {}
                Some(Said::Change(text)) => self.console.mention(&text),
                Some(Said::Lasting(text)) => self.console.say(&text),
                None => {}
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ObserverError> {
        self.stop();
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop();
    }
}

fn heading(record: &RunRecord) -> String {
    let simulated = if record.info.simulated { " · simulated" } else { "" };
    format!("{} · run {}{simulated}", record.info.name, record.info.id)
}

/// Draws the table until the other end is dropped.
fn draw(console: Console, board: Arc<Mutex<Board>>, heading: String) -> Ticker {
    ticker(FRAME, move |step| {
        while step() {
            let lines = table(&locked(&board), &heading, Timestamp::now(), console.size());
            let text = lines.join("\n");
            let plain = || anstream::adapter::strip_str(&text).to_string();
            console.draw(Some(if console.err_colour() { text.clone() } else { plain() }));
        }
        console.draw(None);
    })
}

/// Says how things stand, until the other end is dropped.
fn beat(console: Console, board: Arc<Mutex<Board>>, every: Duration) -> Ticker {
    ticker(every, move |step| {
        while step() {
            let text = heartbeat(&locked(&board), Timestamp::now());
            console.mention(&text);
        }
    })
}

/// A thread of its own: the display goes on while the run waits, and the run never waits for the display.
fn ticker(every: Duration, work: impl FnOnce(&mut dyn FnMut() -> bool) + Send + 'static) -> Ticker {
    let (end, ended) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        work(&mut || matches!(ended.recv_timeout(every), Err(RecvTimeoutError::Timeout)));
    });
    Ticker { end, thread }
}

/// A display that panicked half-way leaves a board that is still good to count with.
fn locked(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
