//! For programs: what `report.json` says of the same, as far as a message has room. Fields are only ever added.

use foreign_text::first_line;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{NAME, Occasion, WORD, text};
use crate::outcome::{Outcome, Stage};
use crate::report::json::schema_of;
use crate::report::link::https;
use crate::report::v1::{optional_stage, optional_time, outcome, time};
use crate::report::{PullRequestV1, ReportV1, TaskV1, TotalsV1};

/// Entries of a list.
const ENTRIES: usize = 50;

/// What a webhook `{ to: json, … }` of `notify` is sent: how a run stands, and what of it needs a person.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "jules-batch notice")]
pub(super) struct NoticeV1 {
    /// The version of this form: 1. Fields are only ever added to it.
    v: u32,
    /// What has happened since the message before, in this order; what happens between two messages is told together.
    on: Vec<Occasion>,
    /// How it stands, in words.
    verdict: String,
    /// Which run.
    run: NoticeRunV1,
    /// How many tasks stand how.
    totals: NoticeTotalsV1,
    /// How many tasks have no outcome for good. Once the invocation has ended they are left for the next one.
    remaining: u64,
    /// Tasks that have failed, the worst first.
    failed: NoticeListV1<NoticeTaskV1>,
    /// Tasks whose session waits for a person: for an answer, or for the approval of its plan.
    asked: NoticeListV1<NoticeQuestionV1>,
    /// Pull requests that a person has to look at, those to repair first, those that were not read last.
    pulls: NoticeListV1<NoticePullV1>,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoticeRunV1 {
    /// Its id.
    id: String,
    /// The manifest's name, shortened.
    name: String,
    /// The manifest's path as it was given, shortened.
    manifest: String,
    /// Whether a simulator played the service.
    simulated: bool,
    /// When its first invocation began.
    #[schemars(schema_with = "time")]
    started_at: Timestamp,
    /// When its last invocation ended; null while one is at work.
    #[schemars(schema_with = "optional_time")]
    ended_at: Option<Timestamp>,
    /// Why the last invocation ended before its time, such as `deadline`; null while it is at work, or if all was done.
    stopped: Option<String>,
}

/// How many tasks stand how.
#[derive(Debug, Serialize, JsonSchema)]
struct NoticeTotalsV1 {
    #[serde(flatten)]
    ended: TotalsV1,
    /// Tasks that this invocation is at work on: they are no `detached` ones.
    at_work: u64,
    /// Tasks that this invocation has not started so far: they are no `deferred` ones.
    not_started: u64,
}

/// Entries, as many as a message has room for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
struct NoticeListV1<T> {
    /// How many there are.
    total: usize,
    /// The first 50 of them.
    entries: Vec<T>,
}

/// A task that has failed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoticeTaskV1 {
    /// Its id, shortened.
    task: String,
    /// How it has ended, as in `report.json`.
    #[schemars(schema_with = "outcome")]
    outcome: Outcome,
    /// The first line of why, shortened.
    reason: String,
    /// Its last session; null if it has none.
    session: Option<NoticeSessionV1>,
}

/// A task whose session waits for a person.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoticeQuestionV1 {
    #[serde(flatten)]
    task: NoticeTaskV1,
    /// What its session waits for.
    waits_for: WaitsForV1,
}

/// What a session waits for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum WaitsForV1 {
    /// An answer.
    Answer,
    /// The approval of its plan.
    PlanApproval,
}

/// A pull request.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoticePullV1 {
    /// The id of the task that made it, shortened.
    task: String,
    /// Its page; null if that is no https address.
    url: Option<String>,
    /// Where it stands, such as `review_required`; null if it was not read.
    #[schemars(schema_with = "optional_stage")]
    stage: Option<Stage>,
    /// What is to be known of that, such as which checks have failed.
    note: Option<String>,
    /// The session that made it; null if it is not known.
    session: Option<NoticeSessionV1>,
}

/// A session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoticeSessionV1 {
    /// Its id. It looks like a number and is none: it has more digits than JSON's readers keep.
    id: String,
    /// Its page; null if that is not known, or no https address.
    url: Option<String>,
}

/// The JSON Schema of what a webhook `{ to: json, … }` is sent.
pub(crate) fn notice_schema() -> Value {
    schema_of::<NoticeV1>("urn:jules-batch:schema:notice:1")
}

pub(super) fn payload(report: &ReportV1, occasions: &[Occasion]) -> NoticeV1 {
    let run = &report.run;
    let pulls = report.pull_groups();
    let needs = report.attention(&pulls);
    let (_, verdict) = report.verdict();
    NoticeV1 {
        v: 1,
        on: occasions.to_vec(),
        verdict,
        run: NoticeRunV1 {
            id: run.id.clone(),
            name: text(&run.name, NAME),
            manifest: text(&run.manifest, 4 * NAME),
            simulated: run.simulated,
            started_at: run.started_at,
            ended_at: run.ended_at,
            stopped: run.stopped.as_deref().map(|why| text(why, NAME)),
        },
        totals: NoticeTotalsV1::of(report),
        remaining: report.remaining,
        failed: NoticeListV1::of(&needs.failed, |task| NoticeTaskV1::of(task)),
        asked: NoticeListV1::of(&needs.asked, |task| NoticeQuestionV1::of(task)),
        pulls: NoticeListV1::of(&needs.pulls, |(pull, task)| NoticePullV1::of(pull, task)),
    }
}

impl NoticeTotalsV1 {
    /// While an invocation is at work, what would be left if it stopped now is not left.
    fn of(report: &ReportV1) -> Self {
        let mut ended = report.totals;
        let is_open = |task: &&TaskV1| report.run.ended_at.is_none() && task.ended_at.is_none();
        let open = |outcome| {
            report.tasks.iter().filter(is_open).filter(|task| task.outcome == outcome).count() as u64
        };
        let (at_work, not_started) = (open(Outcome::Detached), open(Outcome::Deferred));
        ended.detached = ended.detached.saturating_sub(at_work);
        ended.deferred = ended.deferred.saturating_sub(not_started);
        Self { ended, at_work, not_started }
    }
}

impl<T> NoticeListV1<T> {
    fn of<Of>(all: &[Of], entry: impl Fn(&Of) -> T) -> Self {
        Self { total: all.len(), entries: all.iter().take(ENTRIES).map(entry).collect() }
    }
}

impl NoticeTaskV1 {
    fn of(task: &TaskV1) -> Self {
        Self {
            task: text(&task.id, NAME),
            outcome: task.outcome,
            reason: text(first_line(task.reason_or_default().trim()), WORD),
            session: NoticeSessionV1::of(task),
        }
    }
}

impl NoticeQuestionV1 {
    fn of(task: &TaskV1) -> Self {
        let waits_for = if task.wants_approval() { WaitsForV1::PlanApproval } else { WaitsForV1::Answer };
        Self { task: NoticeTaskV1::of(task), waits_for }
    }
}

impl NoticePullV1 {
    fn of(pull: &PullRequestV1, task: &TaskV1) -> Self {
        Self {
            task: text(&task.id, NAME),
            url: https(&pull.url),
            stage: pull.stage,
            note: pull.note().map(|note| text(&note, WORD)),
            session: NoticeSessionV1::of(task),
        }
    }
}

impl NoticeSessionV1 {
    fn of(task: &TaskV1) -> Option<Self> {
        let session = task.session()?;
        Some(Self { id: session.id.clone(), url: session.url.as_deref().and_then(https) })
    }
}
