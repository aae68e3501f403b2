//! The action's input `pulls`: what a job does about pull requests, after its run or without one.

use std::collections::HashMap;

use super::{check, made, rule, sound, state_in, with_github};
use crate::support::{Ended, Runner, Signal, World, tasks};

/// A step of the action.
fn step(world: &World) -> Runner<'_> {
    let step = with_github(world.command("action"), world).without_env("GH_TOKEN");
    step.env("JULES_BATCH_GITHUB_TOKEN", "ghp_of-the-tests")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", world.path("output"))
        .env("GITHUB_STEP_SUMMARY", world.path("summary"))
}

/// A step that does this about pull requests and runs nothing.
fn only<'w>(world: &'w World, pulls: &str) -> Runner<'w> {
    step(world).env("JULES_BATCH_PULLS", pulls).env("JULES_BATCH_PULLS_ONLY", "true")
}

/// What the last step has put out.
fn outputs(world: &World) -> HashMap<String, String> {
    let text = world.read("output");
    let mut lines = text.lines();
    let mut found = HashMap::new();
    while let Some(line) = lines.next() {
        let (name, end) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    std::fs::remove_file(world.path("output")).unwrap();
    found
}

fn summary(world: &World) -> String {
    let text = world.read("summary");
    std::fs::remove_file(world.path("summary")).unwrap();
    text
}

/// Green in `one` and `two`, red in `red`.
fn world() -> World {
    let (green, red) = (check("build", "success"), check("build", "failure"));
    let checks = |name: &str| rule(name, &format!("checks: [{}]", if name == "red" { &red } else { &green }));
    let rules = ["one", "two", "red"].map(checks).concat();
    let breaks = "- { when: { prompt: Break }, then: { outcome: failure } }";
    made(&["one", "two", "red"], &format!("rules:\n{rules}{breaks}\n"))
}

const MERGE: &str = "merge --select 'stage(ready)' --settle 100ms --yes";

#[test]
fn an_hourly_job_merges_what_is_ready_and_says_how_the_rest_stands() {
    let world = world();
    let ended = only(&world, MERGE).exits(0);
    let states = ["one", "two", "red"].map(|repository| state_in(&world, repository));
    assert_eq!(states, ["MERGED", "MERGED", "OPEN"], "{ended}");
    sound(&world);
    let given = outputs(&world);
    let counts =
        ["open", "ready", "merged", "closed"].map(|word| given[&format!("pull-requests-{word}")].clone());
    assert_eq!(counts, ["1", "0", "2", "0"]);
    let all: serde_json::Value = serde_json::from_str(&given["pull-request-counts"]).unwrap();
    assert_eq!(
        all,
        serde_json::json!({ "open": 1, "merged": 2, "closed": 0, "unread": 0, "stages": { "checks_failed": 1 } })
    );
    assert_eq!((given["outcome"].as_str(), given["exit-code"].as_str()), ("success", "0"));
    assert_eq!((given["run-id"].as_str(), given["total"].as_str()), ("", "0"));
    let told = summary(&world);
    assert!(told.starts_with("### pulls merge: 2 merged"), "{told}");
    assert_eq!(told.matches("- merged [my-org/").count(), 2, "{told}");
    assert!(told.contains("#### Waiting for you: 1") && told.contains("| checks failed"), "{told}");
    assert_eq!(world.statistics().created, 3, "nothing was run");

    only(&world, MERGE).exits(0);
    assert!(summary(&world).starts_with("### pulls merge: nothing to do"));
}

#[test]
fn a_run_is_followed_by_what_is_to_be_done() {
    let world = world();
    let ended = step(&world).env("JULES_BATCH_PULLS", format!("{MERGE}\n\n  list --format tsv\n")).exits(0);
    assert!(ended.stdout.contains("\tchecks_failed\t"), "{ended}");
    let given = outputs(&world);
    assert_eq!((given["total"].as_str(), given["pull-requests-merged"].as_str()), ("3", "2"));
    assert_ne!(given["run-id"], "");
    let told = summary(&world);
    assert!(told.contains("Merged or closed: 2"), "the run's part is of the time after the merges: {told}");
    assert!(told.contains("### pulls merge: 2 merged"), "{told}");
}

#[test]
fn failed_tasks_keep_nothing_from_being_merged() {
    let world = world();
    let broken = format!("{}  - {{ id: breaks, prompt: Break. }}\n", world.read("jobs.yaml"));
    world.write("jobs.yaml", &broken);
    step(&world).env("JULES_BATCH_PULLS", MERGE).exits(100);
    assert_eq!(outputs(&world)["outcome"], "failure");
    assert_eq!(state_in(&world, "one"), "MERGED");
}

#[test]
fn what_is_not_ready_yet_is_work_left() {
    let pending = "checks: [{ name: build, appears: 0s, queued: 0s, ends: never }]";
    let world = made(&["one"], &format!("rules:\n{}", rule("one", pending)));
    only(&world, "merge --settle 100ms --yes").exits(0);
    let given = outputs(&world);
    assert_eq!((given["outcome"].as_str(), given["exit-code"].as_str()), ("partial", "5"));
    only(&world, "merge --settle 100ms --yes").env("JULES_BATCH_FAIL_ON", "incomplete").exits(5);
}

#[test]
fn a_dry_run_says_what_it_would_do() {
    let world = world();
    let ended = only(&world, MERGE).env("JULES_BATCH_DRY_RUN", "true").exits(0);
    assert!(ended.stderr.contains("merge 2"), "{ended}");
    assert!(summary(&world).starts_with("### pulls merge: would merge 2"));
    assert_eq!(world.statistics().github.writes, []);
}

#[test]
fn mistakes_are_told_before_anything_is_run() {
    let world = World::with("", &tasks(1));
    let told = |ended: &Ended<'_>, words: &str| assert!(ended.stderr.contains(words), "{words}: {ended}");
    let with = |pulls: &str| step(&world).env("JULES_BATCH_PULLS", pulls);
    told(&with("merge --select 'stage(ready)").exits(2), "a quote has no end");
    told(&with("merge --select 'stage(green)' --yes").exits(2), "green");
    told(&with("mrege --yes").exits(2), "mrege");
    told(&only(&world, " \n").exits(2), "`pulls` says nothing");
    let without = with(MERGE).without_env("JULES_BATCH_GITHUB_TOKEN").exits(6);
    told(&without, "give the action one as `github-token`");
    assert!(without.stdout.contains("::error title=jules-batch::"), "{without}");
    assert_eq!(outputs(&world)["pull-requests-open"], "0");
    world.created(0);
}

#[test]
fn before_the_first_run_there_is_nothing_to_do() {
    let world = World::with("", &tasks(1));
    let ended = only(&world, MERGE).exits(0);
    assert!(ended.stderr.contains("no pull request is known"), "{ended}");
    assert_eq!(outputs(&world)["outcome"], "success");
}

#[test]
fn a_cancelled_job_still_says_how_things_stand() {
    let world = world();
    // It waits for the second reading when it is cancelled.
    let mut running = only(&world, "merge --settle 50m --yes").start();
    running.until_said("waiting");
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    let given = outputs(&world);
    assert_eq!((given["outcome"].as_str(), given["pull-requests-open"].as_str()), ("cancelled", "3"));
    assert_eq!(world.statistics().github.writes, []);
}
