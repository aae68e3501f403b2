//! What keeps requests from being sent that have not been sent yet.

use std::sync::Arc;

use tokio::sync::watch;

/// Once it is closed, requests under it ([`Options::send_through`](super::Options::send_through)) that still wait for their
/// turn, and all later ones, end with [`ErrorKind::NotSent`](super::ErrorKind::NotSent); those that are under way go on.
/// Calls that wait, streams and looks for a create in doubt end with their next request, at once.
/// For who has to stop and wants no doubt about a create. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// An open one.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Closes it for good.
    pub fn close(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is closed.
    pub async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|is_closed| *is_closed).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
