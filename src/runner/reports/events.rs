//! Every event as a line of JSON, to the end of a file or to whoever reads along.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{CannotWrite, event_lines};
use crate::outcome::{JournalError, Listener, Role, RunEvent};

/// Writes events as they happen.
pub(crate) struct EventLines {
    name: PathBuf,
    role: Role,
    out: Box<dyn Write + Send>,
    /// What is to be written before anything happens.
    history: Vec<RunEvent>,
}

impl EventLines {
    /// To the end of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub(crate) fn append(path: &Path) -> Result<Self, CannotWrite> {
        let opened: Result<File, _> = OpenOptions::new().create(true).append(true).open(path);
        let file = opened.map_err(|source| CannotWrite { path: path.to_owned(), source })?;
        Ok(Self { name: path.to_owned(), role: Role::Report, out: Box::new(file), history: Vec::new() })
    }

    /// To somebody who gets the events of earlier invocations first, and may not read.
    #[must_use]
    pub(crate) fn stream(
        name: impl Into<PathBuf>,
        out: impl Write + Send + 'static,
        history: Vec<RunEvent>,
    ) -> Self {
        Self { name: name.into(), role: Role::Stream, out: Box::new(out), history }
    }

    fn write(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        let written = self.out.write_all(event_lines(events).as_bytes()).and_then(|()| self.out.flush());
        Ok(written.map_err(|source| CannotWrite { path: self.name.clone(), source })?)
    }
}

impl Listener for EventLines {
    fn role(&self) -> Role {
        self.role
    }

    fn hear(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        self.write(events)
    }

    fn tick(&mut self, _now: Instant) -> Result<Option<Instant>, JournalError> {
        let history = std::mem::take(&mut self.history);
        self.write(&history).map(|()| None)
    }
}
