//! `docs/client.md` promises a test for every row.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::documentation::without_a_test;

/// The rows of the tables that begin with the SDK.
fn rows() -> Vec<String> {
    let page = std::fs::read_to_string(project("docs/client.md")).unwrap();
    let tables = page.split("\n\n").filter(|part| part.starts_with("| SDK"));
    tables.flat_map(|table| table.lines().skip(2)).map(str::to_owned).collect()
}

/// The names in the last column of the tables; a row without any is one with an empty name.
fn promised() -> Vec<String> {
    let rows = rows();
    let last = |row: &String| row.trim_end_matches(['|', ' ']).rsplit("| ").next().unwrap().trim().to_owned();
    let names =
        |cell: String| cell.split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>();
    rows.iter().map(last).flat_map(names).collect()
}

/// The methods of ours that README.md sets beside the SDK's.
fn set_beside() -> Vec<String> {
    let page = std::fs::read_to_string(project("README.md")).unwrap();
    let section = page.split("\n## Beside the TypeScript SDK\n").nth(1).unwrap();
    let table = section.trim_start().split("\n\n").next().unwrap();
    let ours = table.lines().skip(2).map(|row| row.rsplit(" | ").next().unwrap());
    let spans = ours.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let names =
        spans.map(|span| span.split('(').next().unwrap().rsplit(['.', ':']).next().unwrap().to_owned());
    names.filter(|name| name != "await").collect()
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_row_names_a_test_that_exists() {
    let promised = promised();
    assert!(promised.len() > 30, "the tables were not found: {promised:?}");
    assert_eq!(without_a_test(promised), [""; 0], "no such tests");
}

/// The page and the tests of the SDK name the same faults.
#[test]
fn what_the_sdk_does_not_withstand_has_a_row() {
    let page = std::fs::read_to_string(project("docs/client.md")).unwrap();
    let section = page.split("\n## What it does not withstand\n").nth(1).unwrap();
    let table = section.split("\n\n").find(|part| part.starts_with("| SDK")).unwrap();
    let told: BTreeSet<_> = table.lines().skip(2).map(|row| row[2..].split(" | ").next().unwrap()).collect();
    let tests = std::fs::read_to_string(project("tests/interop/faults.test.mjs")).unwrap();
    let shown: BTreeSet<_> =
        tests.lines().filter_map(|line| line.strip_prefix("test(\"")?.split('"').next()).collect();
    assert!(shown.len() > 6, "{shown:?}");
    assert_eq!(told, shown);
}

#[test]
fn what_the_readme_sets_beside_the_sdk_has_a_row() {
    let (rows, methods) = (rows().join("\n"), set_beside());
    assert!(methods.len() > 15, "{methods:?}");
    let missing: Vec<_> = methods.iter().filter(|name| !rows.contains(&format!("{name}("))).collect();
    assert!(missing.is_empty(), "without a row and a test: {missing:?}");
}

/// Words in backticks: the names of members and options, and of what is exported.
fn named(page: &str) -> BTreeSet<&str> {
    let spans = page.split('`').skip(1).step_by(2);
    spans.flat_map(|span| span.split(|c: char| !c.is_alphanumeric() && c != '_')).collect()
}

#[test]
fn everything_that_the_sdk_offers_is_told_of() {
    let page = std::fs::read_to_string(project("docs/client.md")).unwrap();
    let surface = std::fs::read_to_string(project("tests/interop/surface.txt")).unwrap();
    let (named, offered) = (named(&page), surface.lines().collect::<Vec<_>>());
    assert!(offered.len() > 200, "{offered:?}");
    let is_missing = |name: &&&str| !named.contains(name.rsplit('.').next().unwrap());
    let missing: Vec<_> = offered.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "not in docs/client.md: {missing:?}");
}
