//! Manifests with tasks in common: one that is piped in and its file, one of another name, parts of one. Each session is one run's.

use crate::shared_state::{Shared, all_succeeded};
use crate::support::{Ended, Runner, Signal, World, tasks};

/// The same manifest through a pipe: it is known by another name than the file, and its tasks are the same.
fn piped<'w>(run: Runner<'w>, manifest: &str) -> Ended<'w> {
    let mut running = run.start();
    running.pipe(manifest);
    running.wait()
}

/// A run of this manifest on a machine of this name.
fn run<'s>(shared: &'s Shared, machine: &str, manifest: &str) -> Runner<'s> {
    let run = shared.on(machine, &format!("run {manifest} -j 3 --report-dir {machine}"));
    run.env("JULES_BASE_URL", shared.world.service().url())
}

/// The manifest under another name, as `other.yaml`.
fn write_other(world: &World) {
    world.write("other.yaml", &world.read("jobs.yaml").replace("name: test", "name: other"));
}

#[test]
fn a_task_that_another_manifest_has_at_work_is_not_begun_again() {
    let Some(shared) = Shared::new("{ defaults: { duration: 900ms, outcome: change } }", 6) else { return };
    let manifest = shared.world.read("jobs.yaml");
    let mut first = shared.run("first").start();
    first.until(|world| world.statistics().created == 3);
    let second = piped(run(&shared, "second", "/dev/stdin"), &manifest);
    assert_eq!(second.code, Some(5), "{second}");
    for part in ["work/my-org/web@main[n=", " of `test`, ", " pid ", "is not followed"] {
        assert!(second.stderr.contains(part), "{part}: {second}");
    }
    assert_eq!(first.wait().code, Some(0));
    shared.world.created(6);
    // It was given back.
    let third = piped(run(&shared, "third", "/dev/stdin").args("--no-wait"), &manifest);
    assert_eq!(third.code, Some(5));
    shared.world.created(9);
}

#[test]
fn a_prompt_from_before_an_edit_is_not_asked_for_beside_the_run_that_follows_its_sessions() {
    let Some(shared) = Shared::new("{ defaults: { duration: 2500ms, outcome: change } }", 3) else { return };
    let before = shared.world.read("jobs.yaml");
    shared.run("first").args("--no-wait").exits(5);
    shared.world.write("jobs.yaml", &before.replace("Do ", "Do now "));
    let mut first = shared.run("first").start();
    first.until(|_| shared.sql("SELECT count(*) FROM @leases WHERE holder IS NOT NULL") == "1");
    first.until(|_| shared.sql("SELECT count(*) FROM @claims") == "9");
    let second = piped(run(&shared, "second", "/dev/stdin"), &before);
    assert_eq!(second.code, Some(5), "{second}");
    assert_eq!(first.wait().code, Some(0));
    shared.world.created(3);
}

#[test]
fn what_a_manifest_of_another_name_has_at_work_is_left_alone() {
    let Some(shared) = Shared::new("{ defaults: { duration: 1500ms, outcome: change } }", 3) else { return };
    write_other(&shared.world);
    let mut first = shared.run("first").start();
    first.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    let other = run(&shared, "other", "other.yaml").exits(0);
    assert!(!other.stderr.contains("3 at work"), "{other}");
    all_succeeded(&other, &shared.report("other"), 3);
    assert_eq!(first.wait().code, Some(0));
    shared.world.created(6);
}

#[test]
fn a_session_that_another_manifest_has_taken_up_is_no_longer_its_own_manifests_to_follow() {
    let Some(shared) = Shared::new("{ defaults: { duration: 5s, outcome: change } }", 2) else { return };
    write_other(&shared.world);
    shared.run("first").args("--no-wait").exits(5);
    run(&shared, "other", "other.yaml").args("--no-wait").exits(5);
    // It stands under the other's key by now.
    let mut going_on = run(&shared, "other", "other.yaml").start();
    let claimed = "SELECT count(*) FROM @claims AS it JOIN @leases AS its ON its.n = it.lease AND its.epoch = it.epoch \
                   WHERE its.holder IS NOT NULL";
    going_on.until(|_| shared.sql(claimed) == "4");
    let refused = shared.run("first").args("--fresh --replace-live --yes").exits(5);
    assert!(refused.stderr.contains("is at work already"), "{refused}");
    assert_eq!(going_on.wait().code, Some(0));
    shared.world.created(2);
}

#[test]
fn whoever_follows_a_whole_that_goes_on_with_a_part_does_nothing_again() {
    let Some(shared) = Shared::new("{ defaults: { duration: 1500ms, outcome: change } }", 4) else { return };
    shared.run("part").args("--shard 1/2 --no-wait --max-tasks 1").exits(5);
    let mut first = shared.run("first").start();
    first.until(|world| world.statistics().created == 4);
    let second = shared.run("second").args("--fresh --yes --if-busy follow").exits(0);
    assert!(second.stderr.contains("following it"), "{second}");
    assert_eq!(first.wait().code, Some(0));
    all_succeeded(&second, &shared.report("second"), 4);
    shared.world.created(4);
}

#[test]
fn whoever_is_there_only_to_write_down_what_is_news_is_not_followed() {
    let Some(shared) = Shared::new("{ defaults: { duration: 100ms, outcome: change } }", 2) else { return };
    shared.run("first").exits(0);
    shared.sql(
        "UPDATE @leases SET holder = 'x', holder_text = 'pulls', lease_taken = clock_timestamp() + interval '5 min', \
         lease_until = clock_timestamp() + interval '7 s', at_work = false",
    );
    let second = shared.run("second").args("--fresh --yes --if-busy follow").exits(0);
    all_succeeded(&second, &shared.report("second"), 2);
    shared.world.created(4);
}

#[test]
fn whoever_slept_with_a_run_that_was_a_parts_before_writes_nothing_more() {
    let Some(shared) = Shared::new("{ defaults: { duration: 3s, outcome: change } }", 9) else { return };
    shared.run("part").args("--shard 1/2 --no-wait --max-tasks 1").exits(5);
    let mut first = shared.run("first").start();
    first.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    first.signal(Signal::Stop);
    shared.let_leases_pass();
    let mut second = shared.run("second").args("--fresh --yes").start();
    second.until(|_| shared.sql("SELECT count(*) FROM @runs") == "2");
    first.signal(Signal::Continue);
    let first = first.wait();
    assert_eq!(first.code, Some(5), "{first}");
    let second = second.wait();
    assert_eq!(second.code, Some(0), "{second}");
    shared.world.created(9);
}

/// What the last of three manifests does, of which the first has left its sessions live and the second has seen them end.
fn what_another_has_finished_is_not_taken_up<'w>(world: &'w World, run: impl Fn(&str) -> Runner<'w>) {
    let manifest = world.read("jobs.yaml");
    let left = piped(run("/dev/stdin --no-wait --report-dir a"), &manifest);
    assert_eq!(left.code, Some(5), "{left}");
    let ended = piped(run("/dev/fd/0 --report-dir b"), &manifest);
    assert!(ended.stderr.contains("adopted"), "{ended}");
    world.created(2);
    write_other(world);
    run("other.yaml --report-dir c").exits(0);
    world.created(4);
}

const SHORT: &str = "{ defaults: { duration: 700ms, outcome: change } }";

#[test]
fn what_another_manifest_has_finished_is_done_anew_with_a_folder() {
    let world = World::with(SHORT, &tasks(2));
    let run = |args: &str| world.command("run").args(args).env("JULES_BASE_URL", world.service().url());
    what_another_has_finished_is_not_taken_up(&world, run);
}

#[test]
fn what_another_manifest_has_finished_is_done_anew_with_a_database() {
    let Some(shared) = Shared::new(SHORT, 2) else { return };
    let run = |args: &str| {
        shared.on("m", &format!("run {args}")).env("JULES_BASE_URL", shared.world.service().url())
    };
    what_another_has_finished_is_not_taken_up(&shared.world, run);
}

#[test]
fn a_create_in_doubt_whose_session_another_manifest_has_taken_up_is_not_sent_again() {
    let service = "{ faults: [{ kind: slow, delay: 3s, on: sessions.create, probability: 1 }], \
                   defaults: { duration: 500ms, outcome: change } }";
    let world = World::with(service, &tasks(2));
    let run = |args: &str| world.command("run").args(args).env("JULES_BASE_URL", world.service().url());
    let mut killed = run("/dev/stdin --report-dir a").start();
    killed.pipe(&world.read("jobs.yaml"));
    killed.until(|world| world.statistics().created == 2);
    killed.kill();
    killed.wait();
    let other = piped(run("/dev/fd/0 --report-dir b"), &world.read("jobs.yaml"));
    assert!(other.stderr.contains("adopted"), "{other}");
    let again = piped(run("/dev/stdin --report-dir a"), &world.read("jobs.yaml"));
    assert_eq!(again.code, Some(0), "{again}");
    world.created(2);
}
