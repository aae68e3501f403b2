//! Reading the manifest and the files that it names: bounded in size, text only, never outside its folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// The largest manifest or file named by one, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Why a file could not be read, and the way out.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) what: String,
    pub(super) help: Option<&'static str>,
    /// The name itself leads nowhere that a manifest may go.
    pub(super) is_misnamed: bool,
}

impl Unreadable {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None, is_misnamed: false }
    }

    fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }

    fn misnamed(self) -> Self {
        Self { is_misnamed: true, ..self }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::new("does not exist"),
            io::ErrorKind::PermissionDenied => Self::new("may not be read (permission denied)"),
            io::ErrorKind::IsADirectory => Self::new("is a folder"),
            _ => Self::new(format!("cannot be read: {error}")),
        }
    }
}

/// Reads a text of at most [`MAX_FILE_BYTES`]; never more than that is held.
pub(super) fn read_text(path: &Path) -> Result<String, Unreadable> {
    // A pipe without a writer would be waited for without end. What a shell or a caller hands over stands in these folders.
    let is_handed_over = path.starts_with("/dev") || path.starts_with("/proc");
    if !is_handed_over && path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Err(Unreadable::new("is no regular file").help("hand it over as /dev/stdin if it is a pipe"));
    }
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(Unreadable::new("is a folder"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    into_text(bytes)
}

/// Takes bytes for UTF-8 text, without a byte order mark.
pub(super) fn into_text(mut bytes: Vec<u8>) -> Result<String, Unreadable> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Unreadable::new(format!("is larger than {} MiB", MAX_FILE_BYTES >> 20)));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Unreadable::new("is UTF-16").help("save it as UTF-8"));
    }
    if bytes.contains(&0) {
        return Err(Unreadable::new("is binary, not text (it holds a NUL)").help("save it as UTF-8 text"));
    }
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Unreadable::new(format!("is not UTF-8 (line {line})")).help("save it as UTF-8")
    })
}

/// The path of a file that a manifest names, when it lies in `folder` or below it.
///
/// Absolute paths, `..` and links that lead out are refused.
pub(super) fn confine(folder: &Path, named: &str) -> Result<PathBuf, Unreadable> {
    const HELP: &str = "name a file in the manifest's folder or below it";
    let path = Path::new(named);
    if named.is_empty()
        || path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
    {
        return Err(Unreadable::new("leaves the manifest's folder").help(HELP).misnamed());
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let real_folder = folder.canonicalize()?;
    let real = folder.join(path).canonicalize()?;
    if !real.starts_with(&real_folder) {
        return Err(Unreadable::new("is a link that leaves the manifest's folder").help(HELP).misnamed());
    }
    if !real.metadata()?.is_file() {
        return Err(Unreadable::new("is not a file"));
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_what_is_not() {
        assert_eq!(into_text(b"\xEF\xBB\xBFa".to_vec()).unwrap(), "a");
        for (bytes, part) in
            [(&b"a\0b"[..], "binary"), (b"a\n\xC3\x28", "not UTF-8 (line 2)"), (b"\xFF\xFEa\0", "UTF-16")]
        {
            let error = into_text(bytes.to_vec()).unwrap_err();
            assert!(error.what.contains(part), "{}", error.what);
        }
        let large = vec![b'a'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
        assert_eq!(into_text(large).unwrap_err().what, "is larger than 16 MiB");
    }

    #[test]
    fn an_endless_file_is_read_to_its_bound_only() {
        let zero = Path::new("/dev/zero");
        if zero.exists() {
            assert_eq!(read_text(zero).unwrap_err().what, "is larger than 16 MiB");
        }
    }

    #[test]
    fn files_stay_in_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("out.md"), "x").unwrap();
        let inside = folder.path().join("in");
        std::fs::write(inside.join("a.md"), "x").unwrap();
        assert!(confine(&inside, "./a.md").is_ok());
        let absolute = inside.join("a.md").display().to_string();
        for named in ["../out.md", "b/../../out.md", &absolute, "", "missing.md", "."] {
            assert!(confine(&inside, named).is_err(), "{named}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../out.md", inside.join("link.md")).unwrap();
            assert!(confine(&inside, "link.md").unwrap_err().what.contains("link"));
        }
    }
}
