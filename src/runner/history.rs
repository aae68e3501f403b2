//! What went before a run: the ledger is opened, asked, and told that a run begins.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::day::Day;
use super::outlook::Outlook;
use super::pulls::{FollowedPull, PullsBefore};
use super::redact::clean;
use super::round::{self, LeftOut};
use super::work::{Work, last_round};
use super::{Options, Redactor, RunError};
use crate::engine::{self, look_back};
use crate::ledger::{
    Ledger, LedgerError, LedgerReader, Location, ManifestIdentity, Recorder, SharedDisk, SkippedEvent,
    StoredRun,
};
use crate::outcome::{
    EventKind, EventLog as _, LateReader, Mark, RoundInfo, RunEvent, RunId, RunInfo, RunRecord,
};
use crate::plan::{ConnectedSource, Plan, TaskId, TaskSource};

/// How long the service may take, after a create was sent, until its session is processed and listed.
const LISTED_WITHIN: Duration = Duration::from_secs(150);

const TOOK_OVER: &str = "another process had this manifest's runs and has not said for half a minute that it is there: \
                         they are taken over, and what it may have sent is looked for";

/// What identifies a manifest.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// In the ledger.
    pub(super) identity: PathBuf,
    /// In reports; none when it is no file.
    pub(super) file: Option<String>,
}

/// An open ledger with the run that it will record.
pub(super) struct History {
    pub(super) plan: Arc<Plan>,
    /// How the engine is to run it.
    pub(super) engine: engine::Options,
    pub(super) recorder: Recorder,
    pub(super) record: RunRecord,
    /// The run's events so far, for the files that hold all of them.
    pub(super) events: Vec<RunEvent>,
    /// Whether an earlier run is continued.
    pub(super) goes_on: bool,
    /// Whether there is nothing to do, so that nothing is to be asked or recorded.
    pub(super) is_idle: bool,
    /// What a user should know of the ledger.
    pub(super) notes: Vec<String>,
    /// Asks what another process heard too late.
    pub(super) late: Option<LateReader>,
}

impl History {
    /// Opens the ledger and finds the run to go on with, or begins a new one.
    pub(super) fn open(
        origin: &Origin,
        (plan, left_out): (Plan, &LeftOut),
        options: &Options,
        (pulls, began): (&PullsBefore, Timestamp),
        simulated: bool,
    ) -> Result<Self, RunError> {
        let identity = origin.identity(&plan, options, simulated);
        let mut ledger = Ledger::open(&options.state)?;
        let tasks: Vec<_> = plan.tasks.iter().map(|task| (&task.id, &task.key)).collect();
        ledger.claim(&identity, (options.selection.shard, &tasks))?;
        let mut ledger = pulls.record(ledger, &options.reports.redactor, began)?;
        let mut notes: Vec<String> = ledger.set_aside().map(damaged).into_iter().collect();
        notes.extend(ledger.copied_to().map(|to| copied(&to)));
        notes.extend(ledger.took_over().then(|| TOOK_OVER.to_owned()));
        notes.extend(options.state.warning().map(str::to_owned));
        notes.extend(ledger.shared_disk().map(|disk| on_shared_disk(disk, &options.state)));
        notes.extend(Some(ledger.redated()).filter(|count| *count > 0).map(redated));
        let work = Work::decide(plan, &identity, options, Some(ledger.reader()), pulls)?;
        let followed = work.followed();
        let followed: Vec<_> = followed.iter().map(|(id, key)| (id, key)).collect();
        if !followed.is_empty() {
            ledger.claim(&identity, (options.selection.shard, &followed))?;
        }
        let reader = ledger.reader();
        let (plan, last) = (&work.plan, work.last.as_ref());
        let (late, late_reader) = (ledger.late()?, ledger.late_reader());
        let is_idle = work.outlook.is_idle && late.is_empty();
        let sound = last.filter(|last| is_sound(ledger.set_aside(), last)).map(|last| &last.record);
        let look_back = look_back(sound, reader.first_run_at(&identity)?, plan, Timestamp::now());
        // Clocks differ, and a session that is adopted is in the ledger from then on: a day more does no harm.
        let known_since = look_back.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let known_sessions = reader.sessions_since(known_since)?;
        let created_within_day = created_within_day(plan, reader, last, simulated)?;
        notes.extend(last.iter().flat_map(|last| &last.skipped).map(ToString::to_string));
        let first = first_event(plan, origin, simulated);
        let Work { plan, last, goes_on, by_pulls, of_waves, engine, outlook, .. } = work;
        let (mut recorder, mut record, mut events) = match (last, goes_on) {
            (Some(StoredRun { record, .. }), true) => {
                let events = reader.events(&record.info.id, 0)?.events;
                (ledger.go_on(&record.info.id)?, record, events)
            }
            (last, _) => {
                let left = last.filter(|_| !options.selection.is_partial()).map(|last| last.record);
                let ledger = match left {
                    Some(left) => close(ledger, &left, &outlook)?,
                    None => ledger,
                };
                (begin(ledger, identity.clone(), &first)?, begun(&first), vec![first])
            }
        };
        let redactor = &options.reports.redactor;
        let first: Vec<_> = by_pulls.into_iter().chain(of_waves).collect();
        events.extend(enter(first, redactor, &mut recorder, &mut record)?);
        let known = (&outlook, left_out, options);
        events.extend(tell(origin, &identity, &plan, known, (&mut recorder, &mut record))?);
        let engine = engine::Options {
            look_back: Some(look_back),
            known_sessions,
            intents_of_others: options.state.is_shared().then_some(LISTED_WITHIN),
            // A run that is not simulated was opened with a request.
            key_has_worked: !simulated,
            created_within_day,
            details: plan.settings.report.details,
            late,
            ..engine
        };
        let late = late_reader;
        Ok(Self { plan: Arc::new(plan), engine, recorder, record, events, goes_on, is_idle, notes, late })
    }
}

/// Records what is known before anything is asked of the service.
fn enter(
    kinds: Vec<EventKind>,
    redactor: &Redactor,
    recorder: &mut Recorder,
    record: &mut RunRecord,
) -> Result<Vec<RunEvent>, RunError> {
    let events = record.next_events(kinds, Timestamp::now());
    let events: Vec<_> = events.map(|event| clean(redactor, event)).collect();
    recorder.append(&events)?;
    events.iter().for_each(|event| record.apply(event));
    Ok(events)
}

/// Records how the run lies in its manifest, if that is news.
fn tell(
    origin: &Origin,
    identity: &ManifestIdentity,
    plan: &Plan,
    (outlook, left_out, options): (&Outlook, &LeftOut, &Options),
    (recorder, record): (&mut Recorder, &mut RunRecord),
) -> Result<Option<RunEvent>, RunError> {
    let (now, known) = (Timestamp::now(), (&*record, plan, origin.file.as_deref()));
    let around = (outlook, left_out, options.selection.shard.is_some());
    let told = round::info(recorder.reader(), identity, known, around, now)?;
    let told = RoundInfo { scenario: options.scenario.clone(), ..told };
    if told == record.round {
        return Ok(None);
    }
    let kind = EventKind::RoundPlanned { round: Box::new(told) };
    let event = record.next_events([kind], now).next();
    recorder.append(event.as_slice())?;
    recorder.flush()?;
    event.iter().for_each(|event| record.apply(event));
    Ok(event)
}

/// What left the manifest would keep the round before open for ever.
fn close(ledger: Ledger, left: &RunRecord, outlook: &Outlook) -> Result<Ledger, RunError> {
    let planned = outlook.ids();
    let ends = left.removed(&planned).map(|(task, _)| RunRecord::removed_end(task.clone()));
    let events: Vec<RunEvent> = left.next_events(ends, Timestamp::now()).collect();
    if events.is_empty() {
        return Ok(ledger);
    }
    let mut recorder = ledger.resume(&left.info.id)?;
    recorder.append(&events)?;
    Ok(recorder.into_ledger())
}

/// What the day has left of sessions for this manifest, by what the ledger says now; none without a limit.
pub(super) fn day(
    origin: &Origin,
    plan: &Plan,
    options: &Options,
    simulated: bool,
) -> Result<Option<Day>, RunError> {
    let Some(limit) = plan.settings.limits.sessions_per_day else { return Ok(None) };
    let identity = origin.identity(plan, options, simulated);
    let Some(reader) = LedgerReader::open_if_sound(&options.state)? else { return Ok(None) };
    let last = last_round(&identity, options, Some(&reader))?;
    let created = created_within_day(plan, &reader, last.as_ref(), simulated)?;
    let day = SignedDuration::try_from(plan.settings.day).unwrap_or(SignedDuration::MAX);
    Ok(Some(Day::of(created, limit, day)))
}

/// What a run would do by what the ledger says now, and why nothing of it where too many tasks have failed. Nothing is
/// written. The plan keeps the tasks that are started or taken up.
pub(super) fn preview(
    origin: &Origin,
    plan: Plan,
    options: &Options,
    pulls: &PullsBefore,
    simulated: bool,
) -> Result<(Plan, Outlook, Option<String>), RunError> {
    let mut work = decide(origin, plan, options, pulls, simulated)?;
    let first;
    let record = match work.last.as_ref().filter(|_| work.goes_on) {
        Some(last) => &last.record,
        None => {
            first = begun(&first_event(&work.plan, origin, simulated));
            &first
        }
    };
    let open = work.starts(record);
    let is_held_up = open.is_empty() && work.outlook.to_start() > 0;
    let held_up = is_held_up.then(|| work.held_up(record)).flatten();
    work.plan.keep(&open);
    Ok((work.plan, work.outlook, held_up))
}

/// What there is to do by what the ledger says now.
pub(super) fn decide(
    origin: &Origin,
    plan: Plan,
    options: &Options,
    pulls: &PullsBefore,
    simulated: bool,
) -> Result<Work, RunError> {
    let identity = origin.identity(&plan, options, simulated);
    let reader = LedgerReader::open_if_sound(&options.state)?;
    let mut work = Work::decide(plan, &identity, options, reader.as_ref(), pulls)?;
    work.judge_needs(|plan| begun(&first_event(plan, origin, simulated)));
    Ok(work)
}

/// The pull requests of the manifest's runs that may still change: what was closed may be opened again.
pub(super) fn open_pulls(
    origin: &Origin,
    plan: &Plan,
    options: &Options,
    simulated: bool,
) -> Result<Vec<FollowedPull>, RunError> {
    let Some(reader) = LedgerReader::open_if_sound(&options.state)? else { return Ok(Vec::new()) };
    let look_back = plan.settings.pull_requests.look_back;
    let closed_since = Timestamp::now().checked_sub(look_back).unwrap_or(Timestamp::MIN);
    Ok(FollowedPull::open(&reader, &origin.identity(plan, options, simulated), closed_since)?)
}

/// Enters a person's word on these tasks into the manifest's last round, or into a first one.
pub(super) fn mark(
    origin: &Origin,
    (plan, left_out): (&Plan, &LeftOut),
    options: &Options,
    (mark, by, reason): (Mark, &str, Option<&str>),
) -> Result<RunId, RunError> {
    let identity = origin.identity(plan, options, false);
    let mut ledger = Ledger::open(&options.state)?;
    // Marks begin nothing.
    ledger.claim(&identity, (options.selection.shard, &[]))?;
    let (mut recorder, mut record) = match last_round(&identity, options, Some(ledger.reader()))? {
        Some(last) => (ledger.resume(&last.record.info.id)?, last.record),
        None => {
            let first = first_event(plan, origin, false);
            (begin(ledger, identity.clone(), &first)?, begun(&first))
        }
    };
    tell(origin, &identity, plan, (&Outlook::default(), left_out, options), (&mut recorder, &mut record))?;
    let mut kinds = Vec::new();
    for task in &plan.tasks {
        if !record.tasks.contains_key(&task.id) {
            kinds.push(EventKind::TaskPlanned { planned: Arc::new(engine::planned(task)) });
        }
        let (task, by, reason) = (task.id.clone(), by.to_owned(), reason.map(str::to_owned));
        kinds.push(EventKind::TaskMarked { task, mark, by, reason });
    }
    let events: Vec<RunEvent> = record.next_events(kinds, Timestamp::now()).collect();
    recorder.append(&events)?;
    recorder.flush()?;
    Ok(record.info.id)
}

/// Adds the default branches that earlier runs, the last one first, knew of repositories that the service does not tell them of.
pub(super) fn recorded_branches(
    repositories: &mut Vec<ConnectedSource>,
    origin: &Origin,
    plan: &Plan,
    options: &Options,
    simulated: bool,
) -> Result<(), RunError> {
    let Some(reader) = LedgerReader::open_if_sound(&options.state)? else { return Ok(()) };
    let open = plan.tasks.iter().filter(|task| task.source.as_ref().is_some_and(|it| it.branch.is_empty()));
    let wanted = open.filter_map(|task| Some(task.source.as_ref()?.github.to_lowercase())).collect();
    let recorded = reader.branches(&origin.identity(plan, options, simulated), wanted)?;
    let planned: HashSet<&TaskId> = plan.tasks.iter().map(|task| &task.id).collect();
    // A branch that the manifest names is no default branch.
    for (_, TaskSource { github, branch }) in recorded.into_iter().filter(|(id, _)| !planned.contains(id)) {
        match repositories.iter_mut().find(|known| known.github.eq_ignore_ascii_case(&github)) {
            Some(known) => _ = known.default_branch.get_or_insert(branch),
            None => repositories.push(ConnectedSource {
                github,
                default_branch: Some(branch),
                branches: Vec::new(),
                gone: true,
            }),
        }
    }
    Ok(())
}

impl Origin {
    pub(super) fn identity(&self, plan: &Plan, options: &Options, simulated: bool) -> ManifestIdentity {
        let identity = ManifestIdentity::new(&options.state, &self.identity, &plan.name, simulated);
        if plan.former_name.is_some() { identity.with_default_name() } else { identity }
    }
}

/// Records the first event of a new run.
fn begin(ledger: Ledger, identity: ManifestIdentity, first: &RunEvent) -> Result<Recorder, RunError> {
    let mut recorder = ledger.start(identity);
    recorder.append(std::slice::from_ref(first))?;
    Ok(recorder)
}

fn begun(first: &RunEvent) -> RunRecord {
    RunRecord::begin(first).expect("a RunStarted begins a record")
}

/// Whether the run is in the ledger as it was written. A damaged one may lack sessions.
fn is_sound(set_aside: Option<&Path>, last: &StoredRun) -> bool {
    set_aside.is_none() && !last.skipped.iter().any(SkippedEvent::is_damaged)
}

/// Creates in doubt of the last run count as well: each may have made a session.
fn created_within_day(
    plan: &Plan,
    reader: &LedgerReader,
    last: Option<&StoredRun>,
    simulated: bool,
) -> Result<Vec<Timestamp>, LedgerError> {
    let since = Timestamp::now().checked_sub(plan.settings.day).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut created = reader.created_since(since, simulated)?;
    for task in last.iter().flat_map(|last| last.record.tasks.values()) {
        let intent = task.open_intent().filter(|_| task.doubts.is_empty()).map(|intent| intent.started_at);
        created.extend(task.doubts.iter().copied().chain(intent).filter(|at| *at >= since));
    }
    Ok(created)
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

fn on_shared_disk(disk: SharedDisk, folder: &Location) -> String {
    format!(
        "the state folder `{}` is on a disk that other machines may share ({}): let one machine run at a time, and no other read it \
         meanwhile; a folder on a disk of this machine is safer",
        folder, disk.kind
    )
}

fn copied(to: &str) -> String {
    format!("this ledger was copied to {to}: what is recorded there is not here")
}

fn redated(count: usize) -> String {
    format!(
        "{count} of the ledger's sessions were dated in the future (a clock was wrong): they count as created now"
    )
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
    use crate::outcome::sample;

    #[test]
    fn a_damaged_ledger_is_not_sound() {
        let record = RunRecord::from_events(&sample::run_of(1)).unwrap();
        let stored = StoredRun { record, skipped: Vec::new() };
        assert!(is_sound(None, &stored));
        assert!(!is_sound(Some(Path::new("ledger.db.corrupt-1")), &stored));
    }
}
