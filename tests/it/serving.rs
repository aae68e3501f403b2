//! `serve`: what a browser gets of the runs in a ledger, who gets it, and that nothing else can be done there. In a browser it
//! is tried by `tests/readers/serve.test.mjs`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::shared_state::Shared;
use crate::support::{Runner, Running, Signal, World, tasks};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// How long an answer may keep a test waiting.
const PATIENCE: Duration = Duration::from_secs(60);

fn connected(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The answer to a request, whole.
fn asked(address: &str, request: &str) -> String {
    let mut stream = connected(address);
    write!(stream, "{request}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn get(address: &str, path: &str) -> String {
    asked(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}"))
}

/// What a page waits for: its own stream of news.
struct News(BufReader<TcpStream>);

impl News {
    /// That of a page as it was answered.
    fn of(address: &str, page: &str) -> Self {
        let (_, path) = page.rsplit_once("data-events=\"").expect("a page that follows");
        let path = path.split('"').next().unwrap().replace("&amp;", "&");
        let mut stream = connected(address);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        Self(BufReader::new(stream))
    }

    /// How far the run is that has gone on.
    fn next(&mut self) -> u64 {
        let mut lines = self.0.by_ref().lines().map(|line| line.expect("no news within a minute"));
        let data = lines.find(|line| line.starts_with("data:"));
        data.expect("the stream has ended").trim_start_matches("data:").trim().parse().unwrap()
    }
}

/// How far a page says that its run is.
fn since(page: &str) -> u64 {
    let (_, since) = page.rsplit_once("since=").unwrap();
    since.split('"').next().unwrap().parse().unwrap()
}

/// Starts it; where it listens.
pub(crate) fn started(runner: Runner<'_>) -> (Running<'_>, String) {
    let mut serving = runner.start();
    let line = serving.first_line();
    let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
    (serving, address)
}

fn served<'w>(world: &'w World, args: &str) -> (Running<'w>, String) {
    started(world.command("serve").args(args).env("JULES_BATCH_SERVE_TOKEN", TOKEN))
}

fn world() -> World {
    World::with("{ defaults: { duration: 20ms, outcome: pull-request } }", &tasks(2))
}

#[test]
fn runs_can_be_read_and_nothing_can_be_done() {
    let world = world();
    let run = world.run().exits(0).report().run.id;
    let (serving, address) = started(world.command("serve"));
    let address = &*address;

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
    assert!(page.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src &#x27;none&#x27;; "));
    assert!(page.contains("new EventSource") && page.contains("web@main"), "no page");
    assert!(get(address, "/run/20200101-000000-0000").starts_with("HTTP/1.1 404 "));
    assert!(get(address, "/run/%2e%2e%2fledger.db").starts_with("HTTP/1.1 404 "));
    let nothing = get(address, "/nothing");
    assert!(nothing.starts_with("HTTP/1.1 404 ") && nothing.contains("all runs are at /"), "{nothing}");
    let head = asked(address, &format!("HEAD / HTTP/1.1\r\nHost: {address}"));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        for path in ["/", "/current", "/pulls", "/events", &format!("/run/{run}")] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0");
            let answer = asked(address, &request);
            assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {path}: {answer}");
            assert!(answer.contains("nothing can be changed"), "{method} {path}: {answer}");
        }
    }
    for host in ["evil.example", "127.0.0.1.evil.example"] {
        let answer = asked(address, &format!("GET / HTTP/1.1\r\nHost: {host}"));
        assert!(answer.starts_with("HTTP/1.1 421 ") && !answer.contains("my-org"), "{answer}");
    }
    serving.signal(Signal::Interrupt);
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
    for path in ["/events", "/current", "/pulls", "/run/20200101-000000-0000", "/nothing"] {
        assert!(get(&address, path).starts_with("HTTP/1.1 401 "), "{path}");
    }
    let with = get(&address, &format!("/current?token={TOKEN}")).to_lowercase();
    assert!(with.starts_with("http/1.1 303 ") && with.contains("\r\nlocation: /current\r\n"), "{with}");
    assert!(with.contains("httponly; samesite=strict"), "{with}");
    let stage = get(&address, &format!("/pulls?token={TOKEN}&stage=ready")).to_lowercase();
    assert!(stage.contains("\r\nlocation: /pulls?stage=ready\r\n"), "{stage}");
    for place in ["/\\evil.example", "//evil.example", "/%5cevil.example", "/%2f/evil.example"] {
        let led = get(&address, &format!("{place}?token={TOKEN}")).to_lowercase();
        assert!(!led.contains("location:") || led.contains("\r\nlocation: /\r\n"), "{place}: {led}");
    }
    for header in [
        format!("Cookie: jules-batch-token={TOKEN}"),
        format!("Authorization: Bearer {TOKEN}"),
        format!("authorization: bearer {TOKEN}"),
    ] {
        let answer = asked(&address, &format!("GET / HTTP/1.1\r\nHost: {address}\r\n{header}"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    serving.signal(Signal::Terminate);
    assert_eq!(serving.wait().code, Some(0));

    let refused = world.command("serve").args("--listen 0.0.0.0:0").exits(2);
    assert!(refused.stderr.contains("0.0.0.0 can be reached by others, and there is no token"), "{refused}");
}

#[test]
fn a_word_on_a_run_that_is_over_reaches_the_pages_that_show_it() {
    let world = World::with("{ defaults: { duration: 20ms, outcome: failure } }", &tasks(2));
    let run = world.run().exits(100).report().run.id;
    let (serving, address) = started(world.command("serve"));
    follows_a_mark(&address, &run, || drop(world.command("mark").args("done job(work)").exits(0)));
    serving.signal(Signal::Interrupt);
    assert_eq!(serving.wait().code, Some(0));
}

/// The page of a run whose tasks are marked now, and the list of runs, are told, and show it.
fn follows_a_mark(address: &str, run: &str, mark: impl FnOnce()) {
    let page = get(address, &format!("/run/{run}"));
    let list = get(address, "/");
    assert!(!page.contains("marked done"), "{page}");
    let (mut of_page, mut of_list) = (News::of(address, &page), News::of(address, &list));
    mark();
    let at = of_page.next();
    assert!(at > since(&page), "{at}");
    assert!(of_list.next() > since(&list));
    let page = get(address, &format!("/run/{run}"));
    assert!(page.contains("marked done") && since(&page) >= at, "{page}");
}

#[test]
fn runs_of_a_shared_ledger_are_served_and_followed() {
    let scenario = "{ defaults: { duration: 20ms, outcome: failure } }";
    let Some(shared) = Shared::new(scenario, 2) else { return };
    shared.run("a").exits(100);
    let run = shared.report("a")["run"]["id"].as_str().unwrap().to_owned();
    let (serving, address) = started(shared.on("b", "serve"));
    let list = get(&address, "/");
    assert!(list.contains(&format!("href=\"/run/{run}\"")) && list.contains("2 tasks: 2 failed"), "{list}");
    assert!(get(&address, "/pulls").contains("0 open"));
    follows_a_mark(&address, &run, || drop(shared.on("c", "mark done job(work)").exits(0)));
    assert!(get(&address, "/current").to_lowercase().contains(&format!("location: /run/{run}\r\n")));
    serving.signal(Signal::Interrupt);
    assert_eq!(serving.wait().code, Some(0));
}

#[test]
fn a_ledger_that_has_gone_is_said_and_served_again_when_it_is_back() {
    let world = world();
    let run = world.run().exits(0).report().run.id;
    let (serving, address) = started(world.command("serve"));
    let (ledger, away) = (world.path(".jules-batch"), world.path("away"));
    std::fs::rename(&ledger, &away).unwrap();
    for path in ["/", "/current", "/pulls", &format!("/run/{run}")] {
        let gone = get(&address, path);
        assert!(
            gone.starts_with("HTTP/1.1 503 ") && gone.contains("the ledger cannot be read now"),
            "{gone}"
        );
    }
    std::fs::rename(&away, &ledger).unwrap();
    assert!(get(&address, "/").contains(&run));
    serving.signal(Signal::Interrupt);
    assert_eq!(serving.wait().code, Some(0));
}

#[test]
fn a_ledger_of_real_runs_that_has_gone_is_not_taken_for_an_empty_one() {
    let world = world();
    world.run().exits(0);
    // In the simulator's time.
    let slow = tasks(1).set("timeouts", "{ task: 2h, stall: 1h }").set("poll", "{ interval: 10s }");
    world.write("slow.yaml", &slow.to_string());
    world.command("run").args("slow.yaml --simulate").exits(0);
    let (serving, address) = started(world.command("serve"));
    assert!(get(&address, "/pulls").starts_with("HTTP/1.1 200 "));
    let (ledger, away) = (world.path(".jules-batch/ledger.db"), world.path("ledger.away"));
    std::fs::rename(&ledger, &away).unwrap();
    for path in ["/", "/pulls", "/current"] {
        let gone = get(&address, path);
        assert!(
            gone.starts_with("HTTP/1.1 503 ") && gone.contains("no ledger of real runs"),
            "{path}: {gone}"
        );
    }
    std::fs::rename(&away, &ledger).unwrap();
    assert!(get(&address, "/pulls").starts_with("HTTP/1.1 200 "));
    serving.signal(Signal::Interrupt);
    assert_eq!(serving.wait().code, Some(0));
}

#[test]
fn the_current_run_is_the_one_that_a_person_has_spoken_of_last() {
    let world = World::with("{ defaults: { duration: 20ms, outcome: failure } }", &tasks(1));
    let earlier = world.run().exits(100).report().run.id;
    world.write("other.yaml", &tasks(1).to_string().replace("name: test", "name: other"));
    let later =
        world.command("run").arg("other.yaml").env("JULES_BASE_URL", world.service().url()).exits(100);
    let later = later.report().run.id;
    let (serving, address) = started(world.command("serve"));
    let current = || get(&address, "/current").to_lowercase();
    assert!(current().contains(&format!("location: /run/{later}\r\n")), "{}", current());
    world.command("mark").args("done job(work)").exits(0);
    assert!(current().contains(&format!("location: /run/{earlier}\r\n")), "{}", current());
    serving.signal(Signal::Interrupt);
    assert_eq!(serving.wait().code, Some(0));
}
