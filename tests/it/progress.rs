//! What a run says while it is at work and something holds it up.

use crate::support::{Manifest, Signal, Terminal, World, at_once, tasks};

/// Tasks for a client that waits for nothing but the service.
fn manifest(count: usize) -> Manifest {
    tasks(count).set("limits", "{ requests-per-minute: 60000, creates-per-minute: 60000 }")
}

/// The lines with these words.
fn with<'a>(stderr: &'a str, words: &str) -> Vec<&'a str> {
    stderr.lines().filter(|line| line.contains(words)).collect()
}

#[test]
fn an_outage_is_told_while_it_lasts_and_when_it_is_over() {
    let scenario = "{ defaults: { duration: 13s, outcome: change }, faults: [{ kind: error-before, status: 503, \
        during: 500ms..9s, since: first-session }] }";
    let world = World::with(scenario, &manifest(2));
    let mut running = world.run().args("--heartbeat 500ms").start();
    running.until_said("outage for ");
    let status = world.command("status").exits(0);
    assert!(status.stdout.contains("     2  live\n"), "the words of the live table: {status}");
    assert!(status.stdout.contains("\noutage for ") && status.stdout.contains("answered 503"), "{status}");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    let begun = with(&ended.stderr, "trouble: outage for ");
    assert_eq!(begun.len(), 1, "{ended}");
    assert!(begun[0].contains("the service answered 503 UNAVAILABLE"), "{ended}");
    assert_eq!(with(&ended.stderr, "over: the service answers again, after ").len(), 1, "{ended}");
    let beats = with(&ended.stderr, "2 live; ");
    assert!(beats.iter().any(|beat| beat.contains("time left unknown; outage for ")), "{ended}");
    assert_eq!(with(&ended.stderr, "about 0s left"), [""; 0], "{ended}");
    world.created(2);
}

#[test]
fn an_outage_that_outlasts_the_run_is_not_told_to_be_over() {
    // Of a service that is down, and of one that turns every read away.
    at_once([503, 403], |status| {
        let scenario = format!(
            "{{ defaults: {{ duration: 10m }}, faults: [{{ kind: error-before, on: reads, status: {status}, \
             during: 500ms..1h, since: first-session }}] }}"
        );
        let world = World::with(&scenario, &manifest(1));
        let ended = world.run().args("--deadline 8s").start().wait();
        assert_eq!(ended.code, Some(5), "{ended}");
        assert_eq!(with(&ended.stderr, &format!("the service answered {status}")).len(), 1, "{ended}");
        assert_eq!(with(&ended.stderr, "over: "), [""; 0], "{ended}");
    });
}

#[test]
fn tasks_that_a_pause_of_creates_holds_are_waiting_and_the_pause_is_told() {
    let scenario = "{ defaults: { duration: 20s, outcome: change }, faults: [ \
        { kind: throttle, on: sessions.create, nth: 2, retry-after: 7s } ] }";
    let world = World::with(scenario, &manifest(4));
    let mut running = world.run().args("--heartbeat 300ms").start();
    running.until_said("creates paused until ");
    running.until_said(" live, ");
    let live = world.statistics().live_now;
    running.until_said(&format!("] {live} live, {} waiting; ", 4 - live));
    let status = world.command("status").exits(0).stdout;
    for words in [&format!(" {live}  live\n"), &format!(" {}  waiting\n", 4 - live), ", as the service asks"]
    {
        assert!(status.contains(words), "{words}: {status}");
    }
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(with(&ended.stderr, "waiting: creates paused until ").len(), 1, "{ended}");
}

#[test]
fn creates_that_a_quota_holds_are_waiting() {
    let limits = "{ requests-per-minute: 60000, creates-per-minute: 10 }";
    let world =
        World::with("{ defaults: { duration: 20s, outcome: change } }", &tasks(4).set("limits", limits));
    let mut running = world.run().args("--heartbeat 300ms").start();
    running.until_said("] 1 live, 3 waiting; ");
    let status = world.command("status").exits(0).stdout;
    assert!(status.contains(" 1  live\n") && status.contains(" 3  waiting\n"), "{status}");
    assert_eq!(world.statistics().live_now, 1);
    running.kill();
}

#[test]
fn every_pause_is_told_with_its_kind() {
    let cases = [
        ("[sessions.get, sessions.list]", "pull-request", "reads"),
        // The reason of a failure stands there.
        ("activities.list", "failure", "activity listings"),
    ];
    at_once(cases, |(methods, outcome, kind)| {
        let scenario = format!(
            "{{ defaults: {{ duration: 1s, outcome: {outcome} }}, faults: [ \
            {{ kind: throttle, on: {methods}, times: 1, since: first-session, during: 0s..1h, retry-after: 5s }} ] }}"
        );
        let world = World::with(&scenario, &manifest(1));
        let ended = world.run().args("--heartbeat 500ms").start().wait();
        let told = with(&ended.stderr, &format!("waiting: {kind} paused until "));
        assert!(told.len() == 1 && told[0].ends_with(", as the service asks"), "{ended}");
        let beats = with(&ended.stderr, &format!("; {kind} paused until "));
        assert!(beats.len() > 1, "{ended}");
    });
}

#[test]
fn a_spent_day_is_told_with_its_end_and_known_to_the_time_left() {
    let limits = "{ requests-per-minute: 60000, creates-per-minute: 60000, sessions-per-day: 1 }";
    let world =
        World::with("{ defaults: { duration: 50ms, outcome: change } }", &tasks(3).set("limits", limits));
    let mut running = world.run().args("--heartbeat 300ms").start();
    running.until_said("waiting: no session is started before ");
    running.until_said("gone, about 1d 23h left; no session is started before ");
    world.created(1);
    running.kill();
}

#[test]
fn a_live_table_tells_what_holds_the_run_up() {
    let scenario = "{ defaults: { duration: 12s, outcome: change }, faults: [{ kind: error-before, status: 503, \
        during: 500ms..8s, since: first-session }] }";
    let world = World::with(scenario, &manifest(2));
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.resize(80, 24);
    terminal.enter("jules-batch run");
    let screen = terminal.until(|screen| {
        screen.iter().any(|line| line.starts_with("outage for ") && line.contains("answered 503"))
    });
    assert!(screen.iter().any(|line| line.contains("time left unknown")), "{}", screen.join("\n"));
    assert!(screen.iter().all(|line| line.chars().count() <= 80), "{}", screen.join("\n"));
    terminal.until_shown("over: the service answers again, after ");
}

/// Also where colours are wanted: a file shows them, and a link would stand twice in it.
#[test]
fn links_are_for_terminals_alone() {
    let world = World::with("{ defaults: { duration: 50ms } }", &tasks(1));
    let run = world.run().env("TERM_PROGRAM", "WezTerm").env("CLICOLOR_FORCE", "1");
    let ended = run.exits(0);
    assert!(ended.stderr.contains("\x1b[") && ended.stderr.contains("https://jules.google.com/"), "{ended}");
    assert!(!ended.stderr.contains("\x1b]8") && !ended.stdout.contains("\x1b]8"), "{ended}");
}
