//! The manifests under `tests/fixtures/manifests`: each bad one is bad for one reason, shown in the snapshot beside it.

use std::path::{Path, PathBuf};

use crate::manifest::{LoadOptions, load};
use crate::plan::expand;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manifests").join(name)
}

fn manifests(name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no manifests in {name}");
    paths
}

fn check(path: &Path) -> Result<usize, String> {
    let options = LoadOptions { vars: Vec::new(), env: |name| (name == "CI").then(|| "true".to_owned()) };
    let manifest = load(path, &options).map_err(|error| error.render(false))?;
    expand(&manifest, None).map(|plan| plan.tasks.len()).map_err(|error| error.render(false))
}

#[test]
fn bad_manifests_say_what_is_wrong_and_where() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("bad"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let here = folder("bad").display().to_string();
    let within = format!("{here}/");
    settings.bind(|| {
        for path in manifests("bad") {
            let name = path.file_stem().unwrap().to_str().unwrap();
            match check(&path) {
                Ok(tasks) => panic!("{name} is accepted with {tasks} tasks"),
                Err(error) => {
                    insta::assert_snapshot!(name, error.replace(&within, "").replace(&here, "FOLDER"));
                }
            }
        }
    });
}

#[test]
fn every_snapshot_belongs_to_a_manifest() {
    for entry in std::fs::read_dir(folder("bad")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "snap") {
            assert!(path.with_extension("yaml").exists(), "{} is left over", path.display());
        }
    }
}

#[test]
fn good_manifests_are_accepted() {
    for path in manifests("good") {
        let tasks = check(&path).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()));
        assert!(tasks > 0, "{} has no task", path.display());
    }
}

#[test]
fn the_example_is_a_plan_of_thirteen_tasks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs.example.yaml");
    let manifest = load(&path, &LoadOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let plan = expand(&manifest, None).unwrap_or_else(|error| panic!("{error}"));
    let ids: Vec<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
    insta::assert_snapshot!(ids.join("\n"), @r"
    upgrade/my-org/backend@develop[crate=serde,level=major]
    upgrade/my-org/backend@develop[crate=tokio]
    upgrade/my-org/backend@develop[crate=rand]
    upgrade/my-org/web@main[crate=serde,level=major]
    upgrade/my-org/web@main[crate=rand]
    lint/my-org/backend@develop
    lint/my-org/web@main
    lint/my-org/cli@main
    docs/my-org/backend@develop
    docs/my-org/web@main
    backport/my-org/web@release/1.9[release=1.9]
    backport/my-org/web@release/1.10[release=1.10]
    ideas
    ");
    assert!(plan.unresolved.is_empty());
    let needs = |id: &str| plan.tasks.iter().find(|task| task.id.as_str() == id).unwrap().needs.len();
    assert_eq!(needs("docs/my-org/web@main"), 3);
}
