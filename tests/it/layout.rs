//! Who may import whom. The tables are the architecture: a change here is a change of that.
//!
//! What is `pub(crate)` the compiler guards, and Cargo guards `crates/`.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::successors;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

use crate::support::rust::{leaves, parsed};

/// Room → what it may import: a whole room or crate, or `room::Item` alone. Itself it may always name; whatever is not
/// in its row is forbidden, the crate's root included. A room need not be there yet.
#[rustfmt::skip]
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("manifest", &[]),
    ("plan",     &["manifest"]),
    // From the client only ids; from the plan only what names a task and what the record says of it.
    ("outcome",  &["jules::SessionId", "jules::TitleMarker", "plan::JobId", "plan::OnNoChange", "plan::Place", "plan::Shard", "plan::TaskId",
                   "plan::TaskKey", "plan::TaskSource", "plan::PassWhen", "plan::Then"]),
    // Words alone: how a pull request stands, and what was asked.
    ("github",   &["jules", "outcome::Checks", "outcome::GithubUsage", "outcome::PullState", "outcome::Review"]),
    ("pulls",    &["jules::PullRequest", "jules::PullRequestName", "jules::SessionId", "plan", "outcome", "github"]),
    ("engine",   &["jules", "plan", "outcome"]),
    ("ledger",   &["jules::SessionId", "plan", "outcome"]),
    ("report",   &["outcome"]),
    ("runner",   &["jules", "manifest", "plan", "outcome", "github", "pulls", "engine", "ledger", "report"]),
    ("cli",      &["clap", "clap_complete", "clap_mangen", "jules", "jules_simulator", "manifest", "plan", "outcome",
                   "github", "pulls", "ledger", "report", "runner"]),
    // `src/main.rs`, which only calls the `main` of `cli`.
    ("main",     &[]),
];

/// How many files of a room may import each other in one circle.
const CIRCLE: usize = 5;

/// What `lib.rs` makes public; `main` for `main.rs` alone.
#[rustfmt::skip]
const PUBLIC: &[&str] =
    &["api", "simulator", "Jules", "NewSession", "manifest", "plan", "outcome", "report", "runner", "main"];

/// Names that say how a file came about, not what is in it.
const NAMELESS: &[&str] = &["utils", "util", "types", "helpers", "helper", "common", "misc"];

#[test]
fn every_import_is_in_the_table() {
    assert_eq!(forbidden(&house()), [""; 0], "imports that the table does not have");
}

#[test]
fn files_import_each_other_in_small_circles() {
    let files = house();
    let large: Vec<_> = circles(&files).into_iter().filter(|(_, files)| files.len() > CIRCLE).collect();
    assert!(large.is_empty(), "{large:#?}");
}

#[test]
fn files_are_named_after_what_is_in_them() {
    let is_nameless = |file: &File| file.module.split("::").any(|name| NAMELESS.contains(&name));
    assert!(!house().iter().any(is_nameless), "name files after what is in them, not {NAMELESS:?}");
}

#[test]
fn the_crate_makes_its_upper_rooms_public() {
    let (_, root) = parsed(&src()).into_iter().find(|(path, _)| path == "lib.rs").unwrap();
    let is_public = |seen: &syn::Visibility| matches!(seen, syn::Visibility::Public(_));
    let public = root.items.iter().flat_map(|item| match item {
        syn::Item::Mod(item) if is_public(&item.vis) => vec![item.ident.to_string()],
        syn::Item::Use(item) if is_public(&item.vis) => {
            leaves(&item.tree, "").into_iter().map(|leaf| leaf.1).collect()
        }
        _ => Vec::new(),
    });
    assert_eq!(public.collect::<BTreeSet<_>>(), PUBLIC.iter().map(|name| (*name).to_owned()).collect());
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Everything under `src` but `lib.rs`, which is the root that the rooms hang on, and tests.
fn house() -> Vec<File> {
    let mut files: Vec<_> = parsed(&src()).iter().map(|(path, code)| File::read(path, code)).collect();
    assert!(files.len() > 100, "only {} files", files.len());
    let tests: Vec<_> = files.iter().flat_map(|file| file.tests.clone()).collect();
    files.retain(|file| file.module != "lib" && !tests.iter().any(|test| covers(test, &file.module)));
    files
}

/// What a file names, tests apart. All paths are from the crate's root, or from another crate's name on.
struct File {
    module: String,
    imports: BTreeSet<String>,
    /// What it only hands on.
    exports: BTreeSet<String>,
    /// What its `use`s call them.
    names: BTreeMap<String, String>,
    /// The modules below it that are tests.
    tests: Vec<String>,
    /// The module that is being read.
    here: Vec<String>,
}

impl File {
    fn read(path: &str, code: &syn::File) -> Self {
        let module = path.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
        let here = module.split("::").map(str::to_owned).collect();
        let (imports, exports, names) = Default::default();
        let mut file = Self { module, imports, exports, names, tests: Vec::new(), here };
        file.visit_file(code);
        file
    }

    fn room(&self) -> &str {
        self.module.split("::").next().unwrap()
    }

    fn whole(&self, path: &str) -> String {
        let mut whole: Vec<&str> = self.here.iter().map(String::as_str).collect();
        for (at, part) in path.split("::").enumerate() {
            match part {
                "crate" | "jules_batch" => whole.clear(),
                "super" => drop(whole.pop()),
                "self" => {}
                // The names under which the root hands the other crates on.
                "api" if whole.is_empty() => whole.push("jules"),
                "simulator" if whole.is_empty() => whole.push("jules_simulator"),
                _ if at == 0 && (part.starts_with("jules") || part.starts_with("clap")) => whole = vec![part],
                _ => whole.push(part),
            }
        }
        whole.join("::")
    }

    /// The paths in the text of a macro or an attribute, which is no syntax yet.
    fn read_text(&mut self, text: &str) {
        let text = text.replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let paths: Vec<_> = words.filter(|word| word.contains("::")).map(|path| self.whole(path)).collect();
        self.imports.extend(paths);
    }
}

impl<'ast> Visit<'ast> for File {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.here.push(item.ident.to_string());
        if item.attrs.iter().any(is_test) {
            self.tests.push(self.here.join("::"));
        } else {
            visit::visit_item_mod(self, item);
        }
        self.here.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for (path, name) in leaves(&item.tree, "") {
            let path = self.whole(&path);
            let is_import = matches!(item.vis, syn::Visibility::Inherited);
            (if is_import { &mut self.imports } else { &mut self.exports }).insert(path.clone());
            self.names.insert(name, path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1 {
            self.imports.insert(self.whole(&parts.join("::")));
        }
        visit::visit_path(self, path);
    }

    /// From where something may be seen is no import.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.read_text(&call.tokens.to_string());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.read_text(&list.tokens.to_string());
    }
}

fn is_test(attribute: &syn::Attribute) -> bool {
    matches!(&attribute.meta, syn::Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

/// Whether the path is the entry, or below it.
fn covers(entry: &str, path: &str) -> bool {
    path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The imports that are not in the table.
fn forbidden(files: &[File]) -> Vec<String> {
    let of = |file: &File| {
        let (room, row) =
            MAY_IMPORT.iter().find(|(room, _)| *room == file.room()).expect("every room has a row");
        let is_forbidden =
            |path: &&String| !covers(room, path) && !row.iter().any(|entry| covers(entry, path));
        let named = file.imports.union(&file.exports).filter(is_forbidden);
        named.map(|path| format!("{}: {path}", file.module)).collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

/// The largest circle of each room: files that import each other, over however many others. Whoever imports what a file
/// only hands on imports the file that it comes from.
fn circles(files: &[File]) -> BTreeMap<&str, BTreeSet<&str>> {
    let at: BTreeMap<_, _> = files.iter().enumerate().map(|(n, file)| (file.module.as_str(), n)).collect();
    let file_of = |path: &String| {
        let mut path = path.clone();
        loop {
            let mut heads = successors(Some(path.as_str()), |head| Some(head.rsplit_once("::")?.0));
            let (head, n) = heads.find_map(|head| Some((head, *at.get(head)?)))?;
            let mut rest = path[head.len()..].trim_start_matches("::").splitn(2, "::");
            match files[n].names.get(rest.next()?) {
                Some(whence) if !path.starts_with(whence) => {
                    path = [whence, rest.next().unwrap_or("*")].join("::");
                }
                _ => return Some(n),
            }
        }
    };
    let next = |n: usize| files[n].imports.iter().filter_map(file_of).filter(move |other| *other != n);
    let reached = |n| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![n]);
        while let Some(n) = open.pop() {
            open.extend(next(n).filter(|other| reached.insert(*other)));
        }
        reached
    };
    let reached: Vec<BTreeSet<usize>> = (0..files.len()).map(reached).collect();
    let mut largest: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (n, file) in files.iter().enumerate() {
        let known = largest.entry(file.room()).or_default();
        let back = reached[n].iter().filter(|other| reached[**other].contains(&n));
        let circle: BTreeSet<_> = back.map(|other| files[*other].module.as_str()).collect();
        if circle.len() > known.len() {
            *known = circle;
        }
    }
    largest
}

mod the_check {
    use super::*;

    fn read(path: &str, text: &str) -> File {
        File::read(path, &syn::parse_file(text).unwrap())
    }

    #[test]
    fn sees_what_is_not_in_the_table() {
        let text = "
            use crate::{api::{Jules, self}, ledger::{self as statistics, Row as R}, plan::*};
            #[cfg(test)] mod tests { use crate::main; }
            mod inner { use super::super::super::report; fn f() { self::g(); format!(\"{}\", crate::cli::EXIT) } }
            #[derive(Debug, clap::Args)] struct A(super::run::B, std::fmt::Error, jules_batch::Jules);";
        let of = |path| forbidden(&[read(path, text)]);
        let found = ["Jules", "clap::Args", "cli::EXIT", "ledger", "ledger::Row", "report"];
        assert_eq!(of("engine/act.rs"), found.map(|path| format!("engine::act: {path}")));
        let found = forbidden(&[read("outcome/mod.rs", "use crate::*; use jules::{Jules, SessionId};")]);
        assert_eq!(found, ["outcome: *", "outcome: jules::Jules"]);
    }

    #[test]
    fn sees_a_circle() {
        let files = [
            read("plan/mod.rs", "mod task; pub use task::Task; use crate::manifest::Manifest;"),
            read("plan/task.rs", "use super::key::Key;"),
            read("plan/key.rs", "use super::Task;"),
            read("manifest/mod.rs", "mod keys;"),
            read("manifest/keys.rs", "use super::Manifest;"),
        ];
        let circles = circles(&files);
        assert_eq!(circles["plan"], ["plan::key", "plan::task"].into());
        assert!(circles["manifest"].is_empty());
    }
}
