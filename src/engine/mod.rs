//! From a plan to outcomes: one loop that acts, and plain methods that decide.
//!
//! ```text
//!  signals ─┐            ┌─ events ──▶ journal ──▶ ledger, and listeners (reports, progress)
//!  answers ─┼─▶ Dispatch ┤                │ kept
//!  timers ──┘            └─ actions ──────┴──▶ requests through the API client
//! ```
//!
//! Everything that happens outside becomes one input of the dispatcher, which is synchronous and knows
//! no clock. What it decides comes back as a turn: events that the ledger keeps **before** any of the turn's
//! actions starts. That order is what "intent on disk before the POST leaves" rests on. The ledger and the listeners
//! have threads of their own: while events are on their way to the disk, the loop goes on with other inputs.

mod act;
mod action;
mod admission;
mod ask;
mod backoff;
mod clocks;
mod create;
mod deadline;
mod dispatch;
mod driver;
mod input;
mod journal;
mod judge;
mod late;
mod left_over;
mod needs;
mod patience;
mod planned;
mod poller;
mod refusals;
mod run;
#[cfg(test)]
mod slow_ledger;
mod status;
mod stop;
mod survey;
mod turn;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use jiff::Timestamp;

use self::clocks::Clocks;
use crate::outcome::{
    EventKind, EventLog, JournalError, LateReader, LateSession, Listener, Marker, Outcome, RunEvent,
    RunRecord, SharedAccount, TaskRecord,
};
use crate::plan::{Plan, Shard, Task, TaskId};
use jules::{Jules, SessionId};

pub(crate) use dispatch::{Held, OpenPull};
pub(crate) use left_over::{GivenUp, LeftOver};
pub(crate) use patience::patience;
pub(crate) use planned::planned;
pub use stop::StopReason;
pub(crate) use survey::look_back;

/// What a run needs.
pub(crate) struct Setup {
    /// The tasks and their settings. `settings.run_timeout` is counted from the call of [`run`].
    pub plan: Arc<Plan>,
    /// The client.
    pub api: Jules,
    /// The run so far: only its first event for a new run, or everything that earlier invocations recorded.
    pub record: RunRecord,
    /// How.
    pub options: Options,
    /// What is asked elsewhere while the run is at work; nothing by default.
    pub between: Option<Between>,
    /// What is asked elsewhere at the end; nothing by default.
    pub at_end: Option<AtEnd>,
    /// The service's account, where several runs keep one count of it.
    pub account: Option<Arc<dyn SharedAccount>>,
    /// Asks for sessions that another process created for this run's tasks, and heard of too late; nobody by default.
    pub late: Option<LateReader>,
}

/// What is asked elsewhere now and then while an invocation is at work, such as how its pull requests stand: called every
/// second, it gives what is to be asked now, if anything is, and that comes to events.
pub(crate) type Between = Box<dyn FnMut(&RunRecord) -> Option<LocalBoxFuture<'static, Vec<EventKind>>>>;

/// What is asked elsewhere before an invocation ends, such as how its pull requests stand, and the events that come of it.
/// It has a bound of its own, and a signal cuts it short.
pub(crate) type AtEnd = Box<dyn for<'r> FnOnce(&'r RunRecord) -> LocalBoxFuture<'r, Vec<EventKind>>>;

/// Who keeps and who hears what happens.
pub(crate) struct Observers {
    /// Keeps every event before anything that follows from it is done.
    pub ledger: Box<dyn EventLog>,
    /// Hear every event, each on a thread of its own.
    pub listeners: Vec<Box<dyn Listener>>,
    /// What all of them get in place of an event: the same without what nobody may keep, such as a key that the agent
    /// repeats.
    pub clean: Box<dyn Fn(RunEvent) -> RunEvent>,
}

/// How to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Follow sessions to their end; otherwise they are started, recorded and detached (`--no-wait`).
    pub wait: bool,
    /// Try again what ended badly in an earlier invocation (`--failed`), after its old session was read again.
    pub rerun_failed: bool,
    /// Tasks that are done once more, whatever became of them.
    pub again: HashSet<TaskId>,
    /// Tasks of the plan that need others merged (`needs: [{ job, until: merged }]`), and which of those are not: an earlier
    /// run's do not change while this one is at work. Tasks that wait for the same share one list.
    pub until_merged: HashMap<TaskId, Arc<[TaskId]>>,
    /// What is live of a task that is done once more is archived first; otherwise it is taken up in its place.
    pub replace_live: bool,
    /// The plan holds a selection of the manifest's tasks: the others stay as they are.
    pub selected: bool,
    /// Which part of the manifest the plan holds, for the record.
    pub shard: Option<Shard>,
    /// The run of the CI workflow that this belongs to, for the record.
    pub workflow_run: Option<String>,
    /// Adopt sessions that carry a task's marker, were created since then and are missing in the ledger: it was lost,
    /// or is an old copy. [`look_back`] tells how far that has to go; none adopts nothing.
    pub look_back: Option<Timestamp>,
    /// Whether sessions that have ended are adopted too, where they are young.
    pub adopt_ended: bool,
    /// Sessions that the ledger holds from earlier runs, as far back as `look_back`: what has ended of them is not adopted.
    pub known_sessions: HashSet<SessionId>,
    /// What other runs know of tasks whose last attempt stands there: what is live or in doubt is taken up, and what was
    /// given up is read again before there is another session beside it.
    pub earlier: HashMap<TaskId, TaskRecord>,
    /// Open intents may be another process's, which is there still: so long after the time until which it sends their absence
    /// from a list proves nothing.
    pub intents_of_others: Option<Duration>,
    /// Live sessions of other runs, with their repositories: they count for `strategy.max-parallel-per-repository`.
    pub live_elsewhere: Vec<(String, SessionId)>,
    /// Live sessions of the round before, where this is another one, that no task of the plan takes up: they hold slots.
    pub live_before: Vec<SessionId>,
    /// Creates in doubt of the round before, where this is another one, that no task of the plan settles: they hold slots.
    pub in_doubt_before: Vec<Marker>,
    /// Sessions that an earlier invocation gave up and did not get to put away: they are looked at, and archived if they are
    /// live as they were left.
    pub left_over: Vec<LeftOver>,
    /// What [`Setup::late`] told before the run began.
    pub late: Vec<LateSession>,
    /// What other runs of the manifest have open on GitHub, or may be about to open, for `pull-requests.max-open`.
    pub open_elsewhere: Vec<OpenPull>,
    /// How tasks that are not in the plan ended last, for those that need them; none for one that is still open.
    pub outside: HashMap<TaskId, Option<Outcome>>,
    /// The service has taken the key just before: one refusal is not believed at once.
    pub key_has_worked: bool,
    /// Somebody looks on: what live sessions have done last is asked for now and then, only to be told.
    pub show_activities: bool,
    /// What sessions have said and done is read at their end, as far as it was not read anyway, only to be told.
    pub details: bool,
    /// When sessions were created within the last day, by any run.
    pub created_within_day: Vec<Timestamp>,
    /// This machine's clock against the service's.
    pub clocks: Clocks,
    /// Seed of the draws for retry pauses.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: true,
            rerun_failed: false,
            again: HashSet::new(),
            until_merged: HashMap::new(),
            replace_live: false,
            selected: false,
            shard: None,
            workflow_run: None,
            look_back: None,
            adopt_ended: true,
            known_sessions: HashSet::new(),
            earlier: HashMap::new(),
            intents_of_others: None,
            live_elsewhere: Vec::new(),
            live_before: Vec::new(),
            in_doubt_before: Vec::new(),
            left_over: Vec::new(),
            late: Vec::new(),
            open_elsewhere: Vec::new(),
            outside: HashMap::new(),
            key_has_worked: false,
            show_activities: false,
            details: false,
            created_within_day: Vec::new(),
            clocks: Clocks::default(),
            seed: 0,
        }
    }
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The run with everything that this invocation added.
    pub record: RunRecord,
    /// Why it ended before its time, if it did.
    pub stopped: Option<StopReason>,
    /// What kept it from working at all.
    pub fault: Option<Fault>,
    /// Why another invocation would start nothing of what is left, with the figures: too many tasks have failed.
    pub held_up: Option<String>,
    /// How many tasks were to be done once more, were not, and keep the good end that they had.
    pub not_again: usize,
}

/// What keeps an invocation from working at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service refused the key; its words.
    KeyRefused(String),
    /// The first request had no answer worth having, its retries spent.
    ServiceDown(String),
}

/// What [`Options::rerun_failed`] runs again: what failed, and what was skipped because a need had failed.
#[must_use]
pub(crate) fn runs_again(task: &Task, outcome: Outcome) -> bool {
    let has_needs = !task.needs.is_empty() || !task.needs_outside.is_empty();
    outcome.counts_as_failed(task.on_no_change) || (outcome == Outcome::Skipped && has_needs)
}

/// Which of the plan's tasks [`run`] would start or take up, by its own decisions.
#[must_use]
pub(crate) fn preview(plan: &Arc<Plan>, record: &RunRecord, options: Options) -> Vec<usize> {
    let now = input::Now { instant: tokio::time::Instant::now(), wall: Timestamp::now() };
    opened(plan, record, options, now).work(now)
}

/// What becomes of each of the plan's tasks when [`run`] begins, because of what it needs: its outcome and why, and nothing
/// for one that is started or taken up, now or later.
#[must_use]
pub(crate) fn needed(
    plan: &Arc<Plan>,
    record: &RunRecord,
    options: Options,
) -> Vec<Option<(Outcome, Option<String>)>> {
    let now = input::Now { instant: tokio::time::Instant::now(), wall: Timestamp::now() };
    opened(plan, record, options, now).needed(now)
}

/// Why [`run`] would start nothing, with the figures: too many tasks have failed.
#[must_use]
pub(crate) fn held_up(plan: &Arc<Plan>, record: &RunRecord, options: Options) -> Option<String> {
    let now = input::Now { instant: tokio::time::Instant::now(), wall: Timestamp::now() };
    opened(plan, record, options, now).too_many_failed()
}

/// The tasks that [`run`] would not start at first, and why.
#[must_use]
pub(crate) fn held(plan: &Arc<Plan>, record: &RunRecord, options: Options) -> Vec<(TaskId, Held)> {
    let now = input::Now { instant: tokio::time::Instant::now(), wall: Timestamp::now() };
    opened(plan, record, options, now).held()
}

fn opened(plan: &Arc<Plan>, record: &RunRecord, options: Options, now: input::Now) -> dispatch::Dispatch {
    let mut dispatch = dispatch::Dispatch::new(plan.clone(), record, options, now);
    dispatch.open(record, now);
    if dispatch.holds_any() {
        // They are judged by what the opening tells as well, such as which tasks there are.
        let (mut opened, at) = (record.clone(), Timestamp::now());
        let events: Vec<_> = record.next_events(dispatch.events().to_vec(), at).collect();
        events.iter().for_each(|event| opened.apply(event));
        dispatch.foretell_held(&opened, now, at);
    }
    dispatch
}

/// Runs a plan to its end, or to a stop.
///
/// Every event is in the ledger before anything that follows from it is done. `stops` brings reasons to stop from
/// outside (signals); they only ever escalate.
///
/// Cancel safety: dropping the future leaves the run as a kill would, to be taken up again from the ledger.
///
/// # Errors
///
/// When the ledger or a report cannot keep an event.
pub(crate) async fn run(
    setup: Setup,
    observers: Observers,
    stops: tokio::sync::mpsc::Receiver<StopReason>,
) -> Result<Finished, JournalError> {
    run::Loop::new(setup, observers, stops).run().await
}
