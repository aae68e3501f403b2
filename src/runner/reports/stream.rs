//! Places that pass on what is written: devices and pipes. They are written to, never replaced.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use super::CannotWrite;
use super::file::BUFFER;

/// Whether the path is such a place.
#[cfg(unix)]
pub(super) fn is_stream(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;

    let Ok(kind) = path.metadata().map(|found| found.file_type()) else { return false };
    // Standard output may be a file, too; as a place it is still none of ours.
    let handed_over = ["/dev/std", "/dev/fd/", "/proc/"];
    let is_handed_over = path.to_str().is_some_and(|path| handed_over.iter().any(|at| path.starts_with(at)));
    kind.is_char_device() || kind.is_fifo() || kind.is_socket() || is_handed_over
}

/// Whether the path is such a place; here there is none in the file system.
#[cfg(not(unix))]
pub(super) fn is_stream(_path: &Path) -> bool {
    false
}

/// Opens a stream, to add to what it got before. A pipe's reader may come a little later.
pub(super) fn open_stream(path: &Path) -> Result<File, CannotWrite> {
    let open = || {
        #[cfg(unix)]
        let _reader_is_there = unix::wait_for_reader(path)?;
        OpenOptions::new().append(true).open(path)
    };
    open().map_err(|source| CannotWrite { path: path.to_owned(), source })
}

/// Writes to a stream what `write` writes; why that failed is for `write` to remember.
pub(super) fn write_stream(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ()>,
) -> Result<(), CannotWrite> {
    let mut out = BufWriter::with_capacity(BUFFER, open_stream(path)?);
    match write(&mut out) {
        Ok(()) => out.flush().map_err(|source| CannotWrite { path: path.to_owned(), source }),
        Err(()) => Ok(()),
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::Path;
    use std::time::{Duration, Instant};

    /// How long a pipe's reader is waited for.
    const READER: Duration = Duration::from_secs(10);
    /// The pause between two looks for it.
    const LOOK: Duration = Duration::from_millis(20);

    /// Opening a pipe to write waits for its reader without end. Opened without waiting it tells whether there is one.
    pub(super) fn wait_for_reader(path: &Path) -> io::Result<File> {
        let asked = Instant::now();
        loop {
            match OpenOptions::new().append(true).custom_flags(libc::O_NONBLOCK).open(path) {
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                    if asked.elapsed() > READER {
                        return Err(io::Error::other("nobody reads from it"));
                    }
                    std::thread::sleep(LOOK);
                }
                opened => return opened,
            }
        }
    }
}
