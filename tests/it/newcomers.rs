//! What newcomers write: the habits of other tools, the traps of YAML, wrong nesting, wrong values; and what they are told.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::support::World;

/// The manifests of one kind, by their names.
fn manifests(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manifests/newcomers").join(kind);
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Files that their manifests name.
const FILES: [(&str, &str); 5] = [
    ("other-header.csv", "repo,branch\nmy-org/web,main\n"),
    ("repos.csv", "github,branch,team\nmy-org/web,main,front\nmy-org/api,,back\n"),
    ("no-header.csv", "my-org/web,main\nmy-org/api,main\n"),
    ("wrong.txt", "# ours\nmy-org/web\nmy-org api\n\nhttps://example.org/x\n"),
    ("empty.txt", "# none yet\n"),
];

/// Each manifest, and what `plan` says of it.
fn told(kind: &str) -> String {
    let world = World::new("");
    FILES.iter().for_each(|(name, content)| world.write(name, content));
    let mut text = String::new();
    for file in manifests(kind) {
        let manifest = std::fs::read_to_string(&file).unwrap();
        world.write("jobs.yaml", &manifest);
        let ended = world.command("plan").without_env("JULES_API_KEY").start().wait();
        let name = file.file_stem().unwrap().to_string_lossy().replace('-', " ");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        writeln!(
            text,
            "=== {name}\n{}\n--- {}\n{}\n",
            manifest.trim_end(),
            ended.code.unwrap(),
            said.trim_end()
        )
        .unwrap();
        let wrong = ended.stderr.split("\n\n").filter(|one| one.starts_with("error: "));
        wrong.for_each(|one| assert!(one.contains("= help: "), "{name} has no way out: {one}"));
    }
    text
}

#[test]
fn there_are_enough_of_them() {
    let kinds = ["github-actions", "gitlab-compose-ansible", "yaml", "nesting", "values"];
    let kinds = kinds.iter().chain(&["prompts", "expressions", "lists", "other-tools"]);
    let count: usize = kinds.map(|kind| manifests(kind).len()).sum();
    assert!(count >= 140, "{count}");
}

#[test]
fn habits_of_github_actions() {
    insta::assert_snapshot!(told("github-actions"));
}

#[test]
fn habits_of_gitlab_compose_and_ansible() {
    insta::assert_snapshot!(told("gitlab-compose-ansible"));
}

#[test]
fn traps_of_yaml() {
    insta::assert_snapshot!(told("yaml"));
}

#[test]
fn wrong_nesting() {
    insta::assert_snapshot!(told("nesting"));
}

#[test]
fn wrong_values() {
    insta::assert_snapshot!(told("values"));
}

#[test]
fn traps_of_prompts() {
    insta::assert_snapshot!(told("prompts"));
}

#[test]
fn expressions() {
    insta::assert_snapshot!(told("expressions"));
}

#[test]
fn lists_of_repositories() {
    insta::assert_snapshot!(told("lists"));
}

#[test]
fn habits_of_other_tools() {
    insta::assert_snapshot!(told("other-tools"));
}

#[test]
fn wrong_numbers_and_variables_of_the_command_line() {
    let world = World::new("");
    let mut text = String::new();
    for line in [
        "run -j 0",
        "run -j many",
        "run --max-tasks 2.5",
        "plan --sample x",
        "simulate --port 70000",
        "simulate --speed fast",
        "session list --limit x",
        "run --deadline 5",
    ] {
        let ended =
            world.command(line.split(' ').next().unwrap()).args(line.split_once(' ').unwrap().1).exits(2);
        writeln!(text, "$ jules-batch {line}\n{}", ended.stderr.lines().next().unwrap()).unwrap();
    }
    for (name, value, command) in [
        ("JULES_BATCH_MAX_PARALLEL", "many", "run"),
        ("JULES_BATCH_DEADLINE", "5", "run"),
        ("JULES_BATCH_SELECT", "jobs(x)", "plan"),
        ("JULES_BATCH_FORMAT", "xml", "plan"),
    ] {
        let ended = world.command(command).env(name, value).exits(2);
        writeln!(text, "$ {name}={value} jules-batch {command}\n{}", ended.stderr.lines().next().unwrap())
            .unwrap();
    }
    insta::assert_snapshot!(text);
}
