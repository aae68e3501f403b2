//! Reading what the user names: bounded in size, text only, never waiting for a pipe; and what a manifest names never
//! outside its folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// The largest manifest or file named by one, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Why a file could not be read, and the way out.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// To stand behind the file's name.
    pub(crate) what: String,
    pub(crate) help: Option<&'static str>,
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

/// Reads a text of at most [`MAX_FILE_BYTES`].
pub(super) fn read_text(path: &Path) -> Result<String, Unreadable> {
    read_text_of(path, MAX_FILE_BYTES)
}

/// Reads a text of at most so many bytes; never more than that is held.
pub(crate) fn read_text_of(path: &Path, most: u64) -> Result<String, Unreadable> {
    let file = open(path)?;
    if file.metadata()?.is_dir() {
        return Err(Unreadable::new("is a folder"));
    }
    text_of(file, most)
}

/// The same of what is open already, such as standard input.
pub(crate) fn text_of(file: impl Read, most: u64) -> Result<String, Unreadable> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    into_text(bytes, most)
}

/// Opens a regular file, or what a shell or a caller hands over, which stands in the system's folders: any other pipe may be
/// without a writer, and would be waited for without end.
fn open(path: &Path) -> Result<File, Unreadable> {
    let no_regular_file =
        || Unreadable::new("is no regular file").help("hand it over as /dev/stdin if it is a pipe");
    if path.starts_with("/dev") || path.starts_with("/proc") {
        return Ok(File::open(path)?);
    }
    // To say what stands there, and not to open a device. What counts is what is open then.
    let may_be_read = |found: std::fs::Metadata| found.is_file() || found.is_dir();
    if !path.metadata().map_or(true, may_be_read) {
        return Err(no_regular_file());
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    if may_be_read(file.metadata()?) { Ok(file) } else { Err(no_regular_file()) }
}

/// Takes at most so many bytes for UTF-8 text, without a byte order mark.
pub(super) fn into_text(mut bytes: Vec<u8>, most: u64) -> Result<String, Unreadable> {
    if bytes.len() as u64 > most {
        return Err(Unreadable::new(format!("is larger than {} MiB", most >> 20)));
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
        assert_eq!(into_text(b"\xEF\xBB\xBFa".to_vec(), 9).unwrap(), "a");
        for (bytes, part) in
            [(&b"a\0b"[..], "binary"), (b"a\n\xC3\x28", "not UTF-8 (line 2)"), (b"\xFF\xFEa\0", "UTF-16")]
        {
            let error = into_text(bytes.to_vec(), 9).unwrap_err();
            assert!(error.what.contains(part), "{}", error.what);
        }
        let large = vec![b'a'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
        assert_eq!(into_text(large, MAX_FILE_BYTES).unwrap_err().what, "is larger than 16 MiB");
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
