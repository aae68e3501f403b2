//! Files that the user names, read as the manifest is: bounded in size, text only, never waiting for a pipe.

use std::io;
use std::path::Path;

use foreign_text::line as neutral;

use super::failure::Failure;
use crate::manifest::{MAX_FILE_BYTES, Unreadable, read_text_of, text_of};

/// The largest report that is read, in bytes: one of 100,000 tasks has a third of it.
pub(crate) const MAX_REPORT_BYTES: u64 = 256 * 1024 * 1024;

/// The text of a file of at most [`MAX_FILE_BYTES`], which `what` says the kind of; `-` is stdin.
pub(crate) fn read(what: &str, path: &Path) -> Result<String, Failure> {
    read_of(what, path, MAX_FILE_BYTES)
}

/// The same with another bound, in bytes.
pub(crate) fn read_of(what: &str, path: &Path, most: u64) -> Result<String, Failure> {
    let is_stdin = path == Path::new("-");
    let text = if is_stdin { text_of(io::stdin().lock(), most) } else { read_text_of(path, most) };
    text.map_err(|error| {
        let name = if is_stdin {
            "of stdin".to_owned()
        } else {
            format!("`{}`", neutral(&path.display().to_string()))
        };
        unreadable(&format!("the {what} {name}"), &error)
    })
}

/// What it means that it cannot be read.
fn unreadable(name: &str, error: &Unreadable) -> Failure {
    let failure = Failure::usage(format!("{name} {}", error.what));
    match error.help {
        Some(help) => failure.help(help),
        None => failure,
    }
}
