//! Run events: every change of a run, one object each.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ApiUsage, Details, GithubUsage, Mark, Marker, Outcome, PlannedTask, PullAction, PullRequest, PullResult,
    PullStatus, RoundInfo, RunId, RunInfo, ServiceStatus, SessionRef, WaveTerms, Work,
};
use crate::plan::{Shard, TaskId};

/// One change of a run, as `events.jsonl` and the ledger keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Counts from 1 within the run, over all its invocations, without a gap.
    pub seq: u64,
    /// When we learnt of it.
    pub ts: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. Fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum EventKind {
    /// A new run: always its first event.
    RunStarted {
        /// Which.
        run: RunInfo,
    },
    /// How the run lies in its manifest, when an invocation begins; the last one counts.
    RoundPlanned {
        /// What is known beside the run's own tasks.
        round: Box<RoundInfo>,
    },
    /// A process took the run up.
    InvocationStarted {
        /// Counts from 1.
        invocation: u32,
        /// The part of the manifest that it was for (`--shard`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shard: Option<Shard>,
        /// The run of the CI workflow that it belongs to, whichever attempt at that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workflow_run: Option<String>,
    },
    /// The run knows which sessions of its tasks the service holds already: what carried their markers is adopted.
    /// A run that was killed before that must look again, although its ledger is there.
    SessionsSurveyed {
        /// How many were adopted.
        adopted: usize,
    },
    /// A task belongs to the run. A later one with the same id supersedes it (its prompt was edited).
    TaskPlanned {
        /// The task.
        #[serde(flatten)]
        planned: Arc<PlannedTask>,
    },
    /// An ended task is open again (`--failed`, or the next invocation goes on with it).
    TaskReopened {
        /// Which.
        task: TaskId,
    },
    /// A person has said how a task stands (`jules-batch mark`).
    TaskMarked {
        /// Which.
        task: TaskId,
        /// As what.
        mark: Mark,
        /// Who: the name of the user, as the machine knows it.
        by: String,
        /// Why, in the person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// We are about to create a session: its POST leaves at once, or never. On disk before that.
    IntentRecorded {
        /// For which task.
        task: TaskId,
        /// Which attempt, from 1.
        attempt: u32,
        /// What its title will end with.
        marker: Marker,
        /// When its POST was first sent, by the service's clock, where that is not the event's time: clocks differ, or it is
        /// an earlier run's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service_time: Option<Timestamp>,
        /// Its POST has left by then, or never leaves; by the service's clock. None for a session that is taken up, and from
        /// older programs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        send_by: Option<Timestamp>,
    },
    /// The POST of an intent is about to be sent once more: the one before surely made nothing, or nothing that was found.
    /// On disk before it leaves.
    CreateRepeated {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Which POST of it, from 2.
        post: u32,
        /// It has left by then, or never leaves; by the service's clock.
        send_by: Timestamp,
    },
    /// No session was created, for certain: the intent is void.
    CreateRefused {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// In one line.
        cause: String,
        /// Whether it was for capacity (quota, concurrency): no failure of the task.
        capacity: bool,
        /// It was not the service: the run was stopping, and the request was not sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        withdrawn: bool,
    },
    /// Nobody knows whether the session was created: we look for its marker.
    CreateDoubted {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// In one line.
        cause: String,
    },
    /// The session exists. On disk before anything else is done with it. One that is told a second time was given up
    /// and is taken up again.
    SessionCreated {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The session.
        session: SessionRef,
        /// Found by its marker instead of in the answer to our POST.
        adopted: bool,
        /// When it was created, by the service's clock, if that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
    },
    /// The session's state changed.
    SessionState {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The service's own word, such as `IN_PROGRESS`; it may be one that we do not know.
        state: String,
        /// Milliseconds from the session's end, by the service's clock, until we saw it. Only when it had ended while
        /// we followed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detected_after_ms: Option<u64>,
    },
    /// What the agent did last, where its activities were read: for another reason, or now and then for the live table.
    AgentActive {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// In one line: a command, the title of its progress, the first line of its message.
        activity: String,
        /// How many milliseconds before.
        ago_ms: u64,
    },
    /// We approved the session's plan.
    PlanApproved {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    },
    /// We answered the agent (`waiting.user-feedback`). On disk before the message leaves: it is not idempotent.
    Replied {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    },
    /// We nudged a silent agent (`waiting.stall`). On disk before the message leaves.
    Nudged {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    },
    /// We are about to put the attempt's session, which had not ended, into the archive: it was given up, or is to be replaced.
    /// On disk before the request leaves: whoever finds it there knows that nobody else has put it there.
    SessionArchiving {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    },
    /// The attempt's session had not ended when it was given up; it is in the archive now, which pauses it.
    SessionArchived {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    },
    /// What the attempt's session has said and done, read once at its end (`report.details`).
    SessionDetails {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// What is kept for every task.
        details: Arc<Details>,
        /// Its change as a patch, cut at the end of a line where it is long. Only the ledger has it: it is no part of
        /// `events.jsonl`, and no record keeps it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        diff: Option<String>,
    },
    /// A look after the attempt's end shows that its session has opened more pull requests by then.
    WorkFound {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// All its pull requests; its change stays as it was.
        work: Work,
    },
    /// An attempt is over; the task may have another.
    AttemptEnded {
        /// For which task.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// How.
        outcome: Outcome,
        /// Why, in the words of the service or the agent where there are any.
        reason: Option<String>,
        /// What it made.
        #[serde(default)]
        work: Work,
    },
    /// The task has its outcome.
    TaskEnded {
        /// Which.
        task: TaskId,
        /// How.
        outcome: Outcome,
        /// Why.
        reason: Option<String>,
    },
    /// A pull request of the task was read, and something is told of it that was not known, or for the first time in
    /// this invocation.
    PullRequestRead {
        /// The task that made it.
        task: TaskId,
        /// How it stands.
        pull: Arc<PullStatus>,
    },
    /// The task ends with a pull request that an earlier run made, and no session is created
    /// (`pull-requests.existing`): well, or skipped because of one that no ledger knows.
    PullRequestAdopted {
        /// Which task.
        task: TaskId,
        /// The pull request.
        pull: Box<PullRequest>,
        /// The session that made it, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionRef>,
        /// The run that had it, where the ledger knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
    },
    /// We are about to change a pull request. On disk before the request leaves: none of these is idempotent.
    PullRequestActing {
        /// The task that made it.
        task: TaskId,
        /// Its page.
        url: String,
        /// What we do.
        action: PullAction,
        /// The head that it is meant for: at another one it does not happen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<String>,
        /// Who has it done: the name of the user, as the machine knows it.
        by: String,
    },
    /// What became of that.
    PullRequestActed {
        /// The task that made it.
        task: TaskId,
        /// Its page.
        url: String,
        /// What we did.
        action: PullAction,
        /// How it went.
        result: PullResult,
        /// In one line: why not, in GitHub's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Which repositories belong to which wave (`strategy.waves`): told when the run begins, and again with those that have
    /// joined since. The last counts.
    WavesFixed {
        /// The repositories of each wave, the first wave's first; none where the manifest has no waves any more.
        waves: Vec<Vec<String>>,
        /// What lets the next wave begin.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<WaveTerms>,
        /// Those of the repositories that no task of the run is on yet, such as what a selection has left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        untouched: Vec<String>,
    },
    /// A wave may begin, and it stays so whatever becomes of the one before.
    WaveReleased {
        /// Which, from 1.
        wave: usize,
        /// Whose word lets it begin (`run --next-wave`): the name of the user, as the machine knows it. None where the wave before
        /// has passed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// What was asked of GitHub since the last such event; all of them together count.
    GithubUsed {
        /// Requests, points and writes.
        usage: GithubUsage,
    },
    /// Something a person should know that belongs to no other event.
    Noted {
        /// The task concerned, if one is.
        task: Option<TaskId>,
        /// In one line.
        note: String,
    },
    /// What this invocation has cost so far; the last one of an invocation counts.
    ApiUsed {
        /// Requests by method and the rest.
        usage: Box<ApiUsage>,
        /// What keeps requests from being answered at the moment.
        #[serde(default, skip_serializing_if = "ServiceStatus::is_nothing")]
        service: ServiceStatus,
    },
    /// The final listing found a session with this run's marker that the ledger does not know; or any listing one that another
    /// run has created while this one was at work, for a task that has one here.
    StrayFound {
        /// The session.
        stray: Stray,
    },
    /// The final listing cannot show every stray: that it shows none means nothing.
    StraysUnknown {
        /// Why, in one line.
        reason: String,
    },
    /// The process leaves the run.
    InvocationEnded {
        /// Why before its time: `deadline`, `max-failures`, `interrupt`, …; none when all was done.
        stopped: Option<String>,
    },
}

impl EventKind {
    /// Whether acting before it is on disk could create twice or lose something.
    #[must_use]
    pub const fn is_promise(&self) -> bool {
        matches!(
            self,
            Self::RunStarted { .. }
                | Self::SessionsSurveyed { .. }
                | Self::IntentRecorded { .. }
                | Self::CreateRepeated { .. }
                | Self::SessionCreated { .. }
                | Self::Replied { .. }
                | Self::Nudged { .. }
                | Self::SessionArchiving { .. }
                | Self::TaskMarked { .. }
                | Self::PullRequestActing { .. }
                | Self::WavesFixed { .. }
                | Self::WaveReleased { .. }
                | Self::InvocationEnded { .. }
        )
    }

    /// Whether it may let tasks begin that wait for what becomes of others, or not.
    pub(crate) const fn may_release(&self) -> bool {
        matches!(self, Self::SessionsSurveyed { .. } | Self::TaskEnded { .. } | Self::PullRequestRead { .. })
    }

    /// Whether it may come to a run that no invocation is at work on: it says nothing of how far the last one got.
    pub(super) const fn may_come_later(&self) -> bool {
        matches!(
            self,
            Self::TaskMarked { .. }
                | Self::PullRequestRead { .. }
                | Self::PullRequestActing { .. }
                | Self::PullRequestActed { .. }
                | Self::GithubUsed { .. }
        )
    }

    /// The task concerned, if one is.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::TaskPlanned { planned } => Some(&planned.id),
            Self::TaskReopened { task }
            | Self::TaskMarked { task, .. }
            | Self::IntentRecorded { task, .. }
            | Self::CreateRepeated { task, .. }
            | Self::CreateRefused { task, .. }
            | Self::CreateDoubted { task, .. }
            | Self::SessionCreated { task, .. }
            | Self::SessionState { task, .. }
            | Self::AgentActive { task, .. }
            | Self::PlanApproved { task, .. }
            | Self::Replied { task, .. }
            | Self::Nudged { task, .. }
            | Self::SessionArchiving { task, .. }
            | Self::SessionArchived { task, .. }
            | Self::SessionDetails { task, .. }
            | Self::WorkFound { task, .. }
            | Self::AttemptEnded { task, .. }
            | Self::TaskEnded { task, .. }
            | Self::PullRequestRead { task, .. }
            | Self::PullRequestAdopted { task, .. }
            | Self::PullRequestActing { task, .. }
            | Self::PullRequestActed { task, .. } => Some(task),
            Self::Noted { task, .. } => task.as_ref(),
            Self::RunStarted { .. }
            | Self::RoundPlanned { .. }
            | Self::InvocationStarted { .. }
            | Self::SessionsSurveyed { .. }
            | Self::ApiUsed { .. }
            | Self::GithubUsed { .. }
            | Self::WavesFixed { .. }
            | Self::WaveReleased { .. }
            | Self::StrayFound { .. }
            | Self::StraysUnknown { .. }
            | Self::InvocationEnded { .. } => None,
        }
    }
}

/// A session with this run's marker that the run does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stray {
    /// The session.
    #[serde(flatten)]
    pub session: SessionRef,
    /// Its title.
    pub title: String,
    /// The task that its marker names, if it is still in the manifest.
    pub task: Option<TaskId>,
}
