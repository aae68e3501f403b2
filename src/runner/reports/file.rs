//! Files that are always whole: written beside, then renamed.

use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::outcome::JournalError;

/// How much is written at once.
const BUFFER: usize = 64 * 1024;

/// A file could not be written: which one, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct CannotWrite {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl From<CannotWrite> for JournalError {
    fn from(error: CannotWrite) -> Self {
        Self::new(error.to_string(), error.source)
    }
}

/// Replaces a file's content. A reader sees the old content or the new, never a part.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), CannotWrite> {
    replace_by(path, |file| file.write_all(content).map_err(drop))
}

/// The same with what `write` writes. Nothing is replaced when that fails; why is for `write` to remember, unless the
/// file was at fault.
pub(crate) fn replace_by(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ()>,
) -> Result<(), CannotWrite> {
    let replace = || {
        let mut file = Whole { file: BufWriter::with_capacity(BUFFER, beside(path)?), failed: None };
        let written = write(&mut file).is_ok();
        if let Some(error) = file.failed {
            return Err(error);
        }
        if written {
            let file = file.file.into_inner().map_err(IntoInnerError::into_error)?;
            file.persist(path).map_err(|error| error.error)?;
        }
        Ok(())
    };
    replace().map_err(|source| CannotWrite { path: path.to_owned(), source })
}

/// A file that remembers why it could not be written, whatever its writer makes of that.
struct Whole {
    file: BufWriter<NamedTempFile>,
    failed: Option<io::Error>,
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failed.get_or_insert(error);
            }
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
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

/// A new file in the same folder, to be renamed to `path` when it is whole.
pub(crate) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".jules-batch-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // It is for others to read; the user's umask has the last word.
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
