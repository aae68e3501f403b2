//! Which manifest a run belongs to.

use std::path::{Component, Path, PathBuf};

/// What makes two invocations runs of the same manifest: where its file is, its name, and whether the service
/// was the simulator (a real run never goes on with a simulated one).
///
/// A CI job finds its checkout under another path every time. So a manifest inside the folder that holds the
/// state folder is named relative to that folder; only one elsewhere goes by its absolute path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ManifestIdentity {
    path: String,
    name: String,
    simulated: bool,
}

impl ManifestIdentity {
    /// The identity of the manifest at `manifest` for the state folder at `state_dir`, which need not exist yet.
    /// A `manifest` that is not there (standard input, say) goes by the text of its path.
    #[must_use]
    pub(crate) fn new(state_dir: &Path, manifest: &Path, name: &str, simulated: bool) -> Self {
        let path = match manifest.canonicalize() {
            Ok(absolute) => match home(state_dir) {
                Some(home) => absolute.strip_prefix(&home).unwrap_or(&absolute).to_owned(),
                None => absolute,
            },
            Err(_) => manifest.to_owned(),
        };
        Self { path: portable(&path), name: name.to_owned(), simulated }
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

/// The folder that holds the state folder. One that is a link to a cache elsewhere counts where the link is.
fn home(state_dir: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(state_dir).ok()?;
    match absolute.components().next_back() {
        Some(Component::Normal(_)) => absolute.parent()?.canonicalize().ok(),
        _ => absolute.canonicalize().ok()?.parent().map(Path::to_owned),
    }
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
            ManifestIdentity::new(&dir.join(".jules-batch"), &dir.join("ci/jobs.yaml"), "nightly", false)
        };
        assert_eq!(identity(one.path()), identity(two.path()));
        assert_eq!(identity(one.path()).path(), "ci/jobs.yaml");
    }

    #[test]
    fn the_way_a_path_is_written_does_not_matter() {
        let root = tempfile::tempdir().unwrap();
        let dir = checkout(root.path());
        let plain = ManifestIdentity::new(&dir.join("state"), &dir.join("ci/jobs.yaml"), "n", false);
        let detour =
            ManifestIdentity::new(&dir.join("state/"), &dir.join("ci/../ci/./jobs.yaml"), "n", false);
        assert_eq!(plain, detour);
        fs::create_dir(dir.join("state")).unwrap();
        let dots =
            ManifestIdentity::new(&dir.join("state/../state/."), &dir.join("ci/jobs.yaml"), "n", false);
        assert_eq!(plain, dots);
    }

    #[test]
    #[cfg(unix)]
    fn a_linked_state_folder_counts_where_the_link_is() {
        let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = checkout(root.path());
        std::os::unix::fs::symlink(cache.path(), dir.join(".jules-batch")).unwrap();
        let identity =
            ManifestIdentity::new(&dir.join(".jules-batch"), &dir.join("ci/jobs.yaml"), "n", false);
        assert_eq!(identity.path(), "ci/jobs.yaml");
    }

    #[test]
    fn a_manifest_elsewhere_goes_by_its_absolute_path() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = checkout(root.path());
        let manifest = dir.join("ci/jobs.yaml");
        let identity = ManifestIdentity::new(&other.path().join("state"), &manifest, "n", false);
        assert_eq!(identity.path(), portable(&manifest.canonicalize().unwrap()));
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
