//! Asks now and then for sessions of which another process heard too late.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use crate::outcome::{LateReader, LateSession};

/// How often.
const EVERY: Duration = Duration::from_secs(5);

/// What is asked, and when next.
pub(super) struct Late {
    reader: Option<LateReader>,
    due: Instant,
    reading: Option<Pin<Box<dyn Future<Output = Vec<LateSession>> + Send>>>,
}

impl Late {
    /// None asks nobody.
    pub(super) fn new(reader: Option<LateReader>) -> Self {
        Self { reader, due: Instant::now() + EVERY, reading: None }
    }

    /// The next ones that are told. Cancel safe.
    pub(super) async fn next(&mut self) -> Vec<LateSession> {
        let Some(reader) = &self.reader else { return std::future::pending().await };
        loop {
            if let Some(reading) = &mut self.reading {
                let told = reading.await;
                self.reading = None;
                self.due = Instant::now() + EVERY;
                if !told.is_empty() {
                    return told;
                }
            }
            tokio::time::sleep_until(self.due).await;
            self.reading = Some(reader());
        }
    }
}
