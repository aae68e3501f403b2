//! Why a run ends before its time. Reasons only escalate.

/// A reason to stop, from the mildest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopReason {
    /// `--no-wait` has left as many sessions live as there are slots: nothing more is started.
    NoWait,
    /// Sessions that could not be looked at were left in all slots: nothing more is started.
    Unseen,
    /// Live sessions of tasks outside the selection have held all slots for `limits.capacity-wait`: nothing more is started.
    Occupied,
    /// The daily budget is spent and does not come back before the deadline: nothing more is started.
    Budget,
    /// `max-tasks` sessions were started: nothing more is started.
    MaxTasks,
    /// The service refused for capacity for `limits.capacity-wait`: nothing more is started.
    Capacity,
    /// Creates in doubt do not settle: nothing more is started.
    Doubts,
    /// Another run, older than this one and without its ledger, works on the same tasks: nothing more is started.
    Rival,
    /// `max-failures` or `fail-fast`: nothing more is started.
    Failures,
    /// The deadline: what is live is detached.
    Deadline,
    /// The key was refused: nothing can be followed any more.
    Key,
    /// The service did not answer the first request.
    Service,
    /// The ledger or a report could not keep what happened.
    NotWritable,
    /// SIGINT: what is live is detached.
    Interrupt,
    /// SIGTERM: the same.
    Terminate,
    /// A second signal: leave now.
    Abandon,
}

impl StopReason {
    /// Whether live sessions are left, or followed to their end.
    #[must_use]
    pub fn leaves_live(self) -> bool {
        self >= Self::Deadline
    }

    /// Whether creates that have not been sent are not to be any more. What reaches a limit was counted when it began.
    #[must_use]
    pub fn calls_creates_back(self) -> bool {
        self >= Self::Rival
    }

    /// Its name in events and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoWait => "no-wait",
            Self::Unseen => "sessions-unseen",
            Self::Occupied => "slots-occupied",
            Self::Budget => "sessions-per-day",
            Self::MaxTasks => "max-tasks",
            Self::Capacity => "capacity-wait",
            Self::Doubts => "creates-in-doubt",
            Self::Rival => "another-run",
            Self::Failures => "max-failures",
            Self::Deadline => "deadline",
            Self::Key => "key-refused",
            Self::Service => "service-unavailable",
            Self::NotWritable => "not-writable",
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminate",
            Self::Abandon => "abandon",
        }
    }

    /// Why a task was not started, for its report.
    #[must_use]
    pub const fn deferral(self) -> &'static str {
        match self {
            Self::NoWait => "not started: `--no-wait` left as many sessions live as `max-parallel` allows",
            Self::Unseen => {
                "not started: sessions that could not be looked at hold all slots of `max-parallel`"
            }
            Self::Occupied => {
                "not started: live sessions, or ones in doubt, of tasks that are not selected or have another prompt by now hold all slots of `max-parallel`"
            }
            Self::Budget => "not started: the daily budget of sessions is spent",
            Self::MaxTasks => "not started: `max-tasks` sessions were started",
            Self::Capacity => "not started: the service refused new sessions for `limits.capacity-wait`",
            Self::Doubts => {
                "not started: it is not known of too many sessions whether they were created, and no listing tells"
            }
            Self::Rival => "not started: another run works on the same tasks",
            Self::Failures => "not started: too many tasks failed",
            Self::Deadline => "not started before the deadline",
            Self::Key => "not started: the service refused the API key",
            Self::Service => "not started: the service did not answer",
            Self::NotWritable => "not started: the run could not be recorded any more",
            Self::Interrupt | Self::Terminate | Self::Abandon => "not started before the interrupt",
        }
    }

    /// Why a live session was left, for its task's report.
    #[must_use]
    pub const fn detachment(self) -> &'static str {
        match self {
            Self::Deadline => "still live at the deadline",
            Self::Key => "still live when the service refused the API key",
            Self::Service => "still live when last seen; the service did not answer",
            Self::NotWritable => "still live when the run could not be recorded any more",
            Self::NoWait
            | Self::Unseen
            | Self::Occupied
            | Self::Budget
            | Self::MaxTasks
            | Self::Capacity
            | Self::Doubts
            | Self::Rival
            | Self::Failures
            | Self::Interrupt
            | Self::Terminate
            | Self::Abandon => "still live at the interrupt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_outrank_limits() {
        assert!(StopReason::Failures < StopReason::Deadline);
        assert!(StopReason::Deadline < StopReason::Interrupt);
        assert!(StopReason::Terminate < StopReason::Abandon);
        assert!(!StopReason::Failures.leaves_live());
        assert!(StopReason::Deadline.leaves_live() && StopReason::Interrupt.leaves_live());
    }
}
