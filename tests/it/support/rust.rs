//! The crate's own sources, parsed.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Every file below `folder`, by its path from there, in order.
pub(crate) fn parsed(folder: &Path) -> Vec<(String, syn::File)> {
    let name = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
    let parse = |path: &Path| syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap();
    files(vec![folder.to_owned()]).iter().map(|path| (name(path), parse(path))).collect()
}

/// The files of Rust below these folders, in order.
pub(crate) fn files(mut open: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    while let Some(next) = open.pop() {
        let entries = std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path());
        let (folders, found): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
        open.extend(folders);
        files.extend(found.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")));
    }
    files.sort();
    files
}

/// Each path of a `use`, with the name that it is given.
pub(crate) fn leaves(tree: &syn::UseTree, before: &str) -> Vec<(String, String)> {
    let leaf = |path: &dyn Display, name: &dyn Display| vec![(format!("{before}{path}"), name.to_string())];
    match tree {
        syn::UseTree::Path(part) => leaves(&part.tree, &format!("{before}{}::", part.ident)),
        syn::UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, before)).collect(),
        syn::UseTree::Glob(_) => leaf(&"*", &"*"),
        syn::UseTree::Name(part) => leaf(&part.ident, &part.ident),
        syn::UseTree::Rename(part) => leaf(&part.ident, &part.rename),
    }
}
