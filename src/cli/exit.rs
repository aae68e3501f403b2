//! Exit codes: one enum, decided once.

use std::process::ExitCode;

/// How the program ends. Ordered by precedence: of several that apply, the greatest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
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
    pub const ALL: [Self; 12] = [
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
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Fault => 1,
            Self::Usage => 2,
            Self::ManifestInvalid => 3,
            Self::NothingSelected => 4,
            Self::WorkLeft => 5,
            Self::KeyRefused => 6,
            Self::Unavailable => 75,
            Self::TasksFailed => 100,
            Self::NotWritable => 110,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What the code says, in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Fault => "an operation failed, or our own fault",
            Self::Usage => "the command line is wrong",
            Self::ManifestInvalid => "the manifest is invalid",
            Self::NothingSelected => "no task was selected",
            Self::WorkLeft => "nothing failed, but work is left: run again",
            Self::KeyRefused => "the API key is missing or was refused",
            Self::Unavailable => "service down or quota gone before anything started",
            Self::TasksFailed => "tasks failed (see run --fail-on)",
            Self::NotWritable => "a report or the ledger could not be written",
            Self::Interrupted => "interrupted (SIGINT), everything saved",
            Self::Terminated => "terminated (SIGTERM), everything saved",
        }
    }

    /// The strongest of all that apply; [`Exit::Done`] when none does.
    #[must_use]
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
