//! Somebody between the program and the service, who answers otherwise than the service does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

/// What was asked, and what the service answers.
pub(crate) struct Exchange {
    /// The request's first line and headers, as they came.
    pub(crate) request: String,
    /// The answer's code.
    pub(crate) status: u16,
    /// The answer's headers, a line each, without those of its length.
    pub(crate) headers: String,
    /// The answer's body.
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// Whether it is that request: `GET /v1alpha/sessions?` is a listing of sessions.
    pub(crate) fn is(&self, start: &str) -> bool {
        self.request.starts_with(start)
    }

    /// Whether it is a listing of sessions.
    pub(crate) fn lists_sessions(&self) -> bool {
        self.is("GET /v1alpha/sessions?") || self.is("GET /v1alpha/sessions ")
    }

    /// Changes the body, which is JSON.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        let mut body = serde_json::from_slice(&self.body).unwrap_or_default();
        edit(&mut body);
        self.body = body.to_string().into_bytes();
    }

    /// Changes the sessions of a listing.
    pub(crate) fn edit_sessions(&mut self, edit: impl FnOnce(&mut Vec<Value>)) {
        self.edit(|body| {
            if let Some(sessions) = body.get_mut("sessions").and_then(Value::as_array_mut) {
                edit(sessions);
            }
        });
    }
}

/// Where somebody listens who passes everything on to the service at that base URL, and changes its answers. It lives as
/// long as the test's process.
pub(crate) fn between(service: &str, alter: impl Fn(&mut Exchange) + Send + Sync + 'static) -> String {
    format!("{}/v1alpha", listen(service, move |stream, origin| pass_on(stream, origin, &|_, _| {}, &alter)))
}

/// The same, and each request waits there until this has returned, which is told its head.
pub(crate) fn held(service: &str, wait: impl Fn(&str) + Send + Sync + 'static) -> String {
    let before = move |request: &str, _: &mut Vec<u8>| wait(request);
    format!("{}/v1alpha", listen(service, move |stream, origin| pass_on(stream, origin, &before, &|_| {})))
}

/// Where the GitHub at that origin is not told which head a write is meant for.
pub(crate) fn unpinned(github: &str) -> String {
    let hide = |_: &str, body: &mut Vec<u8>| {
        // Of the same length, since that stands in the head.
        for (key, other) in [("\"sha\":", "\"shy\":"), ("\"expected_head_sha\":", "\"expected_head_shy\":")] {
            while let Some(at) = body.windows(key.len()).position(|bytes| bytes == key.as_bytes()) {
                body[at..at + key.len()].copy_from_slice(other.as_bytes());
            }
        }
    };
    listen(github, move |stream, origin| pass_on(stream, origin, &hide, &|_| {}))
}

/// Where somebody listens who does this with every connection for that service.
fn listen(service: &str, serve: impl Fn(TcpStream, &str) -> Option<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let origin = service.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (origin, serve) = (origin.clone(), Arc::clone(&serve));
            thread::spawn(move || serve(stream, &origin));
        }
    });
    url
}

/// One request on a connection. Whoever goes away meanwhile wants no answer.
fn pass_on(
    mut client: TcpStream,
    origin: &str,
    before: &dyn Fn(&str, &mut Vec<u8>),
    alter: &dyn Fn(&mut Exchange),
) -> Option<()> {
    let (request, mut body) = message(&mut client)?;
    before(&request, &mut body);
    let mut service = TcpStream::connect(origin).ok()?;
    let lines = request.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let lines: Vec<&str> = lines.chain(["Connection: close", "", ""]).collect();
    service.write_all(lines.join("\r\n").as_bytes()).ok()?;
    service.write_all(&body).ok()?;
    let (head, body) = message(&mut service)?;
    let (status, headers) = head.split_once("\r\n")?;
    let own = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !["connection", "content-length", "transfer-encoding", ""].contains(&&*name)
    };
    let headers = headers.split("\r\n").filter(own).map(|line| format!("{line}\r\n")).collect();
    let status = status.split(' ').nth(1)?.parse().ok()?;
    let mut exchange = Exchange { request, status, headers, body };
    alter(&mut exchange);
    let Exchange { status, headers, body, .. } = exchange;
    write!(
        client,
        "HTTP/1.1 {status} Altered\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .ok()?;
    client.write_all(&body).ok()
}

/// A head, and the body that it announces.
fn message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut part).ok()? {
            0 => return None,
            len => bytes.extend_from_slice(&part[..len]),
        }
    };
    let mut body = bytes.split_off(head + 4);
    let head = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while body.len() < length.unwrap_or(0) {
        match stream.read(&mut part).ok()? {
            0 => return None,
            len => body.extend_from_slice(&part[..len]),
        }
    }
    Some((head, body))
}
