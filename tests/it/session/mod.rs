//! `jules-batch session`: every subcommand, as a user or a script meets it.

mod changes;
mod chat;
mod cleaning;
mod creating;
mod ending;
mod looking;
mod streaming;
mod talking;

use serde_json::Value;

use crate::support::{Runner, World};

/// Sessions last a tenth of a second and change something.
const QUICK: &str = "{ defaults: { duration: 100ms, outcome: change } }";
/// Sessions that are still at work whenever a test looks.
const LONG: &str = "{ defaults: { duration: 10m, outcome: change } }";

/// `jules-batch session` and the words of `line`, against the world's service.
fn session<'w>(world: &'w World, line: &str) -> Runner<'w> {
    at_service(world, world.command("session").args(line))
}

/// The same for any command: service, short polls, and a zone in which times can be compared.
pub(crate) fn at_service<'w>(world: &World, runner: Runner<'w>) -> Runner<'w> {
    let runner = runner.env("JULES_BASE_URL", world.service().url()).env("TZ", "UTC");
    runner.env("JULES_BATCH_POLL_INTERVAL", "50ms")
}

/// Creates a session with the words of `line` and gives its id.
#[track_caller]
fn created(world: &World, line: &str) -> String {
    let ended = session(world, "new").args(line).exits(0);
    let id = ended.stdout.trim().to_owned();
    assert!(!id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()), "{ended}");
    id
}

/// Creates one that needs no approval and waits for its end.
#[track_caller]
fn finished(world: &World, line: &str) -> String {
    let id = created(world, &format!("--no-approval {line}"));
    ended(world, &id);
    id
}

/// Waits until the service says that the session has ended.
#[track_caller]
fn ended(world: &World, id: &str) {
    in_state(world, id, &["COMPLETED", "FAILED"]);
}

/// Waits until the service says that the session is in one of these states.
#[track_caller]
fn in_state(world: &World, id: &str, states: &[&str]) {
    world.until(|world| {
        let sessions = world.sessions();
        sessions.iter().any(|session| session.id == id && states.contains(&session.state.as_str()))
    });
}

/// One JSON value a line.
#[track_caller]
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
