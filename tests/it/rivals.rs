//! Two runs of one manifest at the same time, with a ledger each: one of them stops, and what is doubled is told.

use serde_json::Value;

use crate::support::{Ended, Running, World, tasks};

const TASKS: u64 = 12;
const SLOTS: u64 = 3;

/// A session takes longer than a slow machine until the next poll. Listings tell of others; single reads do not.
fn world() -> World {
    let manifest = tasks(12).set("poll", "{ interval: 15ms, strategy: list }");
    World::with("{ defaults: { duration: 2500ms, outcome: change } }", &manifest)
}

/// A run with a ledger and reports of its own.
fn start<'w>(world: &'w World, name: &str) -> Running<'w> {
    world.run().args(&format!("-j {SLOTS} --state-dir {name} --report-dir {name}-report")).start()
}

fn report(world: &World, name: &str) -> Value {
    serde_json::from_str(&world.read(&format!("{name}-report/report.json"))).unwrap()
}

fn strays(world: &World, name: &str) -> u64 {
    report(world, name)["strays"].as_array().map_or(0, Vec::len) as u64
}

/// The younger one ends with 5 and tells of every doubled session; nothing is doubled but what was under way in both.
fn is_told(world: &World, younger: &str, ended: &Ended<'_>) {
    let doubled = world.statistics().created - TASKS;
    assert!(doubled <= 2 * SLOTS, "{doubled} doubled\n{ended}");
    assert_eq!(ended.code, Some(5), "{ended}");
    assert!(ended.stderr.contains("works on the same tasks at this time"), "{ended}");
    assert!(ended.stderr.contains("another-run"), "{ended}");
    assert_eq!(strays(world, younger), doubled, "{ended}");
}

#[test]
fn of_two_that_start_together_one_does_the_work() {
    let world = world();
    let (a, b) = (start(&world, "a"), start(&world, "b"));
    let (a, b) = (a.wait(), b.wait());
    let (younger, ended, other) = if a.code == Some(0) { ("b", b, a) } else { ("a", a, b) };
    assert_eq!(other.code, Some(0), "{other}\n{ended}");
    is_told(&world, younger, &ended);
    // What is doubled is told until somebody has seen to it.
    let doubled = strays(&world, younger);
    let again = start(&world, younger).wait();
    assert_eq!(strays(&world, younger), doubled, "{again}");
    assert_eq!(again.code, Some(if doubled > 0 { 5 } else { 0 }), "{again}");
    for stray in report(&world, younger)["strays"].as_array().unwrap() {
        let id = stray["id"].as_str().unwrap().parse().unwrap();
        world.service().block_on(world.jules().archive_session(&id)).unwrap();
    }
    let seen_to = start(&world, younger).wait();
    assert_eq!((strays(&world, younger), seen_to.code), (0, Some(0)), "{seen_to}");
}

#[test]
fn one_without_the_ledger_takes_up_what_is_live_and_leaves_the_rest_to_the_first() {
    let world = world();
    let first = start(&world, "first");
    world.until(|world| world.statistics().created == SLOTS);
    let second = start(&world, "second").wait();
    let first = first.wait();
    assert_eq!(first.code, Some(0), "{first}\n{second}");
    is_told(&world, "second", &second);
    let tasks = report(&world, "second")["tasks"].as_array().unwrap().clone();
    let succeeded = tasks.iter().filter(|task| task["outcome"] == "succeeded").count();
    assert!(succeeded as u64 >= SLOTS, "what was live is taken up: {second}");
}

#[test]
fn one_with_an_old_copy_of_the_ledger_stops_too() {
    let world = world();
    let first = start(&world, "first");
    world.until(|world| world.statistics().created == SLOTS);
    std::fs::create_dir(world.path("copy")).unwrap();
    for file in std::fs::read_dir(world.path("first")).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), world.path("copy").join(file.file_name())).unwrap();
    }
    let copy = start(&world, "copy").wait();
    let first = first.wait();
    is_told(&world, "copy", &copy);
    // Both are the same run: what is doubled bears its marker.
    let doubled = world.statistics().created - TASKS;
    assert_eq!(strays(&world, "first"), doubled, "{first}\n{copy}");
    assert_eq!(first.code, Some(if doubled > 0 { 5 } else { 0 }), "{first}\n{copy}");
}
