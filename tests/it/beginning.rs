//! `init`: the first manifest.

use serde_json::Value;

use crate::support::{Terminal, World};

/// How many tasks a manifest has, by `plan`.
fn tasks(world: &World, manifest: &str) -> Vec<String> {
    let ended = world.command("plan").arg(manifest).args("--format json").exits(0);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    plan["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_first_manifest_can_be_run() {
    let world = World::new("");
    let missing = world.command("run").exits(3);
    assert!(missing.stderr.contains("write one: jules-batch init\n"), "{missing}");
    let missing = world.command("plan").arg("some/jobs.yml").exits(3);
    assert!(missing.stderr.contains("write one: jules-batch init some/jobs.yml\n"), "{missing}");
    let ended = world.command("init").exits(0);
    assert_eq!(ended.stdout, "jobs.yaml\n");
    insta::assert_snapshot!(format!("{}--- stderr\n{}", world.read("jobs.yaml"), ended.stderr));
    assert_eq!(world.read(".gitignore"), ".jules-batch/\njules-report/\n");
    assert_eq!(tasks(&world, "jobs.yaml"), ["task/my-org/my-repo"]);
    let near = world.command("run").arg("job.yaml").exits(3);
    assert!(
        near.stderr.contains("did you mean `jobs.yaml`? Else write one: jules-batch init job.yaml"),
        "{near}"
    );
}

#[test]
fn nothing_is_overwritten() {
    let world = World::new("");
    world.write("jobs.yaml", "mine\n");
    world.write(".gitignore", "/.jules-batch\ntarget");
    let ended = world.command("init").exits(2);
    assert!(ended.stderr.contains("`jobs.yaml` is there already"), "{ended}");
    assert_eq!(world.read("jobs.yaml"), "mine\n");
    world.command("init").arg("other.yaml").exits(0);
    assert_eq!(world.read(".gitignore"), "/.jules-batch\ntarget\njules-report/\n");
    let ended = world.command("init").arg("no/folder.yaml").exits(1);
    assert!(ended.stderr.contains("cannot write no/folder.yaml"), "{ended}");
}

#[test]
fn the_example_stands_in_the_program() {
    let world = World::new("");
    let ended = world.command("init").arg("--example").exits(0);
    assert_eq!(ended.stdout, "jobs.example.yaml\n");
    let example = include_str!("../../jobs.example.yaml");
    assert_eq!(world.read("jobs.example.yaml"), example.split_once('\n').unwrap().1);
    assert!(tasks(&world, "jobs.example.yaml").len() > 5);
}

#[test]
fn the_matrices_of_a_workflow_are_taken_over() {
    let world = World::new("");
    world.write(
        ".github/workflows/test.yml",
        "on: push\njobs:\n  test:\n    strategy:\n      matrix:\n        python-version: ['3.9', 3.10]\n        os: [ubuntu-latest]\n\
         \x20       node: ${{ fromJSON(inputs.nodes) }}\n        include:\n          - { os: macos-latest, python-version: 3.12 }\n    steps: []\n  lint:\n    steps: []\n",
    );
    world.command("init").args("--from-workflow .github/workflows/test.yml").exits(0);
    insta::assert_snapshot!(world.read("jobs.yaml"));
    assert_eq!(tasks(&world, "jobs.yaml").len(), 3);
    world.write(
        "some.yml",
        "jobs:\n  test:\n    strategy:\n      matrix:\n        os: [linux, mac]\n        include:\n          - { os: mac, slow: true }\n\
         \x20 told: { strategy: { matrix: '${{ fromJSON(needs.a.outputs.b) }}' } }\n",
    );
    let ended = world.command("init").args("some.yaml --from-workflow some.yml").exits(0);
    assert!(ended.stderr.contains("left out, as an expression tells the matrix: told"), "{ended}");
    assert_eq!(
        tasks(&world, "some.yaml").len(),
        2,
        "what `include` adds to some is not in the prompt of all"
    );
    world.write("none.yml", "on: push\njobs: { lint: { steps: [] } }\n");
    let ended = world.command("init").args("other.yaml --from-workflow none.yml").exits(3);
    assert!(ended.stderr.contains("no job of this workflow has a matrix"), "{ended}");
    assert!(!world.path("other.yaml").exists());
    let ended = world.command("init").args("other.yaml --from-workflow gone.yml").exits(3);
    assert!(ended.stderr.contains("the workflow `gone.yml` does not exist"), "{ended}");
}

#[test]
fn a_list_of_repositories_is_named() {
    let world = World::new("");
    world.write("lists/repos.csv", "github,branch\nmy-org/web,main\nmy-org/api,dev\n");
    world.command("init").args("--sources lists/repos.csv").exits(0);
    assert_eq!(tasks(&world, "jobs.yaml"), ["task/my-org/web@main", "task/my-org/api@dev"]);
    assert!(world.read("jobs.yaml").contains("- { file: lists/repos.csv }"));
    let ended = world.command("init").args("lists/jobs.yaml --sources jobs.yaml").exits(2);
    assert!(ended.stderr.contains("not in the manifest's folder"), "{ended}");
    let ended = world.command("init").args("other.yaml --sources gone.txt").exits(2);
    assert!(ended.stderr.contains("help: name a file that lists the repositories"), "{ended}");
    world.write("wrong.txt", "not a repository\n");
    let ended = world.command("init").args("other.yaml --sources wrong.txt").exits(3);
    assert!(ended.stderr.contains("wrong.txt:1"), "{ended}");
}

#[test]
fn on_a_terminal_three_questions_are_asked() {
    let world = World::new("");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter("jules-batch init");
    terminal.until_shown("Which repositories?");
    terminal.enter("web");
    terminal.until_shown("is not a repository");
    terminal.enter("my-org/web, my-org/api@dev");
    terminal.until_shown("What is Jules to do");
    terminal.enter("Fix issue #12: it's \"odd\"");
    terminal.until_shown("How many sessions at once?");
    terminal.enter("");
    terminal.until_shown("next, without a key:");
    assert_eq!(tasks(&world, "jobs.yaml"), ["task/my-org/web", "task/my-org/api@dev"]);
    assert!(world.read("jobs.yaml").contains("    prompt: |\n      Fix issue #12: it's \"odd\"\n"));
}
