//! The runner as a Rust program calls it.

use std::process::Command;

use crate::support::{KEY, World, tasks};

const QUICK: &str = "defaults: { duration: 50ms..100ms, outcome: pull-request }";

#[test]
fn the_example_runs_a_manifest_to_its_end() {
    let world = World::with(QUICK, &tasks(3));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--locked", "--offline", "--example", "manifest", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).current_dir(world.folder());
    cargo.env("JULES_API_KEY", KEY).env("JULES_BASE_URL", world.service().url());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.matches("succeeded\twork").count(), 3, "{said}");
    world.created(3);
    assert!(world.read("jules-report/junit.xml").contains("tests=\"3\""));
}
