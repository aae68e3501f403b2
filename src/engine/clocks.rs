//! This machine's clock against the service's: what the ledger knows is told by the one, sessions by the other.

use jiff::{SignedDuration, Timestamp};

use super::input::Now;

/// Clocks that differ by less agree: answers take their time, and the service tells whole seconds.
const AGREEING: SignedDuration = SignedDuration::from_secs(30);

/// How far the service's clock is ahead of this machine's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clocks {
    ahead: SignedDuration,
}

impl Clocks {
    /// As they stand now.
    pub(super) fn of(service: Timestamp, ours: Timestamp) -> Self {
        let ahead = service.duration_since(ours);
        Self { ahead: if ahead.abs() < AGREEING { SignedDuration::ZERO } else { ahead } }
    }

    /// A time by the service's clock, for what is recorded now and otherwise dated by this machine's; none where that
    /// tells the same.
    pub(super) fn to_record(self, at: Timestamp, now: Now) -> Option<Timestamp> {
        let ours = now.wall.checked_sub(self.ahead).unwrap_or(now.wall);
        (at.duration_since(ours).abs() >= AGREEING).then_some(at)
    }

    /// The earliest time by the service's clock that a time in the ledger can stand for: whoever wrote it had a clock
    /// like this machine's, or a right one.
    pub(super) fn earliest(self, recorded: Timestamp) -> Timestamp {
        recorded.min(self.served(recorded))
    }

    /// The latest, which is not in the future.
    pub(super) fn latest(self, recorded: Timestamp, now: Now) -> Timestamp {
        recorded.max(self.served(recorded)).min(now.wall)
    }

    fn served(self, recorded: Timestamp) -> Timestamp {
        recorded.checked_add(self.ahead).unwrap_or(recorded)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
    }

    #[test]
    fn a_recorded_time_is_read_both_ways() {
        let now = |hour| Now { instant: Instant::now(), wall: at(hour) };
        let agreeing = Clocks::of(at(9), at(9) + SignedDuration::from_secs(9));
        assert_eq!((agreeing.earliest(at(8)), agreeing.to_record(at(9), now(9))), (at(8), None));
        assert_eq!(agreeing.to_record(at(8), now(9)), Some(at(8)), "an older intent is taken up");
        let ahead = Clocks::of(at(14), at(9));
        assert_eq!((ahead.earliest(at(8)), ahead.latest(at(8), now(14))), (at(8), at(13)));
        assert_eq!(ahead.to_record(at(14), now(14)), Some(at(14)));
        let behind = Clocks::of(at(4), at(9));
        assert_eq!((behind.earliest(at(8)), behind.latest(at(8), now(4))), (at(3), at(4)));
    }
}
