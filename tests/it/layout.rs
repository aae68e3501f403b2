//! Who may import whom. The table is the architecture: a change here is a change of that.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod paths;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Importer → what it may import. `plan` is the whole layer, `api::SessionId` that item alone; `api` and `simulator` are
/// crates of their own, which Cargo guards.
///
/// A layer may always name itself; whatever is not in its row is forbidden, the crate's root included.
#[rustfmt::skip]
const TABLE: &[(&str, &[&str])] = &[
    ("manifest",  &[]),
    ("plan",      &["manifest"]),
    // From the client only ids; from the plan only what names a task and what the record says of it.
    ("outcome",   &["api::SessionId", "plan::JobId", "plan::OnNoChange", "plan::Place", "plan::TaskId",
                    "plan::TaskKey", "plan::TaskSource"]),
    ("engine",    &["api", "plan", "outcome"]),
    ("ledger",    &["api::SessionId", "plan", "outcome"]),
    ("report",    &["outcome"]),
    ("runner",    &["api", "manifest", "plan", "outcome", "engine", "ledger", "report"]),
    ("cli",       &["api", "simulator", "manifest", "plan", "outcome", "ledger", "report", "runner"]),
    // The program itself: `src/main.rs`.
    ("main",      &["cli"]),
];

/// Names that say how a file came about, not what is in it.
const NAMELESS: &[&str] = &["utils", "util", "types", "helpers", "helper", "common", "misc"];

#[test]
fn every_import_is_in_the_table() {
    let forbidden: Vec<String> = files().iter().flat_map(SourceFile::forbidden).collect();
    assert!(forbidden.is_empty(), "imports that the table does not have:\n{}", forbidden.join("\n"));
}

#[test]
fn the_table_has_every_layer() {
    let listed: BTreeSet<String> = TABLE.iter().map(|(layer, _)| (*layer).to_owned()).collect();
    assert_eq!(layers_of(&files()), listed);
}

#[test]
fn engine_and_ledger_do_not_know_each_other() {
    let files = files();
    let knows = |layer: &str, other: &str| {
        files
            .iter()
            .filter(|file| file.layer() == layer)
            .any(|file| file.names().any(|path| path[0] == other))
    };
    assert!(knows("engine", "outcome") && knows("ledger", "outcome"), "the walk has seen nothing");
    assert!(!knows("engine", "ledger"), "engine names ledger");
    assert!(!knows("ledger", "engine"), "ledger names engine");
}

#[test]
fn clap_stops_at_the_command_line() {
    let named: Vec<_> = files()
        .into_iter()
        .filter(|file| file.layer() != "cli" && file.says("clap"))
        .map(|file| file.path)
        .collect();
    assert!(named.is_empty(), "clap outside src/cli: {named:?}");
}

#[test]
fn files_are_named_after_what_is_in_them() {
    let nameless: Vec<_> = files()
        .into_iter()
        .filter(|file| file.module.iter().any(|name| NAMELESS.contains(&name.as_str())))
        .map(|file| file.path)
        .collect();
    assert!(nameless.is_empty(), "name these after what is in them: {nameless:?}");
}

/// One file under `src`.
struct SourceFile {
    path: PathBuf,
    /// The module that it is, from the crate's root; never empty.
    module: Vec<String>,
    text: String,
}

impl SourceFile {
    fn new(path: &str, text: &str) -> Self {
        let mut module: Vec<String> =
            path.trim_end_matches(".rs").split('/').map(|part| part.replace('-', "_")).collect();
        if module.len() > 1 && module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        Self { path: path.into(), module, text: text.to_owned() }
    }

    fn layer(&self) -> &str {
        &self.module[0]
    }

    /// Every path from the crate's root that the file names; the root itself is `*`.
    fn names(&self) -> impl Iterator<Item = Vec<String>> {
        // What `main.rs` calls `self` is the root of the program, not of the library: it has no layer to leave.
        let module = if self.layer() == "main" { vec!["main".to_owned()] } else { self.module.clone() };
        paths::named_paths(&self.text, &module)
            .into_iter()
            .map(|path| if path.is_empty() { vec!["*".to_owned()] } else { path })
    }

    fn forbidden(&self) -> Vec<String> {
        let allowed =
            TABLE.iter().find(|(layer, _)| *layer == self.layer()).map_or(&[] as &[&str], |row| row.1);
        self.names()
            .filter(|path| path[0] != self.layer())
            .filter(|path| !allowed.iter().any(|entry| covers(entry, path)))
            .map(|path| format!("  {}: `{}`", self.path.display(), path.join("::")))
            .collect()
    }

    /// Whether the code names a crate: `clap`, and `clap_complete` as well.
    fn says(&self, name: &str) -> bool {
        paths::words(&self.text)
            .iter()
            .any(|word| word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
    }
}

fn covers(entry: &str, path: &[String]) -> bool {
    entry.split("::").enumerate().all(|(at, part)| path.get(at).is_some_and(|name| name == part))
}

fn layers_of(files: &[SourceFile]) -> BTreeSet<String> {
    files.iter().map(|file| file.layer().to_owned()).filter(|layer| layer != "lib").collect()
}

/// Everything under `src` but `lib.rs`, which is the root that the layers hang on.
fn files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 100, "only {} files under {}", found.len(), root.display());
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            if name != "lib.rs" {
                found.push(SourceFile::new(&name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
}

mod the_checker {
    use super::{SourceFile, covers, layers_of, paths};

    fn forbidden(path: &str, text: &str) -> Vec<String> {
        let start = format!("  {path}: ");
        SourceFile::new(path, text)
            .forbidden()
            .iter()
            .map(|line| line.strip_prefix(&start).unwrap().trim_matches('`').to_owned())
            .collect()
    }

    #[test]
    fn sees_a_plain_import() {
        assert_eq!(forbidden("engine/act.rs", "use crate::ledger::Writer;"), ["ledger::Writer"]);
        assert!(forbidden("engine/act.rs", "use crate::outcome::RunEvent;").is_empty());
    }

    #[test]
    fn sees_every_branch_of_a_group() {
        let text =
            "use crate::{api::{Jules, self}, ledger::{self as books, reader::{Reader as R, Row}}, plan::*};";
        assert_eq!(
            forbidden("engine/mod.rs", text),
            ["ledger", "ledger::reader::Reader", "ledger::reader::Row"]
        );
    }

    #[test]
    fn sees_a_path_inside_code() {
        let text = "fn f() -> u8 { let x: &'static str = \"}\"; crate::cli::Exit::Done.code::<u8>() }";
        assert_eq!(forbidden("report/mod.rs", text), ["cli::Exit::Done"]);
    }

    #[test]
    fn sees_who_climbs_out_of_a_layer() {
        assert!(forbidden("manifest/diff/parse.rs", "use super::super::plan::Task;").is_empty());
        assert_eq!(
            forbidden("manifest/diff/parse.rs", "use super::super::super::plan::Task;"),
            ["plan::Task"]
        );
        assert_eq!(forbidden("manifest/mod.rs", "mod tests { use super::super::plan; }"), ["plan"]);
        assert!(forbidden("manifest/mod.rs", "mod tests { fn f() {} use super::plan; }").is_empty());
        assert_eq!(forbidden("manifest/mod.rs", "mod tests {} use self::super::plan;"), ["plan"]);
    }

    #[test]
    fn refuses_the_root_and_what_it_hands_on() {
        assert_eq!(forbidden("engine/mod.rs", "use crate::Jules;"), ["Jules"]);
        assert_eq!(forbidden("engine/mod.rs", "use crate::*;"), ["*"]);
        assert_eq!(forbidden("engine/mod.rs", "use crate::{self as root};"), ["*"]);
        assert_eq!(forbidden("engine/mod.rs", "use jules_batch::cli;"), ["cli"]);
        assert_eq!(forbidden("engine/mod.rs", "use super::*;"), ["*"]);
        assert_eq!(forbidden("main.rs", "use jules_batch::{cli::Args, api::Jules};"), ["api::Jules"]);
    }

    #[test]
    fn lets_only_the_listed_items_through() {
        assert_eq!(forbidden("outcome/event.rs", "use crate::api::{SessionId, Jules};"), ["api::Jules"]);
        assert_eq!(forbidden("ledger/mod.rs", "use crate::api::*;"), ["api::*"]);
    }

    #[test]
    fn passes_over_what_is_no_code() {
        let text = r##"
            //! See [`crate::cli`].
            /* crate::cli /* crate::cli */ crate::cli */
            const A: &str = "crate::cli \" crate::cli";
            const B: &str = r#"crate::cli " crate::cli"#;
            const C: [char; 3] = ['"', '\'', '\u{22}'];
            pub(crate) const D: u8 = 1;
        "##;
        assert!(forbidden("plan/mod.rs", text).is_empty());
        assert_eq!(forbidden("plan/mod.rs", &format!("{text} use crate::cli;")), ["cli"]);
    }

    #[test]
    fn sees_an_unlisted_layer() {
        let files = [SourceFile::new("extra/mod.rs", ""), SourceFile::new("main.rs", "")];
        assert_eq!(layers_of(&files).into_iter().collect::<Vec<_>>(), ["extra", "main"]);
        assert_eq!(forbidden("extra/mod.rs", "use crate::api::Jules;"), ["api::Jules"]);
    }

    #[test]
    fn knows_a_crate_by_its_name() {
        assert!(SourceFile::new("manifest/mod.rs", "use clap::Parser;").says("clap"));
        assert!(SourceFile::new("manifest/mod.rs", "clap_complete::generate()").says("clap"));
        assert!(!SourceFile::new("manifest/mod.rs", "// clap\nfn clapping() {}").says("clap"));
    }

    #[test]
    fn an_entry_is_a_layer_or_one_item() {
        let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
        assert!(covers("api", &path("api::Jules")));
        assert!(covers("api::SessionId", &path("api::SessionId::new")));
        assert!(!covers("api::SessionId", &path("api::Session")));
        assert!(!covers("api::SessionId", &path("api")));
        assert!(paths::named_paths("use std::fmt;", &path("api")).is_empty());
    }
}
