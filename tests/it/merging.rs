//! `needs: [{ job, until: merged }]`: waiting over invocations until somebody has merged.

use jules_batch::outcome::Outcome;

use crate::support::{Manifest, World, job};

/// What becomes of the library's pull request, or of its session.
fn world(library: &str) -> World {
    let scenario = format!(
        "{{ defaults: {{ duration: 40ms, outcome: pull-request }}, \
         rules: [{{ when: {{ prompt: 'The library*' }}, then: {{ {library} }} }}] }}"
    );
    let jobs = [
        job("library", "The library.", &["source: my-org/lib@main"]),
        job(
            "users",
            "Its users.",
            &["sources: [my-org/web@main, my-org/api@main]", "needs: [{ job: library, until: merged }]"],
        ),
        job("docs", "Its documents.", &["source: my-org/docs@main", "needs: [users]"]),
    ];
    World::with(&scenario, &Manifest::of(jobs))
}

/// How many tasks a dry run would start.
fn printed(world: &World) -> usize {
    world.run_following().arg("-n").exits(0).stdout.lines().count()
}

fn deed(deed: &str) -> String {
    format!("on-github: {{ deeds: [{{ does: {deed}, after: 4s, by: alice }}] }}")
}

#[test]
fn tasks_wait_until_what_they_need_is_merged() {
    let world = world(&deed("merge"));
    assert_eq!(printed(&world), 1);
    let ended = world.run_following().exits(5);
    assert_eq!(world.statistics().created, 1, "{ended}");
    let (outcome, reason) = ended.outcome("users/my-org/web@main");
    assert_eq!(outcome, Outcome::Deferred, "{ended}");
    assert_eq!(reason, "not started: it waits until `library/my-org/lib@main` is merged");
    assert_eq!(ended.outcome("docs/my-org/docs@main").0, Outcome::Deferred, "{ended}");
    let waits = world.run_following().exits(5);
    assert!(waits.stderr.contains("2 held back by pull requests"), "{waits}");
    world.run_following().arg("--select=job(users)").exits(5);
    assert_eq!((world.statistics().created, printed(&world)), (1, 0), "{waits}");
    world.until(|world| world.pull_states() == ["MERGED"]);
    assert_eq!(printed(&world), 3);
    let ended = world.run_following().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 4, "{ended}");
    assert_eq!(world.statistics().created, 4, "{ended}");
}

/// The library's pull request meets this soon, while something else is at work for some seconds.
fn busy_world(deed: &str) -> World {
    let deed = format!("on-github: {{ deeds: [{{ does: {deed}, after: 100ms, by: alice }}] }}");
    let scenario = format!(
        "{{ defaults: {{ duration: 40ms, outcome: pull-request }}, rules: [ \
         {{ when: {{ prompt: 'The library*' }}, then: {{ {deed} }} }}, \
         {{ when: {{ prompt: 'Something else*' }}, then: {{ duration: 6s }} }}] }}"
    );
    let jobs = [
        job("other", "Something else.", &["source: my-org/other@main"]),
        job("library", "The library.", &["source: my-org/lib@main"]),
        job(
            "users",
            "Its users.",
            &["sources: [my-org/web@main, my-org/api@main]", "needs: [{ job: library, until: merged }]"],
        ),
        job("docs", "Its documents.", &["source: my-org/docs@main", "needs: [users]"]),
    ];
    World::with(&scenario, &Manifest::of(jobs))
}

#[test]
fn what_is_merged_while_the_run_is_at_work_lets_others_start_in_the_same_run() {
    let world = busy_world("merge");
    assert_eq!(printed(&world), 2);
    let ended = world.run_following().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 5, "{ended}");
    assert_eq!((world.statistics().created, ended.report().run.invocations), (5, 1), "{ended}");
    let report = ended.report();
    let task = |id: &str| report.tasks.iter().find(|task| task.id.as_str() == id).unwrap();
    let merged = task("library/my-org/lib@main").pull_request.as_ref().unwrap().merged_at.unwrap();
    for user in ["users/my-org/web@main", "users/my-org/api@main"] {
        assert!(task(user).started_at.unwrap() >= merged, "{ended}");
    }
    assert_eq!(printed(&world), 0);
}

#[test]
fn what_is_closed_while_the_run_is_at_work_ends_those_that_wait_for_it() {
    let world = busy_world("close");
    let ended = world.run_following().exits(0);
    let (outcome, reason) = ended.outcome("users/my-org/web@main");
    assert_eq!(outcome, Outcome::Skipped, "{ended}");
    assert!(reason.starts_with("needs `library/my-org/lib@main` merged: "), "{reason}");
    assert!(reason.contains("closed unmerged by alice"), "{reason}");
    assert_eq!(ended.outcome("docs/my-org/docs@main").0, Outcome::Skipped, "{ended}");
    assert_eq!((world.statistics().created, printed(&world)), (2, 0));
}

#[test]
fn what_is_needed_merged_cannot_be_known_without_a_token() {
    let world = world(&deed("merge"));
    let blind = world.run().exits(6);
    assert!(blind.stderr.contains("`needs` with `until: merged`"), "{blind}");
    world.run().arg("-n").exits(6);
    world.created(0);
}

#[test]
fn one_that_was_closed_is_a_need_that_has_failed() {
    let world = world(&deed("close"));
    world.run_following().exits(5);
    world.until(|world| world.pull_states() == ["CLOSED"]);
    assert_eq!(printed(&world), 0);
    let ended = world.run_following().exits(0);
    let (outcome, reason) = ended.outcome("users/my-org/web@main");
    assert_eq!(outcome, Outcome::Skipped, "{ended}");
    assert!(reason.contains("closed unmerged by alice"), "{reason}");
    assert_eq!(ended.outcome("docs/my-org/docs@main").0, Outcome::Skipped, "{ended}");
    assert_eq!(world.statistics().created, 1);
}

#[test]
fn where_nothing_had_to_change_there_is_nothing_to_merge() {
    let world = world("outcome: no-change");
    let ended = world.run_following().exits(0);
    assert_eq!((world.statistics().created, ended.count(Outcome::NoChange)), (4, 1), "{ended}");
}

#[test]
fn what_is_waited_for_is_written_well_or_refused() {
    let world = World::new("{}");
    for (needs, told) in [
        ("[{ job: nobody, until: merged }]", "needs `nobody`, which is not in the manifest"),
        ("[{ job: a, until: green }]", "green"),
        ("[{ until: merged }]", "job"),
    ] {
        let jobs = [job("a", "x", &[]), job("b", "y", &[&format!("needs: {needs}")])];
        world.write("jobs.yaml", &Manifest::of(jobs).to_string());
        let refused = world.command("plan").exits(3);
        assert!(refused.stderr.contains(told), "{needs}: {refused}");
    }
}
