//! A scripted HTTP server on a loopback port: one request per connection, every answer as raw as wanted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{ApiKey, Jules, Options, Quotas};

/// The key that the tests send.
pub(super) const KEY: &str = "AIza-secret-key-of-the-tests";

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// `GET /v1alpha/sessions/1?x=y`.
    pub(super) line: String,
    /// The head in lower case.
    pub(super) head: String,
    pub(super) body: Value,
}

impl Seen {
    /// Whether the request line begins like this, without version and query.
    pub(super) fn is(&self, verb_and_path: &str) -> bool {
        let path = self.line.split('?').next().unwrap_or_default();
        path == verb_and_path.replacen(' ', " /v1alpha/", 1)
    }

    /// A query parameter, percent-decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let url = self.line.split(' ').nth(1)?;
        let url = url::Url::parse("http://x").unwrap().join(url).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// What the server does with a request.
pub(super) enum Answer {
    /// A whole answer.
    Whole(u16, String, Vec<u8>),
    /// These bytes, and then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing for ever.
    Stall(Vec<u8>),
    /// These bytes one by one, this long apart.
    Drip(Vec<u8>, Duration),
}

impl Answer {
    pub(super) fn json(value: &Value) -> Self {
        Self::Whole(200, String::new(), value.to_string().into_bytes())
    }

    pub(super) fn empty() -> Self {
        Self::Whole(200, String::new(), Vec::new())
    }

    pub(super) fn error(code: u16, status: &str) -> Self {
        let body = json!({"error": {"code": code, "status": status, "message": "as scripted"}});
        Self::Whole(code, String::new(), body.to_string().into_bytes())
    }

    pub(super) fn with_header(self, header: &str) -> Self {
        match self {
            Self::Whole(code, headers, body) => Self::Whole(code, format!("{headers}{header}\r\n"), body),
            other => other,
        }
    }
}

/// The server; it stops with the runtime of its test.
pub(super) struct Fake {
    base_url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    /// Answers each request with what `script` makes of it and of the number of requests before it.
    pub(super) async fn start(script: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1alpha", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (Arc::clone(&seen), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                tokio::spawn(async move { serve(stream, &log, &*script).await });
            }
        });
        Self { base_url, seen }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A client of this server with the default options and no quotas.
    pub(super) fn jules(&self) -> Jules {
        self.jules_with(|options| options)
    }

    pub(super) fn jules_with(&self, change: impl FnOnce(Options) -> Options) -> Jules {
        Jules::builder()
            .api_key(ApiKey::new(KEY).unwrap())
            .base_url(&self.base_url)
            .quotas(Quotas::UNLIMITED)
            .options(change)
            .build()
            .unwrap()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests were like this.
    pub(super) fn count(&self, verb_and_path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.is(verb_and_path)).count()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Seen>>,
    script: &(dyn Fn(&Seen, usize) -> Answer + Sync),
) {
    let Some(request) = read(&mut stream).await else { return };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    // The client may have gone: that is its right.
    let _ = write(&mut stream, script(&request, number)).await;
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let (line, rest) = head.split_once("\r\n")?;
        let rest = rest.to_ascii_lowercase();
        let length = rest.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let line = line.trim_end_matches(" HTTP/1.1").to_owned();
        return Some(Seen { line, head: rest, body: serde_json::from_str(body).unwrap_or_default() });
    }
}

async fn write(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Whole(code, headers, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {code} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Answer::Bytes(bytes) => stream.write_all(&bytes).await?,
        Answer::Stall(bytes) => {
            stream.write_all(&bytes).await?;
            std::future::pending::<()>().await;
        }
        Answer::Drip(bytes, pause) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
        }
    }
    stream.shutdown().await
}
