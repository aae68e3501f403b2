//! Who watches a run.

use super::RunEvent;

/// Sees every event of a run, in order: the ledger, the reports, the progress display.
pub trait Observer: Send {
    /// Takes note of the events of one turn.
    ///
    /// The engine acts on the service only after every observer has returned: an observer that promises
    /// durability keeps its promise before it returns `Ok` (an intent is on disk before its POST leaves).
    ///
    /// # Errors
    ///
    /// When the events cannot be kept. The run then starts nothing more and ends; until it has, the observer is shown
    /// what still comes, and may keep it if it can again.
    fn observe(&mut self, events: &[RunEvent]) -> Result<(), ObserverError>;

    /// Brings everything taken so far to its place; called at the end of an invocation.
    ///
    /// # Errors
    ///
    /// As for [`Observer::observe`].
    fn flush(&mut self) -> Result<(), ObserverError> {
        Ok(())
    }
}

/// An observer could not keep what it saw: which one, and why.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ObserverError {
    what: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ObserverError {
    /// `what` names the thing and what is wrong: "cannot write jules-report/junit.xml".
    #[must_use]
    pub fn new(what: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}
