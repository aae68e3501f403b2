//! What the ledger hands back: events and records, with what could not be understood of them.

use std::fmt;

use serde::Deserialize;

use crate::outcome::{RunEvent, RunRecord};

/// A run as the ledger has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredRun {
    /// The fold of its events.
    pub record: RunRecord,
    /// The events that are not in the fold. Those of a newer program are to be expected; after damage the
    /// record may lack a task or a session, so look for the run's markers before anything is created.
    pub skipped: Vec<SkippedEvent>,
}

/// Some of a run's events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StoredEvents {
    /// In order.
    pub events: Vec<RunEvent>,
    /// Those that could not be understood.
    pub skipped: Vec<SkippedEvent>,
}

/// An event that was kept but not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkippedEvent {
    /// Where it stands in its run.
    pub(super) seq: u64,
    event: Option<String>,
    why: String,
}

impl SkippedEvent {
    /// Whether it is damaged, not merely of a kind that a newer program writes.
    #[must_use]
    pub(crate) fn is_damaged(&self) -> bool {
        self.event.is_none()
    }
}

impl fmt::Display for SkippedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.event {
            Some(event) => write!(
                f,
                "event {} (`{}`) in the ledger is not understood: {}",
                self.seq,
                event.escape_debug(),
                self.why
            ),
            None => write!(f, "event {} in the ledger is damaged: {}", self.seq, self.why),
        }
    }
}

/// Reads the body of a row.
pub(super) fn decode(seq: u64, body: &[u8]) -> Result<RunEvent, SkippedEvent> {
    #[derive(Deserialize)]
    struct Header {
        seq: u64,
        event: String,
    }

    let skipped = |event, why: String| SkippedEvent { seq, event, why };
    match serde_json::from_slice::<RunEvent>(body) {
        Ok(event) if event.seq == seq => Ok(event),
        Ok(event) => Err(skipped(None, format!("it says that it is event {}", event.seq))),
        Err(e) => match serde_json::from_slice::<Header>(body) {
            Ok(header) if header.seq == seq => Err(skipped(Some(header.event), e.to_string())),
            Ok(_) | Err(_) => Err(skipped(None, e.to_string())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_new_events_from_damaged_ones() {
        let new = br#"{"seq":3,"ts":"2026-11-22T02:00:05Z","event":"teleported","task":"a"}"#;
        let skipped = decode(3, new).unwrap_err();
        assert!(!skipped.is_damaged());
        assert!(skipped.to_string().starts_with("event 3 (`teleported`) in the ledger is not understood"));
        for body in [&b""[..], b"{", b"\xff\xfe", b"[]", br#"{"seq":4,"event":"teleported"}"#] {
            assert!(decode(3, body).unwrap_err().is_damaged());
        }
        let known = br#"{"seq":3,"ts":"2026-11-22T02:00:05Z","event":"invocation_started","invocation":1}"#;
        assert_eq!(decode(3, known).unwrap().seq, 3);
        assert!(decode(4, known).unwrap_err().is_damaged());
    }
}
