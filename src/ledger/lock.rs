//! One runner at a time: the lock of a state folder, and who holds it.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::folder::{StateFolder, open_private, open_regular};

/// How often the lock is tried before it counts as taken. Somebody who only asks for the holder has it for an
/// instant as well.
const LOOKS: u32 = 5;
/// The pause between two tries.
const LOOK_DELAY: Duration = Duration::from_millis(20);

/// The lock, held until this is dropped or the process dies.
///
/// The file stays: removing it would let two processes lock two files of the same name.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock and writes down who we are, or says who has it.
    pub(super) fn acquire(folder: &StateFolder, now: Timestamp) -> Result<Self, LedgerError> {
        let path = folder.lock();
        let failed = |source| LedgerError::Folder { doing: "lock", path: path.clone(), source };
        let mut file = open_private(&path).map_err(failed)?;
        for looks_left in (0..LOOKS).rev() {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if looks_left > 0 => std::thread::sleep(LOOK_DELAY),
                Err(TryLockError::WouldBlock) => {
                    let holder = Holder::read(&mut file);
                    return Err(LedgerError::InUse { folder: folder.path().to_owned(), holder });
                }
                Err(TryLockError::Error(e)) => return Err(failed(e)),
            }
        }
        let mut lock = Self { file };
        lock.write(&Holder::this_process(now)).map_err(failed)?;
        Ok(lock)
    }

    /// Who holds the lock now; none if nobody does, or if the holder does not say who it is.
    pub(super) fn holder(folder: &StateFolder) -> Option<Holder> {
        let mut file = open_regular(&folder.lock(), OpenOptions::new().read(true)).ok()?;
        match file.try_lock_shared() {
            // What stands in the file is of one who was killed. The lock goes with the file.
            Ok(()) | Err(TryLockError::Error(_)) => None,
            Err(TryLockError::WouldBlock) => Holder::read(&mut file),
        }
    }

    fn write(&mut self, holder: &Holder) -> io::Result<()> {
        let line = serde_json::to_string(holder)?;
        self.file.set_len(0)?;
        self.file.write_all(line.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The name of one who is gone would mislead; the lock itself goes with the file's last handle.
        let _ = self.file.set_len(0);
    }
}

/// Who holds a state folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    command: String,
    pid: u32,
    host: String,
    since: Timestamp,
}

impl Holder {
    /// What runs there: the program's name.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Its process id on [`Holder::host`].
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The machine it runs on.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// When it took the lock.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    pub(super) fn this_process(now: Timestamp) -> Self {
        // The arguments stay out: they may hold what is nobody's business.
        let command = std::env::current_exe()
            .ok()
            .and_then(|exe| exe.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
            .unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned());
        Self { command, pid: std::process::id(), host: host_name(), since: now }
    }

    /// What the lock file says; none if it is being written, or cannot be read while it is locked (Windows).
    fn read(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(4096).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, pid, host, since } = self;
        write!(f, "{command} pid {pid} on {host} since {since:.0}")
    }
}

fn host_name() -> String {
    let from_kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    from_kernel
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".to_owned())
}
