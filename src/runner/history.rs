//! What went before a run: the ledger is opened, asked, and told that a run begins.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Options, RunError};
use crate::api::SessionId;
use crate::engine::{StopReason, look_back};
use crate::ledger::{Ledger, LedgerError, LedgerReader, ManifestIdentity, Recorder, SkippedEvent, StoredRun};
use crate::outcome::{EventKind, EventLog as _, RunEvent, RunId, RunInfo, RunRecord, TaskRecord};
use crate::plan::Plan;

/// What stands for a manifest's path.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// In the ledger.
    pub(super) identity: PathBuf,
    /// In reports; none when it is no file.
    pub(super) file: Option<String>,
}

/// An open ledger with the run that it will record.
pub(super) struct History {
    pub(super) recorder: Recorder,
    pub(super) record: RunRecord,
    /// The run's events so far, for the files that hold all of them.
    pub(super) events: Vec<RunEvent>,
    /// Whether an earlier run is continued.
    pub(super) goes_on: bool,
    /// Since when sessions can exist that the ledger does not hold.
    pub(super) look_back: Timestamp,
    /// The sessions that it does hold, as far back.
    pub(super) known_sessions: HashSet<SessionId>,
    /// When sessions were created within the daily budget's window.
    pub(super) created_within_day: Vec<Timestamp>,
    /// What a user should know of the ledger.
    pub(super) notes: Vec<String>,
}

impl History {
    /// Opens the ledger and finds the run to go on with, or begins a new one.
    pub(super) fn open(
        origin: &Origin,
        plan: &Plan,
        options: &Options,
        simulated: bool,
    ) -> Result<Self, RunError> {
        let identity = ManifestIdentity::new(&options.state_dir, &origin.identity, &plan.name, simulated);
        let ledger = Ledger::open(&options.state_dir)?;
        let mut notes: Vec<String> = ledger.set_aside().map(damaged).into_iter().collect();
        let reader = ledger.reader();
        let last = reader.last_run(&identity)?;
        let sound = last.as_ref().filter(|last| is_sound(ledger.set_aside(), last)).map(|last| &last.record);
        let look_back = look_back(sound, reader.first_run_at(&identity)?, plan, Timestamp::now());
        // Clocks differ, and a session that is adopted is in the ledger from then on: a day more does no harm.
        let known_since = look_back.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let known_sessions = reader.sessions_since(known_since)?;
        let created_within_day = created_within_day(plan, reader, simulated)?;
        notes.extend(last.iter().flat_map(|last| &last.skipped).map(ToString::to_string));
        let adopt_within = plan.settings.adoption.adopt_within;
        let goes_on = last.filter(|last| goes_on(&last.record, options, adopt_within));
        let (goes_on, recorder, record, events) = match goes_on {
            Some(StoredRun { record, .. }) => {
                let events = reader.events(&record.info.id, 0)?.events;
                (true, ledger.resume(&record.info.id)?, record, events)
            }
            None => {
                let first = first_event(plan, origin, simulated);
                let mut recorder = ledger.start(identity);
                recorder.append(std::slice::from_ref(&first))?;
                let record = RunRecord::begin(&first).expect("a RunStarted begins a record");
                (false, recorder, record, vec![first])
            }
        };
        Ok(Self { recorder, record, events, goes_on, look_back, known_sessions, created_within_day, notes })
    }
}

/// An earlier run is continued when it has open tasks, or failed ones that are to be run again; never for a fresh one.
fn goes_on(last: &RunRecord, options: &Options, adopt_within: Duration) -> bool {
    let again = options.failed && last.tasks.values().any(TaskRecord::has_failed);
    let wanted = last.totals().remaining() > 0 || again;
    !options.fresh && (wanted || was_cut_short(last, adopt_within, Timestamp::now()))
}

/// Whether the run was killed or interrupted after its last task and before its last listing, not long ago. Whoever
/// starts it again then does not want all of it twice; by the next night it is another matter, as with sessions that
/// are adopted.
fn was_cut_short(last: &RunRecord, adopt_within: Duration, now: Timestamp) -> bool {
    let last_sign = last.tasks.values().filter_map(|task| task.ended_at).max();
    let within = SignedDuration::try_from(adopt_within).unwrap_or(SignedDuration::MAX);
    let interrupted = [StopReason::Interrupt, StopReason::Terminate].map(StopReason::as_str);
    let stopped = last.stopped.as_deref().is_some_and(|stopped| interrupted.contains(&stopped));
    (last.ended_at.is_none() || stopped) && last_sign.is_some_and(|sign| now.duration_since(sign) <= within)
}

/// Whether the run is in the ledger as it was written. A damaged one may lack sessions.
fn is_sound(set_aside: Option<&Path>, last: &StoredRun) -> bool {
    set_aside.is_none() && !last.skipped.iter().any(SkippedEvent::is_damaged)
}

fn created_within_day(
    plan: &Plan,
    reader: &LedgerReader,
    simulated: bool,
) -> Result<Vec<Timestamp>, LedgerError> {
    let since = Timestamp::now().checked_sub(plan.settings.day).unwrap_or(Timestamp::UNIX_EPOCH);
    reader.created_since(since, simulated)
}

fn first_event(plan: &Plan, origin: &Origin, simulated: bool) -> RunEvent {
    let ts = Timestamp::now();
    let run = RunInfo {
        id: RunId::new(ts, fastrand::u16(..)),
        name: plan.name.clone(),
        manifest: plan.manifest.clone(),
        file: origin.file.clone(),
        simulated,
    };
    RunEvent { seq: 1, ts, kind: EventKind::RunStarted { run } }
}

fn damaged(path: &Path) -> String {
    format!(
        "the ledger was damaged and is kept as {}; sessions of earlier runs are looked for by their markers",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, sample};

    fn ended_with(outcome: Option<Outcome>) -> RunRecord {
        let mut events = sample::run_of(1);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 1);
        events.extend(outcome.map(|outcome| sample::event(9, sample::ended("task-0", outcome, None))));
        RunRecord::from_events(&events).unwrap()
    }

    /// The same after an end in order.
    fn closed_with(outcome: Outcome) -> RunRecord {
        let mut record = ended_with(Some(outcome));
        record.apply(&sample::event(10, EventKind::InvocationEnded { stopped: None }));
        record
    }

    fn goes_on(last: &RunRecord, options: &Options) -> bool {
        super::goes_on(last, options, Duration::from_secs(60))
    }

    #[test]
    fn open_work_is_gone_on_with() {
        let plain = Options::default();
        let (fresh, failed) =
            (Options { fresh: true, ..plain.clone() }, Options { failed: true, ..plain.clone() });
        for open in [None, Some(Outcome::Deferred), Some(Outcome::Detached)] {
            assert!(goes_on(&ended_with(open), &plain), "{open:?}");
            assert!(!goes_on(&ended_with(open), &fresh), "{open:?}");
        }
        assert!(!goes_on(&closed_with(Outcome::Succeeded), &failed));
        assert!(!goes_on(&closed_with(Outcome::Failed), &plain));
        assert!(goes_on(&closed_with(Outcome::Failed), &failed));
    }

    #[test]
    fn a_run_that_died_at_its_very_end_is_closed_and_not_done_twice() {
        let died = ended_with(Some(Outcome::Succeeded));
        let end = died.tasks[0].ended_at.unwrap();
        let hour = Duration::from_secs(3_600);
        assert!(was_cut_short(&died, 6 * hour, end + hour));
        assert!(!was_cut_short(&died, 6 * hour, end + 7 * hour), "the next night's work is done anew");
        assert!(!was_cut_short(&closed_with(Outcome::Succeeded), 6 * hour, end + hour));
        let mut interrupted = closed_with(Outcome::Succeeded);
        interrupted.stopped = Some("terminate".to_owned());
        assert!(was_cut_short(&interrupted, 6 * hour, end + hour));
        interrupted.stopped = Some("deadline".to_owned());
        assert!(!was_cut_short(&interrupted, 6 * hour, end + hour));
    }

    #[test]
    fn a_damaged_ledger_is_not_sound() {
        let record = RunRecord::from_events(&sample::run_of(1)).unwrap();
        let stored = StoredRun { record, skipped: Vec::new() };
        assert!(is_sound(None, &stored));
        assert!(!is_sound(Some(Path::new("ledger.db.corrupt-1")), &stored));
    }
}
