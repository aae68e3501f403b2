//! The ledger of a run: opened, asked what went before, and told that a run begins.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Job;
use super::args::RunArgs;
use crate::api::SessionId;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::engine::{StopReason, look_back};
use crate::ledger::{Ledger, LedgerError, ManifestIdentity, Recorder, SkippedEvent, StoredRun};
use crate::outcome::{EventKind, EventLog as _, RunEvent, RunId, RunInfo, RunRecord, TaskRecord};
use crate::plan::Plan;

/// An open ledger with the run that it will record.
pub(super) struct Books {
    recorder: Recorder,
    record: RunRecord,
    /// The run's events so far, for the files that hold all of them.
    history: Vec<RunEvent>,
    goes_on: bool,
    look_back: Timestamp,
    known_sessions: HashSet<SessionId>,
    created: Vec<Timestamp>,
    notes: Vec<String>,
}

impl Books {
    /// Opens the ledger and finds the run to go on with, or begins a new one.
    pub(super) fn open(
        args: &RunArgs,
        job: &Job,
        plan: &Plan,
        state_dir: &Path,
        simulated: bool,
    ) -> Result<Self, Failure> {
        let identity = ManifestIdentity::new(state_dir, &job.origin, &plan.name, simulated);
        let ledger = Ledger::open(state_dir).map_err(unusable)?;
        let mut notes: Vec<String> = ledger.set_aside().map(damaged).into_iter().collect();
        let reader = ledger.reader();
        let last = reader.last_run(&identity).map_err(unusable)?;
        let sound = last.as_ref().filter(|last| is_sound(ledger.set_aside(), last)).map(|last| &last.record);
        let first = reader.first_run_at(&identity).map_err(unusable)?;
        let look_back = look_back(sound, first, plan, Timestamp::now());
        // Clocks differ, and a session that is adopted is in the books from then on: a day more does no harm.
        let booked_since = look_back.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let known_sessions = reader.sessions_since(booked_since).map_err(unusable)?;
        let created = created_within_day(plan, reader, simulated).map_err(unusable)?;
        for skipped in last.iter().flat_map(|last| &last.skipped) {
            notes.push(skipped.to_string());
        }
        let (recorder, record, history, goes_on) =
            match last.filter(|last| goes_on(&last.record, args, plan.settings.adoption.adopt_within)) {
                Some(last) => {
                    let history = reader.events(&last.record.info.id, 0).map_err(unusable)?.events;
                    let recorder = ledger.resume(&last.record.info.id).map_err(unusable)?;
                    (recorder, last.record, history, true)
                }
                None => {
                    let first = first_event(plan, job, simulated);
                    let mut recorder = ledger.start(identity);
                    recorder
                        .append(std::slice::from_ref(&first))
                        .map_err(|error| Failure::new(Exit::NotWritable, error))?;
                    let record = RunRecord::begin(&first).expect("a RunStarted begins a record");
                    (recorder, record, vec![first], false)
                }
            };
        Ok(Self { recorder, record, history, goes_on, look_back, known_sessions, created, notes })
    }

    pub(super) fn record(&self) -> RunRecord {
        self.record.clone()
    }

    pub(super) fn run_id(&self) -> &RunId {
        &self.record.info.id
    }

    /// Whether an earlier run is continued.
    pub(super) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Since when sessions can exist that the ledger does not hold.
    pub(super) fn look_back(&self) -> Timestamp {
        self.look_back
    }

    /// The sessions that it does hold, as far back.
    pub(super) fn known_sessions(&self) -> &HashSet<SessionId> {
        &self.known_sessions
    }

    /// When sessions were created within the daily budget's window.
    pub(super) fn created_within_day(&self) -> &[Timestamp] {
        &self.created
    }

    /// What a user should know of the ledger.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What writes the run down, and what it has written so far.
    pub(super) fn into_recorder(self) -> (Recorder, Vec<RunEvent>) {
        (self.recorder, self.history)
    }
}

/// An earlier run is continued when it has open tasks, or failed ones under `--failed`; never with `--fresh`.
fn goes_on(last: &RunRecord, args: &RunArgs, adopt_within: Duration) -> bool {
    let again = args.failed && last.tasks.values().any(TaskRecord::has_failed);
    let wanted = last.totals().remaining() > 0 || again;
    !args.fresh && (wanted || was_cut_short(last, adopt_within, Timestamp::now()))
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
    reader: &crate::ledger::LedgerReader,
    simulated: bool,
) -> Result<Vec<Timestamp>, LedgerError> {
    let since = Timestamp::now().checked_sub(plan.settings.day).unwrap_or(Timestamp::UNIX_EPOCH);
    reader.created_since(since, simulated)
}

fn first_event(plan: &Plan, job: &Job, simulated: bool) -> RunEvent {
    let ts = Timestamp::now();
    let run = RunInfo {
        id: RunId::new(ts, fastrand::u16(..)),
        name: plan.name.clone(),
        manifest: plan.manifest.clone(),
        file: job.file.clone(),
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

/// What it means for a command that the ledger cannot be used.
pub(crate) fn unusable(error: LedgerError) -> Failure {
    Failure::new(Exit::NotWritable, error)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::progress::sample;
    use crate::outcome::Outcome;

    fn args(line: &[&str]) -> RunArgs {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            run: RunArgs,
        }
        Line::parse_from(["run"].iter().chain(line)).run
    }

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

    fn goes_on(last: &RunRecord, args: &RunArgs) -> bool {
        super::goes_on(last, args, Duration::from_secs(60))
    }

    #[test]
    fn open_work_is_gone_on_with() {
        for open in [None, Some(Outcome::Deferred), Some(Outcome::Detached)] {
            assert!(goes_on(&ended_with(open), &args(&[])), "{open:?}");
            assert!(!goes_on(&ended_with(open), &args(&["--fresh"])), "{open:?}");
        }
        assert!(!goes_on(&closed_with(Outcome::Succeeded), &args(&["--failed"])));
        assert!(!goes_on(&closed_with(Outcome::Failed), &args(&[])));
        assert!(goes_on(&closed_with(Outcome::Failed), &args(&["--failed"])));
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
