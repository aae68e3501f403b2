//! Files that are always whole: written beside, then renamed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file could not be written: which one, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub(crate) struct CannotWrite {
    pub(crate) path: PathBuf,
    #[source]
    pub(crate) source: io::Error,
}

/// Replaces a file's content. A reader sees the old content or the new, never a part.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), CannotWrite> {
    let write = || {
        let mut file = beside(path)?;
        file.write_all(content)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| CannotWrite { path: path.to_owned(), source })
}

/// Makes sure that a file can be written there, before anything costly starts; its folder is made.
pub(crate) fn check(path: &Path) -> Result<(), CannotWrite> {
    let check = || {
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        std::fs::create_dir_all(folder(path))?;
        // The file beside is removed when it is dropped.
        beside(path).map(drop)
    };
    check().map_err(|source| CannotWrite { path: path.to_owned(), source })
}

fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".jules-batch-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A report is for others to read; the user's umask has the last word.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder(path))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/report.json");
        check(&path).unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_the_way_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = check(dir.path()).unwrap_err();
        assert!(error.to_string().contains(&dir.path().display().to_string()));
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(check(&file.join("report.json")).is_err());
    }
}
