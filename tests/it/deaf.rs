//! Readers that do not read: neither the work of a run nor its end waits for them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::support::{Runner, Running, Signal, Stream, World, tasks};

const TASKS: u64 = 900;

/// How long a run that is to stop may take, whoever does not read.
const SOON: Duration = Duration::from_secs(5);

/// One after the other: a machine that is busy with several of these runs is not what is tested.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run of sessions that go on for long: more lines than a pipe holds, on every stream.
fn world() -> World {
    let manifest = tasks(900).set("poll", "{ interval: 500ms }");
    let manifest = manifest.set("timeouts", "{ task: 1h, stall: 1h, settle: 150ms, request: 50s }");
    World::with("{ defaults: { duration: 10m, outcome: change } }", &manifest)
}

fn run(world: &World, deaf: Stream) -> Runner<'_> {
    world.run().args("-j 900").deaf(deaf)
}

/// All sessions are created and then polled, until one signal ends the run in time. What it has said on stderr.
#[track_caller]
fn works_until_a_signal(world: &World, runner: Runner<'_>) -> String {
    let mut running = runner.start();
    running.until(|world| world.statistics().live_now == TASKS as usize);
    // A round of polls takes nine pages: two rounds.
    let polls = world.requests("sessions.list");
    running.until(|world| world.requests("sessions.list") >= polls + 18);
    let asked = Instant::now();
    running.signal(Signal::Terminate);
    let ended = ends_soon(running, asked, 143);
    world.created(TASKS);
    ended
}

#[track_caller]
fn stops_at_the_deadline(runner: Runner<'_>) -> String {
    let mut running = runner.args("--deadline 3s").start();
    // The time counts from the first request on.
    running.until(|world| world.requests("sessions.list") > 0);
    ends_soon(running, Instant::now() + Duration::from_secs(3), 5)
}

#[track_caller]
fn ends_soon(mut running: Running<'_>, asked: Instant, code: i32) -> String {
    running.until_ended();
    let took = asked.elapsed();
    let ended = running.wait();
    assert_eq!(ended.code, Some(code), "{ended}");
    assert!(took < SOON, "it took {took:?}: {ended}");
    assert_eq!(ended.report().totals.total, TASKS);
    ended.stderr
}

#[test]
fn a_deaf_stderr_holds_nothing_up() {
    let _alone = alone();
    let first = world();
    works_until_a_signal(&first, run(&first, Stream::Stderr));
    let second = world();
    stops_at_the_deadline(run(&second, Stream::Stderr));
}

#[test]
fn a_deaf_stdout_holds_nothing_up() {
    let _alone = alone();
    let first = world();
    let said = works_until_a_signal(&first, run(&first, Stream::Stdout));
    assert!(said.contains("nobody reads stdout"), "{said}");
    let second = world();
    stops_at_the_deadline(run(&second, Stream::Stdout));
}

#[test]
fn a_deaf_reader_of_events_holds_nothing_up() {
    let _alone = alone();
    let first = world();
    let said = works_until_a_signal(&first, run(&first, Stream::Stdout).args("--events -"));
    assert!(said.contains("nobody reads"), "{said}");
    let second = world();
    stops_at_the_deadline(run(&second, Stream::Stdout).args("--events -"));
}
