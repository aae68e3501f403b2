//! The state folder and the ledger's files in it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::LedgerError;

/// The ledger's own file.
const DATABASE: &str = "ledger.db";

/// A state folder that exists.
#[derive(Debug)]
pub(super) struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    /// Makes the folder if it is not there: mode 0700. One that is there is left as it is.
    pub(super) fn prepare(path: &Path) -> Result<Self, LedgerError> {
        let folder = Self::at(path);
        if !path.is_dir() {
            create_private_dir(path).map_err(|e| folder.failed("create the state folder", path, e))?;
            keep_out_of_git(path);
        }
        Ok(folder)
    }

    /// The folder at this path, whether it is there or not.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// As it was given.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// The lock file.
    pub(super) fn lock(&self) -> PathBuf {
        self.path.join("ledger.lock")
    }

    /// Makes an empty database file if there is none, and sees to its mode: SQLite gives `-wal` and `-shm`
    /// the mode of the database.
    pub(super) fn prepare_database(&self) -> Result<(), LedgerError> {
        let path = self.database();
        self.check_database().map_err(|(path, e)| self.failed("open the ledger", &path, e))?;
        let is_new = !path.exists();
        let file = open_private(&path).map_err(|e| self.failed("write to the ledger", &path, e))?;
        restrict(&file).map_err(|e| self.failed("restrict access to the ledger", &path, e))?;
        if is_new {
            sync_dir(&self.path).map_err(|e| self.failed("write to the state folder", &self.path, e))?;
        }
        Ok(())
    }

    /// Makes sure that SQLite will find regular files, or none, under the names that it opens.
    pub(super) fn check_database(&self) -> Result<(), (PathBuf, io::Error)> {
        let database = self.database();
        ["", "-wal", "-shm", "-journal"]
            .map(|suffix| with_suffix(&database, suffix))
            .into_iter()
            .try_for_each(|path| match path.symlink_metadata() {
                Ok(found) if !found.is_file() => {
                    let error = no_regular_file(&path);
                    Err((path, error))
                }
                Ok(_) | Err(_) => Ok(()),
            })
    }

    /// Gives the database and its log another name; where to.
    ///
    /// The log goes first: a log without its database would be replayed into the next one.
    pub(super) fn set_aside(&self, now: Timestamp) -> Result<PathBuf, LedgerError> {
        let database = self.database();
        let aside = self.free_name(now);
        for suffix in ["-wal", "-shm", ""] {
            let (from, to) = (with_suffix(&database, suffix), with_suffix(&aside, suffix));
            match fs::rename(&from, &to) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(self.failed("set aside the damaged ledger", &from, e)),
            }
        }
        sync_dir(&self.path).map_err(|e| self.failed("write to the state folder", &self.path, e))?;
        Ok(aside)
    }

    /// Whether there is a log but no database that it could belong to.
    pub(super) fn has_orphaned_log(&self) -> bool {
        let size = |path: &Path| {
            fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map_or(0, |m| m.len())
        };
        let database = self.database();
        size(&database) == 0 && size(&with_suffix(&database, "-wal")) > 0
    }

    fn free_name(&self, now: Timestamp) -> PathBuf {
        let second = now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
        let base = with_suffix(&self.database(), &format!(".corrupt-{second}"));
        let taken = |path: &Path| ["", "-wal", "-shm"].iter().any(|s| with_suffix(path, s).exists());
        let mut name = base.clone();
        for n in 2.. {
            if !taken(&name) {
                break;
            }
            name = with_suffix(&base, &format!("-{n}"));
        }
        name
    }

    pub(super) fn failed(&self, doing: &'static str, path: &Path, source: io::Error) -> LedgerError {
        LedgerError::Folder { doing, path: path.to_owned(), source }
    }
}

/// The folder in a state folder where simulated runs are recorded, as in a state folder of their own.
pub(super) const SIMULATED: &str = "simulated";

/// Whether it is a state folder, of simulated runs alone perhaps.
pub(crate) fn has_ledger(folder: &Path) -> bool {
    let ledgers = [folder.join(DATABASE), folder.join(SIMULATED).join(DATABASE)];
    ledgers.iter().any(|ledger| ledger.is_file())
}

/// Opens for reading and writing what only its owner may read and write; makes it if it is not there.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    open_regular(path, &mut options)
}

/// Opens a file in a folder that others can fill, as whoever writes to the repository can where it is checked out: a
/// regular file, or none. A link would lead to any file of ours, and a pipe would be waited for without end.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // To say what stands there. What counts is how it is opened, and what that has opened.
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(no_regular_file(path));
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_regular_file(path)) }
}

fn no_regular_file(path: &Path) -> io::Error {
    let kind = path.symlink_metadata().map(|found| found.file_type());
    let what = match kind {
        Ok(kind) if kind.is_dir() => return io::ErrorKind::IsADirectory.into(),
        Ok(kind) if kind.is_symlink() => "it is a link, which is not followed here; remove it",
        Ok(_) | Err(_) => "it is no regular file; remove it",
    };
    io::Error::other(what)
}

/// Takes the group's and the others' rights away, if they have any.
fn restrict(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Lets git leave out a folder that we have made. Without it nothing is lost: a folder where no file can be made is told of
/// by whoever writes what it is for.
pub(crate) fn keep_out_of_git(folder: &Path) {
    let _ = fs::write(folder.join(".gitignore"), "# Made by jules-batch.\n*\n");
}

fn create_private_dir(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Another process was faster.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Brings the names in a folder to the disk. Only Unix can.
fn sync_dir(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
