//! The run that events go to, and which of them is next.

use super::{LedgerError, ManifestIdentity};
use crate::outcome::{EventKind, RunEvent};

/// The run that events go to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// One that has not begun.
    New(ManifestIdentity),
    /// One that is in the ledger, by its row.
    Begun { row: i64, last_seq: u64 },
}

impl Target {
    /// The number of this event as the run's next one.
    ///
    /// # Errors
    ///
    /// When it is another's turn.
    pub(super) fn after(&self, event: &RunEvent) -> Result<u64, LedgerError> {
        let is_start = matches!(event.kind, EventKind::RunStarted { .. });
        let is_next = match self {
            Self::New(_) => is_start && event.seq == 1,
            Self::Begun { last_seq, .. } => !is_start && event.seq == last_seq + 1,
        };
        if is_next { Ok(event.seq) } else { Err(self.out_of_order(event)) }
    }

    pub(super) fn out_of_order(&self, event: &RunEvent) -> LedgerError {
        let wanted = match self {
            Self::New(_) => "1, the start of the run,".to_owned(),
            Self::Begun { last_seq, .. } => (last_seq + 1).to_string(),
        };
        LedgerError::OutOfOrder { wanted, found: event.seq }
    }
}
