//! What `cargo package` puts into each crate: what its users need, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::rust::parsed;

/// The crates, each by its folder, with what stands beside its sources and its README.
const CRATES: [(&str, &str, &[&str]); 4] = [
    ("jules-batch", "", &["CHANGELOG.md", "jobs.example.yaml", "schemas/"]),
    ("foreign-text", "crates/foreign-text", &[]),
    ("jules", "crates/jules", &["examples/"]),
    ("jules-simulator", "crates/jules-simulator", &[]),
];

/// What Cargo writes itself, and what every crate has.
const ALWAYS: [&str; 7] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
];

fn packaged(name: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--list", "--allow-dirty", "--offline", "-p", name]);
    let listed = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The places of modules that only tests have, without an ending.
fn of_tests(sources: &Path) -> Vec<String> {
    let is_for_tests = |module: &&syn::ItemMod| {
        let is = |attribute: &syn::Attribute| attribute.path().is_ident("cfg") && names_test(attribute);
        module.content.is_none() && module.attrs.iter().any(is)
    };
    let mut places = Vec::new();
    for (path, file) in parsed(sources) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let folder = match name.trim_end_matches(".rs") {
            "mod" | "lib" | "main" => PathBuf::from(folder),
            name => Path::new(folder).join(name),
        };
        let modules = file.items.iter().filter_map(|item| match item {
            syn::Item::Mod(module) => Some(module),
            _ => None,
        });
        let place =
            |module: &syn::ItemMod| folder.join(module.ident.to_string()).to_str().unwrap().to_owned();
        places.extend(modules.filter(is_for_tests).map(place));
    }
    places
}

/// Whether it is `#[cfg(test)]`.
fn names_test(attribute: &syn::Attribute) -> bool {
    attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
}

fn all_files(folder: &Path) -> BTreeSet<String> {
    let (mut open, mut files) = (vec![folder.to_owned()], BTreeSet::new());
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else {
                files.insert(entry.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    files
}

#[test]
fn a_package_holds_what_its_users_need_and_nothing_else() {
    for (name, folder, beside) in CRATES {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("src");
        let tests = of_tests(&sources);
        let is_test = |path: &str| {
            let place = |test: &String| {
                let rest = path.strip_prefix(test.as_str());
                rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            tests.iter().any(place) || path.contains("snapshots/") || path.ends_with("-snap")
        };
        let needed: BTreeSet<String> = all_files(&sources)
            .into_iter()
            .filter(|path| !is_test(path))
            .map(|path| format!("src/{path}"))
            .collect();
        let (own, other): (BTreeSet<_>, BTreeSet<_>) =
            packaged(name).into_iter().partition(|path| path.starts_with("src/"));
        let missing: Vec<_> = needed.difference(&own).collect();
        let surplus: Vec<_> = own.difference(&needed).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "{name}: lacks {missing:?}, and has {surplus:?}");
        let is_known = |path: &&String| {
            ALWAYS.contains(&path.as_str()) || beside.iter().any(|beside| path.starts_with(beside))
        };
        let unknown: Vec<_> = other.iter().filter(|path| !is_known(path)).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        assert!(ALWAYS[2..].iter().all(|path| other.contains(*path)), "{name}: {other:?}");
    }
}
