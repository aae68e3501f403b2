//! `docs/client.md` promises a test for every row.

use std::path::{Path, PathBuf};

/// The names in the last column of the tables.
fn promised() -> Vec<String> {
    let page = std::fs::read_to_string(project("docs/client.md")).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| SDK") && !line.starts_with("| ---"));
    rows.map(|row| {
        let last = row.trim_end_matches(['|', ' ']).rsplit("| ").next().unwrap();
        last.trim().trim_matches('`').to_owned()
    })
    .collect()
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// All of our Rust text.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_row_names_a_test_that_exists() {
    let mut text = String::new();
    sources(&project("src"), &mut text);
    sources(&project("tests/it"), &mut text);
    let promised = promised();
    assert!(promised.len() > 30, "the tables were not found: {promised:?}");
    let missing: Vec<_> = promised.iter().filter(|name| !text.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}
