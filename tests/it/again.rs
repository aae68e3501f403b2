//! What is run again: `--failed`, and that a dry run prints what a run would start.

use std::collections::BTreeSet;

use crate::support::{Manifest, World, at_once, job};
use jules_batch::outcome::Outcome;

/// Jobs a, b and c; b fails once.
fn world() -> World {
    let scenario = "{ rules: [{ when: { prompt: second, nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 40ms, outcome: change } }";
    World::with(
        scenario,
        &Manifest::of([
            job("a", "The first.", &[]),
            job("b", "The second.", &[]),
            job("c", "The third.", &[]),
        ])
        .set("repeat", "always"),
    )
}

/// The first column of what a dry run prints.
fn printed(world: &World, flags: &str) -> BTreeSet<String> {
    let ended = world.run().args(flags).arg("-n").exits(0);
    ended.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn a_dry_run_keeps_to_max_tasks() {
    let jobs = [
        job("last", "The last.", &["needs: [a]"]),
        job("a", "The first.", &[]),
        job("b", "The second.", &[]),
        job("c", "The third.", &[]),
    ];
    let world = World::with("{ defaults: { duration: 40ms, outcome: change } }", &Manifest::of(jobs));
    for (flags, expected) in
        [("--max-tasks 2 -j 2", "a b"), ("--max-tasks 1 -j 1", "last"), ("--max-tasks 9", "c")]
    {
        let expected: BTreeSet<String> = expected.split(' ').map(String::from).collect();
        assert_eq!(printed(&world, flags), expected, "{flags}");
        let before = world.sessions().len();
        world.run().args(flags).start().wait();
        let titles = world.sessions()[before..]
            .iter()
            .map(|session| session.title.clone().unwrap())
            .collect::<Vec<_>>();
        assert_eq!(titles.len(), expected.len(), "{titles:?}");
        assert!(
            expected.iter().all(|job| titles.iter().any(|title| title.starts_with(job.as_str()))),
            "{titles:?}"
        );
    }
}

#[test]
fn a_dry_run_keeps_to_max_tasks_and_to_the_order_of_starts() {
    let jobs = [
        job("late", "The last.", &["needs: [a]"]),
        job("a", "The first.", &[]),
        job("b", "The second.", &[]),
    ];
    let world = World::with("{ defaults: { duration: 40ms, outcome: change } }", &Manifest::of(jobs));
    assert_eq!(printed(&world, "--max-tasks 2 -j 1"), ["a", "late"].map(String::from).into());
    world.run().args("--max-tasks 2 -j 1").exits(5);
    assert_eq!(world.started_since(&serde_json::Value::Null), ["a", "late"].map(String::from).into());
}

#[test]
fn a_dry_run_prints_what_is_started_whatever_the_last_run_was() {
    const HISTORIES: [&[&str]; 5] = [
        &[],
        &[""],
        &["", "--select job(a)"],
        &["--max-tasks 1 -j 1"],
        &["--select job(a)|job(b) --no-wait"],
    ];
    // What is expected after each of these histories, in their order.
    const CASES: [(&str, [&str; 5]); 7] = [
        ("", ["abc", "abc", "abc", "bc", "abc"]),
        ("--failed", ["", "b", "b", "bc", "ab"]),
        ("--fresh", ["abc", "abc", "abc", "abc", "abc"]),
        ("--select job(a)", ["a", "a", "a", "", "a"]),
        ("--failed --select job(a)", ["", "", "", "", "a"]),
        ("--failed --select job(b)|job(c)", ["", "b", "b", "bc", "b"]),
        ("--failed --fail-on none -j 1", ["", "b", "b", "bc", "ab"]),
    ];
    let cases = CASES.into_iter().flat_map(|(flags, expected)| {
        HISTORIES.into_iter().zip(expected).map(move |(history, expected)| (history, flags, expected))
    });
    at_once(cases, |(history, flags, expected)| {
        let world = world();
        for flags in history {
            world.run().args(flags).start().wait();
        }
        world.until(|world| world.statistics().live_now == 0);
        let expected: BTreeSet<String> = expected.chars().map(String::from).collect();
        assert_eq!(printed(&world, flags), expected, "printed: {flags:?} after {history:?}");
        let last = world.last_invocation().1;
        let ended = world.run().args(flags).start().wait();
        assert_eq!(world.started_since(&last), expected, "started: {flags:?} after {history:?}: {ended}");
        assert_eq!(world.statistics().duplicates, []);
    });
}

#[test]
fn failed_without_a_failure_says_so_in_one_line_and_starts_nothing() {
    let world = world();
    world.run().args("--select job(a)").exits(0);
    let asked = world.requests("sessions.create");
    for more in ["", "-n"] {
        let ended = world.run().arg("--failed").args(more).exits(0);
        assert_eq!(ended.stderr.trim().lines().count(), 1, "{ended}");
        assert!(ended.stderr.contains("nothing has failed"), "{ended}");
        assert_eq!(ended.stdout, "");
    }
    assert_eq!(world.requests("sessions.create"), asked);
}

#[test]
fn a_failure_of_an_earlier_run_is_looked_at_before_it_is_done_again() {
    let manifest = Manifest::of([
        job("slow", "Take your time.", &["timeouts: { task: 1s }", "give-up: leave"]),
        job("quick", "Be quick.", &[]),
    ]);
    let scenario = "{ rules: [{ when: { prompt: quick }, then: { duration: 10ms, outcome: change } }], \
        defaults: { duration: 4s, outcome: change } }";
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(100);
    assert_eq!(ended.outcome("slow").0, Outcome::TimedOut);
    world.run().args("--fresh --select job(quick)").exits(0);
    world.until(|world| world.statistics().live_now == 0);
    let ended = world.run().arg("--failed").exits(0);
    assert_eq!(ended.outcome("slow").0, Outcome::Succeeded);
    assert_eq!(ended.report().tasks.len(), 2, "it has joined the last round");
    world.created(3);
}

#[test]
fn a_need_that_the_selection_leaves_out_counts_by_how_it_ended_last() {
    let manifest = Manifest::of([job("a", "The second.", &[]), job("b", "The third.", &["needs: [a]"])]);
    let scenario = "{ rules: [{ when: { prompt: second, nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let world = World::with(scenario, &manifest);
    let b_alone = |flags: &str, code| {
        let listed = printed(&world, &format!("--select job(b) {flags}"));
        let ended = world.run().args("--select job(b)").args(flags).exits(code);
        let (outcome, reason) = ended.outcome("b");
        assert_eq!(listed.contains("b"), outcome == Outcome::Succeeded, "{ended}");
        (outcome, reason)
    };
    let (outcome, reason) = b_alone("", 0);
    assert_eq!(outcome, Outcome::Skipped);
    assert!(reason.contains("`a`") && reason.contains("never run"), "{reason}");
    world.created(0);
    world.run().args("--select job(a)").exits(100);
    let (outcome, reason) = b_alone("--fresh", 0);
    assert_eq!((outcome, reason.contains("ended as failed")), (Outcome::Skipped, true), "{reason}");
    assert_eq!(b_alone("--ignore-needs", 0).0, Outcome::Succeeded);
    world.run().args("--failed --select job(a)").exits(0);
    assert_eq!(b_alone("--again job(b)", 0).0, Outcome::Succeeded);
    world.created(4);
}

#[test]
fn what_is_to_be_done_again_has_to_be_there() {
    let world = world();
    for (flags, code, told) in [
        ("--again job(d)", 2, "the plan has no job `d`"),
        ("--again source(x/y)", 4, "no selected task is named by `--again`"),
        ("--select job(a) --again job(b)", 4, "no selected task is named by `--again`"),
        ("--replace-live", 2, "--again EXPR --replace-live"),
    ] {
        for dry in ["", " -n"] {
            let ended = world.run().args(&format!("{flags}{dry}")).exits(code);
            assert!(ended.stderr.contains(told), "{ended}");
        }
    }
    world.created(0);
}

#[test]
fn the_way_on_names_what_decides_which_tasks_there_are() {
    let jobs = [job("a", "The ${{ vars.x }}.", &[]), job("b", "The other.", &[])];
    let manifest = Manifest::of(jobs).set("vars", "{ x: first }");
    let world = World::with("{ defaults: { duration: 40ms, outcome: change } }", &manifest);
    let ended = world.run().args("--shard 1/1 --max-tasks 1 --var x=1 -j 1").exits(5);
    assert!(ended.stderr.contains(" --var x=1 --shard 1/1\n"), "{ended}");
}

/// A task that is selected without what it needs: what `-n` prints is what becomes of it.
#[test]
fn a_dry_run_says_what_needs_outside_the_selection_make_of_a_task() {
    let jobs = [
        job("a", "Do a.", &[]),
        job("b", "Do b.", &["needs: [a]"]),
        job("c", "Fail.", &[]),
        job("d", "Fail.", &[]),
    ];
    let scenario = "{ rules: [{ when: { prompt: Fail. }, then: { outcome: failure } }, \
        { when: { prompt: Do a., nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 20ms, outcome: change } }";
    let manifest = Manifest::of(jobs);
    let world = World::with(scenario, &manifest);
    world.run().args("--select job(c)||job(d)").exits(100);
    world.write("jobs.yaml", &manifest.clone().set("strategy", "{ max-failures: 2 }").to_string());
    let never = world.run().args("--select job(b) -n").exits(0);
    assert!(!never.stderr.contains("max-failures") && !never.stderr.contains("to start"), "{never}");
    let why = "b: skipped: needs `a`, which is no part of this run and was never run";
    assert!(never.stderr.contains(why), "{never}");
    assert_eq!(world.run().args("--select job(b)").exits(100).outcome("b").0, Outcome::Skipped);
    world.write("jobs.yaml", &manifest.to_string());
    // The need fails, and then has ended well.
    world.run().args("--select job(a)").exits(100);
    let failed = world.run().args("--select job(b) -n").exits(0);
    assert!(failed.stderr.contains("1 waiting for what they need"), "{failed}");
    world.run().args("--select job(a) --failed").exits(100);
    let met = world.run().args("--select job(b) -n").exits(0);
    assert!(met.stderr.contains("1 to start") && !met.stdout.contains("waits for"), "{met}");
    assert_eq!(world.run().args("--select job(b)").exits(100).outcome("b").0, Outcome::Succeeded);
}

/// What was skipped for its need has no result, and one that may start without it is not said to wait for it.
#[test]
fn what_was_skipped_for_a_need_is_told_as_that_and_what_a_dry_run_says_is_what_starts() {
    let scenario = "{ rules: [{ when: { prompt: Do a. }, then: { outcome: failure } }], \
        defaults: { duration: 20ms, outcome: change } }";
    let jobs = [job("a", "Do a.", &[]), job("b", "Do b.", &["needs: [a]"])];
    let world = World::with(scenario, &Manifest::of(jobs));
    world.run().exits(100);
    let dry = world.run().args("--failed -n").exits(0);
    assert!(dry.stdout.contains("it was skipped for that") && dry.stderr.contains("2 to start"), "{dry}");
    let ended = world.run().args("--failed").exits(100);
    assert!(ended.stderr.contains("1 task has a result already; it is done again"), "{ended}");
    let dry = world.run().args("--ignore-needs --select job(b) -n").exits(0);
    assert!(dry.stderr.contains("1 to start") && !dry.stdout.contains("waits for what"), "{dry}");
    assert_eq!(printed(&world, "--ignore-needs --select job(b)"), ["b".to_owned()].into());
    let ended = world.run().args("--ignore-needs --select job(b)").exits(100);
    assert_eq!(ended.outcome("b").0, Outcome::Succeeded);
    world.created(3);
}
