//! Another machine has the manifest's runs: it is followed, waited for, or left alone.

use std::time::{Duration, Instant};

use foreign_text::line as neutral;
use jiff::{SignedDuration, Timestamp};

use super::args::{IfBusy, RunArgs};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::recorded::{self, exit_of};
use crate::cli::status;
use crate::ledger::{LedgerError, LedgerReader, Location};
use crate::outcome::{Outcome, RunEvent, RunId, RunRecord};
use crate::plan::{Plan, TaskId};
use crate::report::ReportV1;
use crate::runner::{Finished, Options, ReportFiles, StopReason};

/// How often it is looked whether the other is still there.
const LOOK: Duration = Duration::from_secs(1);

/// What the other has left.
pub(super) enum Left {
    /// Nothing that is ours to do: its run is over, or has come to a bound that holds for ours too.
    Done(Box<Finished>, Vec<RunEvent>),
    /// Its run is over, and was begun with another version of the manifest, or with a part of it: tasks of ours are not in it.
    Part(Box<Finished>, Vec<RunEvent>),
    /// Work in this run, or nobody knows in which.
    Work(Option<RunId>),
}

/// What is there for a run of ours to do, and what ends it before that.
pub(super) struct Ours {
    tasks: Vec<TaskId>,
    bounds: Vec<StopReason>,
}

impl Ours {
    pub(super) fn of(plan: &Plan) -> Self {
        let settings = &plan.settings;
        let (tasks, time) = (settings.strategy.max_tasks.is_some(), settings.run_timeout.is_some());
        let bounds = [tasks.then_some(StopReason::MaxTasks), time.then_some(StopReason::Deadline)];
        Self {
            tasks: plan.tasks.iter().map(|task| task.id.clone()).collect(),
            bounds: bounds.into_iter().flatten().collect(),
        }
    }

    /// Whether an invocation has closed it, and left nothing to do or what it was not to do: whoever follows does not spend that
    /// once more.
    fn is_over(&self, record: &RunRecord) -> bool {
        let open = |outcome: Option<Outcome>| outcome.is_none_or(Outcome::is_open);
        let is_bounded = self.bounds.iter().any(|bound| record.stopped.as_deref() == Some(bound.as_str()));
        record.ended_at.is_some() && (is_bounded || !record.tasks.values().any(|task| open(task.outcome)))
    }

    fn are_all_in(&self, record: &RunRecord) -> bool {
        self.tasks.iter().all(|task| record.tasks.contains_key(task))
    }
}

/// Whether its end is waited for.
pub(super) fn is_waited_for(args: &RunArgs, console: &Console) -> bool {
    how(args, console) != IfBusy::Leave
}

/// Whether it is told what it does.
pub(super) fn follows(args: &RunArgs, console: &Console) -> bool {
    how(args, console) == IfBusy::Follow
}

fn how(args: &RunArgs, console: &Console) -> IfBusy {
    let usual = if console.ci().is_some() { IfBusy::Follow } else { IfBusy::Leave };
    args.if_busy.unwrap_or(usual)
}

/// Waits until the other has given the runs back, or has not said for long that it is there. A ledger that does not answer
/// meanwhile is waited for, as a run of our own would.
pub(super) async fn until_free(
    busy: LedgerError,
    ours: Ours,
    args: &RunArgs,
    console: &Console,
) -> Result<Left, Failure> {
    let LedgerError::Owned { lease, since, .. } = busy else {
        return Err(Failure::new(exit_of(&busy), busy));
    };
    let location = args.state.location()?;
    let watch = Watch {
        lease,
        // Clocks differ.
        since: since.and_then(|since| since.checked_sub(SignedDuration::from_mins(1)).ok()),
        ours,
        location,
        patience: args.state_patience,
        follows: follows(args, console),
        reader: None,
        watched: None,
    };
    let verb = if watch.follows { "following" } else { "waiting for" };
    console.say(&format!("{}; {verb} it", neutral(&busy.to_string())));
    // Off the main thread, which has to hear a signal while the ledger is silent; and by a clock that outlives its runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Fault, error))?;
    let console = console.clone();
    let watching = tokio::task::spawn_blocking(move || runtime.block_on(watch.until_free(&console)));
    watching.await.map_err(|error| Failure::new(Exit::Fault, error))?
}

/// Another's run, as it is seen from here.
struct Watch {
    lease: i64,
    /// From when the other is there.
    since: Option<Timestamp>,
    ours: Ours,
    location: Location,
    /// How long a ledger that does not answer is waited for.
    patience: Duration,
    /// Whether it is told what the other does.
    follows: bool,
    /// None before the ledger was opened.
    reader: Option<LedgerReader>,
    /// The other's run.
    watched: Option<RunId>,
}

impl Watch {
    async fn until_free(mut self, console: &Console) -> Result<Left, Failure> {
        let mut away_since = None;
        loop {
            match self.look(console).await {
                Ok(Some(left)) => return Ok(left),
                Ok(None) if away_since.take().is_some() => console.say("the ledger answers again"),
                Ok(None) => {}
                Err(failure) if failure.exit() == Exit::Unavailable => {
                    if away_since.is_none() {
                        console.warn(&format!("{}; it is waited for", failure.headline()));
                    }
                    if away_since.get_or_insert_with(Instant::now).elapsed() >= self.patience {
                        return Err(failure);
                    }
                }
                Err(failure) => return Err(failure),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the other has left; none while it is there.
    async fn look(&mut self, console: &Console) -> Result<Option<Left>, Failure> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => LedgerReader::open(&self.location).map_err(recorded::unreadable)?,
        };
        let reader = self.reader.insert(reader);
        let (held, last) = reader.lease(self.lease).map_err(recorded::unreadable)?;
        let is_newer =
            |run: &RunId| self.watched.as_ref().is_none_or(|watched| watched.as_str() < run.as_str());
        if let Some(run) = last.filter(is_newer) {
            let record = recorded::find(reader, Some(&run), console)?;
            // What had ended before is not the other's: it may be there only to write down what is news of it.
            if record.ended_at.is_none_or(|ended| self.since.is_none_or(|since| ended >= since)) {
                if held && self.follows {
                    status::watch(record, reader, console).await?;
                }
                self.watched = Some(run);
            }
        }
        if held {
            return Ok(None);
        }
        let Some(run) = self.watched.clone() else { return Ok(Some(Left::Work(None))) };
        let record = recorded::find(reader, Some(&run), console)?;
        if reader.holder(&run).is_some() {
            // A larger part of the manifest, or a smaller one, goes on with it.
            if self.follows {
                status::watch(record, reader, console).await?;
            }
            return Ok(None);
        }
        if !self.ours.is_over(&record) {
            return Ok(Some(Left::Work(Some(run))));
        }
        let events = reader.events(&run, 0).map_err(recorded::unreadable)?.events;
        let left = if self.ours.are_all_in(&record) { Left::Done } else { Left::Part };
        let finished = Finished { record, stopped: None, fault: None, held_up: None, not_again: 0 };
        Ok(Some(left(Box::new(finished), events)))
    }
}

/// Writes the reports of a run that another machine has finished.
pub(super) fn write(
    finished: &Finished,
    events: &[RunEvent],
    (files, args): (&ReportFiles, &RunArgs),
) -> Result<(), Failure> {
    let unwritable = |error| args.reports.unwritable(error);
    files.check().map_err(unwritable)?;
    let written = files.write(&ReportV1::of(&finished.record));
    written.map_err(|error| Failure::new(Exit::NotWritable, error))?;
    files.write_events(events).map(drop).map_err(unwritable)
}

/// How to go on with what the other has left: nothing is done again that it has done.
pub(super) fn going_on(options: Options, run: Option<RunId>) -> Options {
    let Some(run) = run else { return options };
    Options { run: Some(run), fresh: false, again: Vec::new(), recreate: Vec::new(), ..options }
}
