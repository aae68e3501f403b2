//! Files of untrusted names, written into one folder and nowhere else.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use foreign_text::line as neutral;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::runner::beside;

/// Names in a message before the rest is only counted.
pub(super) const MOST_NAMES: usize = 5;

/// A file to write.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) content: String,
    pub(super) is_executable: bool,
}

/// A folder to write into.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    root: &'a Path,
    force: bool,
}

impl<'a> Folder<'a> {
    /// The folder at `root`, which need not be there; files in it are replaced only by force.
    pub(super) fn new(root: &'a Path, force: bool) -> Self {
        Self { root, force }
    }

    /// Writes all files, or, when one of the names cannot be taken, none; the paths that were written.
    pub(super) fn write(&self, files: &BTreeMap<String, NewFile>) -> Result<Vec<PathBuf>, Failure> {
        let mut paths = Vec::new();
        let mut refused = Vec::new();
        for name in files.keys() {
            match relative(name).and_then(|path| self.check(&path).map(|()| path)) {
                Ok(path) => paths.push(path),
                Err(why) => refused.push(format!("`{}` {}", neutral(name), why.as_str())),
            }
        }
        if !refused.is_empty() {
            return Err(refusal(&refused, self.root));
        }
        let written = paths.iter().zip(files.values()).map(|(path, file)| {
            let at = self.root.join(path);
            match self.write_one(path, file) {
                Ok(()) => Ok(at),
                Err(error) => {
                    let what = format!("cannot write {}", at.display());
                    Err(Failure::new(Exit::NotWritable, what).because(&error))
                }
            }
        });
        written.collect()
    }

    /// Whether the place is free and reached through folders alone.
    fn check(&self, path: &Path) -> Result<(), Refused> {
        let mut at = self.root.to_owned();
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            at.push(part);
            // Of the thing itself, not of what a link leads to.
            let Ok(found) = at.symlink_metadata() else { return Ok(()) };
            let is_last = parts.peek().is_none();
            match (found.file_type(), is_last) {
                (kind, _) if kind.is_symlink() => return Err(Refused::Link),
                (kind, false) if !kind.is_dir() => return Err(Refused::NoFolder),
                (kind, true) if kind.is_dir() => return Err(Refused::IsFolder),
                (_, true) if !self.force => return Err(Refused::Exists),
                _ => {}
            }
        }
        Ok(())
    }

    /// A new file beside the place, then renamed to it: a link that turned up there meanwhile is replaced, not
    /// followed.
    fn write_one(&self, path: &Path, new: &NewFile) -> io::Result<()> {
        let at = self.root.join(path);
        let folder = at.parent().unwrap_or(self.root);
        std::fs::create_dir_all(folder)?;
        let mut file = beside(&at)?;
        file.write_all(new.content.as_bytes())?;
        if new.is_executable {
            make_executable(file.as_file())?;
        }
        let placed = if self.force { file.persist(&at) } else { file.persist_noclobber(&at) };
        placed.map(drop).map_err(|error| error.error)
    }
}

/// Lets those run a file who may read it.
#[cfg(unix)]
fn make_executable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = file.metadata()?.permissions();
    let mode = permissions.mode();
    permissions.set_mode(mode | ((mode & 0o444) >> 2));
    file.set_permissions(permissions)
}

#[cfg(not(unix))]
fn make_executable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

/// Why a name is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Outside,
    Git,
    Odd,
    Link,
    NoFolder,
    IsFolder,
    Exists,
}

impl Refused {
    fn as_str(self) -> &'static str {
        match self {
            Self::Outside => "leads out of the folder",
            Self::Git => "leads into .git",
            Self::Odd => "holds characters that a file's name should not have",
            Self::Link => "goes through a symbolic link",
            Self::NoFolder => "needs a folder where there is a file",
            Self::IsFolder => "is a folder already",
            Self::Exists => "is there already (--force replaces it)",
        }
    }
}

/// A name as a path below a folder, on every system: what is special on one is refused on all.
fn relative(name: &str) -> Result<PathBuf, Refused> {
    let odd = |c| !foreign_text::is_text(c) || matches!(c, '\\' | ':');
    if name.is_empty() || name.len() > 1_024 || name.contains(odd) {
        return Err(Refused::Odd);
    }
    let path = Path::new(name);
    for part in path.components() {
        let Component::Normal(part) = part else { return Err(Refused::Outside) };
        let part = part.to_string_lossy();
        // Windows drops dots and blanks at the end, and case-insensitive disks know one `.git`.
        let plain = part.trim_end_matches(['.', ' ']).to_ascii_lowercase();
        if plain == ".git" || plain.starts_with("git~") {
            return Err(Refused::Git);
        }
        if plain.is_empty() || part.len() > 255 {
            return Err(Refused::Odd);
        }
    }
    // `a/./b` and `a//b` lose their detours.
    Ok(path.components().collect())
}

fn refusal(refused: &[String], root: &Path) -> Failure {
    let named = refused[..refused.len().min(MOST_NAMES)].join("; ");
    let more = refused.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let text = format!("nothing was written into {}: {named}{more}", root.display());
    Failure::new(Exit::NotWritable, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn files(names: &[&str]) -> BTreeMap<String, NewFile> {
        let file = |name: &&str| {
            let new = NewFile { content: format!("content of {name}"), is_executable: name.ends_with(".sh") };
            ((*name).to_owned(), new)
        };
        names.iter().map(file).collect()
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_can_be_run_can_be_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let written = Folder::new(root.path(), false).write(&files(&["a.md", "b.sh"])).unwrap();
        let can_run = |path: &PathBuf| path.metadata().unwrap().permissions().mode() & 0o111 != 0;
        assert_eq!(written.iter().map(can_run).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn files_are_written_with_their_folders() {
        let root = tempfile::tempdir().unwrap();
        let into = root.path().join("new");
        let written = Folder::new(&into, false).write(&files(&["a.md", "docs/./b c.md"])).unwrap();
        assert_eq!(written, [into.join("a.md"), into.join("docs/b c.md")]);
        assert_eq!(std::fs::read_to_string(into.join("docs/b c.md")).unwrap(), "content of docs/./b c.md");
    }

    #[test]
    fn one_bad_name_stops_all() {
        let root = tempfile::tempdir().unwrap();
        for bad in [
            "../x",
            "/etc/x",
            "a/../../x",
            ".git/hooks/pre-commit",
            "a/.GIT/x",
            ".git./x",
            "git~1/x",
            "a\\..\\x",
            "C:x",
            "a\nb",
            "",
            "..",
            ".",
            "nul\0x",
            &"x".repeat(256),
            &"x/".repeat(600),
        ] {
            let into = root.path().join("new");
            let failure = Folder::new(&into, true).write(&files(&["good.md", bad])).unwrap_err();
            assert_eq!(failure.exit(), Exit::NotWritable, "{bad:?}");
            assert!(!into.exists(), "{bad:?} left something behind");
        }
    }

    #[test]
    fn what_is_there_stays_unless_forced() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("a.md"), "mine").unwrap();
        let read = || std::fs::read_to_string(root.path().join("a.md")).unwrap();
        assert!(Folder::new(root.path(), false).write(&files(&["a.md", "b.md"])).is_err());
        assert_eq!((read().as_str(), root.path().join("b.md").exists()), ("mine", false));
        Folder::new(root.path(), true).write(&files(&["a.md"])).unwrap();
        assert_eq!(read(), "content of a.md");
        assert!(Folder::new(root.path(), true).write(&files(&["a.md/x"])).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(elsewhere.path(), root.path().join("out")).unwrap();
        std::fs::write(elsewhere.path().join("t"), "mine").unwrap();
        symlink(elsewhere.path().join("t"), root.path().join("t")).unwrap();
        for name in ["out/x", "t"] {
            assert!(Folder::new(root.path(), true).write(&files(&[name])).is_err(), "{name}");
        }
        assert_eq!(std::fs::read_to_string(elsewhere.path().join("t")).unwrap(), "mine");
        assert!(!elsewhere.path().join("x").exists());
    }

    proptest! {
        #[test]
        fn no_name_leads_out(name in r"(\.\.|\.|/|\\|a|\.git|C:| |~|\x00|ü){0,10}") {
            if let Ok(path) = relative(&name) {
                prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert!(path.components().count() > 0);
                prop_assert!(Path::new("/root").join(&path).starts_with("/root"));
            }
        }
    }
}
