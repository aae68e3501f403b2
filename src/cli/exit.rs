//! Exit codes: one enum, decided once.

use std::process::ExitCode;

/// How the program ends. Ordered by precedence: of several that apply, the greatest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Exit {
    /// All done, nothing failed.
    Done,
    /// No task was selected.
    NothingSelected,
    /// Nothing failed, but work is left: run again.
    WorkLeft,
    /// Tasks failed under `--fail-on`.
    TasksFailed,
    /// The service was down, or the quota gone, before anything started.
    Unavailable,
    /// The API key is missing or was refused.
    KeyRefused,
    /// SIGINT; everything is saved.
    Interrupted,
    /// SIGTERM; everything is saved.
    Terminated,
    /// A report or the ledger could not be written: not everything is saved.
    NotWritable,
    /// The manifest is invalid.
    ManifestInvalid,
    /// The command line is wrong.
    Usage,
    /// Our own fault, or an operation that failed for a reason without a code of its own.
    Fault,
}

impl Exit {
    /// All of them, in order of precedence.
    pub(crate) const ALL: [Self; 12] = [
        Self::Done,
        Self::NothingSelected,
        Self::WorkLeft,
        Self::TasksFailed,
        Self::Unavailable,
        Self::KeyRefused,
        Self::Interrupted,
        Self::Terminated,
        Self::NotWritable,
        Self::ManifestInvalid,
        Self::Usage,
        Self::Fault,
    ];

    /// The code that scripts see; stable.
    pub(crate) const fn code(self) -> u8 {
        self.row().0
    }

    /// The lines of the help: each code and what it says, in a few words.
    pub(crate) fn table() -> String {
        let mut rows = Self::ALL.map(Self::row);
        rows.sort_unstable();
        rows.map(|(code, meaning)| format!("  {code:>3}  {meaning}")).join("\n")
    }

    const fn row(self) -> (u8, &'static str) {
        match self {
            Self::Done => (0, "done"),
            Self::Fault => (1, "an operation failed, or our own fault"),
            Self::Usage => (2, "the command line is wrong"),
            Self::ManifestInvalid => (3, "the manifest is invalid"),
            Self::NothingSelected => (4, "no task was selected"),
            Self::WorkLeft => (5, "not yet: work is left (run again), or a session is live or astray"),
            Self::KeyRefused => (6, "the API key is missing or was refused"),
            Self::Unavailable => (75, "service down or quota gone before anything started"),
            Self::TasksFailed => (100, "tasks failed (see run --fail-on); wins over 5"),
            Self::NotWritable => (110, "a report or the ledger could not be written"),
            Self::Interrupted => (130, "interrupted (SIGINT), everything saved"),
            Self::Terminated => (143, "terminated (SIGTERM), everything saved"),
        }
    }

    /// The strongest of all that apply; [`Exit::Done`] when none does.
    pub(crate) fn strongest(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or(Self::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let mut codes = Exit::ALL.map(Exit::code);
        codes.sort_unstable();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 75, 100, 110, 130, 143]);
    }

    #[test]
    fn all_is_in_order_of_precedence() {
        assert!(Exit::ALL.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn failed_tasks_win_over_work_left_and_lost_reports_over_both() {
        use Exit::{Done, Interrupted, NotWritable, TasksFailed, WorkLeft};
        assert_eq!(Exit::strongest([]), Done);
        assert_eq!(Exit::strongest([WorkLeft, TasksFailed]), TasksFailed);
        assert_eq!(Exit::strongest([TasksFailed, Interrupted, WorkLeft]), Interrupted);
        assert_eq!(Exit::strongest([NotWritable, Interrupted, TasksFailed]), NotWritable);
    }
}
