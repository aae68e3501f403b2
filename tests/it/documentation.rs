//! README.md says what the program does: its keys, flags, commands and exit codes are the real ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::rust::files;

const README: &str = include_str!("../../README.md");

fn says(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_jules-batch"))
        .args(args)
        .env_clear()
        .env("COLUMNS", "400")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every name under `properties`, at any depth.
fn keys(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (name, inner) in map {
                if name == "properties"
                    && let Value::Object(properties) = inner
                {
                    found.extend(properties.keys().cloned());
                }
                keys(inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// The long flags in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let starts = |line: &str| line.match_indices("--").map(|(at, _)| at).collect::<Vec<_>>();
    text.lines()
        .flat_map(|line| {
            starts(line).into_iter().filter_map(|at| {
                let before = line[..at].chars().next_back();
                let name: String =
                    line[at + 2..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                let alone = before.is_none_or(|c| " `([|".contains(c)) && !name.starts_with('-');
                (alone && !name.is_empty()).then_some(name)
            })
        })
        .collect()
}

fn commands() -> Vec<String> {
    let help = says(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_reference_has_every_key_of_the_manifest() {
    let mut known = BTreeSet::new();
    keys(&serde_json::from_str(&says(&["schema", "manifest"])).unwrap(), &mut known);
    assert!(known.len() > 40, "{known:?}");
    let reference = README.split("\n## Manifest\n").nth(1).unwrap().split("\n## Templates\n").next().unwrap();
    let missing: Vec<_> = known
        .iter()
        .filter(|key| {
            let written = [format!("`{key}`"), format!(".{key}`"), format!("`{key}."), format!("{key}: ")];
            !written.iter().any(|text| reference.contains(text))
        })
        .collect();
    assert!(missing.is_empty(), "README.md does not tell of {missing:?}");
}

#[test]
fn every_flag_it_names_exists() {
    let mut known: BTreeSet<String> = commands()
        .iter()
        .filter(|command| *command != "help")
        .flat_map(|command| flags(&says(&[command, "--help"])))
        .collect();
    known.extend(flags(&says(&["session", "diff", "--help"])));
    // Flags of cargo, npm, docker, gh and CI, and the pattern `--x-y` itself.
    known.extend(
        ["release", "path", "git", "prefix", "rm", "repo", "no-default-features", "open", "x-y"]
            .map(str::to_owned),
    );
    let unknown: Vec<_> = flags(README).into_iter().filter(|flag| !known.contains(flag)).collect();
    assert!(unknown.is_empty(), "README.md names flags that are not there: {unknown:?}");
}

#[test]
fn the_command_table_has_every_command() {
    for command in commands().iter().filter(|command| !["help", "action"].contains(&command.as_str())) {
        assert!(
            README.contains(&format!("`{command}`")) || README.contains(&format!("`{command} [MANIFEST]`")),
            "{command}"
        );
    }
}

#[test]
fn the_exit_codes_are_the_ones_of_the_help() {
    let help = says(&["--help"]);
    let table = README.split("\n## Exit codes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let told: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .flat_map(|cell| cell.split(", "))
        .filter(|code| code.parse::<u8>().is_ok())
        .collect();
    let real: BTreeSet<&str> = help
        .split("Exit codes:\n")
        .nth(1)
        .unwrap()
        .lines()
        .map_while(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(told, real);
    assert_eq!(real.len(), 12);
}

#[test]
fn the_outputs_of_the_action_are_told() {
    let action = include_str!("../../action.yml");
    for output in ["outcome", "counts", "pull-requests"] {
        assert!(
            README.contains(&format!("`{output}`"))
                && action.contains(&format!("steps.run.outputs.{output} "))
        );
    }
}

/// The names among these that no function of ours has.
pub(crate) fn without_a_test(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let open = ["src", "crates", "tests/it", "tests/torture"].map(|folder| root.join(folder));
    let text: String = files(open.into()).iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    names.into_iter().filter(|name| !text.contains(&format!("fn {name}("))).collect()
}

/// The tests that the last column of the tables names.
fn named_by(page: &str) -> Vec<String> {
    let last = page.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.rsplit('|').nth(1));
    let named = last.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    named.filter(|name| name.matches('_').count() > 2).map(str::to_owned).collect()
}

#[test]
fn what_is_said_to_be_shown_is_shown_by_a_test() {
    for page in [include_str!("../../docs/security.md"), include_str!("../../docs/reliability.md")] {
        let named = named_by(page);
        assert!(named.len() > 10, "the tables were not found: {named:?}");
        assert_eq!(without_a_test(named), [""; 0], "no such tests");
    }
}
