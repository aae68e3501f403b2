//! Run again = go on.

use jules_batch::outcome::Outcome;

use crate::support::{Manifest, Signal, World, job, tasks};

const QUICK: &str = "{ defaults: { duration: 40ms, outcome: change } }";

fn three(a: &str) -> Manifest {
    Manifest::of([job("a", a, &[]), job("b", "The second.", &[]), job("c", "The third.", &[])])
}

#[test]
fn a_run_with_work_left_goes_on_and_keeps_what_it_has() {
    let world = World::with(QUICK, &tasks(5));
    let first = world.run().args("--max-tasks 2").exits(5).report();
    let second = world.run().exits(0).report();
    world.created(5);
    assert_eq!(first.run.id, second.run.id);
    assert_eq!((second.run.invocations, second.totals.succeeded), (2, 5));
    assert_eq!(first.tasks[0], second.tasks[0], "earlier results stay as they were");
    assert_eq!(second.api.requests["create"], 5, "both invocations together");
}

#[test]
fn what_is_done_stays_done_and_is_told_without_asking_the_service() {
    let world = World::with(QUICK, &tasks(2));
    let first = world.run().exits(0).report();
    let asked = world.statistics().requests;
    std::fs::remove_dir_all(world.path("jules-report")).unwrap();
    let ended = world.run().exits(0);
    assert_eq!(ended.stderr.trim().lines().count(), 1, "{ended}");
    assert!(
        ended.stderr.contains("nothing to do: 2 done since") && ended.stderr.contains("--again"),
        "{ended}"
    );
    assert_eq!(ended.report(), first, "its reports are there again");
    assert_eq!(world.statistics().requests, asked);
    world.created(2);
}

#[test]
fn with_repeat_always_a_run_that_is_done_is_followed_by_a_new_one() {
    let world = World::with(QUICK, &tasks(2).set("repeat", "always"));
    let first = world.run().exits(0).report();
    let second = world.run().exits(0).report();
    assert_ne!(first.run.id, second.run.id);
    assert_eq!(second.run.invocations, 1);
    world.created(4);
}

#[test]
fn fresh_does_not_go_on() {
    let world = World::with(QUICK, &tasks(4));
    let first = world.run().args("--max-tasks 2").exits(5).report();
    let second = world.run().arg("--fresh").exits(0).report();
    assert_ne!(first.run.id, second.run.id);
    world.created(6);
}

#[test]
fn failed_tasks_are_run_again_when_asked_for() {
    let scenario = "{ rules: [{ when: { prompt: second, nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let world = World::with(scenario, &three("The first."));
    let first = world.run().exits(100).report();
    let ended = world.run().arg("--failed").exits(0);
    world.created(4);
    let second = ended.report();
    assert_eq!((first.run.id, second.totals.succeeded), (second.run.id, 3));
    let attempts = ended.task("b").attempts;
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Succeeded]);
    assert_eq!(ended.task("a").attempts.len(), 1);
}

#[test]
fn failed_first_looks_whether_the_old_session_has_succeeded_since() {
    let keys = ["timeouts: { task: 200ms }", "give-up: leave"];
    let manifest = Manifest::of([job("slow", "Take your time.", &keys)]);
    let world = World::with("{ defaults: { duration: 1s, outcome: change } }", &manifest);
    let mut running = world.run().start();
    running.until(|world| world.statistics().created == 1);
    let ended = running.wait();
    assert_eq!((ended.code, ended.outcome("slow").0), (Some(100), Outcome::TimedOut));
    world.until(|world| world.sessions()[0].ended_at.is_some());
    let ended = world.run().arg("--failed").exits(0);
    assert_eq!(ended.outcome("slow").0, Outcome::Succeeded);
    world.created(1);
}

#[test]
fn an_edited_prompt_keeps_what_is_done_until_it_is_told_again() {
    let world = World::with(QUICK, &three("The first."));
    world.run().args("--max-tasks 2 -j 1").exits(5);
    world.write("jobs.yaml", &three("The first, but better.").to_string());
    let ended = world.run().exits(0);
    world.created(3);
    assert!(ended.stderr.contains("1 task done before the prompt was edited"), "{ended}");
    let idle = world.run().exits(0).stderr;
    assert!(idle.contains("nothing to do") && idle.contains("--redo-edited"), "{idle}");
    let ended = world.run().arg("--redo-edited").exits(0);
    world.created(4);
    assert!(ended.stderr.contains("1 task has a result already; it is done again"), "{ended}");
    let mut prompts: Vec<_> = world.sessions().into_iter().map(|session| session.prompt).collect();
    prompts.sort_unstable();
    assert_eq!(prompts, ["The first, but better.", "The first.", "The second.", "The third."]);
    let report = ended.report();
    assert_eq!((report.totals.total, report.superseded.len()), (3, 1), "the first result is not forgotten");
    assert_eq!(report.superseded[0].outcome, Outcome::Succeeded);
    assert!(report.strays.is_empty());
}

#[test]
fn an_old_session_that_failed_takes_up_again_is_the_next_runs_too() {
    let manifest = tasks(2).set("defaults", "{ give-up: leave }");
    let world = World::with("{ defaults: { duration: 10m, outcome: change } }", &manifest);
    world.run().args("--task-timeout 300ms").exits(100);
    let mut running = world.run().arg("--failed").start();
    running.until_said("started");
    running.signal(Signal::Interrupt);
    assert_eq!(running.wait().code, Some(130));
    let asked = |world: &World| world.requests("sessions.list") + world.requests("sessions.get");
    let before = asked(&world);
    let mut running = world.run().start();
    running.until(|world| asked(world) >= before + 6);
    running.signal(Signal::Interrupt);
    assert_eq!(running.wait().code, Some(130));
    world.created(2);
}

#[test]
fn tasks_are_known_by_content_and_not_by_position() {
    let jobs = |ids: &[&str]| {
        Manifest::of(ids.iter().map(|id| job(id, &format!("Do {id}."), &[])).collect::<Vec<_>>())
    };
    let world = World::with(QUICK, &jobs(&["a", "b", "c", "d"]));
    world.run().args("--max-tasks 2 -j 1").exits(5);
    world.write("jobs.yaml", &jobs(&["d", "new", "c", "b", "a"]).to_string());
    world.run().exits(0);
    world.created(5);
}

#[test]
fn a_task_that_left_the_manifest_keeps_nothing_open() {
    let world = World::with(QUICK, &three("The first."));
    world.run().args("--max-tasks 2 -j 1").exits(5);
    world.write(
        "jobs.yaml",
        &Manifest::of([job("a", "The first.", &[]), job("b", "The second.", &[])]).to_string(),
    );
    let ended = world.run().exits(0);
    assert_eq!(ended.outcome("c").0, Outcome::Skipped);
    world.created(2);
}

#[test]
fn a_selection_leaves_the_other_tasks_as_they_are() {
    let world = World::with(QUICK, &three("The first."));
    world.run().args("--select job(a)").exits(0);
    world.created(1);
    let ended = world.run().args("--select job(b)").exits(0);
    world.created(2);
    assert_eq!(ended.outcome("b").0, Outcome::Succeeded);
}

#[test]
fn a_killed_run_goes_on_with_its_live_sessions() {
    let world = World::with("{ defaults: { duration: 1200ms, outcome: change } }", &tasks(6));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    running.kill();
    assert_eq!(running.wait().code, None);
    let ended = world.run().exits(0);
    world.created(6);
    let report = ended.report();
    assert_eq!((report.totals.succeeded, report.run.invocations), (6, 2));
    assert!(world.statistics().live_max <= 4);
}

#[test]
fn two_runners_do_not_share_a_state_folder() {
    let world = World::with("{ defaults: { duration: 10m } }", &tasks(2));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 2);
    let second = world.run().exits(110);
    assert!(second.stderr.contains("error: "), "{second}");
    world.created(2);
    running.kill();
}

#[test]
fn another_manifest_in_the_same_state_folder_is_another_run() {
    let world = World::with(QUICK, &tasks(3));
    world.run().args("--max-tasks 1").exits(5);
    world.write("other.yaml", &three("The first.").to_string());
    world.command("run").arg("other.yaml").arg("--base-url").arg(world.service().url()).exits(0);
    world.created(4);
    world.run().exits(0);
    world.created(6);
}

#[test]
fn what_was_skipped_for_a_failed_task_is_run_again_with_it() {
    let scenario = "{ rules: [{ when: { prompt: first, nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let manifest = Manifest::of([
        job("a", "The first.", &[]),
        job("b", "The second.", &["needs: [a]"]),
        job("c", "The third.", &[]),
    ]);
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(100);
    assert_eq!(ended.outcome("b").0, Outcome::Skipped);
    let ended = world.run().arg("--failed").exits(0);
    assert_eq!(ended.outcome("b").0, Outcome::Succeeded);
    world.created(4);
}

#[test]
fn a_run_interrupted_at_its_very_end_is_closed_and_not_done_again() {
    // The first listing is the survey, the second may be the audit: it hangs, and the signal comes.
    let scenario = "{ faults: [{ kind: hang, on: sessions.list, nth: [3] }], \
        defaults: { duration: 40ms, outcome: change } }";
    let manifest = tasks(2).set("poll", "{ interval: 50ms, strategy: get }");
    let world = World::with(
        scenario,
        &manifest.set("timeouts", "{ task: 60s, stall: 60s, settle: 150ms, request: 50s }"),
    );
    let mut running = world.run().start();
    running.until(|world| world.requests("sessions.list") == 3);
    running.signal(Signal::Interrupt);
    assert_eq!(running.wait().code, Some(130));
    let ended = world.run().exits(0);
    world.created(2);
    assert_eq!((ended.report().run.invocations, ended.count(Outcome::Succeeded)), (2, 2));
}

#[test]
fn a_run_killed_at_its_very_end_is_closed_and_not_done_again() {
    // Two listings at the start, and then the one that closes the statistics: it hangs.
    let scenario = "{ faults: [{ kind: hang, on: sessions.list, nth: 3 }], \
        defaults: { duration: 40ms, outcome: change } }";
    let world = World::with(scenario, &tasks(2).set("poll", "{ interval: 15ms, strategy: get }"));
    let mut running = world.run().start();
    running.until(|world| world.requests("sessions.list") == 3 && world.statistics().live_now == 0);
    running.kill();
    drop(running);
    let ended = world.run().exits(0);
    world.created(2);
    assert_eq!((ended.report().totals.succeeded, ended.report().run.invocations), (2, 2));
}
