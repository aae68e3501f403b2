//! A process that is stopped at random points of its creates, as by a machine's sleep: nothing leaves late.
//!
//! This binary starts itself once more and stops that with signals; the simulator's books judge.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jules::reqwest::dns::{Addrs, Name, Resolve, Resolving};
use jules::reqwest::{Certificate, Client};
use jules::{ApiKey, ErrorKind, Jules, NewSession, Quotas};

use crate::service::Service;

/// So long after its turn a create may leave.
const LIMIT: Duration = Duration::from_millis(150);
/// So long it is stopped, and so much later the service may say that it has got something.
const STOP: Duration = Duration::from_millis(500);
const TOLERANCE: Duration = Duration::from_millis(150);

const URL: &str = "JULES_TEST_STOPPED_URL";
const CERTIFICATE: &str = "JULES_TEST_STOPPED_CERTIFICATE";
const LOOKS_BEFORE: &str = "JULES_TEST_STOPPED_LOOKS_BEFORE";

/// Name look-up as it is on a bad day: most of a create's time, and most stops, are in it.
struct Slow;

impl Resolve for Slow {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let addresses: Addrs = Box::new(std::iter::once(([127, 0, 0, 1], 0).into()));
            Ok(addresses)
        })
    }
}

fn client() -> Jules {
    let certificate = std::env::var_os(CERTIFICATE).map(|path| std::fs::read(path).unwrap());
    let make = move || {
        let slow = Client::builder().no_proxy().pool_max_idle_per_host(0).dns_resolver(Arc::new(Slow));
        match &certificate {
            Some(pem) => slow.tls_certs_only([Certificate::from_pem(pem).unwrap()]),
            None => slow,
        }
    };
    let builder = Jules::builder().api_key(ApiKey::new("any").unwrap()).base_url(std::env::var(URL).unwrap());
    builder.quotas(Quotas::UNLIMITED).http_client(make).build().unwrap()
}

/// The process that is stopped: it says until when each create may leave, and then creates.
#[test]
#[ignore = "a part of the other tests here, which start it"]
fn creates() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (jules, looks_before) = (client(), std::env::var_os(LOOKS_BEFORE).is_some());
        let limit = (!looks_before).then_some(LIMIT);
        let jules = jules.with(|options| options.send_promptly(limit));
        for n in 0.. {
            let (turn, had) = (jules.turn_to_create().await.unwrap(), Instant::now());
            say(&format!("create {n} {}", (Timestamp::now() + LIMIT).as_millisecond()));
            if looks_before && had.elapsed() > LIMIT {
                continue;
            }
            let created = turn.create_session(&NewSession::new("p").title(n.to_string())).await;
            if created.is_err_and(|error| *error.kind() == ErrorKind::TooLate(LIMIT)) {
                say(&format!("late {n} 0"));
            }
        }
    });
}

#[expect(clippy::print_stdout, reason = "a child talks to its parent")]
fn say(line: &str) {
    println!("{line}");
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(name).arg(child.id().to_string()).status();
    assert!(sent.expect("every Unix has `kill`").success());
}

/// What came of it, by the service's books.
#[derive(Debug)]
struct Seen {
    created: usize,
    /// Creates that arrived after their time.
    late: usize,
    /// Creates that the client kept back, and those of them that the service has all the same.
    kept_back: usize,
    both: usize,
}

impl Seen {
    /// A stop may fall between the look and the wire, which a slow machine makes longer than the microseconds that it takes.
    fn is_in_time(&self) {
        assert!(self.late <= 1 && self.both == 0, "{self:?}");
    }
}

/// Stops the process so often at random points.
fn stop(service: &Service, certificate: Option<&Path>, looks_before: bool, times: usize) -> Seen {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["stopped::creates", "--exact", "--ignored", "--nocapture"]);
    child.env(URL, service.url().replace("127.0.0.1", "localhost")).stdout(Stdio::piped());
    if let Some(path) = certificate {
        child.env(CERTIFICATE, path);
    }
    if looks_before {
        child.env(LOOKS_BEFORE, "1");
    }
    let mut child = child.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let heard = std::thread::spawn(move || {
        let (mut send_by, mut kept_back) = (HashMap::new(), Vec::new());
        for line in lines.map_while(Result::ok) {
            let words: Vec<_> = line.split(' ').collect();
            match words.as_slice() {
                ["create", n, until] => _ = send_by.insert((*n).to_owned(), until.parse::<i64>().unwrap()),
                ["late", n, _] => kept_back.push((*n).to_owned()),
                _ => {}
            }
        }
        (send_by, kept_back)
    });
    let begun = Instant::now();
    while service.statistics().created < 5 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is created");
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..times {
        std::thread::sleep(Duration::from_millis(fastrand::u64(5..45)));
        signal(&child, "-STOP");
        std::thread::sleep(STOP);
        signal(&child, "-CONT");
    }
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    let (send_by, kept_back) = heard.join().unwrap();
    let sessions = service.sessions();
    let title = |session: &jules_simulator::SessionView| session.title.clone().unwrap();
    let tolerance = i64::try_from(TOLERANCE.as_millis()).unwrap();
    let is_late = |session: &&jules_simulator::SessionView| {
        session.created_at.as_millisecond() > send_by[&title(session)] + tolerance
    };
    Seen {
        created: sessions.len(),
        late: sessions.iter().filter(is_late).count(),
        kept_back: kept_back.len(),
        both: sessions.iter().filter(|session| kept_back.contains(&title(session))).count(),
    }
}

#[test]
fn nothing_leaves_late_over_http_1() {
    let seen = stop(&Service::start("{}"), None, false, 12);
    seen.is_in_time();
    assert!(seen.kept_back > 0 && seen.created >= 5, "{seen:?}");
}

#[test]
fn nothing_leaves_late_over_http_2() {
    let (service, folder) = (Service::start_tls("{}"), tempfile::tempdir().unwrap());
    let certificate = folder.path().join("ca.pem");
    std::fs::write(&certificate, service.certificate()).unwrap();
    let seen = stop(&service, Some(&certificate), false, 12);
    seen.is_in_time();
    assert!(seen.kept_back > 0 && seen.created >= 5, "{seen:?}");
}

/// What the place of the look is worth.
#[test]
fn a_look_before_sending_lets_creates_out_late() {
    let seen = stop(&Service::start("{}"), None, true, 12);
    assert!(seen.late > 5, "{seen:?}");
}
