//! Parts of a workflow command of GitHub's: `::error file=…,title=…::message`.

use crate::{cut, one_line, tame};

/// Foreign text as a command's message of at most `limit` bytes before it is escaped.
#[must_use]
pub fn message(text: &str, limit: usize) -> String {
    // What ends a command or stands for an escape; CR is gone.
    cut(tame(text), limit).replace('%', "%25").replace('\n', "%0A")
}

/// Foreign text as a command's property: one line of at most `limit` bytes before it is escaped.
#[must_use]
pub fn property(text: &str, limit: usize) -> String {
    one_line(tame(text), limit).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}
