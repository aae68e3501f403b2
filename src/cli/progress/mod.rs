//! What a user sees while a run is at work: a live table on a terminal, lines elsewhere.
//!
//! [`line`] and [`table`] decide what to show; the rest only draws.

mod left;
mod line;
mod service;
mod table;
mod together;
mod view;

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::console::Console;
use crate::outcome::{JournalError, Listener, Role, RunEvent, RunRecord};
pub(crate) use left::Pace;
pub(crate) use line::{Said, heartbeat, lines};
pub(crate) use line::{standing, style_of};
pub(crate) use service::{spent, troubles};
pub(crate) use table::table;
pub(crate) use view::RunView;

/// How often a live table is drawn again: ages count in seconds.
const FRAME: Duration = Duration::from_millis(200);

/// Shows a run on stderr.
pub(crate) struct Progress {
    console: Console,
    view: RunView,
    heading: String,
    pace: Pace,
    /// How often to show how things stand, and when next; none for never.
    every: Option<Duration>,
    due: Instant,
}

impl Progress {
    /// The display that fits the console: a live table, lines with a heartbeat (none when zero), or nothing
    /// with `--quiet`.
    pub(crate) fn new(console: &Console, record: &RunRecord, pace: Pace, heartbeat: Duration) -> Self {
        let every = if console.live() {
            Some(FRAME)
        } else {
            Some(heartbeat).filter(|every| !console.quiet() && !every.is_zero())
        };
        Self {
            console: console.clone(),
            view: RunView::of(record),
            heading: heading(record),
            pace,
            due: Instant::now() + every.unwrap_or_default(),
            every,
        }
    }

    fn show(&self) {
        let (console, now) = (&self.console, Timestamp::now());
        if !console.live() {
            return console.mention(&heartbeat(&self.view, self.pace, now));
        }
        let text = table(&self.view, &self.heading, self.pace, now, console.size()).join("\n");
        let plain = || anstream::adapter::strip_str(&text).to_string();
        console.draw(Some(if console.err_colour() { text.clone() } else { plain() }));
    }
}

impl Listener for Progress {
    fn role(&self) -> Role {
        Role::View
    }

    fn hear(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        let told = lines(events, &mut self.view);
        if self.console.live() && told.iter().any(|said| matches!(said, Said::Lasting(_))) {
            // The counts of the lines and of the table below them are the same.
            self.show();
        }
        for said in told {
            match said {
                Said::Change(_) if self.console.live() => {}
                Said::Change(text) => self.console.mention(&text),
                Said::Lasting(text) => self.console.say(&text),
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<Option<Instant>, JournalError> {
        let Some(every) = self.every else { return Ok(None) };
        if now >= self.due {
            self.show();
            self.due = now + every;
        }
        Ok(Some(self.due))
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        self.console.close();
        Ok(())
    }
}

fn heading(record: &RunRecord) -> String {
    let simulated = if record.info.simulated { " · simulated" } else { "" };
    format!("{} · run {}{simulated}", record.info.name, record.info.id)
}
