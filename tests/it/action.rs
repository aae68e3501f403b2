//! The action's entry point, as a step of a GitHub workflow runs it.

use crate::support::{Manifest, Runner, World, job};

fn step<'w>(world: &'w World, run: &str, attempt: &str) -> Runner<'w> {
    let runner = world.command("action").env("JULES_BASE_URL", world.service().url());
    runner.env("GITHUB_RUN_ID", run).env("GITHUB_RUN_ATTEMPT", attempt).env("GITHUB_ACTIONS", "true")
}

/// Of six tasks the second fails once.
fn world() -> World {
    let scenario = "{ rules: [{ when: { prompt: 'Do 2', nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let ids = ["a", "b", "c", "d", "e", "f"];
    let jobs = ids.iter().zip(1..).map(|(id, n)| job(id, &format!("Do {n}."), &[]));
    World::with(scenario, &Manifest::of(jobs).set("repeat", "always"))
}

#[test]
fn another_attempt_at_a_workflow_runs_only_what_failed() {
    let world = world();
    step(&world, "70", "1").exits(100);
    world.created(6);
    step(&world, "70", "2").exits(0);
    world.created(7);
    let ended = step(&world, "70", "3").exits(0);
    assert!(ended.stderr.contains("nothing to do: 6 done"), "{ended}");
    world.created(7);
    step(&world, "71", "1").exits(0);
    world.created(13);
}

#[test]
fn another_attempt_at_a_workflow_begins_what_the_first_did_not_come_to() {
    let world = world();
    // Two steps of a job, the second of which was not reached at first.
    step(&world, "70", "1").env("JULES_BATCH_SELECT", "job(a)").exits(0);
    step(&world, "70", "2").env("JULES_BATCH_SELECT", "job(a)").exits(0);
    world.created(1);
    step(&world, "70", "2").env("JULES_BATCH_SELECT", "job(c)").exits(0);
    world.created(2);
}

#[test]
fn another_attempt_without_the_ledger_of_the_first_is_a_run_like_any_other() {
    let world = world();
    step(&world, "70", "1").exits(100);
    // What was saved is of the night before; the first attempt of this night has left nothing.
    step(&world, "71", "2").exits(0);
    world.created(12);
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning() {
    let world = world();
    let ended = step(&world, "70", "1")
        .env("GITHUB_STEP_SUMMARY", world.path("gone/summary"))
        .env("JULES_BATCH_FAIL_ON", "none")
        .exits(0);
    assert!(ended.stderr.contains("the step's summary is left out"), "{ended}");
}

#[test]
fn a_wrong_manifest_is_annotated_at_its_line() {
    let world = World::new("");
    world.write("ci/jobs.yaml", "jobs:\n  - id: a\n    promt: Do it.\n");
    let ended = step(&world, "70", "1")
        .env("JULES_BATCH_MANIFEST", "ci/jobs.yaml")
        .env("GITHUB_WORKSPACE", world.folder())
        .exits(3);
    let line = ended.stdout.lines().find(|line| line.starts_with("::error")).unwrap_or_default();
    assert!(
        line.starts_with("::error file=ci/jobs.yaml,line=3,title=jules-batch::unknown key `promt`"),
        "{ended}"
    );
}

#[test]
fn a_wrong_manifest_is_annotated_outside_the_action_as_well() {
    let world = World::new("");
    let file = "ci/50%, all.yaml";
    let jobs: String = (0..12).map(|n| format!("  - id: job-{n}\n    promt: Do it.\n")).collect();
    world.write(file, &format!("jobs:\n{jobs}"));
    for command in ["plan", "run"] {
        let annotated = |github: &str| {
            let mut runner = world.command(command).arg(file).env("GITHUB_WORKSPACE", world.folder());
            if command == "run" {
                runner = runner.arg("--simulate");
            }
            runner.env("GITHUB_ACTIONS", github).exits(3)
        };
        let ended = annotated("true");
        let lines: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("::error ")).collect();
        assert_eq!(lines.len(), 10, "nine and how many more: {ended}");
        let place = "::error file=ci/50%25%2C all.yaml,line=3,title=jules-batch::unknown key `promt`";
        assert!(lines[0].starts_with(place) && lines[0].contains("%0A%0Adid you mean `prompt`"), "{ended}");
        assert!(lines[9].starts_with("::error title=jules-batch::and 3 more errors"), "{ended}");
        assert!(!ended.stdout.contains("::error"), "stdout is the result's: {ended}");
        let ended = annotated("false");
        assert!(!ended.stderr.contains("::error"), "{ended}");
    }
}
