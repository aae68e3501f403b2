//! The examples of the client, run as users run them, against the simulator.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::service::Service;

/// As quick as can be: an example looks at its session every five seconds, and at first at once.
const QUICK: &str = "{ speed: 100000, sources: [{ repo: my-org/web, branches: [main, dev], default-branch: dev }, { repo: my-org/docs }],
    defaults: { duration: 10s, outcome: pull-request, reply: Understood.,
    activities: { gap: 1s, with: [bash-output, change-set, media] } },
    rules: [{ when: { prompt: \"*fails*\" }, then: { outcome: failure, failure-reason: No disk. } }] }";

/// The programs, by their names. cargo has built them with the tests, or does now.
static PROGRAMS: LazyLock<BTreeMap<String, PathBuf>> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    // The whole workspace, as `cargo test` builds it: a package alone would be built again, with other features.
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    cargo.args(["build", "--examples", "--locked", "--offline", "--message-format", "json"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = String::from_utf8(output.stdout).unwrap();
    let messages = built.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let examples = messages.filter(|message| message["target"]["kind"][0] == "example");
    examples
        .map(|message| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&message["target"]["name"]), PathBuf::from(text(&message["executable"])))
        })
        .collect()
});

/// A folder to work in, and the service.
struct World {
    folder: tempfile::TempDir,
    service: Service,
}

impl World {
    fn new(scenario: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), service: Service::start(scenario) }
    }
}

/// An example, to be started in the world's folder.
fn program(world: &World, name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(&PROGRAMS[name]);
    command.current_dir(world.folder.path()).args(args).env_clear();
    command.env("JULES_API_KEY", "any").env("JULES_BASE_URL", world.service.url());
    command
}

/// Runs an example; what it prints.
#[track_caller]
fn run(world: &World, name: &str, args: &[&str]) -> String {
    said(program(world, name, args).output().unwrap())
}

#[track_caller]
fn said(output: Output) -> String {
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn every_example_is_run_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["adopt", "all", "batch", "blocking", "chat", "run", "session", "stream", "testing"]);
}

#[test]
fn a_run_brings_a_pull_request() {
    let world = World::new(QUICK);
    let said = run(&world, "run", &["Fix the login", "my-org/web", "main"]);
    assert!(said.contains("COMPLETED\npull request: https://github.com/my-org/web/pull/"), "{said}");
    assert!(said.contains(" +"), "{said}");
}

#[test]
fn a_run_without_a_repository_brings_files() {
    let world = World::new(QUICK);
    let said = run(&world, "run", &["Write a haiku"]);
    assert!(said.contains("COMPLETED\n") && said.contains("\n--- "), "{said}");
    let said = run(&world, "run", &["This one fails"]);
    assert!(said.contains("FAILED\nbecause: No disk.\n"), "{said}");
}

#[test]
fn a_session_is_approved_and_asked() {
    let world = World::new(QUICK);
    let said = run(&world, "session", &["my-org/web", "main", "Refactor the parser"]);
    assert!(
        said.contains("\n1. ") && said.contains("agent: Understood.") && said.contains("COMPLETED"),
        "{said}"
    );
    let session = &world.service.sessions()[0];
    assert_eq!((session.approvals, session.messages.len()), (1, 2));
}

#[test]
fn many_have_a_result_each() {
    let world = World::new(QUICK);
    let said = run(&world, "all", &["Update the licence", "my-org/web", "my-org/docs"]);
    assert!(said.starts_with("my-org/web: COMPLETED"), "{said}");
    assert!(said.contains("\nmy-org/docs: COMPLETED"), "{said}");
    let branches: Vec<_> = world
        .service
        .sessions()
        .iter()
        .map(|session| session.body["sourceContext"]["githubRepoContext"]["startingBranch"].clone())
        .collect();
    assert_eq!(branches, ["dev", "main"]);
    assert_eq!(run(&world, "all", &["Without repositories"]), "my-org/web (dev)\nmy-org/docs (main)\n");
}

#[test]
fn a_stream_is_shown_and_goes_on_later() {
    let world = World::new(QUICK);
    run(&world, "run", &["Show everything"]);
    let id = world.service.sessions()[0].id.clone();
    let said = run(&world, "stream", &[&id]);
    for words in ["plan with ", "\n… ", "\n  $ ", ": +", "\n  saved ", "\ncompleted\n"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let pictures = std::fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let pictures: Vec<_> =
        pictures.filter(|path| path.extension().is_some_and(|extension| extension == "png")).collect();
    assert!(
        !pictures.is_empty()
            && pictures.iter().all(|path| std::fs::read(path).unwrap().starts_with(b"\x89PNG"))
    );
    let cursor = said.trim_end().rsplit("go on later from: ").next().unwrap();
    assert_eq!(run(&world, "stream", &[&id, cursor]), format!("go on later from: {cursor}\n"));
}

#[test]
fn a_chat_tells_what_is_due_and_sends_what_is_typed() {
    let world = World::new(
        "{ speed: 100000, defaults: { duration: 10s, outcome: pull-request,
           feedback: { times: 1, question: Left or right? } } }",
    );
    let mut chat = program(&world, "chat", &["Talk with me", "my-org/web", "main"]);
    let mut chat = chat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    chat.stdin.take().unwrap().write_all(b"\nLeft.\n\n").unwrap();
    let said = said(chat.wait_with_output().unwrap());
    for words in ["\n1. ", "(approve with an empty line", "agent: Left or right?", "\nCOMPLETED\n", "\n# "] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let session = &world.service.sessions()[0];
    assert_eq!((session.approvals, session.messages.as_slice()), (1, ["Left.".to_owned()].as_slice()));
    assert!(run(&world, "chat", &[&session.id]).starts_with(&format!("session {}\nCOMPLETED\n", session.id)));
}

#[test]
fn a_batch_tells_its_events() {
    let world = World::new(QUICK);
    let said = run(&world, "batch", &["Update the licence", "my-org/web", "my-org/docs", "my-org/none"]);
    for words in [
        "my-org/web: session ",
        "my-org/web: COMPLETED https://",
        "my-org/docs: COMPLETED https://",
        "\n2 of 3 had a session\n",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let ends = said.find("my-org/web: COMPLETED").unwrap();
    assert!(said.find("my-org/web: session ").unwrap() < ends, "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("my-org/none: ")).count(), 1, "{said}");
}

#[test]
fn what_was_killed_is_adopted() {
    let world = World::new("{ speed: 600, defaults: { duration: 30m, outcome: pull-request } }");
    let args = ["nightly.txt", "Fix the login", "my-org/web", "main"];
    let mut killed = program(&world, "adopt", &args).stdout(Stdio::piped()).spawn().unwrap();
    let mut created = String::new();
    BufReader::new(killed.stdout.take().unwrap()).read_line(&mut created).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    let id = created.trim_end().strip_prefix("created ").unwrap();
    // Whether the id was kept by then, or the marker alone, the session is the same.
    let said = run(&world, "adopt", &args);
    assert!(said.ends_with(&format!(" {id}\nCOMPLETED\n")) && !said.contains("created"), "{said}");
    assert_eq!(run(&world, "adopt", &args), format!("going on with {id}\nCOMPLETED\n"));
    assert_eq!(world.service.sessions().len(), 1);
}

#[test]
fn what_was_killed_before_it_heard_of_its_session_is_adopted_although_lists_lag() {
    let world = World::new(
        "{ speed: 600, faults: [{ kind: hang, on: sessions.create, nth: 1 }],
           defaults: { duration: 30m, outcome: pull-request, list-lag: 3s } }",
    );
    let args = ["nightly.txt", "Fix the login", "my-org/web", "main"];
    let mut killed = program(&world, "adopt", &args).spawn().unwrap();
    while world.service.sessions().is_empty() {
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let id = &world.service.sessions()[0].id;
    assert_eq!(run(&world, "adopt", &args), format!("adopted {id}\nCOMPLETED\n"));
    assert_eq!(world.service.sessions().len(), 1);
}

#[test]
fn a_program_without_async_waits_for_each_call() {
    let world = World::new(QUICK);
    let said = run(&world, "blocking", &["Fix the login", "my-org/web", "main"]);
    assert!(said.lines().count() > 4 && said.ends_with("\nCOMPLETED\n"), "{said}");
}

#[test]
fn what_the_example_tests_is_a_program_as_well() {
    let world = World::new(QUICK);
    assert!(run(&world, "testing", &["my-org/web"]).starts_with("my-org/web#"));
}
