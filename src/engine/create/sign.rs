//! A session that a list must show before it proves that another is not there.

use jiff::{SignedDuration, Timestamp};

use super::less;
use crate::engine::input::{Now, Seen};
use crate::outcome::RunRecord;
use jules::SessionId;

/// A list that lags longer than this is not to be told from one that does not show a session any more.
const LONGEST_LAG: SignedDuration = SignedDuration::from_hours(1);

/// A session that surely exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Sign {
    pub(in crate::engine) session: SessionId,
    /// It is not older.
    pub(in crate::engine) since: Timestamp,
}

impl Sign {
    /// A session that the answer to its POST shows just now. Without a time in it, ours less a minute stands for the
    /// service's.
    pub(in crate::engine) fn of(seen: &Seen, now: Now) -> Self {
        let since = seen.created.unwrap_or_else(|| less(now.wall, SignedDuration::from_mins(1)));
        Self { session: seen.id.clone(), since }
    }

    /// The newest session that an earlier invocation of the run has created. Clocks differ.
    pub(in crate::engine) fn newest_of(record: &RunRecord) -> Option<Self> {
        let attempts = record.tasks.values().flat_map(|task| &task.attempts);
        let created = attempts.filter(|attempt| attempt.session.is_some() && !attempt.adopted);
        let newest = created.max_by_key(|attempt| attempt.asked_at())?;
        let since = less(newest.asked_at(), SignedDuration::from_mins(1));
        newest.session.as_ref().map(|session| Self { session: session.id.clone(), since })
    }

    /// Whether a list that does not show it may only lag.
    pub(in crate::engine) fn is_young(&self, now: Now) -> bool {
        self.since >= less(now.wall, LONGEST_LAG)
    }
}
