//! A run, as its events tell it.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::{
    ApiUsage, EventKind, GithubUsage, Moved, Outcome, PlannedTask, RoundInfo, RunEvent, RunInfo,
    ServiceStatus, Stray, TaskRecord, Totals, WaveSets, is_left, verdicts,
};
use crate::plan::{Shard, TaskId, TaskKey};
use jules::SessionId;

/// The fold of a run's events: what reports show and what the next invocation goes on from.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Which run.
    pub info: RunInfo,
    /// When its first invocation began.
    pub started_at: Timestamp,
    /// When its last invocation ended; none while one is at work, or after one was killed.
    pub ended_at: Option<Timestamp>,
    /// How many invocations it has had.
    pub invocations: u32,
    /// The part of the manifest that the last one was for.
    pub shard: Option<Shard>,
    /// The run of the CI workflow that the last one belonged to.
    pub workflow_run: Option<String>,
    /// Why the last invocation ended before its time.
    pub stopped: Option<String>,
    /// Up to when the record is sure to hold every session of its tasks: the last event of an invocation that had
    /// looked for the sessions which the service held already. None before the first such look.
    pub complete_until: Option<Timestamp>,
    /// Whether the current invocation has had that look.
    surveyed: bool,
    /// What is known of the tasks that the manifest has beside them.
    pub round: RoundInfo,
    /// Its tasks in the order in which they were planned.
    pub tasks: IndexMap<TaskId, TaskRecord>,
    /// Tasks whose prompt was edited while the run had work left, as they stood then.
    pub superseded: Vec<TaskRecord>,
    /// What ended invocations asked of the API.
    earlier_usage: ApiUsage,
    /// What the current one has asked so far.
    current_usage: ApiUsage,
    /// The waves of its repositories, where it has any.
    pub waves: WaveSets,
    /// What GitHub was asked, by all invocations and between them.
    pub github: GithubUsage,
    /// What keeps requests from being answered, as far as the current invocation has told.
    pub service: ServiceStatus,
    /// Sessions with this run's marker that it does not know.
    pub strays: Vec<Stray>,
    /// Why the last invocation could not tell whether there are more.
    pub strays_unknown: Option<String>,
    /// The `seq` of the last event.
    pub last_seq: u64,
    /// When an invocation was last heard of.
    last_at: Timestamp,
}

impl RunRecord {
    /// The record of these events; none if the first is not [`EventKind::RunStarted`].
    #[must_use]
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Option<Self> {
        let mut events = events.into_iter();
        let mut record = Self::begin(events.next()?)?;
        for event in events {
            record.apply(event);
        }
        Some(record)
    }

    /// These as the run's next events, all of this moment.
    pub(crate) fn next_events(
        &self,
        kinds: impl IntoIterator<Item = EventKind>,
        ts: Timestamp,
    ) -> impl Iterator<Item = RunEvent> {
        kinds.into_iter().zip(self.last_seq + 1..).map(move |(kind, seq)| RunEvent { seq, ts, kind })
    }

    /// The record after a run's first event; none if that is not [`EventKind::RunStarted`].
    #[must_use]
    pub fn begin(first: &RunEvent) -> Option<Self> {
        let EventKind::RunStarted { run } = &first.kind else { return None };
        Some(Self {
            info: run.clone(),
            started_at: first.ts,
            ended_at: None,
            invocations: 0,
            shard: None,
            workflow_run: None,
            stopped: None,
            complete_until: None,
            surveyed: false,
            round: RoundInfo::default(),
            tasks: IndexMap::new(),
            superseded: Vec::new(),
            earlier_usage: ApiUsage::default(),
            current_usage: ApiUsage::default(),
            waves: WaveSets::default(),
            github: GithubUsage::default(),
            service: ServiceStatus::default(),
            strays: Vec::new(),
            strays_unknown: None,
            last_seq: first.seq,
            last_at: first.ts,
        })
    }

    /// What the whole run has asked of the API, all invocations together.
    #[must_use]
    pub fn usage(&self) -> ApiUsage {
        let mut usage = self.earlier_usage.clone();
        usage.add(&self.current_usage);
        usage
    }

    /// How many tasks stand how, open ones as if the run stopped here.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.tasks.values().map(TaskRecord::outcome_so_far).collect()
    }

    /// Whether something is left to do that no failed task tells of: for the next run, or stray sessions for a person.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        let waves = || is_left(&verdicts(self, self.last_at));
        self.totals().remaining() > 0 || !self.strays.is_empty() || waves()
    }

    /// Its open tasks that are none of those planned now: they have left the manifest. One that stands there without its
    /// branch, which nobody can tell just now, has not.
    pub(crate) fn removed<'r>(
        &'r self,
        planned: &'r HashSet<&TaskId>,
    ) -> impl Iterator<Item = (&'r TaskId, &'r TaskRecord)> {
        self.tasks.iter().filter(|(_, task)| task.is_open() && !task.is_among(planned))
    }

    /// The end of such a task.
    pub(crate) fn removed_end(task: TaskId) -> EventKind {
        let reason = Some("not in the manifest any more".to_owned());
        EventKind::TaskEnded { task, outcome: Outcome::Skipped, reason }
    }

    /// Every session that it has ever had.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        let attempts = self.tasks.values().chain(&self.superseded).flat_map(|task| &task.attempts);
        attempts.filter_map(|attempt| attempt.session.as_ref()).map(|session| &session.id)
    }

    /// When the last thing happened in it that is known.
    #[must_use]
    pub fn last_moment(&self) -> Timestamp {
        self.last_at
    }

    /// Takes the next event. Events of tasks that were never planned are passed over: an older program may
    /// read a newer one's ledger.
    pub fn apply(&mut self, event: &RunEvent) {
        self.last_seq = event.seq;
        let ts = event.ts;
        self.apply_kind(&event.kind, ts);
        if event.kind.may_come_later() {
            return;
        }
        self.last_at = ts;
        if self.surveyed {
            self.complete_until = Some(ts);
        }
    }

    /// The task of this id as it stood when its prompt was edited, if it had this key then.
    #[must_use]
    pub fn superseded(&self, id: &TaskId, key: &TaskKey) -> Option<&TaskRecord> {
        self.superseded.iter().rev().find(|task| task.planned.id == *id && task.planned.key == *key)
    }

    /// A task with another prompt takes the place of the one before; with the same or an earlier one it is that one again,
    /// but for its outcome: that is told again.
    fn plan(&mut self, planned: &Arc<PlannedTask>) {
        let is_it = |task: &TaskRecord| task.planned.id == planned.id && task.planned.key == planned.key;
        let before = self.tasks.insert(planned.id.clone(), TaskRecord::new(Arc::clone(planned)));
        self.superseded.extend(before.filter(|task| is_it(task) || !task.attempts.is_empty()));
        if let Some(back) = self.superseded.iter().rposition(is_it) {
            let (earlier, planned) = (self.superseded.remove(back), Arc::clone(planned));
            let again = TaskRecord { outcome: None, reason: None, ended_at: None, planned, ..earlier };
            self.tasks.insert(again.planned.id.clone(), again);
        }
    }

    fn apply_kind(&mut self, kind: &EventKind, ts: Timestamp) {
        if let EventKind::SessionCreated { session, .. } = kind {
            self.strays.retain(|stray| stray.session.id != session.id);
        }
        match kind {
            EventKind::RunStarted { .. } | EventKind::Noted { .. } => {}
            EventKind::RoundPlanned { round } => {
                self.round.clone_from(round);
                if let Some(Moved { manifest, file }) = &self.round.moved {
                    self.info.manifest.clone_from(manifest);
                    self.info.file.clone_from(file);
                }
            }
            EventKind::InvocationStarted { invocation, shard, workflow_run } => {
                self.invocations = *invocation;
                self.shard = *shard;
                self.workflow_run.clone_from(workflow_run);
                self.surveyed = false;
                self.ended_at = None;
                self.stopped = None;
                // Each invocation looks again.
                self.strays.clear();
                self.strays_unknown = None;
                self.service = ServiceStatus::default();
                let ended = std::mem::take(&mut self.current_usage);
                self.earlier_usage.add(&ended);
                let last = self.last_at;
                self.tasks.values_mut().for_each(|task| task.on_invocation(last, ts));
            }
            EventKind::SessionsSurveyed { .. } => {
                self.surveyed = true;
                self.tasks.values_mut().for_each(|task| task.surveyed = true);
            }
            EventKind::TaskPlanned { planned } => self.plan(planned),
            EventKind::ApiUsed { usage, service } => {
                self.current_usage.clone_from(usage);
                self.service.clone_from(service);
            }
            EventKind::WavesFixed { waves, terms, untouched } => {
                self.waves.fix(waves, terms.as_ref(), untouched, ts);
            }
            EventKind::WaveReleased { wave, .. } => self.waves.release(*wave, ts),
            EventKind::SessionDetails { task, attempt, details, diff } => {
                let diff = diff.as_ref().map(|_| self.last_seq);
                if let Some(record) = self.tasks.get_mut(task) {
                    record.learn(*attempt, details, diff);
                }
            }
            EventKind::GithubUsed { usage } => self.github.add(*usage),
            EventKind::StrayFound { stray } => {
                if !self.strays.iter().any(|known| known.session.id == stray.session.id) {
                    self.strays.push(stray.clone());
                }
            }
            EventKind::StraysUnknown { reason } => self.strays_unknown = Some(reason.clone()),
            EventKind::InvocationEnded { stopped } => {
                self.ended_at = Some(ts);
                self.stopped.clone_from(stopped);
            }
            EventKind::TaskReopened { task }
            | EventKind::TaskMarked { task, .. }
            | EventKind::IntentRecorded { task, .. }
            | EventKind::CreateRepeated { task, .. }
            | EventKind::CreateRefused { task, .. }
            | EventKind::CreateDoubted { task, .. }
            | EventKind::SessionCreated { task, .. }
            | EventKind::SessionState { task, .. }
            | EventKind::AgentActive { task, .. }
            | EventKind::PlanApproved { task, .. }
            | EventKind::Replied { task, .. }
            | EventKind::Nudged { task, .. }
            | EventKind::SessionArchiving { task, .. }
            | EventKind::SessionArchived { task, .. }
            | EventKind::WorkFound { task, .. }
            | EventKind::AttemptEnded { task, .. }
            | EventKind::TaskEnded { task, .. }
            | EventKind::PullRequestRead { task, .. }
            | EventKind::PullRequestAdopted { task, .. }
            | EventKind::PullRequestActing { task, .. }
            | EventKind::PullRequestActed { task, .. } => {
                if let Some(record) = self.tasks.get_mut(task) {
                    record.apply(kind, ts);
                }
            }
        }
    }
}
