//! How far back an invocation looks for sessions that its ledger may lack.

use jiff::{SignedDuration, Timestamp};

use crate::outcome::RunRecord;
use crate::plan::Plan;

/// How far back to look when the ledger says nothing.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// For clocks that differ.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// Since when sessions of the plan's tasks can exist that the ledger does not hold.
///
/// `last` is the manifest's last run in the ledger, whether it is gone on with or not, and `first` is when its first
/// one began; none of either when the ledger is new, lost or damaged. What the ledger saw itself it holds. But it can
/// be an old copy (a CI cache that was not saved after the last run), and one that is younger than a week may never
/// have asked for the sessions of a task that is new to it.
#[must_use]
pub fn look_back(
    last: Option<&RunRecord>,
    first: Option<Timestamp>,
    plan: &Plan,
    now: Timestamp,
) -> Timestamp {
    let before = |at: Timestamp, span| at.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let longest = before(now, LONGEST);
    let Some((last, until)) = last.and_then(|last| Some((last, last.complete_until?))) else {
        return longest;
    };
    let grown_up = first.is_some_and(|first| first <= longest);
    let asked_for = |task: &crate::plan::Task| {
        last.tasks.get(&task.id).is_some_and(|known| known.surveyed && known.planned.key == task.key)
    };
    if grown_up || plan.tasks.iter().all(asked_for) { before(until, MARGIN).max(longest) } else { longest }
}
