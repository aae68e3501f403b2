//! A run's events as rows of tasks, pull requests and creations: what is asked without a fold. The same as the file's own
//! statements say (`entry.rs`), decided here because one statement can change a row only once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Postgres;
use super::link::values;
use crate::ledger::LedgerError;
use crate::outcome::{EventKind, PullStatus, RunEvent, SessionRef, Work, is_end};
use crate::plan::TaskId;

/// What a run's rows say.
#[derive(Clone, Debug, Default)]
pub(super) struct Projection {
    /// The last event that is in it.
    pub(super) seq: u64,
    pub(super) invocations: i32,
    pub(super) ended_at: Option<i64>,
    pub(super) tasks: HashMap<String, TaskRow>,
    /// By task and page.
    pub(super) pulls: BTreeMap<(String, String), PullRow>,
    pub(super) changed: Changed,
}

/// What the database does not know yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed {
    pub(super) tasks: BTreeSet<String>,
    pub(super) pulls: BTreeSet<(String, String)>,
    /// Session, time, key of the task.
    pub(super) creations: Vec<(String, i64, Option<String>)>,
    /// Sessions that somebody heard of too late, and that are seen to.
    pub(super) seen_to: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ledger) struct TaskRow {
    pub(in crate::ledger) key: String,
    pub(in crate::ledger) outcome: Option<String>,
    pub(in crate::ledger) ended_at: Option<i64>,
    pub(in crate::ledger) last: Option<String>,
    pub(in crate::ledger) mark: Option<String>,
    pub(in crate::ledger) session: Option<String>,
}

impl TaskRow {
    /// Whether it may have a session at work.
    pub(super) fn is_at_work(&self) -> bool {
        matches!(self.last.as_deref(), Some("intent" | "live" | "left"))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ledger) struct PullRow {
    pub(in crate::ledger) node: Option<String>,
    pub(in crate::ledger) key: String,
    pub(in crate::ledger) session: Option<String>,
    pub(in crate::ledger) state: Option<String>,
    pub(in crate::ledger) stage: Option<String>,
    pub(in crate::ledger) made_at: i64,
    pub(in crate::ledger) checked_at: Option<i64>,
    pub(in crate::ledger) closed_at: Option<i64>,
}

impl Projection {
    /// The rows of a run that is there.
    pub(super) fn load(postgres: &Postgres, run: i64) -> Result<Self, LedgerError> {
        let mut projection = Self::default();
        let tasks = "SELECT id, key, outcome, ended_at, last, mark, session FROM @tasks WHERE run = $1";
        for task in postgres.rows(tasks, values![run])? {
            let of = TaskRow {
                key: task.get(1),
                outcome: task.get(2),
                ended_at: task.get(3),
                last: task.get(4),
                mark: task.get(5),
                session: task.get(6),
            };
            projection.tasks.insert(task.get(0), of);
        }
        let pulls = "SELECT task, url, node, key, session, state, stage, made_at, checked_at, closed_at \
                     FROM @pulls WHERE run = $1";
        for pull in postgres.rows(pulls, values![run])? {
            let of = PullRow {
                node: pull.get(2),
                key: pull.get(3),
                session: pull.get(4),
                state: pull.get(5),
                stage: pull.get(6),
                made_at: pull.get(7),
                checked_at: pull.get(8),
                closed_at: pull.get(9),
            };
            projection.pulls.insert((pull.get(0), pull.get(1)), of);
        }
        Ok(projection)
    }

    /// Takes the run's next event; one that is in it already changes nothing.
    pub(super) fn apply(&mut self, event: &RunEvent) {
        if event.seq <= self.seq {
            return;
        }
        self.seq = event.seq;
        let ts = event.ts.as_millisecond();
        match &event.kind {
            EventKind::TaskPlanned { planned } => {
                let (id, key) = (planned.id.as_str(), planned.key.as_str().to_owned());
                // What it stood under before says nothing of what is at work now.
                let known = self.tasks.get(id).cloned();
                let last = known.is_none().then(|| "none".to_owned());
                let session = known.and_then(|known| known.session);
                let row = TaskRow { key, last, session, ..TaskRow::default() };
                self.tasks.insert(id.to_owned(), row);
                self.changed.tasks.insert(id.to_owned());
            }
            EventKind::TaskReopened { task } => self.set_outcome(task, None, None),
            EventKind::TaskEnded { task, outcome, .. } => {
                self.set_outcome(task, Some((outcome.as_str(), ts)), None);
            }
            EventKind::TaskMarked { task, mark, .. } => {
                let outcome = mark.outcome().map(|outcome| (outcome.as_str(), ts));
                self.set_outcome(task, outcome, Some(mark.as_str()));
            }
            EventKind::IntentRecorded { task, .. } => self.set_last(task, |_| Some("intent")),
            EventKind::CreateRefused { task, .. } | EventKind::SessionArchived { task, .. } => {
                self.set_last(task, |_| Some("over"));
            }
            EventKind::SessionState { task, state, .. } if is_end(state) => {
                self.set_last(task, |last| matches!(last, Some("live" | "left")).then_some("ended").or(last));
            }
            EventKind::SessionState { task, .. } => {
                self.set_last(task, |last| if last == Some("ended") { Some("live") } else { last });
            }
            EventKind::WorkFound { task, work, .. } => self.made(task, work, ts),
            EventKind::AttemptEnded { task, outcome, work, .. } => {
                self.made(task, work, ts);
                let (failed, open) = (outcome.is_failure(), outcome.is_open());
                self.set_last(task, |last| match last {
                    Some("live" | "left") if failed => Some("left"),
                    // Its session was sent a message after its end.
                    Some("over") if open => Some("live"),
                    last if open => last,
                    _ => Some("over"),
                });
            }
            EventKind::PullRequestAdopted { task, pull, session, .. } => {
                self.enter(task, &pull.url, session.as_ref(), ts);
            }
            EventKind::PullRequestRead { task, pull } => self.read(task, pull),
            EventKind::SessionCreated { task, session, created_at, .. } => {
                let ts = created_at.map_or(ts, jiff::Timestamp::as_millisecond);
                let key = self.tasks.get(task.as_str()).map(|row| row.key.clone());
                self.changed.creations.push((session.id.as_str().to_owned(), ts, key));
                self.change(task, |row| row.session = Some(session.id.as_str().to_owned()));
                self.set_last(task, |_| Some("live"));
            }
            EventKind::InvocationStarted { invocation, .. } => {
                (self.invocations, self.ended_at) = (i32::try_from(*invocation).unwrap_or(i32::MAX), None);
            }
            EventKind::InvocationEnded { .. } => self.ended_at = Some(ts),
            EventKind::StrayFound { stray } => {
                self.changed.seen_to.push(stray.session.id.as_str().to_owned());
            }
            EventKind::RunStarted { .. }
            | EventKind::RoundPlanned { .. }
            | EventKind::SessionsSurveyed { .. }
            | EventKind::CreateRepeated { .. }
            | EventKind::CreateDoubted { .. }
            | EventKind::AgentActive { .. }
            | EventKind::SessionDetails { .. }
            | EventKind::PlanApproved { .. }
            | EventKind::Replied { .. }
            | EventKind::Nudged { .. }
            | EventKind::SessionArchiving { .. }
            | EventKind::Noted { .. }
            | EventKind::ApiUsed { .. }
            | EventKind::GithubUsed { .. }
            | EventKind::WavesFixed { .. }
            | EventKind::WaveReleased { .. }
            | EventKind::PullRequestActing { .. }
            | EventKind::PullRequestActed { .. }
            | EventKind::StraysUnknown { .. } => {}
        }
    }

    /// A task that was never planned has no row.
    fn change(&mut self, task: &TaskId, change: impl FnOnce(&mut TaskRow)) {
        if let Some(row) = self.tasks.get_mut(task.as_str()) {
            change(row);
            self.changed.tasks.insert(task.as_str().to_owned());
        }
    }

    fn set_outcome(&mut self, task: &TaskId, outcome: Option<(&str, i64)>, mark: Option<&str>) {
        self.change(task, |row| {
            row.outcome = outcome.map(|(outcome, _)| outcome.to_owned());
            row.ended_at = outcome.map(|(_, ts)| ts);
            row.mark = mark.map(str::to_owned);
        });
    }

    fn set_last(&mut self, task: &TaskId, next: impl for<'a> FnOnce(Option<&'a str>) -> Option<&'a str>) {
        self.change(task, |row| row.last = next(row.last.as_deref()).map(str::to_owned));
    }

    fn made(&mut self, task: &TaskId, work: &Work, ts: i64) {
        work.pull_requests().for_each(|pull| self.enter(task, &pull.url, None, ts));
    }

    fn enter(&mut self, task: &TaskId, url: &str, session: Option<&SessionRef>, ts: i64) {
        let (Some(row), at) = (self.tasks.get(task.as_str()), (task.as_str().to_owned(), url.to_owned()))
        else {
            return;
        };
        if self.pulls.contains_key(&at) {
            return;
        }
        let session = session.map(|session| session.id.as_str().to_owned()).or_else(|| row.session.clone());
        let pull = PullRow { key: row.key.clone(), session, made_at: ts, ..PullRow::default() };
        self.pulls.insert(at.clone(), pull);
        self.changed.pulls.insert(at);
    }

    fn read(&mut self, task: &TaskId, pull: &PullStatus) {
        let checked = pull.checked_at.as_millisecond();
        if !self.update(task, pull) {
            self.enter(task, &pull.url, None, checked);
            self.update(task, pull);
        }
    }

    /// Whether the task has it.
    fn update(&mut self, task: &TaskId, pull: &PullStatus) -> bool {
        let mut found = false;
        let first = (task.as_str().to_owned(), String::new());
        for (at, row) in self.pulls.range_mut(first..).take_while(|((of, _), _)| of == task.as_str()) {
            if at.1 != pull.url && (pull.id.is_none() || row.node != pull.id) {
                continue;
            }
            found = true;
            row.node = pull.id.clone().or(row.node.take());
            row.state = Some(pull.state.as_str().to_owned());
            row.stage = Some(pull.stage.as_str().to_owned());
            row.checked_at = Some(pull.checked_at.as_millisecond());
            row.closed_at = pull.closed_at.or(pull.merged_at).map(jiff::Timestamp::as_millisecond);
            self.changed.pulls.insert(at.clone());
        }
        found
    }
}
