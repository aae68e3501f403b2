//! `--simulate` and `simulate`: the service, played on this machine.

use std::path::Path;

use jules_simulator::Scenario;

use crate::support::{Manifest, Signal, World, job};

/// A world whose own service must not be asked.
fn world() -> World {
    World::new("")
}

#[test]
fn the_example_manifest_runs_without_key_and_network() {
    let world = world();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs.example.yaml");
    // The built-in scenario, ten times as fast.
    let scenario =
        include_str!("../../crates/jules-simulator/src/demo.yaml").replace("speed: 60", "speed: 600");
    world.write("demo.yaml", &scenario);
    let run = world.command("run").without_env("JULES_API_KEY").arg(example);
    let ended = run.arg("--simulate=demo.yaml").exits(0);
    let report = ended.report();
    assert!(report.run.simulated && report.totals.total > 5 && report.remaining == 0, "{ended}");
    assert!(report.totals.succeeded > 0);
    assert!(ended.stderr.contains("SIMULATED"), "{ended}");
    assert_eq!(ended.junit().tests as u64, report.totals.total);
    assert!(!world.path(".jules-batch").exists(), "a simulated run leaves no ledger behind");
    assert!(world.statistics().requests.is_empty());
}

#[test]
fn without_a_name_the_built_in_scenario_is_played() {
    let world = world();
    // The built-in sessions take minutes of the service's time.
    let manifest = Manifest::of([job("task", "Do it.", &["source: my-org/web@main"])]);
    world.write("jobs.yaml", &manifest.set("timeouts", "{ task: 2h }").to_string());
    let ended = world.command("run").without_env("JULES_API_KEY").arg("--simulate").exits(0);
    assert!(ended.task("task").pull_request.is_some());
}

#[test]
fn a_scenario_of_ones_own_is_played() {
    let world = world();
    world.write(
        "broken.yaml",
        "speed: 60\ndefaults: { duration: 3s, outcome: failure, failure-reason: As told. }\n",
    );
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    let ended = world.command("run").arg("--simulate=broken.yaml").exits(100);
    assert_eq!(ended.outcome("task").1, "As told.");
    let ended = world.command("run").arg("--simulate=missing.yaml").exits(2);
    assert!(ended.stderr.contains("missing.yaml"), "{ended}");
    world.write("wrong.yaml", "sped: 60\n");
    let ended = world.command("run").arg("--simulate=wrong.yaml").exits(3);
    assert!(ended.stderr.contains("sped"), "{ended}");
}

#[test]
fn the_simulator_serves_other_programs_and_tells_what_it_saw() {
    let world = world();
    world.write("quick.yaml", "defaults: { duration: 40ms, outcome: change }\n");
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    let mut simulator = world.command("simulate").args("--scenario quick.yaml").start();
    let url = simulator.first_line();
    world.command("run").arg("--base-url").arg(&url).exits(0);
    simulator.signal(Signal::Interrupt);
    let ended = simulator.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    let statistics = ended.stdout.split_once('\n').unwrap().1;
    let statistics: serde_json::Value = serde_json::from_str(statistics).unwrap();
    assert_eq!((&statistics["created"], &statistics["requests"]["sessions.create"]), (&1.into(), &1.into()));
}

#[test]
fn every_scenario_of_the_fixtures_can_be_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenarios");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        Scenario::read(file.unwrap().path()).unwrap();
        count += 1;
    }
    assert!(count > 0);
}
