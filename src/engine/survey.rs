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
pub(crate) fn look_back(
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
    // What the ledger only intends it may lack.
    let records = last.tasks.values().chain(&last.superseded);
    let intended = records.filter_map(|task| {
        let intent = task.open_intent()?;
        Some(intent.started_at.min(intent.asked_at()))
    });
    let intended = intended.min();
    if grown_up || plan.tasks.iter().all(asked_for) {
        before(intended.map_or(until, |at| at.min(until)).min(now), MARGIN).max(longest)
    } else {
        longest
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::dispatch::tests::plan;
    use crate::outcome::{EventKind, PlannedTask, RunEvent, RunId, RunInfo};

    const NOW: &str = "2026-11-22T02:00:00Z";

    fn hours_ago(hours: i64) -> Timestamp {
        NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_hours(hours)
    }

    /// A run of these tasks, an hour ago; it looked for their sessions, or died before that.
    fn run_of(plan: &Plan, surveyed: bool) -> RunRecord {
        let ts = hours_ago(1);
        let info = RunInfo {
            id: RunId::new(ts, 1),
            name: "x".into(),
            manifest: "x".into(),
            file: None,
            simulated: false,
        };
        let mut kinds = vec![
            EventKind::RunStarted { run: info },
            EventKind::InvocationStarted { invocation: 1, shard: None, workflow_run: None },
        ];
        kinds.extend(plan.tasks.iter().map(|task| EventKind::TaskPlanned {
            planned: Arc::new(PlannedTask {
                id: task.id.clone(),
                key: task.key.clone(),
                job: task.job.clone(),
                source: task.source.clone(),
                matrix: task.matrix.clone(),
                tags: Vec::new(),
                place: task.place,
                on_no_change: task.on_no_change,
            }),
        }));
        kinds.extend(surveyed.then_some(EventKind::SessionsSurveyed { adopted: 0 }));
        let events: Vec<_> =
            kinds.into_iter().zip(1..).map(|(kind, seq)| RunEvent { seq, ts, kind }).collect();
        RunRecord::from_events(&events).unwrap()
    }

    #[test]
    fn as_far_as_the_ledger_may_lack_something() {
        let (one, two) = (plan(1, 1), plan(2, 1));
        let week = hours_ago(7 * 24);
        let last_sign = hours_ago(1) - SignedDuration::from_mins(1);
        let back = |last: Option<&RunRecord>, first: i64, plan: &Plan| {
            look_back(last, last.map(|_| hours_ago(first)), plan, NOW.parse().unwrap())
        };
        assert_eq!(back(None, 0, &one), week, "no ledger");
        assert_eq!(back(Some(&run_of(&one, false)), 1, &one), week, "it died before it had looked");
        assert_eq!(back(Some(&run_of(&one, true)), 1, &one), last_sign, "an older copy would end there");
        assert_eq!(back(Some(&run_of(&one, true)), 1, &two), week, "nobody has asked for the second task");
        let ahead = look_back(Some(&run_of(&one, true)), None, &one, hours_ago(5));
        assert_eq!(ahead, hours_ago(5) - MARGIN, "a clock was wrong once");
        assert_eq!(
            back(Some(&run_of(&one, true)), 8 * 24, &two),
            last_sign,
            "the ledger is older than a week"
        );
    }
}
