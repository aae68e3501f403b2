//! Every event as a line of JSON, to the end of a file or to whoever reads along.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{CannotWrite, event_lines};
use crate::ledger::open_regular;
use crate::outcome::{JournalError, Listener, Role, RunEvent};
use crate::runner::Redactor;

/// Writes events as they happen.
pub(crate) struct EventLines {
    name: PathBuf,
    role: Role,
    out: Box<dyn Write + Send>,
    /// What is to be written before anything happens.
    history: Vec<RunEvent>,
    redactor: Redactor,
}

impl EventLines {
    /// To the end of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub(crate) fn append(path: &Path) -> Result<Self, CannotWrite> {
        let opened = open_regular(path, OpenOptions::new().create(true).append(true));
        let file = opened.map_err(|source| CannotWrite { path: path.to_owned(), source })?;
        Ok(Self { role: Role::Report, ..Self::stream(path, file, Vec::new()) })
    }

    /// Without secrets.
    pub(super) fn redacted(self, redactor: Redactor) -> Self {
        Self { redactor, ..self }
    }

    /// To somebody who gets the events of earlier invocations first, and may not read.
    #[must_use]
    pub(crate) fn stream(
        name: impl Into<PathBuf>,
        out: impl Write + Send + 'static,
        history: Vec<RunEvent>,
    ) -> Self {
        let (name, redactor) = (name.into(), Redactor::default());
        Self { name, role: Role::Stream, out: Box::new(out), history, redactor }
    }

    fn write(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        let lines = event_lines(events);
        let lines = self.redactor.clean(&lines);
        let written = self.out.write_all(lines.as_bytes()).and_then(|()| self.out.flush());
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
