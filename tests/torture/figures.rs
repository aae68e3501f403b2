//! What a run of the torture test has shown, in one line.

use std::fmt;
use std::ops::AddAssign;

use crate::tally::Tally;

/// Counts of one seed, or of many.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) tasks: u64,
    pub(crate) sessions: u64,
    /// Starts of the program.
    pub(crate) invocations: u64,
    /// Of these, how many ended by SIGKILL.
    pub(crate) killed: u64,
    /// Of these, how many ended by SIGINT or SIGTERM.
    pub(crate) interrupted: u64,
    /// Of these, how many were put to sleep for a while.
    pub(crate) slept: u64,
    /// How often the ledger was thrown away.
    pub(crate) wiped: u64,
    /// How often an older copy of it took its place.
    pub(crate) restored: u64,
    pub(crate) requests: u64,
    /// Faults that the service had.
    pub(crate) faults: u64,
    /// Sessions that were found by their markers.
    pub(crate) adopted: u64,
    /// Sessions in the statistics that the report does not know.
    pub(crate) lost: u64,
    /// Sessions beyond a task's one, or beside another one of the task.
    pub(crate) duplicates: u64,
    /// Sessions for a task whose earlier one lived, or had ended well.
    pub(crate) second: u64,
    /// Outcomes that the service's own knowledge contradicts.
    pub(crate) contradicted: u64,
    /// Sessions that the last listing found and the ledger did not know.
    pub(crate) strays: u64,
    /// What else is not as promised.
    pub(crate) wrong: Vec<String>,
}

impl Tally for Figures {
    fn wrong(&self) -> &[String] {
        &self.wrong
    }

    fn is_clean(&self) -> bool {
        self.lost == 0
            && self.duplicates == 0
            && self.second == 0
            && self.strays == 0
            && self.wrong.is_empty()
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.sessions += other.sessions;
        self.invocations += other.invocations;
        self.killed += other.killed;
        self.interrupted += other.interrupted;
        self.slept += other.slept;
        self.wiped += other.wiped;
        self.restored += other.restored;
        self.requests += other.requests;
        self.faults += other.faults;
        self.adopted += other.adopted;
        self.lost += other.lost;
        self.duplicates += other.duplicates;
        self.second += other.second;
        self.contradicted += other.contradicted;
        self.strays += other.strays;
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tasks, {} sessions ({} adopted), {} invocations ({} killed, {} interrupted, {} asleep, {} \
             ledgers lost, {} replaced by older copies), {} requests, {} faults: {} lost, {} duplicates, {} second \
             sessions, {} contradicted, {} strays",
            self.tasks,
            self.sessions,
            self.adopted,
            self.invocations,
            self.killed,
            self.interrupted,
            self.slept,
            self.wiped,
            self.restored,
            self.requests,
            self.faults,
            self.lost,
            self.duplicates,
            self.second,
            self.contradicted,
            self.strays,
        )
    }
}
