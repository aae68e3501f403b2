//! Who keeps the events of a run, and who hears of them.

use std::time::{Duration, Instant};

use super::RunEvent;

/// Keeps the events of a run, in order: the ledger.
///
/// The engine acts on the service only after the events that lead to it are kept: an intent is on disk before its POST
/// leaves.
pub trait EventLog: Send {
    /// Keeps the events of one or more turns, all or none. They last when it returns `Ok`.
    ///
    /// # Errors
    ///
    /// When the events cannot be kept. The run then starts nothing more and ends; until it has, the log is given what
    /// still comes, and may keep all of it if it can again.
    fn append(&mut self, events: &[RunEvent]) -> Result<(), JournalError>;

    /// The same without waiting for a log that does not answer: that is an error that [is of it](JournalError::is_away), and
    /// the events wait for the next call. Like [`EventLog::append`] by default.
    ///
    /// # Errors
    ///
    /// As for [`EventLog::append`].
    fn try_append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        self.append(events)
    }

    /// How long a run follows what is live while the log does not answer, before it ends; not at all by default.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Brings everything taken so far to its place; called at the end of an invocation.
    ///
    /// # Errors
    ///
    /// As for [`EventLog::append`].
    fn flush(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Hears every event of a run, in order, on a thread of its own: reports, event streams, the progress display.
///
/// It may take its time: neither the run nor another listener waits for it before the end.
pub trait Listener: Send {
    /// What the run owes it.
    fn role(&self) -> Role;

    /// Takes note of events.
    ///
    /// # Errors
    ///
    /// When they are lost on it. What that means for the run is for its [`Role`] to say.
    fn hear(&mut self, events: &[RunEvent]) -> Result<(), JournalError>;

    /// Does what is due by now, and says when there is more to do if no event comes before. Called at first, and again
    /// after events and at the time it has named.
    ///
    /// # Errors
    ///
    /// As for [`Listener::hear`].
    fn tick(&mut self, _now: Instant) -> Result<Option<Instant>, JournalError> {
        Ok(None)
    }

    /// Brings everything heard so far to its place; called once, at the end of an invocation.
    ///
    /// # Errors
    ///
    /// As for [`Listener::hear`].
    fn finish(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

/// What a run owes a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A result of the run: it ends when this fails, and waits for it at the end.
    Report,
    /// The same for somebody who reads along. At the end it is waited for only while somebody does read.
    Stream,
    /// A view. The run does not depend on it, and waits for it like for a stream.
    View,
    /// Somebody elsewhere is told. The run does not depend on it; at the end it is waited for, but not for long.
    Remote,
}

/// Events could not be kept: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct JournalError {
    what: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    is_away: bool,
}

impl JournalError {
    /// `what` names the thing and what is wrong: "cannot write jules-report/junit.xml".
    #[must_use]
    pub fn new(what: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { what: what.into(), source: Some(source.into()), is_away: false }
    }

    /// The same of a log that does not answer, and may when it is asked again.
    #[must_use]
    pub fn away(self) -> Self {
        Self { is_away: true, ..self }
    }

    /// Whether the log does not answer, and may when it is asked again.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.is_away
    }

    /// The same, with why it was not waited for any longer.
    pub(crate) fn because(self, why: &str) -> Self {
        Self { what: format!("{}: {why}", self.what), ..self }
    }

    /// With its causes, in one line.
    pub(crate) fn in_full(&self) -> String {
        let chain = std::iter::successors(Some(self as &dyn std::error::Error), |error| (**error).source());
        chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}
