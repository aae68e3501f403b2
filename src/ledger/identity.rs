//! Which manifest a run belongs to.

use std::path::{Component, Path, PathBuf};

use super::Location;

/// What makes two invocations runs of the same manifest: its name, and whether the service was the simulator (a real
/// run never goes on with a simulated one). A file can be moved and renamed where the manifest says its name.
///
/// Where it says none, the file tells as well: two files of one name are two manifests as long as both are there. And
/// what is no file at all (a prompt of the command line) goes by both.
///
/// A CI job finds its checkout under another path every time. So a manifest inside the folder that holds the
/// state folder is named relative to that folder; only one elsewhere goes by its absolute path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ManifestIdentity {
    path: String,
    name: String,
    simulated: bool,
    /// The folder that relative paths start from.
    home: Option<PathBuf>,
    known_by: KnownBy,
    /// Other machines have other files: one that is not here is not gone.
    is_shared: bool,
}

/// What tells a manifest from others of the same ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum KnownBy {
    /// The name that it says.
    Name,
    /// Its file: the name is a default, and older programs had another one.
    File,
    /// Both.
    NameAndPath,
}

impl ManifestIdentity {
    /// The identity of the manifest at `manifest` for a ledger at that location, which need not exist yet.
    /// A `manifest` that is not there (standard input, say) goes by the text of its path as well.
    #[must_use]
    pub(crate) fn new(location: impl Into<Location>, manifest: &Path, name: &str, simulated: bool) -> Self {
        let location = location.into();
        let is_shared = location.is_shared();
        let home = match location {
            Location::Folder(folder) => home(&folder),
            #[cfg(feature = "postgres")]
            Location::Database(_) => checkout(manifest),
        };
        let (path, known_by) = match manifest.canonicalize() {
            Ok(absolute) => {
                let inside = home.as_ref().and_then(|home| absolute.strip_prefix(home).ok());
                (inside.unwrap_or(&absolute).to_owned(), KnownBy::Name)
            }
            Err(_) => (manifest.to_owned(), KnownBy::NameAndPath),
        };
        Self { path: portable(&path), name: name.to_owned(), simulated, home, known_by, is_shared }
    }

    /// What the lease of its runs goes by.
    #[cfg(feature = "postgres")]
    pub(super) fn lease_key(&self) -> String {
        match &self.known_by {
            KnownBy::Name => format!("name {}", self.name),
            KnownBy::File => format!("file {}", self.path),
            KnownBy::NameAndPath => format!("{} {}", self.path, self.name),
        }
    }

    /// The same where the name is a default.
    #[must_use]
    pub(crate) fn with_default_name(mut self) -> Self {
        if self.known_by == KnownBy::Name {
            self.known_by = KnownBy::File;
        }
        self
    }

    /// Whether a run that it covers stood under another path: then it is this manifest's from now on.
    #[must_use]
    pub(super) fn claims(&self, path: &str, name: &str) -> bool {
        self.known_by == KnownBy::File && path != self.path && self.covers(path, name)
    }

    /// Whether a run of this path and name, with the same service, is one of this manifest.
    #[must_use]
    pub(crate) fn covers(&self, path: &str, name: &str) -> bool {
        match &self.known_by {
            KnownBy::Name => name == self.name,
            KnownBy::NameAndPath => name == self.name && path == self.path,
            KnownBy::File if path == self.path => true,
            KnownBy::File if self.is_shared => false,
            // A file that was renamed or moved: where it stood there is none now.
            KnownBy::File => {
                let is_sibling = parent(path) == parent(&self.path);
                let was_default = is_sibling && (name == stem(path) || name == self.default_beside(path));
                (name == self.name || was_default) && self.is_gone(path)
            }
        }
    }

    /// The default name of another file of the same folder.
    fn default_beside(&self, path: &str) -> String {
        match self.name.rsplit_once('/') {
            Some((project, _)) => format!("{project}/{}", stem(path)),
            None => stem(path).to_owned(),
        }
    }

    fn is_gone(&self, path: &str) -> bool {
        let path = Path::new(path);
        let whole = self.home.as_ref().map_or_else(|| path.to_owned(), |home| home.join(path));
        !whole.exists()
    }

    /// The manifest's path, with `/` on every system.
    #[must_use]
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The manifest's name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the service is the simulator.
    #[must_use]
    pub(crate) fn is_simulated(&self) -> bool {
        self.simulated
    }
}

/// The folder that a checkout of the manifest's repository begins with: the same place inside of it on every machine.
#[cfg(feature = "postgres")]
fn checkout(manifest: &Path) -> Option<PathBuf> {
    let folder = manifest.canonicalize().ok()?.parent()?.to_owned();
    let root = folder.ancestors().find(|folder| folder.join(".git").exists());
    Some(root.map_or_else(|| folder.clone(), Path::to_owned))
}

/// The folder that holds the state folder. One that is a link to a cache elsewhere counts where the link is.
fn home(state_dir: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(state_dir).ok()?;
    match absolute.components().next_back() {
        Some(Component::Normal(_)) => absolute.parent()?.canonicalize().ok(),
        _ => absolute.canonicalize().ok()?.parent().map(Path::to_owned),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or_default();
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn portable(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace('\\', "/") }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn checkout(root: &Path) -> PathBuf {
        let dir = root.join("work").join("repo");
        fs::create_dir_all(dir.join("ci")).unwrap();
        fs::write(dir.join("ci/jobs.yaml"), "").unwrap();
        dir
    }

    #[test]
    fn a_moved_checkout_is_the_same() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let identity = |root: &Path| {
            let dir = checkout(root);
            let state = dir.join(".jules-batch");
            ManifestIdentity::new(&state, &dir.join("ci/jobs.yaml"), "nightly", false).path().to_owned()
        };
        assert_eq!(identity(one.path()), identity(two.path()));
        assert_eq!(identity(one.path()), "ci/jobs.yaml");
    }

    #[test]
    fn the_way_a_path_is_written_does_not_matter() {
        let root = tempfile::tempdir().unwrap();
        let dir = checkout(root.path());
        let plain = ManifestIdentity::new(dir.join("state"), &dir.join("ci/jobs.yaml"), "n", false);
        let detour = ManifestIdentity::new(dir.join("state/"), &dir.join("ci/../ci/./jobs.yaml"), "n", false);
        assert_eq!(plain, detour);
        fs::create_dir(dir.join("state")).unwrap();
        let dots = ManifestIdentity::new(dir.join("state/../state/."), &dir.join("ci/jobs.yaml"), "n", false);
        assert_eq!(plain, dots);
    }

    #[test]
    #[cfg(unix)]
    fn a_linked_state_folder_counts_where_the_link_is() {
        let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = checkout(root.path());
        std::os::unix::fs::symlink(cache.path(), dir.join(".jules-batch")).unwrap();
        let identity = ManifestIdentity::new(dir.join(".jules-batch"), &dir.join("ci/jobs.yaml"), "n", false);
        assert_eq!(identity.path(), "ci/jobs.yaml");
    }

    #[test]
    fn a_manifest_elsewhere_goes_by_its_absolute_path() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = checkout(root.path());
        let manifest = dir.join("ci/jobs.yaml");
        let identity = ManifestIdentity::new(other.path().join("state"), &manifest, "n", false);
        assert_eq!(identity.path(), portable(&manifest.canonicalize().unwrap()));
    }

    #[test]
    fn a_manifest_that_says_its_name_can_be_moved_and_renamed() {
        let root = tempfile::tempdir().unwrap();
        let dir = checkout(root.path());
        let identity = |file: &str| ManifestIdentity::new(dir.join("state"), &dir.join(file), "n", false);
        assert!(identity("ci/jobs.yaml").covers("elsewhere.yaml", "n"));
        assert!(!identity("ci/jobs.yaml").covers("ci/jobs.yaml", "m"));
        assert!(!identity("no-such.yaml").covers("ci/jobs.yaml", "n"), "what is no file goes by both");
    }

    #[test]
    fn a_default_name_is_the_files() {
        let root = tempfile::tempdir().unwrap();
        let dir = checkout(root.path());
        fs::write(dir.join("ci/other.yaml"), "").unwrap();
        let identity =
            ManifestIdentity::new(dir.join("state"), &dir.join("ci/jobs.yaml"), "o/r/ci/jobs", false);
        let identity = identity.with_default_name();
        assert!(identity.covers("ci/jobs.yaml", "o/r/ci/jobs"));
        assert!(identity.covers("ci/jobs.yaml", "jobs"), "what an older program called it");
        assert!(identity.covers("ci/gone.yaml", "o/r/ci/gone"), "the file was renamed");
        assert!(!identity.covers("ci/other.yaml", "o/r/ci/other"), "another manifest, which is still there");
        assert!(!identity.covers("web/gone.yaml", "o/r/web/gone"), "one of another folder");
    }

    #[test]
    fn name_and_service_tell_apart() {
        let identity = |name, simulated| {
            ManifestIdentity::new(Path::new(".jules-batch"), Path::new("no-such.yaml"), name, simulated)
        };
        assert_eq!(identity("a", false), identity("a", false));
        assert_ne!(identity("a", false), identity("b", false));
        assert_ne!(identity("a", false), identity("a", true));
        assert_eq!(identity("a", false).path(), "no-such.yaml");
    }
}
