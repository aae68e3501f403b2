//! Opening the database file: settings, health, room.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use super::LedgerError;
use super::disk::SharedDisk;
use super::folder::StateFolder;
use super::prune::INCREMENTAL;
use super::schema::{self, STEPS, Version};

/// How long a statement waits for another process: a reader that recovers the log after a crash, at most.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What must be free on the disk before a run begins, in bytes. The log keeps it afterwards.
const ROOM: u32 = 1 << 20;

/// Opens the ledger for writing and brings it to the newest version. The caller holds the lock, and the file exists. On a
/// disk that is shared nobody else has it meanwhile, not even to read.
pub(super) fn open(path: &Path, shared: Option<SharedDisk>) -> Result<Connection, LedgerError> {
    let failed = |source| LedgerError::Storage { doing: "open the ledger", path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    if shared.is_some() {
        // Before the first page is read: then the log's index is in this process's memory, and no file beside the database
        // that machines would have to share.
        conn.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(())).map_err(failed)?;
    }
    let version = schema::version(&conn).map_err(failed)?;
    match version {
        Version::Empty => {}
        Version::Steps(found) => {
            refuse_newer(&conn, path, found)?;
            check(&conn, path)?;
        }
        Version::Foreign => return Err(LedgerError::Foreign { path: path.to_owned() }),
    }
    let settings = |conn: &mut Connection| {
        // Only a file without tables takes it: others are written anew when that is worth it.
        if version == Version::Empty {
            conn.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
        }
        // Where a filesystem has no shared memory SQLite stays with a rollback journal: slower, as safe.
        conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", "full")?;
        // Kibibytes. What is written is rarely read again: SQLite's own two megabytes would only fill up.
        conn.pragma_update(None, "cache_size", -256)?;
        schema::migrate(conn, STEPS)
    };
    settings(&mut conn).map_err(failed)?;
    verify(&conn, path)?;
    Ok(conn)
}

/// Opens the ledger for reading, beside whoever writes it.
pub(super) fn open_to_read(folder: &Path) -> Result<Connection, LedgerError> {
    let state = StateFolder::at(folder);
    let path = state.database();
    let missing = || LedgerError::Missing { folder: folder.to_owned() };
    let failed = |source| LedgerError::Storage { doing: "read the ledger", path: path.clone(), source };
    state.check_database().map_err(|(path, e)| state.failed("read the ledger", &path, e))?;
    if !path.exists() {
        return Err(missing());
    }
    let (conn, version) = connect_to_read(&path).map_err(failed)?;
    let known = STEPS.len() as u32;
    match version {
        // Another process has just made the file.
        Version::Empty => return Err(missing()),
        // Only a run brings the file to the newest version.
        Version::Steps(found) if found < known => match schema::read_older(found) {
            Some(views) => conn.execute_batch(views).map_err(failed)?,
            None => return Err(LedgerError::Older { path, found, known }),
        },
        Version::Steps(found) => refuse_newer(&conn, &path, found)?,
        Version::Foreign => return Err(LedgerError::Foreign { path }),
    }
    verify(&conn, &path)?;
    Ok(conn)
}

/// Readers of a log share memory in a file beside it. On a read-only medium they cannot make that file, and if
/// there is no log either, nobody writes: the database is then read as one that does not change.
fn connect_to_read(path: &Path) -> rusqlite::Result<(Connection, Version)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    match schema::version(&conn) {
        Ok(version) => Ok((conn, version)),
        // Whoever made the file died before it had its log: what was half done is taken back by a connection that may write.
        Err(e) if has_to_roll_back(&e) => {
            let writable = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let rolling_back = Connection::open_with_flags(path, writable)?;
            rolling_back.busy_timeout(BUSY_TIMEOUT)?;
            schema::version(&rolling_back)?;
            let version = schema::version(&conn)?;
            Ok((conn, version))
        }
        Err(e) => {
            let cannot_open = e.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen);
            let Some(uri) = immutable_uri(path).filter(|_| cannot_open) else { return Err(e) };
            let conn = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
            let version = schema::version(&conn)?;
            Ok((conn, version))
        }
    }
}

fn has_to_roll_back(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

/// The URI of a database without a log.
fn immutable_uri(path: &Path) -> Option<String> {
    if path.with_extension("db-wal").exists() {
        return None;
    }
    let mut uri = url::Url::from_file_path(std::path::absolute(path).ok()?).ok()?;
    uri.set_query(Some("immutable=1"));
    Some(uri.into())
}

/// Shows that the ledger can be written and that there is some room: a megabyte goes to the log and from there to
/// the file, and stays theirs when its content is dropped. So a run that begins has that much to write even
/// if the disk fills up under it.
pub(super) fn claim_room(conn: &Connection, path: &Path, now: Timestamp) -> Result<(), LedgerError> {
    let write = || {
        let tx = conn.unchecked_transaction()?;
        tx.execute("INSERT OR REPLACE INTO meta VALUES ('room', zeroblob(?1))", [ROOM])?;
        tx.commit()?;
        let tx = conn.unchecked_transaction()?;
        tx.execute("DELETE FROM meta WHERE key = 'room'", [])?;
        tx.execute(
            "INSERT OR REPLACE INTO meta VALUES ('writer', ?1), ('opened', ?2)",
            params![env!("CARGO_PKG_VERSION"), now.as_millisecond()],
        )?;
        tx.commit()?;
        checkpoint(conn)
    };
    write().map_err(|source| LedgerError::Storage {
        doing: "write to the ledger",
        path: path.to_owned(),
        source,
    })
}

/// Carries the log into the file as far as readers allow, so that the log is written from its start again.
pub(super) fn checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

fn refuse_newer(conn: &Connection, path: &Path, found: u32) -> Result<(), LedgerError> {
    let known = STEPS.len() as u32;
    if found <= known {
        return Ok(());
    }
    // Whatever else a newer version changed, this row may still be there.
    let writer = conn.query_row("SELECT value FROM meta WHERE key = 'writer'", [], |row| row.get(0)).ok();
    Err(LedgerError::Newer { path: path.to_owned(), found, known, writer })
}

/// Reads every page once. Half a second for a gigabyte, and a damaged ledger must not be found out in mid-run.
pub(super) fn check(conn: &Connection, path: &Path) -> Result<(), LedgerError> {
    let corrupt = |detail| LedgerError::Corrupt { path: path.to_owned(), detail };
    match conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(verdict) => Err(corrupt(verdict)),
        Err(source) => Err(LedgerError::Storage { doing: "check the ledger", path: path.to_owned(), source }),
    }
}

fn verify(conn: &Connection, path: &Path) -> Result<(), LedgerError> {
    schema::verify(conn).map_err(|e| LedgerError::Corrupt {
        path: path.to_owned(),
        detail: format!("its tables are wrong: {e}"),
    })
}
