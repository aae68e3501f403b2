//! The diff parser against git: whatever git writes, we understand as git means it.

use std::path::PathBuf;
use std::process::Command;

use jules::{Diff, FileChange};
use proptest::prelude::*;

/// A file's change, as git tells it with `--raw` and `--numstat` or as we read it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    path: String,
    old_path: Option<String>,
    change: &'static str,
    /// Nothing for binary files.
    lines: Option<(u64, u64)>,
}

/// A repository of its own.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "-q"]);
        repository
    }

    #[track_caller]
    fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.0.path()).args(["-c", "core.autocrlf=false", "-c", "core.symlinks=true"]);
        command.args(args).env("HOME", self.0.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "T").env(format!("GIT_{role}_EMAIL"), "t@example.org");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    }

    /// Compares what git says about the index with what we read in its patch.
    #[track_caller]
    fn check(&self, flags: &[&str]) {
        let diff = |flags: &[&str], more: &[&str]| self.git(&[&["diff", "--cached"], flags, more].concat());
        let parsed = Diff::parse(&diff(flags, &["--patch"]));
        let mut read: Vec<_> = parsed.files.iter().map(told).collect();
        // These ask for a patch by themselves.
        let of_patches = |flag: &&&str| flag.starts_with("-U") || **flag == "--binary";
        let flags: Vec<_> = flags.iter().filter(|flag| !of_patches(flag)).copied().collect();
        let mut meant = meant(&diff(&flags, &["--raw", "-z"]), &diff(&flags, &["--numstat", "-z"]));
        read.sort();
        meant.sort();
        assert_eq!(read, meant, "{flags:?}");
        if flags.contains(&"-R") {
            return;
        }
        for file in parsed.files.iter().filter(|file| file.change == FileChange::Added) {
            let path = self.path(&file.path);
            let is_text = path.symlink_metadata().unwrap().is_file() && !file.binary;
            let content = is_text.then(|| std::fs::read_to_string(path).unwrap());
            assert_eq!(file.content, content, "{}", file.path);
        }
    }
}

fn told(file: &jules::FileDiff) -> Told {
    Told {
        path: file.path.clone(),
        old_path: file.old_path.clone(),
        change: file.change.as_str(),
        lines: (!file.binary).then_some((file.additions, file.deletions)),
    }
}

/// Takes git's own words apart: between them stand zeros, as in names there are none.
fn meant(raw: &str, numstat: &str) -> Vec<Told> {
    let (mut raw, mut numstat) = (raw.split_terminator('\0'), numstat.split_terminator('\0'));
    let mut files = Vec::new();
    while let Some(line) = raw.next() {
        let status = line.rsplit(' ').next().unwrap();
        let first = raw.next().unwrap().to_owned();
        let mut counts = numstat.next().unwrap().splitn(3, '\t');
        let lines = counts.next().unwrap().parse().ok().zip(counts.next().unwrap().parse().ok());
        let change = match &status[..1] {
            "A" => "added",
            "D" => "deleted",
            "M" => "modified",
            "R" => "renamed",
            "C" => "copied",
            // git writes it as the end of the one and the beginning of the other.
            "T" => {
                let (added, deleted) = lines.unwrap();
                let half =
                    |change, lines| Told { path: first.clone(), old_path: None, change, lines: Some(lines) };
                files.extend([half("deleted", (0, deleted)), half("added", (added, 0))]);
                continue;
            }
            other => panic!("{other}"),
        };
        let (path, old_path) = match change {
            "renamed" | "copied" => {
                numstat.nth(1).unwrap();
                (raw.next().unwrap().to_owned(), Some(first))
            }
            _ => (first, None),
        };
        files.push(Told { path, old_path, change, lines });
    }
    files
}

const FLAGS: [&[&str]; 12] = [
    &[],
    &["-M"],
    &["-M", "-C", "--find-copies-harder"],
    &["--no-prefix"],
    &["-R"],
    &["--binary", "--full-index"],
    &["-U0"],
    &["--no-prefix", "-M", "-U7"],
    &["--src-prefix=c/", "--dst-prefix=w/"],
    &["--src-prefix=o/", "--dst-prefix=i/", "-M", "-R"],
    &["--src-prefix=1/", "--dst-prefix=2/", "-C", "--find-copies-harder"],
    &["--src-prefix=before/", "--dst-prefix=after/", "-M"],
];

const NAMES: [&str; 16] = [
    "plain.txt",
    "with blank.txt",
    "tab\there.txt",
    "tab\tand blank",
    "quote\"d.txt",
    "back\\slash\\303.txt",
    "ü/é 語.txt",
    "line\nbreak\r",
    "a/b b/c.txt",
    "b/x",
    "a/x",
    "x b/x b/x",
    " leading",
    "trailing ",
    "--- a/y",
    "\u{1b}[31m\u{7f}",
];

const LOOKS_LIKE_HEADERS: &str = "-- a/z\n++ b/z\n@@ -1 +1 @@\ndiff --git a/z b/z\n\\ No newline at end of file\n\n--- a/z\n+++ b/z\nrename to z\n";

#[test]
fn every_change_is_read_as_git_means_it() {
    let repository = Repository::new();
    for (at, name) in NAMES.iter().enumerate() {
        repository.write(name, format!("{at}\n{LOOKS_LIKE_HEADERS}one\ntwo\nthree\n"));
    }
    for name in ["gone", "gone too b/x", "mode", "turns into a link"] {
        repository.write(name, format!("{name}\n{LOOKS_LIKE_HEADERS}"));
    }
    repository.write("moved", "a long enough text\nto be\nknown again\nby git\n");
    repository.write("picture", b"\x89PNG\0\x01\x02");
    repository.write("crlf", "one\r\ntwo\r\n");
    repository.write("open end", "one\ntwo");
    repository.commit();

    for (at, name) in NAMES.iter().enumerate() {
        let content = match at % 4 {
            0 => format!("{LOOKS_LIKE_HEADERS}two\nthree\nfour\n"),
            1 => format!("{at}\n{LOOKS_LIKE_HEADERS}one\ntwo\nthree"),
            2 => String::new(),
            _ => format!("{at}\none\r\ntwo\nthree\n"),
        };
        repository.write(name, content);
        repository.write(&format!("new {name}"), format!("{LOOKS_LIKE_HEADERS}é\r\nend"));
    }
    for name in ["gone", "gone too b/x", "turns into a link"] {
        std::fs::remove_file(repository.path(name)).unwrap();
    }
    repository.git(&["mv", "moved", "moved \"here\""]);
    repository.write("copied here", format!("0\n{LOOKS_LIKE_HEADERS}one\ntwo\nthree\n"));
    repository.write("picture", b"\x89PNG\0\x03");
    repository.write("new picture", b"\0\0");
    repository.write("empty", "");
    repository.write("crlf", "one\r\nthree\r\n");
    repository.write("open end", "one\ntwo\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        symlink("plain.txt", repository.path("turns into a link")).unwrap();
        symlink("nowhere", repository.path("new link")).unwrap();
        std::fs::set_permissions(repository.path("mode"), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    repository.git(&["add", "-A"]);
    for flags in FLAGS {
        repository.check(flags);
    }
}

#[test]
fn a_conflict_is_read_as_one_file() {
    let repository = Repository::new();
    repository.write("list.md", "- one\n- two\n");
    repository.commit();
    repository.git(&["checkout", "-q", "-b", "other"]);
    repository.write("list.md", "- one\n- other\n");
    repository.commit();
    repository.git(&["checkout", "-q", "-"]);
    repository.write("list.md", "- one\n- ours\n");
    repository.commit();
    // It ends with a conflict, as it should.
    let mut merge = Command::new("git");
    merge.current_dir(repository.0.path()).args(["-c", "user.name=T", "-c", "user.email=t@example.org"]);
    assert!(!merge.args(["merge", "-q", "other"]).output().unwrap().status.success());
    repository.write("list.md", "- one\n- ours and other\n");
    let patch = repository.git(&["diff"]);
    assert!(patch.contains("@@@"), "{patch}");
    let files = Diff::parse(&patch).files;
    assert_eq!(files.len(), 1, "{patch}{files:#?}");
    assert_eq!(
        (files[0].path.as_str(), files[0].additions, files[0].deletions),
        ("list.md", 1, 2),
        "{patch}"
    );
}

/// Pieces of which odd names and odd lines are made.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["a", "b", " ", "/", "é", "\"", "\\", "\t", "+", "-", "x"][..])
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 1..9).prop_map(|pieces| {
        let name = pieces.concat();
        let parts = name.split('/').filter(|part| !part.is_empty());
        // A suffix, so that no file is where another one needs a folder.
        let path: Vec<_> = parts.map(|part| format!("{part}'")).collect();
        if path.is_empty() { "b'/x.".to_owned() } else { format!("{}.", path.join("/")) }
    })
}

fn content() -> impl Strategy<Value = String> {
    let line =
        prop::sample::select(&["", "-", "+", "-- a/x", "++ b/x", " ", "@@ -1 +1 @@", "x", "\\ y", "é\r"][..]);
    prop::collection::vec(line, 0..8).prop_flat_map(|lines| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        prop_oneof![Just(text.trim_end_matches('\n').to_owned()), Just(text)]
    })
}

proptest! {
    // Each case starts git some twenty times.
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn odd_names_and_lines_are_read_as_git_means_them(
        before in prop::collection::btree_map(name(), content(), 0..8),
        after in prop::collection::btree_map(name(), content(), 0..8),
        kept in prop::collection::vec(content(), 0..8),
    ) {
        let repository = Repository::new();
        before.iter().for_each(|(name, content)| repository.write(name, content));
        repository.commit();
        // Some keep their name and change, the rest goes; and some are new.
        for (at, name) in before.keys().enumerate() {
            match kept.get(at) {
                Some(content) => repository.write(name, content),
                None => std::fs::remove_file(repository.path(name)).unwrap(),
            }
        }
        after.iter().for_each(|(name, content)| repository.write(name, content));
        repository.git(&["add", "-A"]);
        for flags in FLAGS {
            repository.check(flags);
        }
    }
}
