//! For programs: what `report.json` says of the same, as far as a message has room. Fields are only ever added.

use foreign_text::first_line;
use serde_json::{Value, json};

use super::{NAME, Occasion, WORD, text};
use crate::outcome::Stage;
use crate::report::link::https;
use crate::report::{PullRequestV1, ReportV1, TaskV1};

/// Entries of a list.
const ENTRIES: usize = 50;

pub(super) fn payload(report: &ReportV1, occasions: &[Occasion]) -> Value {
    let run = &report.run;
    let occasions: Vec<_> = occasions.iter().map(|occasion| occasion.as_str()).collect();
    let pulls = report.pull_groups();
    let needs = report.attention(&pulls);
    let (_, verdict) = report.verdict();
    json!({
        "v": 1,
        "on": occasions,
        "verdict": verdict,
        "run": {
            "id": run.id,
            "name": text(&run.name, NAME),
            "manifest": text(&run.manifest, 4 * NAME),
            "simulated": run.simulated,
            "startedAt": run.started_at,
            "endedAt": run.ended_at,
            "stopped": run.stopped.as_deref().map(|why| text(why, NAME)),
        },
        "totals": report.totals,
        "remaining": report.remaining,
        "failed": listed(&needs.failed, |task| of_task(task)),
        "asked": listed(&needs.asked, |task| of_task(task)),
        "pulls": listed(&needs.pulls, |(pull, task)| of_pull(pull, task)),
    })
}

fn listed<T>(all: &[T], entry: impl Fn(&T) -> Value) -> Value {
    let entries: Vec<Value> = all.iter().take(ENTRIES).map(entry).collect();
    json!({ "total": all.len(), "entries": entries })
}

fn of_task(task: &TaskV1) -> Value {
    json!({
        "task": text(&task.id, NAME),
        "outcome": task.outcome.as_str(),
        "reason": text(first_line(task.reason_or_default().trim()), WORD),
        "session": session(task),
    })
}

fn of_pull(pull: &PullRequestV1, task: &TaskV1) -> Value {
    json!({
        "task": text(&task.id, NAME),
        "url": https(&pull.url),
        "stage": pull.stage.map(Stage::as_str),
        "note": pull.note().map(|note| text(&note, WORD)),
        "session": session(task),
    })
}

fn session(task: &TaskV1) -> Value {
    let url = |url: &str| https(url);
    json!(
        task.session()
            .map(|session| json!({ "id": session.id, "url": session.url.as_deref().and_then(url) }))
    )
}
