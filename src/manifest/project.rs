//! What a manifest is called, and by default: the project that its file is in.

use std::fs;
use std::path::{Path, PathBuf};

/// A manifest's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    name: String,
    /// The file's name without its extension, where the manifest says nothing.
    former: Option<String>,
}

impl Name {
    /// The one that the manifest says.
    pub(super) fn given(name: &str) -> Self {
        Self { name: name.to_owned(), former: None }
    }

    /// The default: two projects that call their files alike are told apart by it, and checkouts of one are not.
    pub(super) fn of_file(file: &Path) -> Self {
        let stem = file.file_stem().map_or_else(|| "jobs".into(), |stem| stem.to_string_lossy());
        let folder = folder_of(file);
        let root = folder.ancestors().find(|folder| folder.join(".git").exists());
        let (project, inside) = match root {
            Some(root) => (remote(root).unwrap_or_else(|| last(root)), folder.strip_prefix(root).ok()),
            None => (last(&folder), None),
        };
        let inside = inside.into_iter().flat_map(Path::components);
        let inside = inside.map(|part| part.as_os_str().to_string_lossy().into_owned());
        let parts: Vec<String> = std::iter::once(project).chain(inside).chain([stem.to_string()]).collect();
        let name = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>();
        Self { name: name.join("/"), former: Some(stem.into_owned()) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What older programs took in its place; none for one that the manifest says.
    #[must_use]
    pub fn former(&self) -> Option<&str> {
        self.former.as_deref()
    }
}

/// The folder of a file; what is no file (standard input, say) belongs to the folder that one is in.
fn folder_of(file: &Path) -> PathBuf {
    let whole = file.canonicalize().ok().filter(|file| file.is_file());
    let folder = whole.as_deref().and_then(Path::parent).map(Path::to_owned);
    folder.or_else(|| std::env::current_dir().ok()).unwrap_or_default()
}

fn last(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `owner/repo` of the remote `origin`, as git's configuration has it: the same in every checkout.
fn remote(root: &Path) -> Option<String> {
    repository(&origin(root)?)
}

/// The address of the remote `origin`.
pub(super) fn origin(root: &Path) -> Option<String> {
    let git = root.join(".git");
    let folder = match fs::read_to_string(&git) {
        // A worktree, or a submodule.
        Ok(link) => root.join(link.strip_prefix("gitdir:")?.trim()),
        Err(_) => git,
    };
    let common = fs::read_to_string(folder.join("commondir"));
    let folder = common.map_or_else(|_| folder.clone(), |common| folder.join(common.trim()));
    let config = fs::read_to_string(folder.join("config")).ok()?;
    let mut lines = config.lines().map(str::trim).skip_while(|line| *line != r#"[remote "origin"]"#).skip(1);
    let url = lines.find(|line| line.starts_with("url") || line.starts_with('['))?;
    Some(url.strip_prefix("url")?.trim().strip_prefix('=')?.trim().to_owned())
}

/// The last two parts of a repository's address, which may hold a user's name and password before them.
fn repository(url: &str) -> Option<String> {
    let path = url.trim_end_matches('/').trim_end_matches(".git");
    let path =
        path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = match path.split_once(':') {
        // git@github.com:owner/repo
        Some((_, path)) if !path.is_empty() => path,
        _ => path,
    };
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let name = parts[parts.len().saturating_sub(2)..].join("/");
    (!name.is_empty()).then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(root: &Path, config: Option<&str>) -> String {
        fs::create_dir_all(root.join("ci")).unwrap();
        fs::write(root.join("ci/jobs.yaml"), "").unwrap();
        if let Some(config) = config {
            fs::create_dir_all(root.join(".git")).unwrap();
            fs::write(root.join(".git/config"), config).unwrap();
        }
        let name = Name::of_file(&root.join("ci/jobs.yaml"));
        assert_eq!(name.former(), Some("jobs"));
        name.as_str().to_owned()
    }

    #[test]
    fn every_checkout_of_a_project_has_the_same_name() {
        let config =
            "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://u:p@github.com/My-Org/web.git\n";
        for _ in 0..2 {
            let root = tempfile::tempdir().unwrap();
            assert_eq!(manifest(root.path(), Some(config)), "my-org/web/ci/jobs");
        }
    }

    #[test]
    fn without_a_remote_the_folder_tells() {
        let root = tempfile::tempdir().unwrap();
        let (web, api) = (root.path().join("web"), root.path().join("api"));
        assert_eq!(manifest(&web, Some("[core]\n")), "web/ci/jobs");
        assert_eq!(manifest(&api, None), "ci/jobs");
    }

    #[test]
    fn a_worktree_has_its_projects_name() {
        let root = tempfile::tempdir().unwrap();
        let (main, tree) = (root.path().join("main"), root.path().join("tree"));
        manifest(&main, Some("[remote \"origin\"]\n  url = git@github.com:my-org/web.git\n"));
        let inner = main.join(".git/worktrees/tree");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("commondir"), "../..\n").unwrap();
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join(".git"), format!("gitdir: {}\n", inner.display())).unwrap();
        assert_eq!(manifest(&tree, None), "my-org/web/ci/jobs");
    }

    #[test]
    fn an_address_is_known_however_it_is_written() {
        for url in
            ["https://github.com/o/R/", "git@github.com:o/r.git", "ssh://git@host:22/o/r", "/srv/git/o/r.git"]
        {
            assert_eq!(repository(url).as_deref(), Some("o/r"), "{url}");
        }
        assert_eq!(repository(""), None);
    }

    #[test]
    fn a_name_that_is_given_has_no_former_one() {
        assert_eq!((Name::given("n").as_str(), Name::given("n").former()), ("n", None));
    }
}
