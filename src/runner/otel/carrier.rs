//! Carries what the SDK sends: with the client's own HTTP library, on a thread that has a runtime, which the SDK's threads
//! have not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jules::reqwest::{self, Client, redirect, retry};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// OpenTelemetry's own default.
const ANSWER: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read: it says next to nothing.
const MOST: usize = 64 * 1024;

type Answer = Result<Response<Bytes>, HttpError>;
type Job = (Request<Bytes>, oneshot::Sender<Answer>);

/// Where requests are handed in.
#[derive(Debug)]
pub(super) struct Carrier {
    jobs: UnboundedSender<Job>,
    /// Whether a failure was told.
    told: AtomicBool,
}

impl Carrier {
    pub(super) fn start() -> Self {
        let (jobs, inbox) = unbounded_channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // Whoever hands something in is told that nobody is there.
            if let (Ok(runtime), Ok(client)) = (runtime, client()) {
                runtime.block_on(carry_all(&client, inbox));
            }
        });
        Self { jobs, told: AtomicBool::new(false) }
    }

    /// Once: a collector that is down is down for every batch.
    fn tell(&self, answer: &Answer) {
        let why = match answer {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => format!("status {}", answer.status().as_u16()),
            Err(error) => error.to_string(),
        };
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!("OpenTelemetry: the collector takes nothing: {why}");
        }
    }
}

#[async_trait]
impl HttpClient for Carrier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Answer {
        let (reply, answer) = oneshot::channel();
        // A thread that is gone drops the reply as well.
        drop(self.jobs.send((request, reply)));
        let answer = answer.await.unwrap_or_else(|_| Err("no HTTP client".into()));
        self.tell(&answer);
        answer
    }
}

/// A redirect would carry a token elsewhere.
fn client() -> Result<Client, reqwest::Error> {
    let client = Client::builder().redirect(redirect::Policy::none()).referer(false).retry(retry::never());
    client.timeout(ANSWER).connect_timeout(CONNECT).build()
}

async fn carry_all(client: &Client, mut inbox: UnboundedReceiver<Job>) {
    while let Some((request, reply)) = inbox.recv().await {
        let client = client.clone();
        tokio::spawn(async move {
            // Who has handed it in may not wait any more.
            drop(reply.send(carry(&client, request).await));
        });
    }
}

async fn carry(client: &Client, request: Request<Bytes>) -> Answer {
    let (head, body) = request.into_parts();
    let request = client.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
    let mut answer = request.send().await.map_err(|error| failed(&error))?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
        if chunk.len() > MOST - body.len() {
            return Err("an endless answer".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body.into())?)
}

/// Without the address, which may hold a password.
fn failed(error: &reqwest::Error) -> HttpError {
    match (error.is_connect(), error.is_timeout()) {
        (true, _) => "no connection".into(),
        (false, true) => "no answer in time".into(),
        (false, false) => "the connection broke".into(),
    }
}
