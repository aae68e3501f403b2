//! A thread that posts messages. Nothing that goes wrong there is more than a warning.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jules::reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use jules::reqwest::{self, Client, redirect, retry};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::endpoint::Endpoint;

/// How often a message is sent at most. It is sent again only where it surely was not taken.
const TRIES: u32 = 3;
/// The first pause; each is three times the one before.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that somebody may ask for.
const LONGEST: Duration = Duration::from_secs(20);
/// Shorter than the end of a run waits: who does not answer at all is told as what it is.
const ANSWER: Duration = Duration::from_secs(8);
/// Of a wait at the end it is told after this.
const TOLD_AFTER: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(5);

/// What goes to whom.
pub(super) struct Message {
    pub(super) endpoint: Endpoint,
    pub(super) body: String,
}

/// How many messages to whom are not through, by what each is called.
#[derive(Clone, Default)]
struct UnderWay(Arc<Mutex<BTreeMap<String, usize>>>);

impl UnderWay {
    fn begin(&self, name: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    fn end(&self, name: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(name) {
            *count -= 1;
        }
        all.retain(|_, count| *count > 0);
    }

    /// Whose messages are not through: `slack (`HOOK`), json (`LOG`)`.
    fn names(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Where messages are handed in.
pub(super) struct Post {
    messages: UnboundedSender<Message>,
    under_way: UnderWay,
    /// Closed when all are gone.
    done: Receiver<()>,
}

impl Post {
    /// Starts the thread.
    pub(super) fn open() -> Self {
        let (messages, inbox) = unbounded_channel();
        let (open, done) = channel();
        let under_way = UnderWay::default();
        let through = under_way.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let worked = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
                let client = client().map_err(|error| error.without_url().to_string())?;
                runtime.block_on(deliver_all(client, inbox, &through));
                Ok(())
            });
            if let Err(error) = worked {
                tracing::warn!("`notify`: nobody can be told: {error}");
            }
            drop(open);
        });
        Self { messages, under_way, done }
    }

    pub(super) fn take(&self, messages: Vec<Message>) {
        for message in messages {
            self.under_way.begin(message.endpoint.told());
            // A thread that has ended has said why.
            drop(self.messages.send(message));
        }
    }

    /// Waits for what was handed in, but no longer than that, and tells whom it waits for.
    pub(super) fn close(self, patience: Duration) {
        let Self { messages, under_way, done } = self;
        drop(messages);
        let is_late = |wait| matches!(done.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
        let first = TOLD_AFTER.min(patience);
        if !is_late(first) {
            return;
        }
        let rest = patience.saturating_sub(first);
        if !rest.is_zero() {
            let (names, most) = (under_way.names(), patience.as_secs());
            tracing::warn!("`notify`: the end waits for an answer of {names}, for {most} s at most");
            if !is_late(rest) {
                return;
            }
        }
        tracing::warn!("`notify`: not every message was sent: no answer in time of {}", under_way.names());
    }
}

/// A redirect would carry a message to a place that nobody has named.
fn client() -> Result<Client, reqwest::Error> {
    let client = Client::builder().redirect(redirect::Policy::none()).referer(false).retry(retry::never());
    client.timeout(ANSWER).connect_timeout(CONNECT).build()
}

/// To each one message after the other, so that they come in their order; nobody waits for another.
async fn deliver_all(client: Client, mut inbox: UnboundedReceiver<Message>, under_way: &UnderWay) {
    let mut lines = HashMap::new();
    let mut deliveries = JoinSet::new();
    while let Some(message) = inbox.recv().await {
        let line = lines.entry(message.endpoint.url.clone()).or_insert_with(|| {
            let (line, messages) = unbounded_channel();
            deliveries.spawn(deliver_in_order(client.clone(), messages, under_way.clone()));
            line
        });
        // It ends after its line.
        let _ = line.send(message);
    }
    drop(lines);
    deliveries.join_all().await;
}

async fn deliver_in_order(client: Client, mut messages: UnboundedReceiver<Message>, under_way: UnderWay) {
    while let Some(message) = messages.recv().await {
        deliver(&client, &message).await;
        under_way.end(&message.endpoint.told());
    }
}

async fn deliver(client: &Client, message: &Message) {
    let mut pause = PAUSE;
    for attempt in 1..=TRIES {
        let failed = match send(client, message).await {
            Ok(()) => return,
            Err(failed) => failed,
        };
        let wait = match failed.again {
            Some(wait) if attempt < TRIES => wait.unwrap_or(pause),
            _ => return tracing::warn!("`notify`: {}: {}", message.endpoint.told(), failed.why),
        };
        tokio::time::sleep(wait.min(LONGEST)).await;
        pause *= 3;
    }
}

/// A message that was not taken.
#[derive(Debug, PartialEq, Eq)]
struct Failed {
    why: String,
    /// Whether it may be sent again, and after what time if that was said.
    again: Option<Option<Duration>>,
}

async fn send(client: &Client, message: &Message) -> Result<(), Failed> {
    let endpoint = &message.endpoint;
    let mut request = client
        .post(endpoint.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("jules-batch/", env!("CARGO_PKG_VERSION")))
        .body(message.body.clone());
    if let Some(token) = &endpoint.token {
        request = request.header(AUTHORIZATION, token.bearer());
    }
    let answer = request.send().await.map_err(|error| lost(&error))?;
    let after = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
    judged(answer.status().as_u16(), after.map(Duration::from_secs))
}

fn judged(status: u16, after: Option<Duration>) -> Result<(), Failed> {
    let why = match status {
        200..=299 => return Ok(()),
        300..=399 => format!("it leads elsewhere (status {status}), and the message goes nowhere else"),
        401 | 403 | 404 | 410 => format!("the address is not valid (any more): status {status}"),
        _ => format!("it did not take the message: status {status}"),
    };
    let is_busy = matches!(status, 429 | 500 | 502 | 503 | 504);
    Err(Failed { why, again: is_busy.then_some(after) })
}

/// Whether something was sent before the connection was lost decides whether it may be sent again.
fn lost(error: &reqwest::Error) -> Failed {
    match (error.is_connect(), error.is_timeout()) {
        (true, _) => Failed { why: "no connection".to_owned(), again: Some(None) },
        (false, true) => Failed { why: "no answer in time".to_owned(), again: None },
        (false, false) => Failed { why: "the connection broke".to_owned(), again: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_busy_is_asked_again() {
        assert_eq!(judged(204, None), Ok(()));
        let again = |status, after| judged(status, after).unwrap_err().again;
        let minute = Duration::from_secs(60);
        assert_eq!(again(429, Some(minute)), Some(Some(minute)));
        assert_eq!(again(503, None), Some(None));
        for status in [302, 400, 401, 404, 410, 413] {
            assert_eq!(again(status, Some(minute)), None, "{status}");
        }
    }
}
