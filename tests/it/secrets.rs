//! A service, and a proxy before it, that repeat the key wherever they can: no byte that the program writes has it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Ended, Manifest, Runner, Signal, World, job};

const KEY: &str = "AIzaSyD-leak_me_9071583426-nuxyz_ZQXKVB";

/// The key as a service may repeat it, in a scenario's double quotes.
fn spellings() -> Vec<String> {
    let (head, tail) = KEY.split_at(11);
    let between = |what: &str| format!("{head}{what}{tail}");
    let mut spellings: Vec<_> =
        [KEY, &KEY[..20], &KEY[..8], &KEY[9..], &KEY[31..], &KEY[12..30], &KEY[15..23]]
            .map(str::to_owned)
            .into();
    spellings.extend(
        ["\\u001b[1;31m", "\\u001b]0;t\\u0007", "\\u0000", "\\u200b", "\\u202e", "\\r\\n", "\\\\"]
            .map(between),
    );
    spellings.push(KEY.replace('_', "%5F"));
    spellings.push(KEY.replace('-', "&#45;"));
    spellings.push(KEY.replace('D', "\\\\u{44}"));
    spellings.push(format!("{KEY}{}", &KEY[10..]));
    spellings.extend(["", "k", "me"].map(|before| base64(&format!("{before}{} and more", &KEY[3..]))));
    // Cut within the key, wherever a limit is.
    spellings.extend([30, 50, 64, 190, 990].map(|before| format!("{}{KEY}", "x".repeat(before))));
    spellings.extend([50, 180, 980].map(|before| format!("{}{}", "y".repeat(before), &KEY[9..])));
    spellings
}

/// Every task meets one spelling, each in another place.
fn leaky() -> World {
    let mut rules = String::new();
    let mut jobs = Vec::new();
    for (n, spelling) in spellings().iter().enumerate() {
        let behaviours = [
            ("fails", format!("outcome: failure, failure-reason: \"it is {spelling}\"")),
            ("asks", format!("feedback: {{ times: 1, question: \"{spelling} is it, isn't it?\" }}")),
            ("titles", format!("outcome: pull-request, pull-request-title: \"{spelling}\"")),
        ];
        for (what, behaviour) in behaviours {
            rules += &format!("{{ when: {{ prompt: '{what} {n}!' }}, then: {{ {behaviour} }} }}, ");
            jobs.push(job(&format!("{what}-{n}"), &format!("It {what} {n}!"), &["source: my-org/web@main"]));
        }
    }
    let manifest = Manifest::of(jobs).set("strategy", "{ max-parallel: 30 }");
    World::with(
        &format!("{{ rules: [{rules}], defaults: {{ duration: 40ms, outcome: change }} }}"),
        &manifest,
    )
}

/// Everything that was written: the streams, and all files below the folder.
fn written(ended: &Ended<'_>, folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("stdout".to_owned(), ended.stdout.clone()),
        ("stderr".to_owned(), ended.stderr.clone()),
    ]);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(
                    path.display().to_string(),
                    String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
                );
            }
        }
    }
    all
}

/// No eight letters of it in a row: neither as they are, nor once what is invisible or an escape is taken out, nor in Base64.
#[track_caller]
fn assert_no_key(written: &BTreeMap<String, String>) {
    assert!(written.len() > 2);
    let mut forms = vec![KEY.to_owned()];
    // Less the letters that it shares with what stands around it.
    forms.extend(["", "k", "me"].map(|before| base64(&format!("{before}{KEY}"))[4..48].to_owned()));
    for (name, text) in written {
        let mut bare = text.clone();
        for noise in [
            "\\u001b[1;31m",
            "\u{1B}[1;31m",
            "\\u001b]0;t\\u0007",
            "\\u0000",
            "\\u200b",
            "\\u202e",
            "\\r\\n",
            "\\n",
            "\\",
        ] {
            bare = bare.replace(noise, "");
        }
        bare = bare.replace("%5F", "_").replace("&#45;", "-").replace("&#x2d;", "-").replace("u{44}", "D");
        bare.retain(|c| c.is_ascii_graphic());
        for text in [text, &bare] {
            for part in forms.iter().flat_map(|form| (0..=form.len() - 8).map(|at| &form[at..at + 8])) {
                let found = text.find(part).map(|at| text[at..].chars().take(60).collect::<String>());
                assert!(found.is_none(), "{name} has {part}: {found:?}");
            }
        }
    }
}

fn with_key(runner: Runner<'_>) -> Runner<'_> {
    runner.env("JULES_API_KEY", KEY).env("GITHUB_ACTIONS", "true").env("CI", "true")
}

#[test]
fn nothing_that_a_run_writes_has_the_key() {
    let world = leaky();
    let ended = with_key(world.run()).args("-vv --events - --junit more.xml --json more.json").exits(100);
    assert!(
        ended.report().tasks.iter().any(|task| task.reason.as_deref().is_some_and(|why| why.contains("***")))
    );
    assert_no_key(&written(&ended, world.folder()));
    for command in ["status", "report --format html", "report --format events", "session list"] {
        let mut words = command.split(' ');
        let runner =
            with_key(world.command(words.next().unwrap())).env("JULES_BASE_URL", world.service().url());
        assert_no_key(&written(&words.fold(runner, Runner::arg).exits(0), world.folder()));
    }
}

#[test]
fn nothing_that_the_action_writes_has_the_key() {
    let world = leaky();
    let runner = with_key(world.command("action")).env("JULES_BASE_URL", world.service().url());
    let runner =
        runner.env("GITHUB_STEP_SUMMARY", world.path("summary")).env("GITHUB_OUTPUT", world.path("outputs"));
    let ended = runner.exits(100);
    assert!(world.read("summary").contains("***") && !world.read("outputs").is_empty());
    assert_no_key(&written(&ended, world.folder()));
}

/// A proxy that takes no session, and answers what is made of the request's head.
fn proxy(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let served = server(move |head| match head.starts_with("GET") {
        true => ("200 OK", "{}".to_owned()),
        false => ("400 Bad Request", answer(head)),
    });
    format!("{served}/v1alpha")
}

/// A server that answers what is made of a request's head.
fn server(answer: impl Fn(&str) -> (&'static str, String) + Send + 'static) -> String {
    server_that_tells(answer, || ())
}

/// The same; `sent` is called when an answer has left.
fn server_that_tells(
    answer: impl Fn(&str) -> (&'static str, String) + Send + 'static,
    sent: impl Fn() + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |mut stream: TcpStream| {
        let Some(head) = head_of(&mut stream) else { return };
        let (status, body) = answer(&head);
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        // The other side may have gone.
        let _ = stream.write_all(answer.as_bytes());
        sent();
    };
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    url
}

/// A request's head, when its body has been read as well.
fn head_of(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = request.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&request[..end + 4]).into_owned();
            let length = head
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if request.len() >= end + 4 + length.unwrap_or(0) {
                return Some(head);
            }
        }
        match stream.read(&mut buffer) {
            Ok(n @ 1..) => request.extend_from_slice(&buffer[..n]),
            Ok(0) | Err(_) => return None,
        }
    }
}

/// In every field that is shown.
fn refusal(text: &str) -> String {
    let details = serde_json::json!([{"reason": text}, {"fieldViolations": [{"field": text}]}]);
    let error = serde_json::json!({"status": "INVALID_ARGUMENT", "message": text, "details": details});
    serde_json::json!({ "error": error }).to_string()
}

/// The head from so many characters before the key on.
fn head_at(head: &str, key_at: usize) -> String {
    let (before, rest) = head.split_at(head.find(KEY).unwrap());
    let before = format!("{}{before}", "x".repeat(key_at));
    format!("{}{rest}", &before[before.len() - key_at..])
}

#[test]
fn an_echo_of_the_request_is_cut_without_a_piece_of_the_key() {
    let manifest = Manifest::of([job("a", "Do it.", &[])]);
    // The limits of words, reasons and messages, less a piece of the key.
    for key_at in [0, 64 - 20, 200 - 20, 200 - 37, 1_000 - 38, 1_000 - 20, 1_000 - 10] {
        let world = World::with("{}", &manifest);
        let runner = with_key(world.command("run"))
            .arg("--base-url")
            .arg(proxy(move |head| refusal(&head_at(head, key_at))))
            .arg("-vv");
        let ended = runner.exits(100);
        assert!(ended.stderr.contains("INVALID_ARGUMENT") || ended.stdout.contains("error"), "{ended}");
        assert_no_key(&written(&ended, world.folder()));
    }
}

#[test]
fn an_echo_of_a_piece_of_the_key_is_no_piece_of_it() {
    let manifest = Manifest::of([job("a", "Do it.", &[])]);
    let tail = |before: usize, from: usize| format!("{}{}", "y".repeat(before), &KEY[from..]);
    let twice = format!("{KEY}{}", &KEY[10..]);
    let status = format!(r#"{{"error": {{"status": "{}", "message": "no"}}}}"#, tail(40, 9));
    let plain = tail(980, 9);
    let within = format!("{} and no more", &KEY[12..30]);
    for body in [refusal(&tail(980, 9)), refusal(&tail(50, 20)), refusal(&twice), status, plain, within] {
        let world = World::with("{}", &manifest);
        let runner =
            with_key(world.command("run")).arg("--base-url").arg(proxy(move |_| body.clone())).arg("-vv");
        let ended = runner.start().wait();
        assert!(ended.code != Some(0), "{ended}");
        assert_no_key(&written(&ended, world.folder()));
    }
}

/// What takes longest to search: the sequences, and a few letters of a key in each of them.
fn long_to_search() -> String {
    let text = "\\u001b]0;AIzaSyD-l\\u0007".repeat(1_300_000);
    format!(r#"{{"sessions":[],"more":"{text}"}}"#)
}

#[test]
fn nobody_waits_for_the_search_of_megabytes_of_escape_sequences() {
    let body = long_to_search();
    let service = server(move |_| ("200 OK", body.clone()));
    let world = World::with("{}", &Manifest::of([job("a", "Do it.", &[])]));
    let runner = with_key(world.command("run")).arg("--base-url").arg(format!("{service}/v1alpha"));
    let began = std::time::Instant::now();
    let ended = runner.args("--deadline 1s").start().wait();
    assert!(ended.code != Some(0) && began.elapsed().as_secs() < 30, "{:?}: {ended}", began.elapsed());
}

/// The same of GitHub: the run is left as soon as it is told so.
#[test]
fn nobody_waits_for_the_search_of_megabytes_of_github() {
    let (body, sent) = (long_to_search(), Arc::new(AtomicBool::new(false)));
    let is_sent = Arc::clone(&sent);
    let github =
        server_that_tells(move |_| ("200 OK", body.clone()), move || sent.store(true, Ordering::Relaxed));
    let world = World::with(
        "{ defaults: { duration: 40ms, outcome: pull-request } }",
        &Manifest::of([job("a", "Do it.", &["source: my-org/web@main"])]),
    );
    let mut running = world.run().env("GH_TOKEN", KEY).env("GITHUB_API_URL", github).start();
    running.until(|_| is_sent.load(Ordering::Relaxed));
    let began = std::time::Instant::now();
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(began.elapsed().as_secs() < 6, "{:?}: {ended}", began.elapsed());
}

#[test]
fn a_wrong_command_line_does_not_quote_the_key() {
    let world = World::with("{}", &Manifest::of([job("a", "Do it.", &[])]));
    let ended = with_key(world.run()).env("JULES_BATCH_MAX_TASKS", format!("1 {KEY}")).exits(2);
    assert!(ended.stderr.contains("***"), "{ended}");
    assert_no_key(&written(&ended, world.folder()));
}

#[cfg(unix)]
#[test]
fn a_key_file_that_can_be_read_once_is_read_once() {
    let world = World::with(
        &format!("{{ defaults: {{ duration: 40ms, outcome: failure, failure-reason: \"{KEY}\" }} }}"),
        &Manifest::of([job("a", "Do it.", &[])]),
    );
    let fifo = world.path("key");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let runner = world.run().without_env("JULES_API_KEY").env("JULES_API_KEY_FILE", &fifo);
    let running = runner.start();
    std::fs::write(&fifo, KEY).unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(100), "{ended}");
    std::fs::remove_file(&fifo).unwrap();
    assert!(world.service().sessions().len() == 1);
    assert_no_key(&written(&ended, world.folder()));
}

#[cfg(unix)]
#[test]
fn a_github_token_in_a_pipe_is_read_once_and_written_nowhere() {
    let token = "github_pat_0123456789abcdefghij_ABCDEFGHIJ";
    let world = World::with(
        &format!(
            "{{ defaults: {{ duration: 40ms, outcome: failure, failure-reason: \"it is {token} or so\" }} }}"
        ),
        &Manifest::of([job("a", "Do it.", &[])]),
    );
    let fifo = world.path("token");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let running = world.run().args("--events -").env("JULES_BATCH_GITHUB_TOKEN_FILE", &fifo).start();
    std::fs::write(&fifo, token).unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(100), "{ended}");
    std::fs::remove_file(&fifo).unwrap();
    assert!(ended.stdout.contains("it is *** or so"), "{ended}");
    for (name, text) in written(&ended, world.folder()) {
        assert!(!text.contains(token), "{name} has the token");
    }
}

/// What is none of the service's business, and what it makes of it.
#[test]
fn tokens_and_passwords_of_the_environment_are_written_nowhere() {
    let (token, password) = ("ghp_0123456789abcdefghijABCDEFGHIJ", "correct-horse-battery");
    let encoded = base64(&format!("x-goog-api-key: {KEY}\r\naccept: */*"));
    let mut jobs = Vec::new();
    let mut rules = String::new();
    for (n, leak) in [token, password, &token[..20], &KEY[KEY.len() - 20..], &encoded].iter().enumerate() {
        rules += &format!(
            "{{ when: {{ prompt: 'Leak {n}!' }}, then: {{ outcome: failure, failure-reason: 'it is {leak} or so' }} }}, "
        );
        jobs.push(job(&format!("leak-{n}"), &format!("Leak {n}!"), &["source: my-org/web@main"]));
    }
    let world =
        World::with(&format!("{{ rules: [{rules}], defaults: {{ duration: 40ms }} }}"), &Manifest::of(jobs));
    let runner = with_key(world.run()).env("GITHUB_TOKEN", token).env("PGPASSWORD", password);
    let runner = runner.env("DATABASE_URL", "postgres://me:horse-battery-staple@db.example/jobs");
    let ended = runner.args("-vv --events -").exits(100);
    assert!(
        ended.report().tasks.iter().all(|task| task.reason.as_deref().is_some_and(|why| why.contains("***")))
    );
    for (name, text) in written(&ended, world.folder()) {
        let encoded_key = &encoded[24..64];
        for secret in [&token[..20], password, &KEY[KEY.len() - 16..], encoded_key] {
            assert!(!text.contains(secret), "{name} has {secret}");
        }
    }
}

#[test]
fn what_addresses_of_the_environment_hold_is_written_nowhere() {
    let leaks = [
        ("by-name", "tok-by-name-1234"),
        ("by-name-encoded", "tok%2dby-n%61me-1234"),
        ("token-parameter", "horse-in-a-parameter"),
        ("password-parameter", "p%40rameter/of%20a%20database"),
        ("decoded", "p@rameter%2fof a%20database"),
        ("first", "first-of-several"),
        ("second", "second-of-sever%61l"),
    ];
    let rules: String = leaks
        .iter()
        .map(|(name, leak)| {
            let fails = format!("outcome: failure, failure-reason: 'it is {leak} or so'");
            format!("{{ when: {{ prompt: 'Leak {name}!' }}, then: {{ {fails} }} }}, ")
        })
        .collect();
    let jobs = leaks.map(|(name, _)| job(name, &format!("Leak {name}!"), &["source: my-org/web@main"]));
    let world =
        World::with(&format!("{{ rules: [{rules}], defaults: {{ duration: 40ms }} }}"), &Manifest::of(jobs));
    let runner = with_key(world.run())
        .env("REGISTRY", "https://tok-by-name-1234@registry.example/simple")
        .env("FEED", "https://feed.example/?page=1&access_token=horse-in-a-parameter")
        .env("DATABASE_URL", "postgres://db.example/jobs?password=p%40rameter%2Fof%20a%20database")
        .env("BROKERS", "amqp://me:first-of-several@one.example,amqp://me:second-of-several@two.example/x");
    let ended = runner.args("-vv --events -").exits(100);
    for task in ended.report().tasks {
        assert_eq!(task.reason.as_deref(), Some("it is *** or so"), "{}", task.id);
    }
    for (name, text) in written(&ended, world.folder()) {
        for leak in leaks.iter().map(|(_, leak)| leak) {
            assert!(!text.contains(leak), "{name} has {leak}");
        }
    }
}

/// Its reports have `***` in that word's place, and make way all the same.
#[test]
fn a_password_that_is_a_word_of_ours_keeps_no_further_run_from_starting() {
    for word in ["jules-batch", "testsuite", "schemaVersion"] {
        let world = World::with("{ defaults: { duration: 40ms } }", &Manifest::of([job("a", "Do it.", &[])]));
        let run = || world.run().env("DATABASE_URL", format!("postgres://me:{word}@db.example/jobs"));
        run().exits(0);
        run().exits(0);
    }
}

/// The service's own words are taken in as they are.
#[test]
fn a_state_that_is_called_like_a_password_is_written_nowhere() {
    let world = World::with(
        "{ defaults: { duration: 400ms, unknown-state: horses-at-work } }",
        &Manifest::of([job("a", "Do it.", &[])]),
    );
    let ended = world.run().args("-vv --events -").env("PGPASSWORD", "horses-at-work").exits(0);
    assert!(ended.stdout.contains(r#""state":"***""#), "{ended}");
    for (name, text) in written(&ended, world.folder()) {
        assert!(!text.contains("horses-at"), "{name} has it");
    }
    assert!(world.run().exits(0).stderr.contains("nothing to do"));
    world.created(1);
}

/// As in any CI job with a database beside it.
#[test]
fn what_is_called_like_a_password_is_done_once() {
    let jobs = ["migrate-postgres", "other"]
        .map(|id| job(id, &format!("It {id}."), &["source: my-org/postgres@main"]));
    let world = World::with(
        "{ defaults: { duration: 40ms, outcome: failure, failure-reason: 'postgres said no' } }",
        &Manifest::of(jobs),
    );
    let runner = |flags: &str| {
        let runner = world.run().args(flags).env("PGPASSWORD", "postgres");
        runner.env("DATABASE_URL", "postgres://postgres:postgres@localhost:5432/app")
    };
    let ended = runner("").exits(100);
    assert!(ended.stdout.contains("***") && !ended.stdout.contains("said postgres"), "{ended}");
    runner("").exits(100);
    world.created(2);
    runner("--failed").exits(100);
    world.created(4);
    world.run().arg("-n").exits(0);
    assert_eq!(world.command("status").exits(0).stdout.matches("migrate-postgres").count(), 1);
}

/// The secret with escape sequences that take every third letter along, and what a terminal is left with.
fn with_letters_taken_along(secret: &str) -> (String, String) {
    let letters = || secret.chars().enumerate();
    let written = letters().map(|(n, c)| if n % 3 == 2 { format!("\u{1B}{c}") } else { c.to_string() });
    (written.collect(), letters().filter(|(n, _)| n % 3 != 2).map(|(_, c)| c).collect())
}

#[test]
fn github_does_not_tell_the_key_in_pieces() {
    let key: String = KEY.chars().filter(char::is_ascii_alphanumeric).collect();
    let (login, left) = with_letters_taken_along(&key);
    let body = serde_json::json!({ "data": { "viewer": { "login": login } } }).to_string();
    let github = server(move |_| ("200 OK", body.clone()));
    let world = World::with("{}", &Manifest::of([job("a", "Do it.", &[])]));
    let runner = world.command("doctor").env("JULES_API_KEY", &key).env("GH_TOKEN", "ghp_of-somebody");
    let runner = runner.env("JULES_BASE_URL", world.service().url()).env("GITHUB_API_URL", &github);
    let ended = runner.exits(0);
    assert!(ended.stdout.contains("a classic token of ***") && !ended.stdout.contains(&left[..8]), "{ended}");
}

#[test]
fn the_service_does_not_tell_a_token_in_pieces() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ";
    let (written, left) = with_letters_taken_along(&token[4..]);
    let written = written.replace('\u{1B}', "\\u001b");
    let pull = format!("outcome: pull-request, pull-request-title: \"{written}\"");
    let fails = format!("outcome: failure, failure-reason: \"it is {written}\"");
    let rule = format!("{{ when: {{ prompt: fails }}, then: {{ {fails} }} }}");
    let world = World::with(
        &format!("{{ rules: [{rule}], defaults: {{ duration: 40ms, {pull} }} }}"),
        &Manifest::of(
            ["fails", "works"].map(|id| job(id, &format!("It {id}."), &["source: my-org/web@main"])),
        ),
    );
    let ended = world.run().env("GH_TOKEN", token).env("GITHUB_API_URL", "http://127.0.0.1:1").exits(100);
    for (name, text) in self::written(&ended, world.folder()) {
        assert!(!text.contains(&left[..8]), "{name} has it: {text}");
    }
    let session = |words: &str| {
        let command = world.command("session").args(words).env("JULES_BASE_URL", world.service().url());
        command.env("GH_TOKEN", token).start().wait()
    };
    let listed = session("list").stdout;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    for id in listed.lines().filter_map(|line| line.split('\t').next()) {
        for command in ["show", "result", "stream --history"] {
            let ended = session(&format!("{command} {id}"));
            assert!(!ended.stdout.contains(&left[..8]), "{command}: {ended}");
        }
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
