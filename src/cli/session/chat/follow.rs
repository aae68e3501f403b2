//! The session's activities for as long as somebody looks on, also over its end.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;

use jules::{Activity, ActivityStream, Error, Options, SessionClient};

/// A stream that goes on when a message sets an ended session going again.
pub(super) struct Follow {
    client: SessionClient,
    stream: ActivityStream,
    /// The stream has come to the session's end.
    ended: bool,
    /// Until then the end is not believed: the service needs some time to take a message up.
    open_until: Option<Instant>,
    /// When to look again whether it has.
    look_at: Option<Instant>,
    interval: Duration,
}

impl Follow {
    /// Everything from the beginning, a request each interval.
    pub(super) fn new(client: SessionClient, interval: Duration) -> Self {
        let stream = client.stream();
        Self { client, stream, ended: false, open_until: None, look_at: None, interval }
    }

    /// The next activity; none once each time the session has ended, and then nothing until
    /// [`expect_more`](Self::expect_more). Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Option<Activity>, Error> {
        loop {
            if self.ended {
                return std::future::pending().await;
            }
            if let Some(time) = self.look_at {
                tokio::time::sleep_until(time).await;
                self.look_at = None;
                self.reopen();
            }
            if let Some(activity) = self.stream.next().await {
                return activity.map(Some);
            }
            if self.open_until.is_some_and(|until| Instant::now() < until) {
                self.look_at = Instant::now().checked_add(self.interval);
            } else {
                self.ended = true;
                return Ok(None);
            }
        }
    }

    /// Whether the session has ended, as far as we know.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// A message was sent: the session may go on.
    pub(super) fn expect_more(&mut self) {
        self.open_until = Instant::now().checked_add(Options::FRESH_PATIENCE);
        if self.ended {
            self.ended = false;
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        self.stream = self.client.stream().from(self.stream.cursor());
    }
}
