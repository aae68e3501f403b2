//! The limit of open files, which connections count for as well.

use std::error::Error;
use std::io;
use std::iter::successors;

/// The way out of [`is_out_of_files`].
pub(crate) const RAISE_THE_LIMIT: &str =
    "raise the limit of open files (`ulimit -n 4096`), or lower `max-parallel`";

/// The system's numbers for too many open files of a process and of the machine.
#[cfg(unix)]
const NUMBERS: [i32; 2] = [24, 23];
#[cfg(not(unix))]
const NUMBERS: [i32; 2] = [4, 10024];

/// Whether there was no room for another open file or connection.
pub(crate) fn is_out_of_files(error: &(dyn Error + 'static)) -> bool {
    let is_it = |error: &io::Error| match error.raw_os_error() {
        Some(number) => NUMBERS.contains(&number),
        // The crate that makes temporary files keeps the number in the text alone.
        None => error.get_ref().is_some_and(|inner| {
            let text = inner.to_string();
            NUMBERS.iter().any(|number| text.contains(&format!("(os error {number})")))
        }),
    };
    successors(Some(error), |error| (**error).source()).filter_map(|error| error.downcast_ref()).any(is_it)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::outcome::JournalError;

    #[test]
    fn it_is_known_wherever_it_stands_among_the_causes() {
        let full = || io::Error::from_raw_os_error(24);
        assert!(is_out_of_files(&full()));
        assert!(is_out_of_files(&JournalError::new("cannot write x", JournalError::new("y", full()))));
        let of_a_crate = io::Error::other(format!("{} at path \"/x\"", full()));
        assert!(is_out_of_files(&JournalError::new("cannot write x", of_a_crate)));
        assert!(!is_out_of_files(&JournalError::new("x", io::Error::from_raw_os_error(28))));
    }
}
