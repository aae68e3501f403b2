//! Signals: the first saves everything, the second leaves at once.

use jules_batch::outcome::Outcome;

use crate::support::{Signal, Stream, World, at_once, tasks};

const LONG: &str = "{ defaults: { duration: 10m, outcome: change } }";

#[test]
fn an_interrupted_run_with_a_thousand_live_sessions_has_complete_reports() {
    let manifest = tasks(1_000).set("strategy", "{ max-parallel: 1000 }");
    let manifest = manifest.set("poll", "{ interval: 2s }");
    let manifest = manifest.set("timeouts", "{ task: 1h, stall: 1h, settle: 150ms, request: 50s }");
    let world = World::with(LONG, &manifest);
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 1_000);
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    assert_eq!(ended.count(Outcome::Detached), 1_000);
    assert_eq!(ended.sessions().len(), 1_000);
    assert_eq!((ended.junit().tests, ended.report().run.stopped.as_deref()), (1_000, Some("interrupt")));
    assert_eq!(world.statistics().live_now, 1_000, "nobody stopped them");
}

#[test]
fn what_an_interrupt_keeps_from_starting_has_one_line() {
    let world = World::with(LONG, &tasks(60));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.count(Outcome::Deferred), 56, "{ended}");
    let told: Vec<_> = ended.stderr.lines().filter(|line| line.contains("deferred   ")).collect();
    // The answers to the last creates may still be under way.
    let [told] = told[..] else { panic!("{ended}") };
    assert!(told.ends_with("/60] deferred          56 tasks  not started before the interrupt"), "{ended}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_hangup_ends_like_a_termination() {
    // Under nohup nothing is ended by it, and children inherit that.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    if u64::from_str_radix(ignored, 16).unwrap() & 1 == 1 {
        eprintln!("hangups are ignored here: not tested");
        return;
    }
    let world = World::with(LONG, &tasks(4));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    running.signal(Signal::Hangup);
    let ended = running.wait();
    assert_eq!((ended.code, ended.count(Outcome::Detached)), (Some(143), 4), "{ended}");
}

#[test]
fn the_next_run_takes_up_what_an_interrupt_left() {
    let world = World::with("{ defaults: { duration: 1200ms, outcome: change } }", &tasks(6));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    running.signal(Signal::Terminate);
    assert_eq!(running.wait().code, Some(143));
    let ended = world.run().exits(0);
    world.created(6);
    assert_eq!(ended.count(Outcome::Succeeded), 6);
}

#[test]
fn a_second_signal_leaves_at_once_and_loses_nothing() {
    // The answers to the creates never come: the first signal would wait for them for a while.
    let scenario = "{ faults: [{ kind: hang, on: sessions.create, times: 4 }], \
        defaults: { duration: 600ms, outcome: change } }";
    let manifest = tasks(4).set("timeouts", "{ task: 60s, stall: 60s, settle: 150ms, request: 50s }");
    let world = World::with(scenario, &manifest);
    let mut running = world.run().start();
    running.until(|world| world.requests("sessions.create") == 4);
    running.signal(Signal::Interrupt);
    running.until_said("stopping");
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    world.run().exits(0);
    world.created(4);
}

#[test]
fn an_interrupt_while_creating_leaves_intents_that_are_settled_first() {
    let scenario = "{ faults: [{ kind: hang, on: sessions.create, nth: [1, 2] }], \
        defaults: { duration: 100ms, outcome: change } }";
    let manifest = tasks(3).set("timeouts", "{ task: 60s, stall: 60s, settle: 150ms, request: 50s }");
    let world = World::with(scenario, &manifest);
    let mut running = world.run().args("-j 2").start();
    running.until(|world| world.requests("sessions.create") == 2);
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!((ended.code, ended.count(Outcome::Deferred)), (Some(130), 1), "{ended}");
    let ended = world.run().exits(0);
    world.created(3);
    assert!(ended.report().strays.is_empty());
}

/// Their POSTs wait for a quota, or for a pause that the service asked for.
#[test]
fn creates_that_have_not_been_sent_hold_up_no_interrupt_and_are_no_doubts() {
    let throttled = "{ kind: throttle, on: sessions.create, nth: 2, retry-after: 60s }";
    for (faults, creates) in [("", 3), (throttled, 60_000)] {
        let scenario = format!("{{ faults: [{faults}], defaults: {{ duration: 10m, outcome: change }} }}");
        let limits =
            format!("{{ requests-per-minute: 60000, creates-per-minute: {creates}, capacity-wait: 30m }}");
        let world = World::with(&scenario, &tasks(4).set("limits", &limits));
        let mut running = world.run().start();
        running.until(|world| {
            world.statistics().live_now > 0
                && world.requests("sessions.get") + world.requests("sessions.list") > 4
        });
        let signalled = std::time::Instant::now();
        running.signal(Signal::Interrupt);
        let ended = running.wait();
        let took = signalled.elapsed();
        let live = world.statistics().created;
        assert!(live < 4, "nothing waited: {ended}");
        assert_eq!(
            (ended.count(Outcome::Detached), ended.count(Outcome::Deferred)),
            (live, 4 - live),
            "{ended}"
        );
        assert!(took < std::time::Duration::from_secs(2), "{took:?}: {ended}");
        let reasons = ended.report().tasks.into_iter().filter_map(|task| task.reason);
        assert!(reasons.into_iter().all(|reason| !reason.contains("not known")), "{ended}");
        world.created(live);
    }
}

#[test]
fn a_second_signal_leaves_although_nobody_reads_the_output() {
    // More events than a pipe holds, and a reader that never comes to them.
    let manifest = tasks(600).set("strategy", "{ max-parallel: 600 }");
    // A slow machine takes its time until all are live.
    let manifest = manifest.set("timeouts", "{ task: 1h, stall: 1h, settle: 150ms, request: 50s }");
    let world = World::with("{ defaults: { duration: 10m, outcome: change } }", &manifest);
    let mut running = world.run().args("--events -").deaf(Stream::Stdout).start();
    running.until(|world| world.statistics().live_now == 600);
    running.signal(Signal::Interrupt);
    running.until_said("stopping");
    running.signal(Signal::Interrupt);
    running.until_ended();
    assert_eq!(running.wait().code, Some(130));
}

#[test]
fn a_report_that_cannot_be_written_ends_the_run_and_leaves_the_rest_in_order() {
    let world = World::with("{ defaults: { duration: 10m, outcome: change } }", &tasks(4));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    std::fs::rename(world.path("jules-report"), world.path("elsewhere")).unwrap();
    world.write("jules-report", "not a folder");
    running.until_ended();
    let ended = running.wait();
    assert_eq!(ended.code, Some(110), "{ended}");
    std::fs::remove_file(world.path("jules-report")).unwrap();
    let stands: jules_batch::report::ReportV1 =
        jules_batch::report::from_json(&world.command("status").args("--format json").exits(0).stdout)
            .unwrap();
    assert_eq!(stands.run.stopped.as_deref(), Some("not-writable"));
    assert_eq!(stands.tasks.iter().filter(|task| task.outcome == Outcome::Detached).count(), 4);
}

#[test]
fn one_refusal_of_a_key_that_works_ends_nothing() {
    let refused =
        |on: &str, nth: &str| format!("{{ kind: error-before, status: 401, on: {on}, nth: {nth} }}");
    let faults = [
        refused("sessions.create", "[1, 3]"),
        refused("sessions.get", "[2, 5]"),
        // One opens the run, one surveys, one closes the statistics: each is asked for again.
        refused("sessions.list", "[2, 4]"),
    ];
    at_once(faults, |fault| {
        let scenario = format!("{{ faults: [{fault}], defaults: {{ duration: 60ms, outcome: change }} }}");
        let world = World::with(&scenario, &tasks(4).set("poll", "{ interval: 15ms, strategy: get }"));
        let ended = world.run().exits(0);
        world.created(4);
        assert_eq!(ended.count(Outcome::Succeeded), 4, "{fault}");
        assert_eq!(ended.report().strays_unknown, None, "{fault}");
    });
}
