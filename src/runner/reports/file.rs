//! Files that are always whole: written beside, then renamed.

use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read as _, Write};
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

use crate::ledger::has_ledger;
use crate::outcome::JournalError;

/// How much is written at once.
pub(super) const BUFFER: usize = 64 * 1024;

/// How much of a file shows what it is, in bytes.
const HEAD: u64 = 4 * 1024;

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
        let file = beside_with(path, mode(path))?;
        let mut file = Whole { file: BufWriter::with_capacity(BUFFER, file), failed: None };
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

/// Makes sure that a file can be written there, before anything costly starts; its folder is made. What stands there
/// must be one that `is_ours` says may go, by its first bytes.
pub(super) fn check(path: &Path, is_ours: impl Fn(&str) -> bool) -> Result<(), CannotWrite> {
    let check = || {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        if name == "ledger.lock" || name.starts_with("ledger.db") {
            let what = "that is the name of a file of the ledger, which would be lost";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        match path.metadata() {
            Ok(found) if found.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
            }
            Ok(found) if found.is_file() => {
                let head = head(path)?;
                if !head.trim().is_empty() && !is_ours(&head) {
                    let what = "what stands there is no such report of jules-batch, and would be lost";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
            Ok(_) | Err(_) => {}
        }
        std::fs::create_dir_all(folder(path))?;
        // The file beside is removed when it is dropped.
        beside(path).map(drop)
    };
    check().map_err(|source| CannotWrite { path: path.to_owned(), source })
}

/// Where a path leads, to compare with others: through all links, and without upper case, which some file systems do not
/// tell from lower case.
pub(super) fn place(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let known = path.ancestors().find_map(|known| known.canonicalize().ok().map(|real| (known, real)));
    let (known, mut place) = known.unwrap_or((Path::new(""), PathBuf::new()));
    for part in path.strip_prefix(known).unwrap_or(&path).components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            part => place.push(part),
        }
    }
    place.to_string_lossy().to_lowercase()
}

/// The same of a file that is to be replaced, which may be a link: that makes way, and not what it leads to.
pub(super) fn own_place(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    format!("{}/{name}", place(folder(path)))
}

/// The first bytes of a file. One that may not be read may still be replaced, by whoever owns the folder.
fn head(path: &Path) -> io::Result<String> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(String::new()),
        opened => opened?,
    };
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A new file in the same folder, to be renamed to `path` when it is whole.
pub(crate) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    beside_with(path, 0o666)
}

/// The same with these permissions at most; the user's umask has the last word.
fn beside_with(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".jules-batch-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder.tempfile_in(folder(path))
}

/// A report is for others to read, but not to change; beside a ledger it is for nobody else, as the ledger is.
fn mode(path: &Path) -> u32 {
    if path.ancestors().skip(1).any(has_ledger) { 0o600 } else { 0o644 }
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
        check(&path, |_| false).unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn one_place_has_many_paths() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| place(&dir.path().join(path));
        std::fs::write(dir.path().join("file"), "").unwrap();
        for path in ["./file", "new/../file", "FILE"] {
            assert_eq!(at(path), at("file"), "{path}");
        }
        assert_eq!(at("new/./x"), at("new/x"));
        assert_ne!(at("new/x"), at("x"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), dir.path().join("link")).unwrap();
            assert_eq!((at("link/file"), at("link/new")), (at("file"), at("new")));
        }
    }

    #[test]
    fn a_folder_in_the_way_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = check(dir.path(), |_| true).unwrap_err();
        assert!(error.to_string().contains(&dir.path().display().to_string()));
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        check(&file, |_| false).unwrap();
        std::fs::write(&file, "a: 1").unwrap();
        check(&file, |head| head == "a: 1").unwrap();
        assert_eq!(check(&file, |_| false).unwrap_err().source.kind(), io::ErrorKind::InvalidData);
        assert!(check(&file.join("report.json"), |_| true).is_err());
    }
}
