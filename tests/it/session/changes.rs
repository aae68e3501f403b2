//! `session diff` and `session files`.

use std::process::Command;

use super::{QUICK, finished, session};
use crate::support::{KEY, World};

const PATCH: &str = "diff --git a/a.txt b/a.txt\\n--- a/a.txt\\n+++ b/a.txt\\n@@ -1 +1,2 @@\\n-one\\n+two\\n+three\\n\
                     diff --git a/docs/new.md b/docs/new.md\\nnew file mode 100644\\n--- /dev/null\\n+++ b/docs/new.md\\n@@ -0,0 +1 @@\\n+hello\\n";

fn patched() -> World {
    patched_with(PATCH)
}

fn patched_with(patch: &str) -> World {
    World::new(&format!("{{ defaults: {{ duration: 50ms, outcome: change, patch: \"{patch}\" }} }}"))
}

/// Runs git in the world's folder.
#[track_caller]
fn git(world: &World, line: &str) {
    let mut command = Command::new("git");
    command.current_dir(world.folder()).args(line.split(' ')).env("HOME", world.folder());
    for (name, value) in [("NAME", "T"), ("EMAIL", "t@example.org")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes the world's folder a clean work tree with `a.txt`.
fn work_tree(world: &World) {
    world.write("a.txt", "one\n");
    git(world, "init -q");
    git(world, "add a.txt");
    git(world, "commit -q -m first");
}

#[test]
fn a_diff_goes_out_as_it_is_or_summed_up() {
    let world = patched();
    let id = finished(&world, "Think");
    let ended = session(&world, &format!("diff {id}")).exits(0);
    assert_eq!(ended.stdout, PATCH.replace("\\n", "\n"));
    let ended = session(&world, &format!("diff {id} --stat")).exits(0);
    assert_eq!(ended.stdout, "2 files  +3 −1\n  M a.txt  +2 −1\n  A docs/new.md  +1 −0\n");
    session(&world, &format!("diff {id} --output x.patch")).exits(0);
    assert_eq!(world.read("x.patch"), PATCH.replace("\\n", "\n"));
    session(&world, &format!("diff {id} --output x.patch")).exits(110);
    session(&world, &format!("diff {id} --output x.patch --force")).exits(0);
}

#[test]
fn in_ci_a_patch_that_a_log_would_obey_goes_to_a_file_only() {
    let world = patched_with("--- a/x\\n+++ b/x\\n@@ -1 +1 @@\\n-a\\n+##[error]b\\n");
    let id = finished(&world, "Think");
    let ended = session(&world, &format!("diff {id}")).env("CI", "true").exits(1);
    assert!(ended.stdout.is_empty() && ended.stderr.contains("--output"), "{ended}");
    assert!(session(&world, &format!("diff {id}")).exits(0).stdout.contains("##[error]"));
    session(&world, &format!("diff {id} --output x.patch")).env("CI", "true").exits(0);
}

#[test]
fn a_diff_is_applied_to_a_clean_work_tree() {
    let world = patched();
    let id = finished(&world, "Think");
    work_tree(&world);
    let ended = session(&world, &format!("diff {id} --apply")).exits(0);
    assert!(ended.stdout.starts_with("2 files"), "{ended}");
    assert_eq!(
        (world.read("a.txt").as_str(), world.read("docs/new.md").as_str()),
        ("two\nthree\n", "hello\n")
    );
}

#[test]
fn a_dirty_work_tree_is_left_alone_unless_forced() {
    let world = patched();
    let id = finished(&world, "Think");
    work_tree(&world);
    world.write("mine.txt", "not committed");
    let ended = session(&world, &format!("diff {id} --apply")).exits(1);
    assert!(ended.stderr.contains("mine.txt") && ended.stderr.contains("--force"), "{ended}");
    assert_eq!(world.read("a.txt"), "one\n");
    session(&world, &format!("diff {id} --apply --force")).exits(0);
    assert_eq!(world.read("a.txt"), "two\nthree\n");
}

#[test]
fn what_does_not_fit_is_not_applied_in_part() {
    let world = patched();
    let id = finished(&world, "Think");
    session(&world, &format!("diff {id} --apply")).exits(2);
    work_tree(&world);
    world.write("a.txt", "something else\n");
    git(&world, "commit -q -a -m second");
    let ended = session(&world, &format!("diff {id} --apply")).exits(1);
    assert!(ended.stderr.contains("git apply failed"), "{ended}");
    assert!(!world.path("docs/new.md").exists());
}

#[test]
fn a_hostile_patch_stays_in_the_work_tree() {
    for name in ["../outside.txt", ".git/hooks/post-checkout"] {
        let patch = format!(
            "diff --git a/{name} b/{name}\\nnew file mode 100755\\n--- /dev/null\\n+++ b/{name}\\n@@ -0,0 +1 @@\\n+evil\\n"
        );
        let world = patched_with(&patch);
        let id = finished(&world, "Think");
        let inner = world.path("inner");
        std::fs::create_dir(&inner).unwrap();
        let status = Command::new("git").current_dir(&inner).args(["init", "-q"]).status().unwrap();
        assert!(status.success());
        session(&world, &format!("diff {id} --apply --force --directory inner")).exits(1);
        assert!(!inner.join(name).exists(), "{name}");
    }
}

#[test]
fn files_are_written_into_their_folder() {
    let world = patched();
    let id = finished(&world, "Think");
    let ended = session(&world, &format!("files {id} --list")).exits(0);
    assert_eq!(ended.stdout, "6\tdocs/new.md\n");
    let ended = session(&world, &format!("files {id} --format json")).exits(0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&ended.stdout).unwrap()["docs/new.md"], "hello\n");
    let ended = session(&world, &format!("files {id} --into out")).exits(0);
    assert_eq!(ended.stdout, "out/docs/new.md\n");
    assert_eq!(world.read("out/docs/new.md"), "hello\n");
    let ended = session(&world, &format!("files {id} --into out")).exits(110);
    assert!(ended.stderr.contains("--force"), "{ended}");
    session(&world, &format!("files {id} --into out --force")).exits(0);
}

#[test]
fn what_is_no_text_file_is_left_out_with_a_warning() {
    let patch = concat!(
        "diff --git c/run.sh w/run.sh\\nnew file mode 100755\\n--- /dev/null\\n+++ w/run.sh\\n@@ -0,0 +1 @@\\n+echo\\n",
        "diff --git c/p.png w/p.png\\nnew file mode 100644\\nBinary files /dev/null and w/p.png differ\\n",
        "diff --git c/ln w/ln\\nnew file mode 120000\\n--- /dev/null\\n+++ w/ln\\n@@ -0,0 +1 @@\\n+run.sh\\n",
        "Submodule lib 1a2b3c4...5d6e7f8 (commits not present)\\n",
    );
    let world = patched_with(patch);
    let id = finished(&world, "Think");
    let ended = session(&world, &format!("files {id} --into out")).exits(0);
    assert_eq!(ended.stdout, "out/run.sh\n");
    assert!(ended.stderr.contains("`p.png` (binary), `ln` (a symbolic link)"), "{ended}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(world.path("out/run.sh")).unwrap().permissions().mode();
        assert_ne!(mode & 0o100, 0, "{mode:o}");
    }
    let ended = session(&world, &format!("diff {id} --stat")).exits(0);
    assert!(ended.stdout.contains("M lib") && ended.stdout.contains("A p.png"), "{ended}");
}

#[test]
fn a_change_that_could_not_be_read_is_told() {
    let world = patched_with("*** Begin Patch\\n*** Update File: x\\n");
    let id = finished(&world, "Think");
    for command in ["diff {id} --stat", "result {id}"] {
        let ended = session(&world, &command.replace("{id}", &id)).exits(0);
        assert!(ended.stdout.contains("could not be read"), "{command}: {ended}");
    }
}

#[test]
fn a_key_within_a_patch_is_not_replaced_without_a_word() {
    let world = patched_with(&format!("--- a/x\\n+++ b/x\\n@@ -1 +1 @@\\n-a\\n+{KEY}\\n"));
    let id = finished(&world, "Think");
    for command in ["diff", "diff --output x.patch", "files --into out --list"] {
        let (name, flags) = command.split_once(' ').unwrap_or((command, ""));
        let ended = session(&world, format!("{name} {id} {flags}").trim()).exits(0);
        assert!(ended.stderr.contains("warning: the session repeats your API key"), "{command}: {ended}");
        assert!(!ended.stdout.contains(KEY), "{command}: {ended}");
    }
    assert!(world.read("x.patch").contains("+***\n"));
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    for name in ["../outside.txt", "/tmp/jules-batch-outside.txt", "a/../../outside.txt", ".git/config"] {
        let world = patched_with(&format!("--- /dev/null\\n+++ {name}\\n@@ -0,0 +1 @@\\n+evil\\n"));
        let id = finished(&world, "Think");
        let ended = session(&world, &format!("files {id} --into out --force")).exits(110);
        assert!(ended.stderr.contains("nothing was written"), "{name}: {ended}");
        assert!(!world.path("out").exists() && !world.path("outside.txt").exists(), "{name}");
    }
}

#[test]
fn the_work_counts_when_it_stands_in_the_activities_only() {
    let world = World::new("{ defaults: { duration: 50ms, outcome: change, outputs-after: never } }");
    let id = finished(&world, "Think");
    assert!(session(&world, &format!("diff {id} --stat")).exits(0).stdout.contains("file"));
}

#[test]
fn nothing_changed_is_said() {
    let world = World::new(&QUICK.replace("outcome: change", "outcome: no-change"));
    let id = finished(&world, "Think");
    for line in ["diff", "diff --stat", "files"] {
        let ended = session(&world, &format!("{line} {id}")).exits(1);
        assert!(ended.stderr.contains("changed nothing"), "{ended}");
    }
}
