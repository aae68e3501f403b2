//! `serve`: what a browser gets of the runs in a ledger, who gets it, and that nothing else can be done there. In a browser it
//! is tried by `tests/readers/serve.test.mjs`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{Running, World, tasks};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The answer to a request, whole.
fn asked(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{request}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: &str, path: &str) -> String {
    asked(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}"))
}

/// Starts it; where it listens.
fn served<'w>(world: &'w World, args: &str) -> (Running<'w>, String) {
    let mut serving = world.command("serve").args(args).env("JULES_BATCH_SERVE_TOKEN", TOKEN).start();
    let line = serving.first_line();
    let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
    (serving, address)
}

fn world() -> World {
    World::with("{ defaults: { duration: 20ms, outcome: pull-request } }", &tasks(2))
}

#[test]
fn runs_can_be_read_and_nothing_can_be_done() {
    let world = world();
    let run = world.run().exits(0).report().run.id;
    let mut serving = world.command("serve").start();
    let line = serving.first_line();
    let address = line.trim().trim_start_matches("http://").trim_end_matches('/');

    let list = get(address, "/");
    assert!(list.starts_with("HTTP/1.1 200 OK\r\n"), "{list}");
    assert!(
        list.contains(&format!("href=\"/run/{run}\"")) && list.contains("2 tasks: 2 succeeded"),
        "{list}"
    );
    let head = list.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head.contains("content-security-policy: default-src 'none'; style-src 'sha256-"), "{head}");
    for header in
        ["cache-control: no-store", "x-content-type-options: nosniff", "referrer-policy: no-referrer"]
    {
        assert!(head.contains(header), "{head}");
    }
    assert!(!head.contains("access-control"), "{head}");
    assert!(get(address, "/current").to_lowercase().contains(&format!("location: /run/{run}\r\n")));
    let page = get(address, &format!("/run/{run}"));
    assert!(page.contains("new EventSource") && page.contains("web@main"), "no page");
    assert!(get(address, "/run/20200101-000000-0000").starts_with("HTTP/1.1 404 "));
    assert!(get(address, "/run/%2e%2e%2fledger.db").starts_with("HTTP/1.1 404 "));
    let head = asked(address, &format!("HEAD / HTTP/1.1\r\nHost: {address}"));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = asked(address, &format!("{method} / HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0"));
        assert!(answer.starts_with("HTTP/1.1 405 "), "{method}: {answer}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example"] {
        let answer = asked(address, &format!("GET / HTTP/1.1\r\nHost: {host}"));
        assert!(answer.starts_with("HTTP/1.1 421 ") && !answer.contains("my-org"), "{answer}");
    }
    serving.signal(crate::support::Signal::Interrupt);
    assert_eq!(serving.wait().code, Some(0));
}

#[test]
fn who_has_no_token_reads_nothing() {
    let world = world();
    world.run().exits(0);
    let (serving, address) = served(&world, "--listen 127.0.0.1:0");
    let without = get(&address, "/");
    assert!(without.starts_with("HTTP/1.1 401 ") && !without.contains("run"), "{without}");
    assert!(get(&address, "/?token=wrong").starts_with("HTTP/1.1 401 "));
    assert!(get(&address, "/events").starts_with("HTTP/1.1 401 "));
    let with = get(&address, &format!("/current?token={TOKEN}")).to_lowercase();
    assert!(with.starts_with("http/1.1 303 ") && with.contains("\r\nlocation: /current\r\n"), "{with}");
    assert!(with.contains("httponly; samesite=strict"), "{with}");
    for header in [format!("Cookie: jules-batch-token={TOKEN}"), format!("Authorization: Bearer {TOKEN}")] {
        let answer = asked(&address, &format!("GET / HTTP/1.1\r\nHost: {address}\r\n{header}"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    serving.signal(crate::support::Signal::Terminate);
    assert_eq!(serving.wait().code, Some(0));

    let refused = world.command("serve").args("--listen 0.0.0.0:0").exits(2);
    assert!(refused.stderr.contains("0.0.0.0 can be reached by others, and there is no token"), "{refused}");
}
